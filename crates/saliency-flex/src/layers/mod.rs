//! The layers of a network.

mod batch_norm;
mod conv;
mod device;
mod fold;
mod kernels;
mod max_pool;
mod padding;
mod pass;
mod relu;
#[cfg(test)]
mod tests;

pub use batch_norm::{BatchNorm, BatchNormConfig, batch_norm};
pub use conv::{Conv2d, Conv2dConfig};
pub use fold::{FoldError, fold_batch_norms};
pub use max_pool::{MaxPool2d, MaxPool2dConfig, max_pool2d};
pub use relu::{Relu, Relu6, relu, relu6};
