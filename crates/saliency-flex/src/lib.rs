//! Convolutions and ReLUs for Burn's Flex backend that make gradients with respect to the input
//! cheaper.
//!
//! An explanation needs gradients with respect to the input only, because the weights do not
//! change. This takes less memory and less computation than training, which Burn's layers are made
//! for. A convolution does not have to keep its input, and a ReLU does not have to keep its output.
//!
//! - [`Conv`]: a convolution around Burn's `Conv2d`
//! - [`relu`], [`relu6`]: activations
//!
//! # Numerical promise
//! Values and gradients equal those of Burn's own layers up to rounding: the error is at most 1e-5
//! of the largest value. Every sum has a fixed order, so that the bits are the same for any number of
//! threads, and for a row of a batch alone or beside others. They are also the same for any width of
//! the machine's vectors, among machines that can fuse a multiplication and an addition. On other
//! backends, in other precisions than single, and for weights that are trained, Burn computes the
//! convolutions.
//!
//! # Gains
//! Measured beside Captum 0.8.0 (PyTorch 2.8.0, contiguous memory format) on two cores with AVX-512,
//! with an earlier version of the kernels. The numbers are times relative to Captum's:
//!
//! | | Burn's layers | these layers |
//! |---|---|---|
//! | one gradient, EfficientNet-Lite0 | 1.42 | 0.72 |
//! | one gradient, ResNet-18, BatchNorm folded | 1.47 | 1.09 |
//! | 50 gradients, EfficientNet-Lite0 | 1.18 | 0.60 |
//! | 50 gradients, ResNet-18, BatchNorm folded | 1.33 | 1.07 |
//!
//! Captum 0.9.0 in its faster format, channels_last, on another machine and beside the present
//! kernels: 0.96 for one gradient of EfficientNet-Lite0, 1.43 for one of ResNet-18, and 1.20 for 50
//! gradients of ResNet-18.
//!
//! # Example
//! ```
//! use burn::module::Module;
//! use burn::nn::PaddingConfig2d;
//! use burn::nn::conv::Conv2dConfig;
//! use burn::tensor::{Device, Tensor};
//! use saliency_flex::{Conv, relu};
//!
//! #[derive(Module, Debug)]
//! struct Net {
//!     first: Conv,
//!     second: Conv,
//! }
//!
//! impl Net {
//!     fn forward(&self, photos: Tensor<4>) -> Tensor<2> {
//!         let x = relu(self.first.forward(photos));
//!         let x = relu(self.second.forward(x));
//!         x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
//!     }
//! }
//!
//! let device = Device::flex();
//! let conv = |channels| {
//!     let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
//!     Conv2dConfig::new(channels, [3, 3]).with_padding(padding).init(&device)
//! };
//! // If the weights no longer change, `Conv::frozen` is even faster.
//! let net = Net { first: Conv::new(conv([3, 8])), second: Conv::frozen(conv([8, 4])) };
//! let photo = Tensor::<4>::ones([1, 3, 32, 32], &device).autodiff().require_grad();
//! let gradients = net.forward(photo.clone()).sum().backward();
//! assert_eq!(photo.grad(&gradients).expect("a gradient").dims(), [1, 3, 32, 32]);
//! ```
//!
//! # Rooms
//! `kernels` (numbers in, numbers out) <- `operations` (Burn's extension of a backend, and its
//! autodiff) <- `layers` (the layers of a network). Imports go in this direction only.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod kernels;
mod layers;
mod operations;

pub use layers::{Conv, relu, relu6};

/// The example in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
