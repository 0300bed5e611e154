//! Max-sensitivity: how much a map changes at most if the input hardly changes.

use saliency_core::{Explainer, Inputs, Model, Target};

use super::sensitivity::{SensitivityOptions, uniform};
use crate::error::Result;
use crate::estimate::RowValues;
use crate::perturbation::Perturbation;

/// Explains perturbed copies of the input, and returns the largest relative distance of their maps.
///
/// For perturbations δ and maps φ:
///
/// ```text
/// value = max_δ ‖φ(x + δ) - φ(x)‖₂ / ‖φ(x)‖₂
/// ```
///
/// Small is good: the map is stable. It says nothing of truth: a map that is always the same has 0.
/// Every copy is explained for the class of its row, and noise that the explainer itself adds is the
/// same for all copies of a row, so that only the change of the input counts. If the map of the
/// input is zero, the distance is not divided. Values are those of
/// Captum 0.9.0 for the same perturbations.
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
/// use saliency_metrics::MaxSensitivity;
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1) * 2.0);
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let metric = MaxSensitivity::new();
/// let found = metric.values(&Gradient::new(), &sum, x, Target::Predicted)?;
/// assert_eq!(found.mean(), Some(0.0));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// C.-K. Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", 2019.
#[derive(Clone, Debug, Default)]
pub struct MaxSensitivity(SensitivityOptions);

impl MaxSensitivity {
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

    /// Returns the largest relative distance of each row.
    ///
    /// # Errors
    /// See [`MaxSensitivity`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<RowValues> {
        let rows = self.0.distances(explainer, model, input, target)?;
        // NaN stays, so that it is noted.
        let largest = |row: &Vec<f64>| {
            row.iter().fold(0f64, |most, it| if it.is_nan() { *it } else { most.max(*it) })
        };
        Ok(RowValues::new(rows.iter().map(|row| Ok(largest(row)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::steps;
    use burn::tensor::{Device, Tensor};
    use saliency_core::{Gradient, SmoothGrad, pure_function};

    #[test]
    fn the_largest_change_of_a_known_gradient() {
        // The gradient is 2 x: draw k changes (3, 4) by (k, k).
        let square = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
        let x = Tensor::<2>::from_data([[3.0, 4.0], [0.0, 0.0]], &Device::flex());
        for draws in [1, 3, 40] {
            let metric = MaxSensitivity::new().with_perturbation(steps()).with_draws(draws);
            let found = metric.values(&Gradient::new(), &square, x.clone(), Target::Class(0));
            let found = found.unwrap().defined();
            let change = (draws - 1) as f64 * 2f64.sqrt();
            assert!((found[0] - change / 5.0).abs() < 1e-6, "{found:?}");
            // A map of zeros: the change itself.
            assert!((found[1] - 2.0 * change).abs() < 1e-5, "{found:?}");
        }
    }

    #[test]
    fn noise_of_the_explainer_does_not_count() {
        let linear = pure_function(|x: Tensor<2>| x.sum_dim(1) * 2.0);
        let x = Tensor::<2>::ones([3, 2], &Device::flex());
        let smooth = SmoothGrad::default().with_samples(3);
        let found = MaxSensitivity::new().values(&smooth, &linear, x, Target::Predicted).unwrap();
        assert_eq!(found.values(), [Some(0.0); 3]);
    }

    #[test]
    fn the_default_noise_stays_within_its_radius() {
        // The gradient of x² / 2 is x: the map changes by the noise itself, and one value is 1.
        let square = pure_function(|x: Tensor<2>| x.powi_scalar(2) / 2.0);
        let x = Tensor::<2>::ones([50, 1], &Device::flex());
        let explainer = Gradient::new();
        let found = MaxSensitivity::new().values(&explainer, &square, x.clone(), Target::Class(0));
        let found = found.unwrap().defined();
        assert!(found.iter().all(|value| (0.005..=0.020_001).contains(value)), "{found:?}");
        let wide = MaxSensitivity::new().with_radius(0.2, 1);
        let wide = wide.values(&explainer, &square, x, Target::Class(0)).unwrap();
        assert!(wide.mean().unwrap() > 0.1);
    }

    #[test]
    fn no_draw_and_a_model_that_ignores_its_input_are_errors() {
        let constant = pure_function(|x: Tensor<2>| x.zeros_like().sum_dim(1) + 1.0);
        let x = Tensor::<2>::ones([1, 2], &Device::flex());
        let run = |metric: MaxSensitivity| {
            metric.values(&Gradient::new(), &constant, x.clone(), Target::Class(0))
        };
        let error = run(MaxSensitivity::new().with_draws(0)).unwrap_err();
        assert_eq!(error.to_string(), "expected draws to be at least 1, found 0");
        assert!(matches!(run(MaxSensitivity::new()), Err(crate::Error::Core(_))));
    }
}
