//! Burn's layers for the Flex backend, with gradients with respect to the input that are cheaper.
//! One changed `use` line makes a network use them.
//!
//! An explanation needs gradients with respect to the input only, because the weights do not
//! change. This takes less memory and less computation than training, which Burn's layers are made
//! for. A convolution does not have to keep its input, and a ReLU does not have to keep its output.
//!
//! # One `use` line
//! [`nn`] is all of `burn::nn`, and [`tensor`] is all of `burn::tensor`, in which these are of this
//! crate:
//!
//! | Instead of Burn's | | Until the backward pass it keeps |
//! |---|---|---|
//! | `nn::conv::Conv2d` | [`nn::conv::Conv2d`] | the weights |
//! | `nn::BatchNorm` | [`nn::BatchNorm`] | one number for each channel |
//! | `nn::Relu`, `tensor::activation::relu` | [`nn::Relu`], [`tensor::activation::relu`] | one bit for each value |
//! | `nn::activation::Relu6`, `tensor::activation::relu6` | [`nn::activation::Relu6`], [`tensor::activation::relu6`] | one bit for each value |
//! | `nn::pool::MaxPool2d` | [`nn::pool::MaxPool2d`] | one byte for each result |
//!
//! Options and records are the same, so that the same files are loaded. [`fold_batch_norms`] is one
//! call more, which saves all passes for BatchNorm.
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
//! Measured on two cores with AVX-512. The numbers are times relative to Burn's own layers, for the
//! same source with one `use` line changed:
//!
//! | | one `use` line | and BatchNorm folded |
//! |---|---|---|
//! | one gradient, EfficientNet-Lite0 | 0.10 | 0.10 |
//! | one gradient, ResNet-18 | 0.39 | 0.39 |
//! | 50 gradients, EfficientNet-Lite0 | 0.16 | 0.16 |
//! | 50 gradients, ResNet-18 | 0.44 | 0.44 |
//!
//! Captum 0.9.0 in its faster format, channels_last, on the same machine: these layers take 0.81 of
//! its time for one gradient of EfficientNet-Lite0 and 1.26 for one of a ResNet-18, and 0.64 and 1.02
//! for 50 gradients.
//!
//! # Example
//! ```
//! use burn::module::Module;
//! use burn::tensor::{Device, Tensor};
//! // Burn's own layers would be `use burn::nn::{...}`.
//! use saliency_flex::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d, Relu, conv};
//!
//! #[derive(Module, Debug)]
//! struct Net {
//!     conv: conv::Conv2d,
//!     norm: BatchNorm,
//!     relu: Relu,
//! }
//!
//! impl Net {
//!     fn new(device: &Device) -> Self {
//!         let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
//!         let conv = conv::Conv2dConfig::new([3, 8], [3, 3]).with_padding(padding);
//!         let norm = BatchNormConfig::new(8);
//!         Self { conv: conv.init(device), norm: norm.init(device), relu: Relu::new() }
//!     }
//!
//!     fn forward(&self, photos: Tensor<4>) -> Tensor<2> {
//!         let x = self.relu.forward(self.norm.forward(self.conv.forward(photos)));
//!         x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
//!     }
//! }
//!
//! let device = Device::flex();
//! let photo = Tensor::<4>::ones([1, 3, 32, 32], &device);
//! // The one call more.
//! let net = Net::new(&device);
//! let net = saliency_flex::fold_batch_norms(&net, |net| net.forward(photo.clone()))?;
//!
//! let photo = photo.autodiff().require_grad();
//! let gradients = net.forward(photo.clone()).sum().backward();
//! assert_eq!(photo.grad(&gradients).expect("a gradient").dims(), [1, 3, 32, 32]);
//! # Ok::<(), saliency_flex::FoldError>(())
//! ```
//!
//! # Rooms
//! `kernels` (numbers in, numbers out) <- `operations` (Burn's extension of a backend, and its
//! autodiff) <- `layers` (the layers of a network) <- [`nn`] and [`tensor`] (Burn's names for them).
//! Imports go in this direction only.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod kernels;
mod layers;
pub mod nn;
mod operations;
pub mod tensor;

pub use layers::{FoldError, fold_batch_norms};

/// The example in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
