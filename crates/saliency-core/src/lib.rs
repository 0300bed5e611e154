//! Attribution methods for [Burn](burn) models: which parts of the input made the model decide
//! this?
//!
//! The data flow, and the folders that hold it, in order:
//!
//! 1. `input`: [`Inputs`], a batch of tensors, alone or as a tuple; and the [`Baseline`]
//! 2. `model`: a [`Model`], a function from a batch to `[rows, scores]`; the [`Target`] among its
//!    scores; a [`Split`] at a layer; and [`embeddings`], for models of text
//! 3. `path`, `masks`, `random` and `sampling`: the inputs that a method feeds to the model
//! 4. `execution`: gradients of the score with respect to the input, in the chunks and on the
//!    workers of a [`Schedule`]
//! 5. `methods`: one file per method; [`Method`] lists them all
//! 6. [`rules`]: backward passes whose gradients are complete, for models that are written with them
//! 7. [`Attribution`]: the answer, with all that is needed to judge it
//!
//! Every method is an [`Explainer`]. The [`kit`] holds the parts that the built-in methods are made
//! of, for methods of your own. Problems are reported as an [`Error`].
//!
//! # Features
//! - `rayon` (default): the operations of Burn that a worker calls run on that worker's own thread
//! - `serde`: options of explainers can be saved and restored

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attribution;
mod error;
mod execution;
mod explainer;
mod good_rows;
mod input;
pub mod kit;
mod masks;
pub mod methods;
mod model;
mod path;
mod random;
pub mod rules;
mod sampling;
mod share;
mod warning;

use input::batch::Batch;

pub use attribution::Attribution;
pub use error::{Cause, Error, Result, Stage};
pub use execution::panics::hide_caught_panics;
pub use execution::schedule::{Cancel, MemoryBudget, Parallelism, Progress, Schedule};
pub use explainer::Explainer;
pub use good_rows::{GoodRows, RowError, attribute_good_rows};
pub use input::baseline::Baseline;
pub use input::groups::Groups;
pub use input::inputs::{Fixed, Inputs};
pub use input::rows::Rows;
pub use input::tokens::{TokenReduction, per_token};
pub use masks::windows::Window;
pub use methods::layer::{KeepSign, TokenGrid, place_map};
pub use methods::{
    AblationCam, AdversarialGradients, AttentionMaps, BlurIg, Conductance, DeepLift, DiscretisedIg,
    EigenCam, EigenGradCam, ExpectedGradients, FeatureAblation, FeaturePermutation, GradCam,
    GradCamElementWise, GradCamPlusPlus, Gradient, GuidedIg, HiResCam, Idgi, IgSquared,
    InputTimesGradient, IntegratedGradients, InternalInfluence, KernelShap, LayerCam, LeGrad,
    LeftIg, Libra, Lime, Measure, MeasuredIg, Method, MethodOptions, Occlusion, RevealIg, Rise,
    ScoreCam, SequentialIg, ShapleySampling, SmoothGrad, SmoothGradSquared, Timing, VarGrad,
    XGradCam, attention_rollout,
};
pub use model::detection::{Detection, FoundBox};
pub use model::embeddings::{Embeddings, embeddings};
pub use model::finer::Finer;
pub use model::function::{ModelFn, NoModule, pure_function};
pub use model::layer::{After, Cut, Split};
pub use model::model::Model;
pub use model::neurons::Neurons;
pub use model::parameter::{ParameterInput, parameter};
pub use model::pixels::Pixels;
pub use model::rectangle::Rectangle;
pub use model::resolved_target::ResolvedTarget;
pub use model::score::{Score, ScoreFunction};
pub use model::similarity::Similarity;
pub use model::target::Target;
pub use path::quadrature::Rule;
pub use random::distribution::Distribution;
pub use random::noise::NoiseScale;
pub use random::valid_range::ValidRange;
pub use sampling::draws::Draws;
pub use share::{Counted, EstimatedShare, Share};
pub use warning::Warning;

/// The example in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Explainers, options, answers and errors can be shared between threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Attribution<Batch>>();
    shared::<Baseline>();
    shared::<BlurIg>();
    shared::<DeepLift>();
    shared::<Error>();
    shared::<ExpectedGradients>();
    shared::<FeatureAblation>();
    shared::<FeaturePermutation>();
    shared::<Gradient>();
    shared::<GuidedIg>();
    shared::<Idgi>();
    shared::<InputTimesGradient>();
    shared::<IntegratedGradients>();
    shared::<Libra>();
    shared::<KernelShap>();
    shared::<Lime>();
    shared::<MethodOptions>();
    shared::<Occlusion>();
    shared::<Rise>();
    shared::<ShapleySampling>();
    shared::<ResolvedTarget>();
    shared::<Schedule>();
    shared::<SmoothGrad>();
    shared::<Timing>();
    shared::<ValidRange>();
    shared::<Target>();
};
