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
//! | [`IntegratedGradients`] | what made the score differ from the baseline's? Values sum to the difference. | 50, or as many as a tolerance needs |
//! | [`ExpectedGradients`] | the same, averaged over many baselines; with noise, GradientSHAP | 50, or as needed |
//! | [`SmoothGrad`] | any of these, averaged over noise, with standard errors | 50, or as needed |
//! | [`SmoothGradSquared`] | where is it strong under noise? | 50, or as needed |
//! | [`VarGrad`] | where does it change under noise? | 50, or as needed |
//!
//! # What the answer holds
//!
//! An [`Attribution`] has values in the shape of the input, the score and the class that were
//! explained, and what is known of the error: the estimated relative error of the map, whether it
//! met the tolerance that was asked for, the completeness gap, standard errors, and warnings.
//!
//! # What is explained
//!
//! - a class, a difference of two, or any function of the scores: [`Target`]
//! - logits, log-probabilities or probabilities: [`Score`]
//! - a module that does not return `[rows, scores]`: [`ModelFn`]
//! - one of several inputs, beside others that are [`Fixed`]
//! - a layer inside the network: [`cut`]
//!
//! # From values to a picture
//!
//! The [`photo`] module reduces the attributions of a photo to a map, and the [`viz`] module lays it over
//! the photo at the photo's own resolution.
//!
//! # What is taken care of
//!
//! - BatchNorm and Dropout: every explainer works on a snapshot of the model in inference mode. A
//!   network in training mode gives the same maps, and is left as it was.
//! - Work: whole gradients run side by side, one on each core, in chunks (see [`Schedule`]); beside a
//!   few copies of the input, memory does not grow with the number of points or samples, but for those on the way to a
//!   tolerance, which are bounded.
//! - The same call gives the same bits again, for any number of workers. Noise depends on a seed
//!   alone, not on the device.
//! - Bad input is an [`Error`] that says what was expected and what was found.
//!
//! # Devices
//!
//! Whatever device a model and its input lie on computes: a CPU, a GPU, a GPU of another machine. The
//! [`backends`] module opens devices by name, tells which there are, and shares a batch out over
//! several.
//!
//! # Features
//!
//! - `flex` (default): Burn's fast CPU backend
//! - `ndarray`: its older one
//! - `wgpu`, `vulkan`, `metal`, `webgpu`: GPUs through their graphics driver
//! - `cuda`, `rocm`: GPUs of NVIDIA and AMD through their own libraries
//! - `remote`, `remote-server`: devices of other machines, and lending this one's
//! - `memory` (default): how much memory is free, for budgets
//! - `photo`: attributions of photos, as numbers
//! - `viz` (default): pictures; switches on `photo`

pub use saliency_core::{
    After, Attribution, Baseline, Cancel, Cause, Cut, Distribution, Error, Explainer, Fixed,
    Inputs, MemoryBudget, Model, ModelFn, NoModule, NoiseScale, Parallelism, Progress,
    ResolvedTarget, Result, Rows, Rule, Schedule, Score, ScoreFunction, Split, Stage, Target,
    Warning, pure_function,
};
pub use saliency_core::{
    ExpectedGradients, Gradient, InputTimesGradient, IntegratedGradients, Method, MethodOptions,
    SmoothGrad, SmoothGradSquared, VarGrad,
};
/// The parts that methods are made of, for methods of your own, and the list of all methods.
pub use saliency_core::{kit, methods};

/// Devices by name, and pools of them: see [`saliency_backends`].
pub use saliency_backends as backends;

/// Attributions of photos, as numbers: see [`saliency_photo`].
#[cfg(feature = "photo")]
pub use saliency_photo as photo;

/// Pictures of attributions: see [`saliency_viz`].
#[cfg(feature = "viz")]
pub use saliency_viz as viz;

/// The crates whose types stand in this one's interface, in the versions that fit.
pub mod external {
    pub use burn;
    #[cfg(feature = "photo")]
    pub use image;
}
