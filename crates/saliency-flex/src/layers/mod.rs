//! The layers of a network.

mod conv;
mod device;
mod relu;
#[cfg(test)]
mod tests;

pub use conv::Conv;
pub use relu::{relu, relu6};
