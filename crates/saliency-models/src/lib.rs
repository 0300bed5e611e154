//! Real models with real weights, for the examples, benches and tests of `saliency`.
//!
//! - [`EfficientNetLite0`]: an ImageNet classifier, its weights embedded in half precision
//! - [`CifarCnn`]: a small network for pictures of 32 x 32
//! - [`ResNet`], [`VisionTransformer`], [`Mlp`]: with random weights, for measuring
//! - [`imagenet`]: the names of the 1,000 classes
//! - [`flex`]: the layers that make them cheap to explain on a CPU, for networks of your own too
//! - [`photos`]: two photos that may be shipped
//!
//! Where everything comes from, and its licence, is told in `data/NOTICE.md`.

mod cifar;
mod efficientnet_lite0;
pub mod flex;
pub mod imagenet;
mod mlp;
pub mod photos;
mod resnet;
mod vit;
mod weights;

pub use cifar::CifarCnn;
pub use efficientnet_lite0::{EfficientNetLite0, LastConvolution};
pub use mlp::Mlp;
pub use resnet::ResNet;
pub use vit::VisionTransformer;
pub use weights::{Weights, WeightsError};
