//! Work items on several threads, their results folded in order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::fitting::message;

/// How many work items there are, and who does them.
pub(crate) struct Job {
    pub count: usize,
    pub threads: Threads,
}

/// Which threads evaluate items.
pub(crate) enum Threads {
    /// The calling one.
    Calling,
    /// All of rayon's share each item. It is evaluated from inside their pool: handing over every
    /// operation of a network from outside takes longer than many of them do.
    Shared,
    /// This many, each with items of its own, in a rayon pool of one that keeps what it calls there.
    Workers(usize),
}

/// Finished items that a worker may hold back while an earlier one is not done: enough to even out
/// items that take longer, few enough to bound memory.
const AHEAD_PER_WORKER: usize = 2;

/// Evaluates items `0..count` and folds the results in this order.
///
/// The first error in the order of the items ends the work, whichever worker came upon it; a panic
/// in `evaluate` is turned into an error by `panicked`. One in `fold` is passed on.
pub(crate) fn in_order<R: Send>(
    job: &Job,
    evaluate: impl Fn(usize) -> Result<R> + Sync,
    panicked: impl Fn(usize, String) -> Error + Sync,
    mut fold: impl FnMut(usize, R) -> Result<()> + Send,
) -> Result<()> {
    let count = job.count;
    let evaluate = |item| {
        // What a panic leaves half done inside the model is not looked at again.
        let result = catch_unwind(AssertUnwindSafe(|| evaluate(item)));
        result.unwrap_or_else(|panic| Err(panicked(item, message(&*panic).to_owned())))
    };
    let mut one_by_one = || (0..count).try_for_each(|item| fold(item, evaluate(item)?));
    let workers = match job.threads {
        Threads::Calling => return one_by_one(),
        Threads::Shared => return rayon::scope(|_| one_by_one()),
        Threads::Workers(workers) => workers.min(count),
    };
    let queue = Queue {
        state: Mutex::new(State { next: 0, folded: 0, ready: BTreeMap::new(), fold, error: None }),
        changed: Condvar::new(),
        count,
        ahead: workers * AHEAD_PER_WORKER,
    };
    let work = || queue.work(&evaluate);
    std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..workers)
            .map_while(|_| {
                let thread = std::thread::Builder::new().name("saliency".to_owned());
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()?;
                let work = &work;
                let run = move || pool.install(work);
                thread.spawn_scoped(scope, run).ok()
            })
            .collect();
        if spawned.is_empty() {
            // A system without threads to spare.
            work();
        }
        for worker in spawned {
            if let Err(panic) = worker.join() {
                resume_unwind(panic);
            }
        }
    });
    let state = queue.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.error.map_or(Ok(()), Err)
}

struct Queue<R, F> {
    state: Mutex<State<R, F>>,
    changed: Condvar,
    count: usize,
    ahead: usize,
}

struct State<R, F> {
    /// The item that the next free worker takes.
    next: usize,
    /// Items before this one are folded.
    folded: usize,
    /// Results that wait for an earlier one.
    ready: BTreeMap<usize, Result<R>>,
    fold: F,
    error: Option<Error>,
}

impl<R, F: FnMut(usize, R) -> Result<()>> Queue<R, F> {
    /// What every worker does until nothing is left or somebody failed.
    fn work(&self, evaluate: &impl Fn(usize) -> Result<R>) {
        while let Some(item) = self.take() {
            let result = evaluate(item);
            // A poisoned lock: the fold panicked on another worker, whose panic is passed on.
            let Ok(mut state) = self.state.lock() else { return };
            state.ready.insert(item, result);
            // Wakes the others even where the fold panics.
            let _waker = Waker(&self.changed);
            state.fold_ready();
        }
    }

    fn take(&self) -> Option<usize> {
        let waits = |state: &mut State<R, F>| {
            state.error.is_none()
                && state.next < self.count
                && state.next >= state.folded + self.ahead
        };
        let state: MutexGuard<'_, _> = self.state.lock().ok()?;
        let mut state = self.changed.wait_while(state, waits).ok()?;
        let item = state.next;
        if state.error.is_some() || item == self.count {
            return None;
        }
        state.next += 1;
        Some(item)
    }
}

impl<R, F: FnMut(usize, R) -> Result<()>> State<R, F> {
    fn fold_ready(&mut self) {
        while self.error.is_none() {
            let Some(result) = self.ready.remove(&self.folded) else { return };
            let folded = result.and_then(|result| (self.fold)(self.folded, result));
            self.error = folded.err();
            self.folded += 1;
        }
    }
}

struct Waker<'a>(&'a Condvar);

impl Drop for Waker<'_> {
    fn drop(&mut self) {
        self.0.notify_all();
    }
}
