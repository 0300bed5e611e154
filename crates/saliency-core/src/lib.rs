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
//! Every method is an [`Explainer`]: [`Gradient`], [`InputTimesGradient`],
//! [`IntegratedGradients`], [`SmoothGrad`]. What goes wrong is an [`Error`].

mod attribution;
mod baseline;
mod error;
mod explainer;
mod gradient;
mod inputs;
mod methods;
mod model;
mod noise;
mod quadrature;
mod schedule;
mod target;

pub use attribution::Attribution;
pub use baseline::Baseline;
pub use error::{Error, Place, Result};
pub use explainer::Explainer;
pub use inputs::Inputs;
pub use methods::{Gradient, InputTimesGradient, IntegratedGradients, NoiseScale, SmoothGrad};
pub use model::{Model, ModelFn, NoModule, pure_function};
pub use quadrature::Rule;
pub use schedule::{Progress, Schedule};
pub use target::{ScoreFunction, Target};
