//! Chunks that a device's memory does not suffice for are halved.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;

use crate::error::{Error, Result};

/// How many rows have been found to fit.
pub(crate) struct Fitting {
    most: AtomicUsize,
}

impl Fitting {
    /// As many as anybody likes.
    pub fn new() -> Self {
        Self { most: AtomicUsize::new(usize::MAX) }
    }

    /// Computes all of `rows` rows at once; where the device runs out of memory, in halves, and so
    /// on down to single rows, and does not try as many at once again.
    ///
    /// Waits for the device, which tells of errors only then.
    pub fn run<R>(
        &self,
        device: &Device,
        rows: usize,
        compute: impl Fn(Range<usize>) -> Result<R>,
    ) -> Result<Vec<R>> {
        let mut results = Vec::new();
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
            }
        }
        Ok(results)
    }
}

enum Outcome<R> {
    Done(R),
    OutOfMemory(String),
}

fn attempt<R>(device: &Device, compute: impl FnOnce() -> Result<R>) -> Result<Outcome<R>> {
    let computed = catch_unwind(AssertUnwindSafe(|| {
        let result = compute()?;
        device.sync().map_err(|error| Error::Device { reason: error.reason().to_owned() })?;
        Ok(result)
    }));
    let said = match &computed {
        Ok(Ok(_)) => None,
        Ok(Err(Error::Device { reason })) => Some(reason.as_str()),
        Ok(Err(_)) => None,
        Err(panic) => Some(message(&**panic)),
    };
    if let Some(need) = said.and_then(out_of_memory) {
        // Another attempt finds what this one has allocated and nobody uses any more.
        device.memory_cleanup();
        return Ok(Outcome::OutOfMemory(need));
    }
    match computed {
        Ok(result) => result.map(Outcome::Done),
        Err(panic) => resume_unwind(panic),
    }
}

/// What was needed, where an error of Burn's is one of memory: it has no kind of its own.
fn out_of_memory(error: &str) -> Option<String> {
    let line = |words: &[&str]| {
        let says_so = |line: &&str| {
            let line = line.to_lowercase();
            words.iter().any(|words| line.contains(words))
        };
        error.lines().map(str::trim).find(says_so).map(str::to_owned)
    };
    let named = line(&["out of device memory", "out of memory", "out-of-memory", "can't allocate"]);
    // What wgpu leaves of a buffer that it could not allocate.
    let unnamed = || {
        line(&["memory location was never initialized"])
            .map(|_| "a buffer could not be allocated".to_owned())
    };
    named.or_else(unnamed)
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(rows: &Range<usize>, most: usize) -> Result<Range<usize>> {
        match rows.len() <= most {
            true => Ok(rows.clone()),
            false => Err(Error::Device {
                reason: format!(
                    "An error happened during execution\nCaused by:\n  out of device memory \
                     allocating {} bytes\n0: some function",
                    rows.len() << 20
                ),
            }),
        }
    }

    #[test]
    fn what_does_not_fit_is_halved_until_it_does_and_not_tried_again() {
        let fitting = Fitting::new();
        let device = Device::flex();
        let tried = std::sync::Mutex::new(Vec::new());
        let run = |rows| {
            fitting.run(&device, rows, |rows| {
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
        let error = Fitting::new().run(&Device::flex(), 4, |rows| full(&rows, 0)).unwrap_err();
        let reason = "out of device memory allocating 1048576 bytes".to_owned();
        assert_eq!(error, Error::OutOfMemory { reason });
    }

    #[test]
    fn a_panic_about_memory_is_taken_for_what_it_is_and_any_other_passed_on() {
        let device = Device::flex();
        let rows = Fitting::new().run(&device, 2, |rows| match rows.len() {
            1 => Ok(rows),
            _ => panic!("called unwrap: Out of memory"),
        });
        assert_eq!(rows.unwrap(), [0..1, 1..2]);
        let other = catch_unwind(AssertUnwindSafe(|| {
            Fitting::new().run(&device, 2, |_| -> Result<()> { panic!("a shape") })
        }));
        assert_eq!(message(&*other.unwrap_err()), "a shape");
    }
}
