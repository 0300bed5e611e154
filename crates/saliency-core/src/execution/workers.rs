//! The threads of workers, and rayon's pools. The only file of the engine that knows of rayon.

use std::panic::resume_unwind;
#[cfg(feature = "rayon")]
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;

use crate::execution::device::computes_on_calling_thread;
use crate::execution::panics::caught;
#[cfg(all(feature = "rayon", target_os = "linux"))]
use crate::execution::spread::over_cores;

/// Calls `work` on this many threads at once, and returns when all are done. A panic is passed on.
///
/// Each thread is a rayon pool of one thread, which keeps everything that `work` calls on that
/// thread. If the system has no threads to spare, calls `work` on fewer of them, at least on the
/// calling one.
#[cfg(feature = "rayon")]
pub(crate) fn on_workers(count: usize, work: &(impl Fn() + Sync)) {
    let pools = Lent::take(count);
    if pools.0.is_empty() {
        return work();
    }
    on_each(&pools.0, work);
}

/// Calls `work` on this many threads at once, and returns when all are done. A panic is passed on.
#[cfg(not(feature = "rayon"))]
pub(crate) fn on_workers(count: usize, work: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        let thread = || std::thread::Builder::new().name(NAME.to_owned());
        let spawned = (0..count).map_while(|_| thread().spawn_scoped(scope, work).ok());
        let spawned: Vec<_> = spawned.collect();
        if spawned.is_empty() {
            work();
        }
        for worker in spawned {
            if let Err(panic) = worker.join() {
                resume_unwind(panic);
            }
        }
    });
}

/// The name of worker threads.
const NAME: &str = "saliency";

/// The pools that nobody uses at the moment. A thread takes longer to start than many a small model
/// takes for its gradients, so that threads are kept.
#[cfg(feature = "rayon")]
static IDLE: Mutex<Vec<rayon::ThreadPool>> = Mutex::new(Vec::new());

/// Pools of one thread, for the time of a call. Nobody else uses them meanwhile, so that a worker
/// may wait for workers of its own.
#[cfg(feature = "rayon")]
struct Lent(Vec<rayon::ThreadPool>);

#[cfg(feature = "rayon")]
impl Lent {
    /// Takes up to `count` pools, fewer only if the system has no threads to spare.
    fn take(count: usize) -> Self {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.len().saturating_sub(count);
        let mut pools = idle.split_off(kept);
        drop(idle);
        while pools.len() < count {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
            match pool.thread_name(|_| NAME.to_owned()).build() {
                Ok(pool) => pools.push(pool),
                Err(_) => break,
            }
        }
        Self(pools)
    }
}

#[cfg(feature = "rayon")]
impl Drop for Lent {
    /// Gives the pools back. Keeps two for each core, enough for a wrapped explainer.
    fn drop(&mut self) {
        let most = 2 * cores();
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let room = most.saturating_sub(idle.len()).min(self.0.len());
        idle.extend(self.0.drain(..room));
    }
}

/// Calls `work` in each of the pools at once.
#[cfg(feature = "rayon")]
fn on_each(pools: &[rayon::ThreadPool], work: &(impl Fn() + Sync)) {
    let Some((pool, others)) = pools.split_first() else { return };
    pool.in_place_scope(|scope| {
        scope.spawn(|_| work());
        on_each(others, work);
    });
}

/// About how much a call computes, as far as it can be told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// To hand the call over to a pool would take longer.
    Little,
    /// Worth a pool.
    Much,
    /// Worth the time to place the threads of the pool as well.
    VeryMuch,
}

/// Calls `f` inside rayon's pool if it computes enough, and the caller is in no pool yet.
///
/// From outside, each operation that Burn spreads over the cores is handed over to the pool, which
/// takes longer than many operations of a network. To hand over `f` itself takes longer than a small
/// network's gradient.
pub(crate) fn in_pool_if_worth_it<R: Send>(amount: Amount, f: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "rayon")]
    if amount != Amount::Little && !calling_pool().inside {
        // Caught on the pool's thread, so that the caller alone decides whether a panic is printed.
        let run = || rayon::scope(|_| caught(f));
        let found = if amount == Amount::VeryMuch { over_cores(run) } else { run() };
        return found.unwrap_or_else(|panic| resume_unwind(panic));
    }
    let _ = amount;
    f()
}

/// Calls `f`. Only on Linux was a reason found to do more.
#[cfg(all(feature = "rayon", not(target_os = "linux")))]
fn over_cores<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Calls `f` inside rayon's pool if its operations are computed by the threads that call them: for a
/// pass of a model that is not an [`Evaluator`](crate::kit::Evaluator)'s.
pub(crate) fn in_pool<R: Send>(device: &Device, f: impl FnOnce() -> R + Send) -> R {
    let amount = if computes_on_calling_thread(device) { Amount::Much } else { Amount::Little };
    in_pool_if_worth_it(amount, f)
}

/// Returns the number of cores.
fn cores() -> usize {
    static CORES: std::sync::LazyLock<usize> = std::sync::LazyLock::new(|| {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    });
    *CORES
}

/// Returns the number of cores that the pool of the calling thread has, and whether the caller is
/// inside it.
pub(crate) fn calling_pool() -> CallingPool {
    #[cfg(feature = "rayon")]
    return CallingPool {
        threads: rayon::current_num_threads(),
        inside: rayon::current_thread_index().is_some(),
    };
    #[cfg(not(feature = "rayon"))]
    CallingPool { threads: cores(), inside: false }
}

/// The pool of threads that a call comes from.
#[derive(Clone, Copy)]
pub(crate) struct CallingPool {
    pub threads: usize,
    /// Whether the call comes from one of the pool's own threads.
    pub inside: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::{Barrier, Mutex as Lock};

    #[test]
    fn each_worker_has_a_thread_of_its_own_also_within_a_worker() {
        let threads = Lock::new(HashSet::new());
        let (two, three) = (Barrier::new(2), Barrier::new(6));
        on_workers(2, &|| {
            two.wait();
            on_workers(3, &|| {
                three.wait();
                threads.lock().unwrap().insert(std::thread::current().id());
            });
        });
        assert_eq!(threads.into_inner().unwrap().len(), 6);
    }

    #[test]
    fn a_panic_is_passed_on_and_the_threads_are_used_again() {
        for _ in 0..3 {
            let panic = std::panic::catch_unwind(|| on_workers(2, &|| panic!("a worker's own")));
            assert_eq!(*panic.unwrap_err().downcast_ref::<&str>().unwrap(), "a worker's own");
        }
        let count = std::sync::atomic::AtomicUsize::new(0);
        on_workers(2, &|| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 2);
    }
}
