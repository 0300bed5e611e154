//! Attribution methods for [Burn](burn) models: which parts of the input made the model decide
//! this?
//!
//! The data flow, and the modules that hold it, in order:
//!
//! 1. [`Inputs`]: a batch of tensors, alone or as a tuple
//! 2. [`Model`]: the network, as a function from a batch to `[rows, scores]`
//! 3. [`Target`]: which of the scores is explained
//! 4. [`Baseline`] and path, or noise: which inputs the method feeds to the model
//! 5. the gradient of the score with respect to the input, in chunks set by the [`Schedule`]
//! 6. [`Attribution`]: the aggregated gradients, with what is needed to judge them
//!
//! Every method is an [`Explainer`]: [`Gradient`], [`InputTimesGradient`], [`IntegratedGradients`],
//! [`ExpectedGradients`], [`SmoothGrad`], [`SmoothGradSquared`], [`VarGrad`]. [`cut`] takes any of
//! them to a layer inside the network. What goes wrong is an [`Error`].

mod attribution;
mod baseline;
mod error;
mod estimate;
mod explainer;
mod fitting;
mod gradient;
mod inputs;
mod layer;
mod line;
mod methods;
mod model;
mod moments;
mod noise;
mod path;
mod quadrature;
mod sampling;
mod schedule;
mod target;
mod units;
mod workers;

pub use attribution::{Attribution, Warning};
pub use baseline::Baseline;
pub use error::{Error, Place, Result};
pub use explainer::{Explainer, Rows};
pub use inputs::{Fixed, Inputs};
pub use layer::{Cut, cut};
pub use methods::{
    ExpectedGradients, Gradient, InputTimesGradient, IntegratedGradients, SmoothGrad,
    SmoothGradSquared, VarGrad,
};
pub use model::{Model, ModelFn, NoModule, pure_function};
pub use noise::{Distribution, NoiseScale};
pub use quadrature::Rule;
pub use schedule::{Cancel, MemoryBudget, Parallelism, Progress, Schedule};
pub use target::{Score, ScoreFunction, Target};
