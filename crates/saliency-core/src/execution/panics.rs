//! Panics of a model, turned into values.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Returns the message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

thread_local! {
    /// Whether a panic on this thread becomes an error.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Calls `f`, and returns its panic as a value: for code that turns panics of Burn into errors.
///
/// Nothing that `f` leaves half done may be used again. A program that has called
/// [`hide_caught_panics`] does not print the panic.
///
/// # Errors
/// The payload of the panic.
///
/// # Example
/// ```
/// use saliency_core::kit::caught;
///
/// assert_eq!(caught(|| 2 + 2).unwrap(), 4);
/// assert!(caught(|| panic!("a shape")).is_err());
/// ```
pub fn caught<R>(f: impl FnOnce() -> R) -> std::thread::Result<R> {
    let before = IS_CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    IS_CAUGHT.set(before);
    result
}

/// Keeps panics that explainers turn into errors off the terminal: programs call this once, when
/// they start.
///
/// A panic inside a model becomes an [`Error`](crate::Error) with its message. Even so, Rust prints
/// the panic first, with a backtrace if `RUST_BACKTRACE` is set. This sets a panic hook that stays
/// silent for such panics, and hands all others on to the hook that was set before. Panics on other
/// threads that the model starts are still printed.
///
/// A library should leave this decision to the program.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Error, Explainer, Gradient, hide_caught_panics, pure_function};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// static PRINTED: AtomicUsize = AtomicUsize::new(0);
/// std::panic::set_hook(Box::new(|_| {
///     PRINTED.fetch_add(1, Ordering::Relaxed);
/// }));
/// hide_caught_panics();
///
/// let broken = pure_function(|_: Tensor<2>| panic!("a shape"));
/// let error = Gradient::new().attribute(&broken, Tensor::ones([1, 1], &Device::flex()));
/// assert!(matches!(error, Err(Error::Panicked { .. })));
/// assert_eq!(PRINTED.load(Ordering::Relaxed), 0);
///
/// // Other panics are printed as before.
/// std::panic::catch_unwind(|| panic!("not in a model")).unwrap_err();
/// assert_eq!(PRINTED.load(Ordering::Relaxed), 1);
/// ```
pub fn hide_caught_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_CAUGHT.get() {
                before(panic);
            }
        }));
    });
}
