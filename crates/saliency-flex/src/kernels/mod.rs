//! The arithmetic: Flex's tensors in, Flex's tensors out, without autodiff.

pub(crate) mod batch_norm;
pub(crate) mod convolution;
mod depthwise;
pub(crate) mod direct;
mod geometry;
pub(crate) mod max_pool;
mod pointwise;
mod product;
pub(crate) mod rectify;
pub(crate) mod size;
#[cfg(test)]
mod tests;
pub(crate) mod winograd;
