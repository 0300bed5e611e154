//! The arithmetic: Flex's tensors in, Flex's tensors out, without autodiff.

pub(crate) mod batch_norm;
pub(crate) mod convolution;
mod depthwise;
pub(crate) mod max_pool;
pub(crate) mod rectify;
pub(crate) mod size;
pub(crate) mod winograd;
