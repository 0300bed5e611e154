//! Measures time and memory.

use std::time::Instant;

/// Returns the seconds that a call takes.
pub fn seconds(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64()
}

/// Returns the median; of an even number of values, the upper one of the two in the middle.
///
/// # Panics
/// Panics if there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Reads a line of this process's status, in MiB: `VmHWM` for the peak of its memory, `VmRSS` for its
/// memory now. Returns `None` on other systems than Linux.
pub fn process_memory(line: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|it| it.starts_with(line))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
