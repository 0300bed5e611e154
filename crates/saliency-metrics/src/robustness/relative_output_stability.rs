//! Relative output stability: how much a map changes for a change of the model's outputs.

use saliency_core::{Explainer, Inputs, Model, Target};

use super::relative_stability::relative_stability;
use super::sensitivity::{SensitivityOptions, uniform};
use crate::error::Result;
use crate::estimate::RowValues;
use crate::perturbation::Perturbation;

/// Explains perturbed copies of the input, and returns the largest relative change of the map for
/// a change of the model's outputs.
///
/// For perturbed inputs x' with the same answer, outputs h, and maps φ:
///
/// ```text
/// value = max over x' of ‖(φ(x) - φ(x')) / φ(x)‖₂ / ‖h(x) - h(x')‖₂
/// ```
///
/// Small is good: the map changes only if the outputs of the model change, so that the map of a model
/// that is itself unstable is excused. It says nothing of truth: a map that is always the same has 0.
/// If outputs are logits, their scale is part of the value.
/// Quotients are taken value by value, so that the values of the map that are close to 0 decide. Zeros
/// that are divided by count as 1e-6.
///
/// Every copy is explained for the class of its row, and noise that the explainer itself adds is the
/// same for all copies of a row. Copies with another answer are left out, as in the paper. Values are
/// those of Quantus 0.6.0 for the same perturbations; but Quantus has no value for a row as soon as
/// one copy has another answer.
///
/// # Shapes
/// Any explainer, model and input.
///
/// # Defaults
/// - perturbation: uniform from -0.02 to 0.02 for each value, seed 0
/// - draws: 10
///
/// # Cost
/// draws + 1 attributions and forward passes, of as many copies at once as the batch has rows, or of
/// 32 for smaller batches. The explainer's own schedule has progress and cancelling.
///
/// # Errors
/// [`Error::InvalidOption`](crate::Error::InvalidOption), and those of the explainer. A row has no
/// value if its map is zero, or if the answer changes with every perturbation.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{InputTimesGradient, Target, pure_function};
/// use saliency_metrics::RelativeOutputStability;
///
/// // Input times gradient of a sum is the input, and so is the output.
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[4.0]], &Device::flex());
/// let metric = RelativeOutputStability::new();
/// let found = metric.values(&InputTimesGradient::new(), &sum, x, Target::Predicted)?;
/// assert!((found.mean().unwrap() - 0.25).abs() < 1e-6);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// C. Agarwal et al., "Rethinking Stability for Attribution-based Explanations", 2022.
#[derive(Clone, Debug, Default)]
pub struct RelativeOutputStability(SensitivityOptions);

impl RelativeOutputStability {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Perturbs every value by uniform noise from -radius to radius, drawn from a seed.
    #[must_use]
    pub fn with_radius(self, radius: f64, seed: u64) -> Self {
        self.with_perturbation(uniform(radius, seed))
    }

    /// Draws perturbations, which are added to the input, in another way.
    #[must_use]
    pub fn with_perturbation(mut self, perturbation: Perturbation) -> Self {
        self.0.perturbation = perturbation;
        self
    }

    /// Draws this many perturbations of each row: at least 1.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        self.0.draws = draws;
        self
    }

    /// Returns the largest relative change of each row.
    ///
    /// # Errors
    /// See [`RelativeOutputStability`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<RowValues> {
        relative_stability(&self.0, explainer, model, input, target, |whole, found| {
            let pairs = whole.outputs.iter().zip(&found.outputs);
            pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Reason;
    use crate::fixtures::steps;
    use burn::tensor::{Device, Tensor};
    use saliency_core::{Gradient, pure_function};

    #[test]
    fn the_change_of_a_known_gradient() {
        // The gradient of the first output is 2 x, and draw k adds k to every value.
        let model = pure_function(|x: Tensor<2>| {
            let square = x.powi_scalar(2).sum_dim(1);
            Tensor::cat(vec![square.clone(), square.zeros_like()], 1)
        });
        let x = Tensor::<2>::from_data([[3.0, 4.0]], &Device::flex());
        let metric = RelativeOutputStability::new().with_perturbation(steps()).with_draws(3);
        let found = metric.values(&Gradient::new(), &model, x, Target::Class(0)).unwrap();
        // The map changes by k (1/3, 1/4) of itself, and the score by 14 k + 2 k².
        let by_hand = (1.0f64 / 9.0 + 1.0 / 16.0).sqrt() / 16.0;
        assert!((found.mean().unwrap() - by_hand).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn rows_without_an_answer_are_noted() {
        // The larger value is the answer, and the second one grows. The first gradient is 3 and 0.
        let model = pure_function(|x: Tensor<2>| x.powi_scalar(3));
        let x = Tensor::<2>::from_data([[1.0, 0.9], [0.0, -1.0]], &Device::flex());
        let growing = Perturbation::own(|rows, keys| {
            let add = keys.iter().flat_map(|key| [0.0, key.sample as f64 + 2.0]);
            let add: Vec<f64> = add.collect();
            let add = Tensor::<1>::from_data(&add[..], &rows.device());
            Ok(rows.map(|part| add.clone().reshape(part.dims())))
        });
        let metric = RelativeOutputStability::new().with_perturbation(growing);
        let found = metric.values(&Gradient::new(), &model, x.clone(), Target::Class(0)).unwrap();
        assert_eq!(found.values(), [None, None]);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::AnswerChanges, Reason::MapSumsToZero]);
        let none = RelativeOutputStability::new().with_draws(0);
        let error = none.values(&Gradient::new(), &model, x, Target::Class(0)).unwrap_err();
        assert_eq!(error.to_string(), "expected draws to be at least 1, found 0");
    }
}
