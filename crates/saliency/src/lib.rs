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
//! | explainer | question | gradients per row |
//! |---|---|---|
//! | [`Gradient`] | which values would change the score if they changed a little? | 1 |
//! | [`InputTimesGradient`] | the same, times the value itself | 1 |
//! | [`IntegratedGradients`] | which values made the score differ from the baseline's? They sum to the difference. | 50, or as many as a tolerance needs |
//! | [`ExpectedGradients`] | the same, averaged over many baselines; with noise, GradientSHAP | 50, or as needed |
//! | [`SmoothGrad`] | what is the average of any of these under noise? With standard errors. | 50, or as needed |
//! | [`SmoothGradSquared`] | which values have a strong gradient under noise, whatever its sign? | 50, or as needed |
//! | [`VarGrad`] | which values have a gradient that changes under noise? | 50, or as needed |
//!
//! These are the best known methods; [`methods`] holds all. [`Method`] lists them by name, for
//! programs that offer a choice.
//!
//! # The answer
//!
//! An [`Attribution`] has values in the shape of the input, the score and the class that were
//! explained, and everything that is known about the error: the estimated relative error of the
//! map, whether the error met the tolerance, the completeness gap, standard errors, and warnings.
//!
//! # The question
//!
//! - a class, a difference of two, or any function of the scores: [`Target`]
//! - a box of a detector, pixels of a segmentation, the similarity of embeddings: [`Detection`],
//!   [`Pixels`], [`Similarity`]
//! - logits, log-probabilities or probabilities: [`Score`]
//! - a module that does not return `[rows, scores]`: [`ModelFn`]
//! - one of several inputs, if the others are [`Fixed`]
//! - a layer inside the network: [`Split`]
//! - the tokens of a text, at their embeddings: [`embeddings`]; a weight: [`parameter`]
//!
//! # Promises
//!
//! - BatchNorm and Dropout: every explainer works on a snapshot of the model in inference mode. A
//!   network in training mode gives the same maps, and is left as it was.
//! - Work: whole gradients run side by side, one on each core, in chunks (see [`Schedule`]). Apart
//!   from a few copies of the input, memory does not grow with the number of points or samples.
//!   There is one exception: with a tolerance, Integrated Gradients keeps gradients, up to a bound.
//! - The same call gives the same bits again, for any number of workers. Noise depends only on a
//!   seed, not on the device.
//! - Bad input is an [`Error`] that says what is wrong.
//!
//! # Photos as numbers
//!
//! [`photo`] turns a photo into the input of a network, and turns the attribution of that input
//! into a [`Map`](photo::Map): one number per pixel. A [`MarkedArea`](photo::MarkedArea) measures
//! how much of a map is inside boxes or a mask.
//!
//! # Pictures
//!
//! [`viz`] lays a map over the photo at the photo's own resolution, writes pages for people who do
//! not program, draws charts of features and series, colours text, and exports values for Python.
//!
//! # Devices
//!
//! Explanations run on the device that holds the model and its input: a CPU, a GPU, a GPU of
//! another machine. [`backends`] opens devices by name, lists those of the machine, and shares a
//! batch out over several.
//!
//! # Methods of your own
//!
//! [`kit`] holds the parts that the built-in methods are made of: scores and gradients in chunks,
//! on workers, within the device's memory, with progress and cancellation. It also holds paths,
//! samples and random numbers.
//!
//! # Types of other crates
//!
//! [`external`] re-exports the crates whose types appear in the interface of this crate, in the
//! matching versions.
//!
//! # Features
//!
//! No backend is on by default: a program chooses its own.
//!
//! - `flex`: Burn's fast CPU backend
//! - `ndarray`: Burn's older CPU backend
//! - `wgpu`, `vulkan`, `metal`, `webgpu`: GPUs through their graphics driver
//! - `cuda`, `rocm`: GPUs of NVIDIA and AMD through their own libraries
//! - `remote`: devices of other machines; `remote-server` to lend the devices of this machine
//! - `memory`: asks the system how much memory is free, for budgets
//! - `serde`: options of explainers can be saved and restored
//! - `metrics`: is an explanation true of the model? The cover test, and metrics with intervals
//! - `photo`: attributions of photos, as numbers
//! - `viz` (default): pictures, pages, charts and files for Python. Each is also a feature of its
//!   own: `pictures`, `pages`, `charts`, `export`. All of them switch on `photo`

/// One type for each method; see [`methods`].
pub use saliency_core::{
    AblationCam, AdversarialGradients, AttentionMaps, BlurIg, Conductance, DeepLift, DiscretisedIg,
    EigenCam, EigenGradCam, ExpectedGradients, FeatureAblation, FeaturePermutation, GradCam,
    GradCamElementWise, GradCamPlusPlus, Gradient, GuidedIg, HiResCam, Idgi, IgSquared,
    InputTimesGradient, IntegratedGradients, InternalInfluence, KernelShap, LayerCam, LeGrad,
    LeftIg, Libra, Lime, Measure, MeasuredIg, Method, MethodOptions, Occlusion, RevealIg, Rise,
    ScoreCam, SequentialIg, ShapleySampling, SmoothGrad, SmoothGradSquared, Timing, VarGrad,
    XGradCam, attention_rollout,
};
pub use saliency_core::{
    After, Attribution, Baseline, Cancel, Cause, Counted, Cut, Detection, Distribution, Draws,
    Embeddings, Error, EstimatedShare, Explainer, Finer, Fixed, FoundBox, GoodRows, Groups, Inputs,
    KeepSign, MemoryBudget, Model, ModelFn, Neurons, NoModule, NoiseScale, Parallelism,
    ParameterInput, Pixels, Progress, Rectangle, ResolvedTarget, Result, RowError, Rows, Rule,
    Schedule, Score, ScoreFunction, Share, Similarity, Split, Stage, Target, TokenGrid,
    TokenReduction, ValidRange, Warning, Window, attribute_good_rows, embeddings,
    hide_caught_panics, parameter, per_token, place_map, pure_function,
};
/// The parts that methods are made of, the list of all methods, and rules of the backward pass: see
/// [`saliency_core`].
pub use saliency_core::{kit, methods, rules};

/// Devices by name, and pools of them: see [`saliency_backends`].
pub use saliency_backends as backends;

/// Is an explanation true of the model? See [`saliency_metrics`].
#[cfg(feature = "metrics")]
pub use saliency_metrics as metrics;

/// Attributions of photos, as numbers: see [`saliency_photo`].
#[cfg(feature = "photo")]
pub use saliency_photo as photo;

/// Pictures of attributions: see [`saliency_viz`].
#[cfg(feature = "pictures")]
pub use saliency_viz as viz;

/// The crates whose types appear in the interface of this crate, in the matching versions.
pub mod external {
    pub use burn;
    #[cfg(feature = "photo")]
    pub use image;
    #[cfg(feature = "export")]
    pub use saliency_viz::serde_json;
}

/// The example in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
