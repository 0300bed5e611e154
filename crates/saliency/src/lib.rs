//! *Why did the model decide that?* Attribution maps for [Burn](burn) models.
//!
//! Implement [`Model`] for a network (one line: a batch in, `[rows, scores]` out), choose an
//! [`Explainer`], and call [`attribute`](Explainer::attribute):
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::activation::relu;
//! use burn::tensor::{Device, Tensor};
//! use saliency::{Explainer, IntegratedGradients, Model};
//!
//! #[derive(Module, Debug)]
//! struct Net {
//!     hidden: Linear,
//!     output: Linear,
//! }
//!
//! impl Model<Tensor<2>> for Net {
//!     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
//!         self.output.forward(relu(self.hidden.forward(input)))
//!     }
//! }
//!
//! fn main() -> saliency::Result<()> {
//!     let device = Device::flex();
//!     device.seed(0);
//!     let net = Net {
//!         hidden: LinearConfig::new(4, 16).init(&device),
//!         output: LinearConfig::new(16, 3).init(&device),
//!     };
//!     let input = Tensor::<2>::from_data([[5.1, 3.5, 1.4, 0.2]], &device);
//!
//!     let map = IntegratedGradients::new().attribute(&net, input)?;
//!
//!     println!("class {:?}, score {:.3}", map.targets[0], map.scores[0]);
//!     println!("what each input contributed: {}", map.values);
//!     Ok(())
//! }
//! ```
//!
//! # Which explainer
//!
//! | explainer | answers | gradients per row |
//! |---|---|---|
//! | [`Gradient`] | what would change the score if it changed a little? | 1 |
//! | [`InputTimesGradient`] | the same, times the value itself | 1 |
//! | [`IntegratedGradients`] | what made the score differ from the baseline's? Values sum to the difference. | 50 |
//! | [`SmoothGrad`] | any of these, averaged over noise, with standard errors | 50 |
//!
//! # What the answer holds
//!
//! An [`Attribution`] has values in the shape of the input, the score and the class that were
//! explained, and, where the method has them, the completeness gap and standard errors.
//!
//! # From values to a picture
//!
//! The [`viz`] module reduces the attributions of a photo to a map and lays it over the photo at
//! the photo's own resolution.
//!
//! # What is taken care of
//!
//! - BatchNorm and Dropout: every explainer works on a snapshot of the model in inference mode. A
//!   network in training mode gives the same maps, and is left as it was.
//! - Memory: inputs are fed in chunks (see [`Schedule`]); beside a few copies of the input, the peak
//!   does not grow with the number of points or samples.
//! - The same call gives the same bits again. Noise depends on a seed alone, not on the device.
//! - Bad input is an [`Error`] that says what was expected and what was found.
//!
//! # Features
//!
//! - `flex` (default): Burn's CPU backend. Switch it off to bring your own through the `burn` crate.
//! - `viz` (default): pictures.

pub use saliency_core::*;

/// Pictures of attributions: see [`saliency_viz`].
#[cfg(feature = "viz")]
pub use saliency_viz as viz;
