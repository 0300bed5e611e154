//! What the tests and benches share: closed-form models, golden values, and how to compare.
//!
//! The tests themselves are in `tests/suite`: one body for every backend.

mod compare;
mod golden;
mod models;

pub use compare::{assert_close, cosine, largest_error, values};
pub use golden::Golden;
pub use models::{
    Counting, Noisy, contribution, implementation_a, implementation_b, linear, square,
};

use burn::tensor::Device;

/// The device that the tests run on.
pub fn device() -> Device {
    Device::flex()
}
