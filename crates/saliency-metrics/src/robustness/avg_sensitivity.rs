//! Avg-sensitivity: how much a map changes on average if the input hardly changes.

use saliency_core::{Explainer, Inputs, Model, Target};

use super::sensitivity::{SensitivityOptions, uniform};
use crate::bootstrap::mean;
use crate::error::Result;
use crate::estimate::RowValues;
use crate::perturbation::Perturbation;

/// Explains perturbed copies of the input, and returns the mean relative distance of their maps.
///
/// For perturbations δ and maps φ:
///
/// ```text
/// value = mean_δ ‖φ(x + δ) - φ(x)‖₂ / ‖φ(x)‖₂
/// ```
///
/// Small is good: the map is stable. It says nothing of truth: a map that is always the same has 0.
/// Every copy is explained for the class of its row, and noise that the explainer itself adds is the
/// same for all copies of a row, so that only the change of the input counts. If the map of the
/// input is zero, the distance is not divided.
///
/// # Shapes
/// Any explainer, model and input.
///
/// # Defaults
/// - perturbation: uniform from -0.02 to 0.02 for each value, seed 0
/// - draws: 10
///
/// # Cost
/// draws + 1 attributions, of as many copies at once as the batch has rows, or of 32 for smaller
/// batches. The explainer's own schedule has progress and cancelling.
///
/// # Errors
/// [`Error::InvalidOption`](crate::Error::InvalidOption), and those of the explainer.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Gradient, Target, pure_function};
/// use saliency_metrics::AvgSensitivity;
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1) * 2.0);
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let metric = AvgSensitivity::new();
/// let found = metric.values(&Gradient::new(), &sum, x, Target::Predicted)?;
/// assert_eq!(found.mean(), Some(0.0));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// C.-K. Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", 2019.
#[derive(Clone, Debug, Default)]
pub struct AvgSensitivity(SensitivityOptions);

impl AvgSensitivity {
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

    /// Returns the mean relative distance of each row.
    ///
    /// # Errors
    /// See [`AvgSensitivity`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<RowValues> {
        let rows = self.0.distances(explainer, model, input, target)?;
        Ok(RowValues::new(rows.iter().map(|row| Ok(mean(row)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::steps;
    use burn::tensor::{Device, Tensor};
    use saliency_core::{Gradient, pure_function};

    #[test]
    fn the_mean_change_of_a_known_gradient() {
        let square = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
        let x = Tensor::<2>::from_data([[3.0, 4.0]], &Device::flex());
        let metric = AvgSensitivity::new().with_perturbation(steps()).with_draws(3);
        let found = metric.values(&Gradient::new(), &square, x.clone(), Target::Class(0)).unwrap();
        // 0, 1 and 2 times √2 / 5.
        assert!((found.mean().unwrap() - 2f64.sqrt() / 5.0).abs() < 1e-6);
        let narrow = AvgSensitivity::new().with_radius(0.0, 0);
        let found = narrow.values(&Gradient::new(), &square, x.clone(), Target::Class(0)).unwrap();
        assert_eq!(found.mean(), Some(0.0));
        let none = AvgSensitivity::new().with_draws(0);
        let error = none.values(&Gradient::new(), &square, x, Target::Class(0)).unwrap_err();
        assert_eq!(error.to_string(), "expected draws to be at least 1, found 0");
    }
}
