//! The errors of `saliency-core` that a pool makes itself.

use saliency_core::Error;

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

/// Makes the error for a tensor with another number of rows than the first one, or than was
/// asked for.
pub(super) fn unequal_rows(tensor: usize, expected: usize, found: usize) -> Error {
    Error::unequal_rows(tensor, expected, found)
}

fn invalid(option: &'static str, expected: &str, found: &str) -> Error {
    Error::invalid_option(option, expected, found)
}
