//! Rules of the backward pass: functions that a model's forward pass calls, so that its gradients
//! become complete.
//!
//! The gradient of a transformer does not add up: the input times the gradient sums to anything but
//! the score, because softmax, normalisations, gates and products pass on too much or too little.
//! A rule computes the same numbers as the operation that it stands for, but another gradient:
//! parts of the operation are taken as constants, by [`Tensor::detach`]. No autodiff engine is
//! changed, and no hook is needed.
//!
//! A model holds a [`Rules`] value and passes it to these functions. With [`Rules::Plain`], the
//! default, each of them is the ordinary operation and costs nothing more. A model that is
//! [`Ruled`] can be switched by explainers such as [`Libra`](crate::Libra) and
//! [`DeepLift`](crate::DeepLift).
//!
//! | Operation | [`Rules::Libra`] | [`Rules::Rescale`] |
//! |---|---|---|
//! | [`activation`] | slope from (0, f(0)) | slope between row and baseline |
//! | [`softmax`] | constant | logarithmic means |
//! | [`layer_norm`], [`rms_norm`], [`normalise`] | the deviation is constant | exact differences |
//! | [`product`], [`matmul`] | half to each factor | mean of the other factor |
//! | [`max_pool2d`] | plain | to the place of the larger maximum |
//!
//! Linear layers, convolutions, sums, means and BatchNorm in inference mode need no rule.
//!
//! # Example
//! ```
//! use burn::module::Module;
//! use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
//! use burn::tensor::activation::gelu;
//! use burn::tensor::{Device, Tensor};
//! use saliency_core::rules::{self, Ruled, Rules};
//! use saliency_core::{Explainer, Libra, Model};
//!
//! #[derive(Module, Debug)]
//! struct Net {
//!     hidden: Linear,
//!     norm: LayerNorm,
//!     output: Linear,
//!     #[module(skip)]
//!     rules: Rules,
//! }
//!
//! impl Model<Tensor<2>> for Net {
//!     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
//!         let x = rules::activation(self.hidden.forward(input), gelu, self.rules);
//!         self.output.forward(rules::layer_norm(&self.norm, 1e-5, x, self.rules))
//!     }
//! }
//!
//! impl Ruled for Net {
//!     fn with_rules(&self, rules: Rules) -> Self {
//!         Self { rules, ..self.clone() }
//!     }
//! }
//!
//! let device = Device::flex();
//! let net = Net {
//!     hidden: LinearConfig::new(4, 16).init(&device),
//!     norm: LayerNormConfig::new(16).init(&device),
//!     output: LinearConfig::new(16, 3).init(&device),
//!     rules: Rules::Plain,
//! };
//! let map = Libra::new().attribute(&net, Tensor::ones([1, 4], &device))?;
//! assert_eq!(map.values.dims(), [1, 4]);
//! # Ok::<(), saliency_core::Error>(())
//! ```

mod activation;
mod constant;
mod max_pool;
mod normalise;
mod pairs;
mod product;
mod ruled;
mod softmax;

pub use activation::activation;
pub use constant::constant;
pub use max_pool::max_pool2d;
pub use normalise::{layer_norm, normalise, rms_norm, root_mean_square};
pub use product::{half, matmul, product};
pub use ruled::Ruled;
pub use softmax::softmax;

use burn::tensor::Tensor;

/// The rules of a model's backward pass. See the [module](self).
///
/// # Sources
/// - Libra: Mehri, Baghshah and Pilehvar, *LibraGrad: Balancing Gradient Flow for Universally Better
///   Vision Transformer Attributions*, 2024, <https://arxiv.org/abs/2411.16760>
/// - Rescale: Shrikumar, Greenside and Kundaje, *Learning Important Features Through Propagating
///   Activation Differences*, 2017, <https://arxiv.org/abs/1704.02685>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Rules {
    /// The gradient as it is.
    #[default]
    Plain,
    /// LibraGrad: the input times the gradient sums to the score, minus what the constants of the
    /// network (its biases) contribute.
    Libra,
    /// DeepLIFT's rescale rule. The model is given twice as many rows as there are: first the rows
    /// to explain, and then the baseline of each, in the same order. The difference between a row
    /// and its baseline times the gradient sums to their difference of score.
    /// [`DeepLift`](crate::DeepLift) makes such batches.
    Rescale,
}

impl Rules {
    /// Returns the rules for an operation on `x`: plain ones, if nobody asks for its gradient.
    fn on<const D: usize>(self, x: &Tensor<D>) -> Self {
        if self == Self::Plain || !x.is_tracked() { Self::Plain } else { self }
    }
}
