//! Real models with real weights, for the examples, benches and tests of `saliency`.
//!
//! - [`EfficientNetLite0`]: an ImageNet classifier, its weights embedded in half precision
//! - [`CifarCnn`]: a small network for pictures of 32 x 32
//! - [`SqueezeNet`]: an ImageNet classifier of another family, its weights read from a file
//! - [`VisionTransformer`], [`TextEncoder`]: transformers written with
//!   [`rules`](saliency_core::rules), with random weights or with those of a file
//! - [`ResNet`], [`Mlp`]: networks with random weights, for measuring
//! - [`imagenet`]: the names of the 1,000 classes
//! - [`photos`]: two photos that may be redistributed
//! - [`Weights`]: tensors by name, to load into these networks
//!
//! On a CPU the convolutional networks use the layers of [`saliency_flex`].
//!
//! `data/NOTICE.md` lists the origin and the licence of every file.

mod bert;
mod cifar;
mod efficientnet_lite0;
pub mod imagenet;
mod mlp;
pub mod photos;
mod resnet;
mod squeezenet;
mod transformer;
mod vit;
mod weights;

pub use bert::{TextEncoder, TextSize};
pub use cifar::{CifarCnn, Conv2, Relu1, Relu2, Relu4};
pub use efficientnet_lite0::{AfterBlock, EfficientNetLite0, LastConvolution};
pub use mlp::Mlp;
pub use resnet::ResNet;
pub use squeezenet::{AfterFire, SqueezeNet};
pub use vit::{VisionTransformer, VitSize};
pub use weights::{StoredTensor, Weights, WeightsError};
