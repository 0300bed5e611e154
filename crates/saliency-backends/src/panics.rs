//! Panics as errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Makes a call that may panic, and returns the panic's message as an error.
///
/// Burn panics when a device cannot be opened or does not answer.
pub(crate) fn attempt<T, E>(
    call: impl FnOnce() -> Result<T, E>,
    panicked: impl FnOnce(String) -> E,
) -> Result<T, E> {
    // Nothing that a panic leaves half done is used again.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(panicked(text.unwrap_or("a panic without a message").to_owned()))
    })
}
