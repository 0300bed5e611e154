//! The errors of `saliency-core` that a pool makes itself.

use saliency_core::kit::{Batch, Work};
use saliency_core::{Cancel, Error, Result, Schedule};

/// Makes the error for a device that failed or was lost.
pub(super) fn device(reason: impl Into<String>) -> Error {
    Error::device_message(reason)
}

/// Makes the error for a pool without devices.
pub(super) fn no_devices() -> Error {
    invalid("a pool", "of at least one device", "none")
}

/// Makes the error for pieces without rows.
pub(super) fn no_rows_at_once() -> Error {
    invalid("rows at once", "at least 1", "0")
}

/// Makes the error for a patience of zero.
pub(super) fn no_patience() -> Error {
    invalid("patience", "above 0", "0 s")
}

/// Makes the error for a call that was cancelled after `done` of `total` rows of an input.
pub(super) fn cancelled(input: &Batch, done: usize, total: usize) -> Error {
    // Only cancelled work can make this error.
    let cancel = Cancel::new();
    let schedule = Schedule::new().with_chunk(total).with_cancel(cancel.clone());
    let cancelled = || -> Result<()> {
        let work = Work::start(&schedule, input, total)?;
        if done > 0 {
            work.run(&work.chunks(done, 0..1), |_| Ok(()), |_, ()| Ok(()))?;
        }
        cancel.cancel();
        work.run(&work.chunks(total - done, 0..1), |_| Ok(()), |_, ()| Ok(()))
    };
    cancelled().expect_err("it was cancelled")
}

/// Makes the error for a tensor whose number of rows is not that of the first tensor, or not the
/// requested one.
pub(super) fn unequal_rows(tensor: usize, expected: usize, found: usize) -> Error {
    Error::unequal_rows(tensor, expected, found)
}

fn invalid(option: &'static str, expected: &str, found: &str) -> Error {
    Error::invalid_option(option, expected, found)
}
