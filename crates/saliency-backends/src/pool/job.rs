use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use saliency_core::{Attribution, Error, Result};

use super::errors;
use super::host::Host;

/// The work that the devices share: rows that wait, and answers.
pub(super) struct Job {
    state: Mutex<State>,
    changed: Condvar,
    total: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Range<usize>>,
    /// The number of pieces that devices work on.
    under_way: usize,
    /// By their first row.
    done: BTreeMap<usize, Attribution<Host>>,
    rows_done: usize,
    lost_rows: Vec<usize>,
    lost: Vec<String>,
    failure: Option<Failure>,
}

/// The error for the first rows that failed.
struct Failure {
    start: usize,
    error: Error,
}

/// The answers of all devices.
pub(super) struct Finished {
    /// In the order of their rows.
    pub maps: Vec<Attribution<Host>>,
    /// The rows that a device was lost with, in order.
    pub lost: Vec<usize>,
}

impl Job {
    /// Cuts `total` rows into pieces of `rows_at_once`.
    pub fn new(total: usize, rows_at_once: usize) -> Self {
        let starts = (0..total).step_by(rows_at_once);
        let pieces = starts.map(|start| start..total.min(start + rows_at_once));
        Self {
            state: Mutex::new(State { waiting: pieces.collect(), ..State::default() }),
            changed: Condvar::new(),
            total,
        }
    }

    /// Returns the number of rows of the whole job.
    pub fn total(&self) -> usize {
        self.total
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next rows. While others are at work, waits for what they may give back. Returns
    /// `None` if nothing is left or rows have failed.
    pub fn take(&self) -> Option<Range<usize>> {
        let waits = |state: &mut State| {
            state.failure.is_none() && state.waiting.is_empty() && state.under_way > 0
        };
        let state = self.changed.wait_while(self.state(), waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return None;
        }
        let rows = state.waiting.pop_front()?;
        state.under_way += 1;
        Some(rows)
    }

    /// Keeps the answer for some rows, and returns how many rows are done now.
    pub fn done(&self, rows: &Range<usize>, map: Attribution<Host>) -> usize {
        let mut state = self.state();
        state.done.insert(rows.start, map);
        state.rows_done += rows.len();
        state.under_way -= 1;
        self.changed.notify_all();
        state.rows_done
    }

    /// Puts the rows of a lost device first in the queue. `lost` names the device and the reason.
    pub fn give_back(&self, rows: Range<usize>, lost: String) {
        let mut state = self.state();
        state.lost.push(lost);
        if !rows.is_empty() {
            state.lost_rows.extend(rows.clone());
            state.waiting.push_front(rows);
            state.under_way -= 1;
        }
        self.changed.notify_all();
    }

    /// Returns how many devices were lost with these rows.
    pub fn lost_with(&self, rows: &Range<usize>) -> usize {
        self.state().lost_rows.iter().filter(|&&row| row == rows.start).count()
    }

    /// Ends the job with an error for the rows that begin at `start`.
    pub fn fail(&self, start: usize, error: Error) {
        let mut state = self.state();
        if state.failure.as_ref().is_none_or(|before| start < before.start) {
            state.failure = Some(Failure { start, error });
        }
        state.under_way -= 1;
        self.changed.notify_all();
    }

    /// Returns all answers.
    ///
    /// # Errors
    /// The one for the first rows that failed, or one that lists the lost devices if rows are left.
    pub fn finish(self) -> Result<Finished> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = state.failure {
            return Err(failure.error);
        }
        if state.rows_done < self.total {
            let lost = state.lost.join("; ");
            return Err(errors::device(format!("every device was lost ({lost})")));
        }
        let mut lost = state.lost_rows;
        lost.sort_unstable();
        lost.dedup();
        Ok(Finished { maps: state.done.into_values().collect(), lost })
    }
}
