//! Evaluates work items on several threads, and folds their results in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::execution::panics::{caught, message};
use crate::execution::workers::on_workers;

/// The number of work items, and the threads that do them.
pub(crate) struct Job {
    pub count: usize,
    pub threads: Threads,
}

/// The threads that evaluate items.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Threads {
    /// The calling thread.
    Calling,
    /// This many worker threads, each with items of its own.
    Workers(usize),
}

impl Threads {
    /// Returns the threads for this many items: no more than there are items, and none of their own
    /// for a single one.
    pub fn for_items(self, items: usize) -> Self {
        match self {
            Self::Workers(workers) if items > 1 => Self::Workers(workers.min(items)),
            _ => Self::Calling,
        }
    }
}

/// The number of finished items that a worker may hold back while an earlier one is not done:
/// enough to even out items that take longer, few enough to bound memory.
const AHEAD_PER_WORKER: usize = 2;

/// Evaluates items `0..count` and folds the results in this order.
///
/// The first error in the order of the items ends the work, whichever worker met it. A panic in
/// `evaluate` is turned into an error by `panicked`; a panic in `fold` is passed on.
pub(crate) fn in_order<R: Send>(
    job: &Job,
    evaluate: impl Fn(usize) -> Result<R> + Sync,
    panicked: impl Fn(usize, String) -> Error + Sync,
    mut fold: impl FnMut(usize, R) -> Result<()> + Send,
) -> Result<()> {
    let count = job.count;
    let evaluate = |item| {
        // Nothing that a panic leaves half done inside the model is used again.
        let result = caught(|| evaluate(item));
        result.unwrap_or_else(|panic| Err(panicked(item, message(&*panic).to_owned())))
    };
    let mut one_by_one = || (0..count).try_for_each(|item| fold(item, evaluate(item)?));
    let workers = match job.threads {
        Threads::Calling => return one_by_one(),
        Threads::Workers(workers) => workers.min(count),
    };
    let queue = Queue {
        state: Mutex::new(State { next: 0, folded: 0, ready: BTreeMap::new(), fold, error: None }),
        changed: Condvar::new(),
        count,
        ahead: workers * AHEAD_PER_WORKER,
    };
    on_workers(workers, &|| queue.work(&evaluate));
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
    /// Takes items and evaluates them until nothing is left or an item failed.
    fn work(&self, evaluate: &impl Fn(usize) -> Result<R>) {
        while let Some(item) = self.take() {
            let result = evaluate(item);
            // The lock is poisoned if the fold panicked on another worker, whose panic is passed
            // on.
            let Ok(mut state) = self.state.lock() else { return };
            state.ready.insert(item, result);
            // Wakes the others even if the fold panics.
            let _waker = Waker(&self.changed);
            state.fold_ready();
        }
    }

    /// Returns the next item, as soon as it is not too far ahead of the fold.
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
    /// Folds the results that are next in order.
    fn fold_ready(&mut self) {
        while self.error.is_none() {
            let Some(result) = self.ready.remove(&self.folded) else { return };
            let folded = result.and_then(|result| (self.fold)(self.folded, result));
            self.error = folded.err();
            self.folded += 1;
        }
    }
}

/// Wakes all waiting workers when it is dropped.
struct Waker<'a>(&'a Condvar);

impl Drop for Waker<'_> {
    fn drop(&mut self) {
        self.0.notify_all();
    }
}
