//! Splits a chunk when the device runs out of memory, or when the model accepts only one row.

use std::any::Any;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use burn::tensor::Device;

use crate::error::{Error, Result};
use crate::execution::panics::{caught, message};

/// The number of rows that the device and the model are known to take at once.
#[derive(Debug)]
pub(crate) struct ChunkLimit {
    most: AtomicUsize,
    one_row: AtomicBool,
}

impl ChunkLimit {
    /// Starts with no limit.
    pub fn new() -> Self {
        Self { most: AtomicUsize::new(usize::MAX), one_row: AtomicBool::new(false) }
    }

    /// Returns whether the model was found to accept only one row.
    pub fn is_one_row(&self) -> bool {
        self.one_row.load(Ordering::Relaxed)
    }

    /// Computes all `rows` rows at once. If the device runs out of memory, splits them in half,
    /// down to single rows, and never tries that many at once again. If the model panics on several
    /// rows but not on the first row alone, gives it one row at a time from then on.
    ///
    /// Synchronizes with the device, because errors are reported only on synchronization.
    pub fn run<R>(
        &self,
        device: &Device,
        rows: usize,
        compute: impl Fn(Range<usize>) -> Result<R>,
    ) -> Result<Vec<R>> {
        // Nearly always there is one result. Room for more would take as long as an operation.
        let mut results = Vec::with_capacity(1);
        let mut start = 0;
        while start < rows {
            let most = self.most.load(Ordering::Relaxed).min(rows - start);
            match attempt(device, || compute(start..start + most))? {
                Outcome::Done(result) => {
                    results.push(result);
                    start += most;
                }
                Outcome::OutOfMemory(need) if most == 1 => {
                    let held = device.memory_pool_usage().map(|usage| usage.bytes_reserved);
                    let held = held.map_or(String::new(), |held| {
                        format!("; the device holds {held} bytes for this program")
                    });
                    return Err(Error::OutOfMemory { reason: format!("{need}{held}") });
                }
                Outcome::OutOfMemory(_) => {
                    self.most.fetch_min(most.div_ceil(2), Ordering::Relaxed);
                }
                Outcome::Panicked(panic) if most == 1 => resume_unwind(panic),
                Outcome::Panicked(panic) => {
                    let alone = attempt(device, || compute(start..start + 1));
                    let Ok(Outcome::Done(result)) = alone else {
                        // The model fails whatever the number of rows is.
                        resume_unwind(panic);
                    };
                    self.one_row.store(true, Ordering::Relaxed);
                    self.most.store(1, Ordering::Relaxed);
                    results.push(result);
                    start += 1;
                }
            }
        }
        Ok(results)
    }
}

/// The outcome of one attempt.
enum Outcome<R> {
    Done(R),
    OutOfMemory(String),
    Panicked(Box<dyn Any + Send>),
}

/// Computes once, and recognises an error or a panic that is about memory.
fn attempt<R>(device: &Device, compute: impl FnOnce() -> Result<R>) -> Result<Outcome<R>> {
    let computed = caught(|| {
        let result = compute()?;
        // Burn's own text of the error holds a backtrace, its reason does not.
        device.sync().map_err(|error| Error::device_message(error.reason()))?;
        Ok(result)
    });
    let said = match &computed {
        Ok(Ok(_)) => None,
        Ok(Err(Error::Device { reason, .. })) => Some(reason.as_str()),
        Ok(Err(_)) => None,
        Err(panic) => Some(message(&**panic)),
    };
    if let Some(need) = said.and_then(out_of_memory) {
        // Frees the memory that this attempt allocated, for the next attempt.
        device.memory_cleanup();
        return Ok(Outcome::OutOfMemory(need));
    }
    match computed {
        Ok(result) => result.map(Outcome::Done),
        Err(panic) => Ok(Outcome::Panicked(panic)),
    }
}

/// Returns the line of an error that names the memory that was needed, if the error is about
/// memory. Burn has no kind of error for that.
fn out_of_memory(error: &str) -> Option<String> {
    let line = |words: &[&str]| {
        let says_so = |line: &&str| {
            let line = line.to_lowercase();
            words.iter().any(|words| line.contains(words))
        };
        error.lines().map(str::trim).find(says_so).map(str::to_owned)
    };
    let named = line(&["out of device memory", "out of memory", "out-of-memory", "can't allocate"]);
    // The error of wgpu if a buffer could not be allocated.
    let unnamed = || {
        line(&["memory location was never initialized"])
            .map(|_| "a buffer could not be allocated".to_owned())
    };
    named.or_else(unnamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(rows: &Range<usize>, most: usize) -> Result<Range<usize>> {
        if rows.len() <= most {
            return Ok(rows.clone());
        }
        Err(Error::device_message(format!(
            "An error happened during execution\nCaused by:\n  out of device memory allocating {} \
             bytes\n0: some function",
            rows.len() << 20
        )))
    }

    #[test]
    fn what_does_not_fit_is_halved_until_it_does_and_not_tried_again() {
        let limit = ChunkLimit::new();
        let device = Device::flex();
        let tried = std::sync::Mutex::new(Vec::new());
        let run = |rows| {
            limit.run(&device, rows, |rows| {
                tried.lock().unwrap().push(rows.len());
                full(&rows, 3)
            })
        };
        assert_eq!(run(10).unwrap(), [0..3, 3..6, 6..9, 9..10]);
        assert_eq!(run(4).unwrap(), [0..3, 3..4]);
        assert_eq!(tried.into_inner().unwrap(), [10, 5, 3, 3, 3, 1, 3, 1]);
    }

    #[test]
    fn one_row_that_does_not_fit_is_an_error_that_names_what_it_needs() {
        let error = ChunkLimit::new().run(&Device::flex(), 4, |rows| full(&rows, 0)).unwrap_err();
        let reason = "out of device memory allocating 1048576 bytes".to_owned();
        assert_eq!(error, Error::OutOfMemory { reason });
    }

    #[test]
    fn a_model_that_takes_one_row_gets_one_row_at_a_time() {
        let limit = ChunkLimit::new();
        let tried = std::sync::Mutex::new(Vec::new());
        let rows = limit.run(&Device::flex(), 3, |rows| {
            tried.lock().unwrap().push(rows.len());
            assert_eq!(rows.len(), 1, "a reshape to one row");
            Ok(rows)
        });
        assert_eq!(rows.unwrap(), [0..1, 1..2, 2..3]);
        assert!(limit.is_one_row());
        assert_eq!(tried.into_inner().unwrap(), [3, 1, 1, 1]);
    }

    #[test]
    fn a_panic_about_memory_is_taken_for_what_it_is_and_any_other_passed_on() {
        let device = Device::flex();
        let limit = ChunkLimit::new();
        let rows = limit.run(&device, 2, |rows| match rows.len() {
            1 => Ok(rows),
            _ => panic!("called unwrap: Out of memory"),
        });
        assert_eq!(rows.unwrap(), [0..1, 1..2]);
        assert!(!limit.is_one_row());
        let other =
            caught(|| ChunkLimit::new().run(&device, 2, |_| -> Result<()> { panic!("a shape") }));
        assert_eq!(message(&*other.unwrap_err()), "a shape");
    }
}
