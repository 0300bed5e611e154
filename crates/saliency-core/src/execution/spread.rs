//! Keeps the threads of rayon's pool on different cores while they work on one pass.
//!
//! The host of a virtual machine stops a core that has been idle for a moment. Then Linux does not
//! take this core for a free one, and wakes a second thread on the core where the first one is
//! running. The two take turns there for tens of milliseconds, and the other core stays idle. The
//! gradient of a photo is done before Linux moves one of them.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps each thread of rayon's pool on a core of its own while `f` runs. The caller is outside the
/// pool.
///
/// Does nothing unless the pool has a thread for each core that the caller may use: with cores to
/// spare, Linux finds a free one, and other programs may need those that would be chosen here. Does
/// nothing either if Linux does not allow it.
pub(crate) fn over_cores<R>(f: impl FnOnce() -> R) -> R {
    // Threads of the pool may have fewer cores at the moment, because of another pass.
    let Ok(allowed) = sched_getaffinity(None) else { return f() };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    if cores.len() < 2 || cores.len() != rayon::current_num_threads() {
        return f();
    }
    // Nothing waits for the threads: one may be busy with something else. Each comes to these two
    // jobs in this order.
    rayon::spawn_broadcast(move |thread| {
        let mut one = CpuSet::new();
        one.set(cores[thread.index()]);
        stay_on(&one);
    });
    let released = Released(allowed);
    let found = f();
    drop(released);
    found
}

/// Gives the threads all cores again, also if `f` panics.
struct Released(CpuSet);

impl Drop for Released {
    fn drop(&mut self) {
        let allowed = self.0;
        rayon::spawn_broadcast(move |_| stay_on(&allowed));
    }
}

/// Lets the calling thread run on these cores alone. This only saves time, so an error is ignored.
fn stay_on(cores: &CpuSet) {
    let _ = sched_setaffinity(None, cores);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the cores of each thread of the calling thread's pool.
    fn cores_of_threads() -> Vec<Vec<usize>> {
        rayon::broadcast(|_| {
            let allowed = sched_getaffinity(None).unwrap();
            (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
        })
    }

    /// A pool with a thread for each core is spread, and a smaller one is left alone. Afterwards each
    /// thread has all cores again, also after a panic.
    #[test]
    fn threads_have_a_core_each_until_the_work_is_done() {
        let all = std::thread::available_parallelism().unwrap().get();
        let cores = sched_getaffinity(None).unwrap().count() as usize;
        for threads in [cores, all, 1] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let before = cores_of_threads();
                let inside = over_cores(cores_of_threads);
                if threads == cores && cores > 1 {
                    assert!(inside.iter().all(|cores| cores.len() == 1), "{inside:?}");
                    assert_eq!(inside.concat(), before[0]);
                } else {
                    assert_eq!(inside, before);
                }
                assert_eq!(cores_of_threads(), before);
                let panic = std::panic::catch_unwind(|| over_cores(|| panic!("while spread")));
                assert!(panic.is_err());
                assert_eq!(cores_of_threads(), before);
            });
        }
    }
}
