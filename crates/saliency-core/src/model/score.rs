//! The kind of score that is explained.

use std::sync::Arc;

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};

use crate::error::Result;
use crate::model::output::Output;

/// The kind of score that is explained.
///
/// Probabilities and their logarithms are taken over the model's outputs, which must be logits. If
/// the outputs are probabilities already, every explainer returns an error. Then use the model
/// without its softmax, or [`Score::LogOutput`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Score {
    /// The output as it is: usually a logit.
    #[default]
    Output,
    /// The logarithm of the softmax over the outputs: evidence for the class and against the
    /// others.
    LogProbability,
    /// The logarithm of the output, for a model whose output holds probabilities already.
    LogOutput,
    /// The softmax over the outputs. Its gradient vanishes if the class is nearly certain or nearly
    /// impossible, and maps are then mostly rounding error. The gradient of the logarithm vanishes
    /// only if the class is nearly certain.
    Probability,
}

impl Score {
    /// Turns the model's output `[rows, scores, ...]` into scores of this kind.
    pub(crate) fn of<const D: usize>(self, output: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Output => output,
            Self::LogProbability => log_softmax(output, 1),
            Self::LogOutput => output.log(),
            Self::Probability => softmax(output, 1),
        }
    }
}

/// Returns whether the rows of a model's output look like probabilities: two columns or more, none
/// below zero, and each row sums to 1.
pub(crate) fn are_probabilities(output: &Output<'_>) -> Result<bool> {
    Ok(output.dims()[1] > 1 && output.rows()?.all(is_distribution))
}

/// Returns whether these scores look like probabilities: two or more, none below zero, with a sum
/// of 1.
pub(crate) fn is_distribution(scores: &[f64]) -> bool {
    scores.len() > 1
        && scores.iter().all(|score| *score >= 0.0)
        && (scores.iter().sum::<f64>() - 1.0).abs() < 1e-3
}

/// A function from `[rows, scores]` to `[rows]`, made by
/// [`Target::function`](crate::Target::function).
#[derive(Clone)]
pub struct ScoreFunction(Arc<dyn Fn(Tensor<2>) -> Tensor<1> + Send + Sync>);

impl ScoreFunction {
    pub(crate) fn new(function: impl Fn(Tensor<2>) -> Tensor<1> + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }

    /// Calls the function.
    pub(crate) fn call(&self, output: Tensor<2>) -> Tensor<1> {
        (self.0)(output)
    }
}

impl std::fmt::Debug for ScoreFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScoreFunction")
    }
}
