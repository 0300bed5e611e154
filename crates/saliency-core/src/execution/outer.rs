//! The limits that the explainers around a piece of work set for the explainers inside it.

use std::cell::RefCell;

use crate::execution::schedule::Cancel;

/// The limits of the work that a thread does at the moment. Explainers inside read them here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outer {
    /// The tokens that cancel the work.
    pub cancels: Vec<Cancel>,
    /// The most threads that it may use, if it is on a worker's thread: the share of this worker.
    pub workers: Option<usize>,
    /// The memory that it may take, if a schedule around it has a budget.
    pub room: Option<Room>,
}

/// The memory that explainers inside may take, in inputs of the model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// The most inputs in one chunk. It depends on the schedules alone, so that results do not
    /// depend on the number of workers.
    pub chunk: usize,
    /// The most inputs at the same time.
    pub inputs: usize,
}

thread_local! {
    static OUTER: RefCell<Outer> = RefCell::default();
}

impl Outer {
    /// Returns the limits of the work that this thread does.
    pub fn here() -> Self {
        OUTER.with_borrow(Self::clone)
    }

    /// Calls `f` on this thread within these limits.
    pub fn limit<R>(self, f: impl FnOnce() -> R) -> R {
        struct Before(Outer);
        impl Drop for Before {
            fn drop(&mut self) {
                OUTER.set(std::mem::take(&mut self.0));
            }
        }
        let _before = Before(OUTER.replace(self));
        f()
    }
}
