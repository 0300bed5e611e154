//! The memory of this machine.

/// Returns how many bytes this program can still take, or `None` if the system does not report it.
#[cfg(feature = "memory")]
pub(crate) fn free() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let free = system.available_memory();
    // A container may have less than the machine.
    Some(system.cgroup_limits().map_or(free, |limits| free.min(limits.free_memory)))
}

/// Returns `None`, because the program was built without the feature `memory`.
#[cfg(not(feature = "memory"))]
pub(crate) fn free() -> Option<u64> {
    None
}
