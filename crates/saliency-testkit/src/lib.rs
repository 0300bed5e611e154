//! The shared parts of the tests and benches: closed-form models, golden values, comparisons.
//!
//! The tests themselves are in `tests/suite`: one body for every backend.

mod compare;
mod devices;
pub mod drop_in;
mod errors;
mod golden;
mod models;
mod path_methods;
mod pytorch;
mod questions;

pub use compare::{assert_close, cosine, largest_error, relative_l1, values};
pub use devices::{device, devices, on_every_device, schedule};
pub use golden::Golden;
pub use models::{
    Counting, Noisy, contribution, implementation_a, implementation_b, linear, square,
    with_fixed_weights,
};
pub use path_methods::{Asked, PathMethod, Points};
pub use pytorch::read_pytorch;
pub use questions::{Errors, Intervals, Kind, Questions};
