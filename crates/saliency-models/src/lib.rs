//! Real models with real weights, for the examples, benches and tests of `saliency`.
//!
//! - [`EfficientNetLite0`]: an ImageNet classifier, its weights embedded in half precision
//! - [`CifarCnn`]: a small network for pictures of 32 x 32
//! - [`SqueezeNet`]: an ImageNet classifier of another family, its weights read from a file
//! - [`ResNet`], [`VisionTransformer`], [`Mlp`]: networks with random weights, for measuring
//! - [`imagenet`]: the names of the 1,000 classes
//! - [`photos`]: two photos that may be redistributed
//! - [`Weights`]: tensors by name, to load into these networks
//!
//! On a CPU the convolutional networks use the layers of [`saliency_flex`].
//!
//! `data/NOTICE.md` lists the origin and the licence of every file.

mod cifar;
mod efficientnet_lite0;
pub mod imagenet;
mod mlp;
pub mod photos;
mod resnet;
mod squeezenet;
mod vit;
mod weights;

pub use cifar::{CifarCnn, Conv2, Relu1, Relu2, Relu4};
pub use efficientnet_lite0::{AfterBlock, EfficientNetLite0, LastConvolution};
pub use mlp::Mlp;
pub use resnet::ResNet;
pub use squeezenet::{AfterFire, SqueezeNet};
pub use vit::VisionTransformer;
pub use weights::{StoredTensor, Weights, WeightsError};
