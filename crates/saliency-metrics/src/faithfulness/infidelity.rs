//! Infidelity: does the map predict how the score changes under perturbations?

use burn::tensor::Tensor;
use saliency_core::NoiseScale;
use saliency_core::kit::{Batch, Noise};

use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{CopiedRows, Experiment};
use crate::perturbation::Perturbation;

/// Perturbs the input at random, and compares the change of the score with the one that the map
/// predicts.
///
/// For a perturbation I of the input x and an attribution φ:
///
/// ```text
/// infidelity = E[ (Σ I φ - (f(x) - f(x - I)))² ]
/// ```
///
/// It is 0 if φ is the gradient of a linear model. 0 is the best value; its scale is that of the
/// squared score. [Normalised](Self::with_optimal_scale), φ is first multiplied by the factor β that
/// makes the infidelity smallest, so that only the directions of φ count:
///
/// ```text
/// β = E[ Σ I φ (f(x) - f(x - I)) ] / E[ (Σ I φ)² ]
/// ```
///
/// Values are those of Captum 0.9.0 for the same perturbations.
///
/// # Shapes
/// The attribution has the shape of the input: it is made by [`Experiment::attribution`]. Units have
/// no influence.
///
/// # Defaults
/// - perturbation: normal noise, a tenth of the range of each row, seed 0
/// - draws: 100
/// - scale: as it is
/// - attribution: per unit of the input, such as a gradient. For an attribution that is multiplied
///   by the input, see [`with_input_multiplied`](Self::with_input_multiplied)
///
/// # Cost
/// For each row: one forward pass for each draw.
///
/// # Errors
/// [`Error::Shape`], [`Error::InvalidOption`], and the model's. A row has no value if its
/// attribution or a score is not finite.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, Infidelity, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1) * 2.0);
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let gradient = Gradient::new().attribute(&sum, x.clone())?;
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x, Target::Class(0), units, Schedule::new())?;
/// let attribution = experiment.attribution(gradient.values)?;
/// assert!(Infidelity::new().values(&experiment, &attribution)?.mean().unwrap() < 1e-10);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// C.-K. Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", 2019.
#[derive(Clone, Debug)]
pub struct Infidelity {
    perturbation: Perturbation,
    draws: usize,
    scale: MapScale,
    kind: MapKind,
}

/// Whether the attribution is taken as it is, or multiplied by the best factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MapScale {
    AsItIs,
    Optimal,
}

/// Whether the attribution is per unit of the input, or multiplied by the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MapKind {
    PerUnit,
    TimesInput,
}

impl Default for Infidelity {
    fn default() -> Self {
        let perturbation = Perturbation::noise(Noise::new(NoiseScale::OfRange(0.1)));
        Self { perturbation, draws: 100, scale: MapScale::AsItIs, kind: MapKind::PerUnit }
    }
}

/// Sums over the draws of one row. `predicted` is Σ I φ, and `fall` is f(x) - f(x - I).
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    squared_error: f64,
    predicted_squared: f64,
    predicted_times_fall: f64,
    fall_squared: f64,
}

/// The answers for a chunk of copies.
struct Answers {
    predicted: Vec<f64>,
    scores: Vec<f64>,
}

impl Infidelity {
    /// Compares with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws perturbations in another way.
    #[must_use]
    pub fn with_perturbation(mut self, perturbation: Perturbation) -> Self {
        self.perturbation = perturbation;
        self
    }

    /// Draws this many perturbations of each row: at least 1.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// Multiplies the attribution of each row by the factor that makes the infidelity smallest.
    #[must_use]
    pub fn with_optimal_scale(mut self) -> Self {
        self.scale = MapScale::Optimal;
        self
    }

    /// Takes attributions that are multiplied by the input, such as those of Integrated Gradients:
    /// I / x takes the place of I in Σ I φ (I itself if x is 0).
    #[must_use]
    pub fn with_input_multiplied(mut self) -> Self {
        self.kind = MapKind::TimesInput;
        self
    }

    /// Returns the infidelity of each row.
    ///
    /// # Errors
    /// See [`Infidelity`].
    pub fn values(&self, experiment: &Experiment<'_>, attribution: &Batch) -> Result<RowValues> {
        if self.draws == 0 {
            let (expected, found) = ("at least 1", "0".to_owned());
            return Err(Error::InvalidOption { option: "draws", expected, found });
        }
        let (expected, found) = (experiment.input().shapes(), attribution.shapes());
        if expected != found {
            return Err(Error::Shape { what: "an attribution", expected, found });
        }
        let draws = self.perturbation.of(experiment.input())?;
        let mut rows = vec![Sums::default(); experiment.input().rows()];
        experiment.for_copies(
            self.draws,
            |copies| {
                let input = experiment.input().select(&copies.rows);
                let drawn = draws.draw_to_subtract(&input, copies)?;
                let map = attribution.select(&copies.rows);
                let predicted = self.predicted(&input, &map, &drawn)?;
                let perturbed = input.zip(&drawn, |x, drawn| x - drawn).with_fixed_of(&input);
                Ok(Answers { predicted, scores: experiment.scores_at(perturbed, &copies.rows)? })
            },
            |copies, answers| add(&mut rows, experiment.scores(), copies, &answers),
        )?;
        Ok(RowValues::new(rows.iter().map(|sums| self.value(sums))))
    }

    /// Returns Σ I φ for each copy.
    fn predicted(
        &self,
        input: &Batch,
        map: &Batch,
        drawn: &Batch,
    ) -> saliency_core::Result<Vec<f64>> {
        let drawn = match self.kind {
            MapKind::PerUnit => drawn.clone(),
            MapKind::TimesInput => drawn.zip(input, |drawn, x| {
                let is_zero = x.clone().equal_elem(0.0);
                drawn / x.mask_fill(is_zero, 1.0)
            }),
        };
        // Added up on the device, because a chunk has many values.
        let products = map.zip(&drawn, |map, drawn| map.cast(drawn.dtype()) * drawn);
        products.widened().without_fixed().map(|part: Tensor<2>| part.sum_dim(1)).row_sums()
    }

    fn value(&self, sums: &Sums) -> std::result::Result<f64, Reason> {
        let count = self.draws as f64;
        match self.scale {
            MapScale::AsItIs => Ok(sums.squared_error / count),
            // A map of zeros predicts nothing, whatever its scale.
            MapScale::Optimal if sums.predicted_squared == 0.0 => Ok(sums.fall_squared / count),
            MapScale::Optimal => {
                let explained = sums.predicted_times_fall.powi(2) / sums.predicted_squared;
                let rest = sums.fall_squared - explained;
                // Rounding may make it negative; NaN stays.
                Ok(if rest < 0.0 { 0.0 } else { rest / count })
            }
        }
    }
}

/// Adds the answers of a chunk to the sums of their rows.
fn add(rows: &mut [Sums], scores: &[f64], copies: &CopiedRows, answers: &Answers) {
    let found = answers.predicted.iter().zip(&answers.scores);
    for (&row, (predicted, score)) in copies.rows.iter().zip(found) {
        let fall = scores[row] - score;
        let sums = &mut rows[row];
        sums.squared_error += (predicted - fall).powi(2);
        sums.predicted_squared += predicted.powi(2);
        sums.predicted_times_fall += predicted * fall;
        sums.fall_squared += fall.powi(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Lab, constant, linear};
    use crate::{PixelFlipping, Units};
    use burn::tensor::Device;
    use saliency_core::{Fixed, Schedule, Target, ValidRange, pure_function};

    fn map<const N: usize, const ROWS: usize>(lab: &Lab, map: [[f32; N]; ROWS]) -> Batch {
        lab.experiment.attribution(Tensor::<2>::from_data(map, &Device::flex())).unwrap()
    }

    const WEIGHTS: [f32; 3] = [1.0, 2.0, -3.0];
    const ROWS: [[f32; 3]; 2] = [[1.0, 2.0, 2.0], [1.0, 4.0, 0.0]];

    #[test]
    fn the_gradient_of_a_linear_model_has_0() {
        let lab = linear(WEIGHTS, ROWS);
        let gradient = map(&lab, [WEIGHTS; 2]);
        let found = Infidelity::new().values(&lab.experiment, &gradient).unwrap();
        assert!(found.defined().iter().all(|value| *value < 1e-10), "{found:?}");
        // With the best scale, any multiple of the gradient is as good.
        let tripled = gradient.map(|part| part * 3.0);
        let found = Infidelity::new().values(&lab.experiment, &tripled).unwrap();
        assert!(found.defined().iter().all(|value| *value > 0.1), "{found:?}");
        let best = Infidelity::new().with_optimal_scale();
        let found = best.values(&lab.experiment, &tripled).unwrap();
        assert!(found.defined().iter().all(|value| *value < 1e-10), "{found:?}");
    }

    #[test]
    fn input_times_gradient_has_0_if_its_input_is_divided_by() {
        let lab = linear(WEIGHTS, [[1.0, 2.0, 2.0], [1.0, 4.0, -1.0]]);
        let product = map(&lab, [[1.0, 4.0, -6.0], [1.0, 8.0, 3.0]]);
        let metric = Infidelity::new().with_input_multiplied();
        let found = metric.values(&lab.experiment, &product).unwrap();
        assert!(found.defined().iter().all(|value| *value < 1e-10), "{found:?}");
    }

    #[test]
    fn a_value_by_hand_with_perturbations_of_ones_own() {
        let lab = linear(WEIGHTS, ROWS);
        // Draw k adds k + 1 to the first value: a map of 3 predicts 3 (k + 1) rather than k + 1.
        let perturbation = Perturbation::own(|rows, keys| {
            let values = keys.iter().flat_map(|key| [key.sample as f32 + 1.0, 0.0, 0.0]);
            let values: Vec<f32> = values.collect();
            let values = Tensor::<1>::from_data(&values[..], &rows.device());
            Ok(rows.map(|part| values.clone().reshape(part.dims())))
        });
        let metric = Infidelity::new().with_perturbation(perturbation).with_draws(2);
        let attribution = map(&lab, [[3.0, 9.0, 9.0], [1.0, 9.0, 9.0]]);
        let found = metric.values(&lab.experiment, &attribution).unwrap();
        assert_eq!(found.values(), [Some((4.0 + 16.0) / 2.0), Some(0.0)]);
    }

    #[test]
    fn inputs_stay_in_the_valid_range_of_the_noise() {
        // Both ends of the range, and a place inside. The model has a score of its own outside.
        let model = pure_function(|x: Tensor<2>| {
            let valid = x.clone().clamp(0.0, 1.0);
            let outside = (x - valid.clone()).abs().sum_dim(1) * 1e4;
            valid.sum_dim(1) + outside
        });
        let x = Tensor::<2>::from_data([[0.0, 1.0, 0.4]], &Device::flex());
        let (target, units) = (Target::Class(0), Units::values(3));
        let experiment = Experiment::new(&model, x.clone(), target, units, Schedule::new());
        let experiment = experiment.unwrap();
        let map = experiment.attribution(x.ones_like()).unwrap();
        let noise = Noise::new(NoiseScale::Absolute(0.3));
        let range = Some(ValidRange::new(0.0, 1.0));
        let found = |noise: Noise| {
            let metric = Infidelity::new().with_perturbation(Perturbation::noise(noise));
            metric.values(&experiment, &map).unwrap().mean().unwrap()
        };
        // Inside its range the model is linear.
        assert!(found(Noise { range, ..noise.clone() }) < 1e-9);
        assert!(found(noise) > 1.0);
    }

    #[test]
    fn models_and_maps_without_an_answer() {
        let lab = constant(2, 3);
        let zeros = map(&lab, [[0.0; 3]; 2]);
        for metric in [Infidelity::new(), Infidelity::new().with_optimal_scale()] {
            let found = metric.values(&lab.experiment, &zeros).unwrap();
            assert_eq!(found.values(), [Some(0.0), Some(0.0)]);
        }
        // Rows of ones have no range, so that the default noise is zero. Give it some.
        let noise = Noise { seed: 1, ..Noise::new(NoiseScale::Absolute(1.0)) };
        let noise = Perturbation::noise(noise);
        let metric = Infidelity::new().with_perturbation(noise);
        let infinite = map(&lab, [[f32::INFINITY, 0.0, 0.0], [0.0; 3]]);
        let found = metric.values(&lab.experiment, &infinite).unwrap();
        assert_eq!(found.values(), [None, Some(0.0)]);
        assert_eq!(found.notes()[0].reason, Reason::NotFinite);
    }

    #[test]
    fn wrong_shapes_and_options_are_refused() {
        let lab = constant(2, 3);
        let zeros = map(&lab, [[0.0; 3]; 2]);
        let narrow = zeros.narrow(0, 1);
        let error = Infidelity::new().values(&lab.experiment, &narrow).unwrap_err();
        assert!(matches!(error, Error::Shape { what: "an attribution", .. }), "{error}");
        let error = Infidelity::new().with_draws(0).values(&lab.experiment, &zeros);
        assert_eq!(error.unwrap_err().to_string(), "expected draws to be at least 1, found 0");
        let wrong = Perturbation::own(|rows, _| Ok(rows.map(|part| part.narrow(1, 0, 1))));
        let error = Infidelity::new().with_perturbation(wrong).values(&lab.experiment, &zeros);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("a perturbation of the input's shape"), "{error}");
    }

    #[test]
    fn fixed_tensors_are_neither_perturbed_nor_counted() {
        let device = Device::flex();
        let model = pure_function(|(x, Fixed(factor)): (Tensor<2>, Fixed<Tensor<2>>)| {
            x.sum_dim(1) * factor
        });
        let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &device);
        let input = (x.clone(), Fixed(Tensor::<2>::from_data([[3.0]], &device)));
        let (target, units) = (Target::Class(0), Units::values(4));
        let experiment = Experiment::new(&model, input, target, units, Schedule::new()).unwrap();
        let map = (x.ones_like() * 3.0, Fixed(Tensor::<2>::from_data([[100.0]], &device)));
        let map = experiment.attribution(map).unwrap();
        let found = Infidelity::new().values(&experiment, &map).unwrap();
        assert!(found.mean().unwrap() < 1e-9, "{found:?}");
        // Covered values are set to the smallest value of the row, which is 1. The factor is fixed,
        // and is never covered.
        let maps = [vec![1.0, 2.0, 3.0, 0.0]];
        let curves = PixelFlipping::new().curves(&experiment, &maps).unwrap();
        assert_eq!(curves.rows()[0], Some(vec![12.0, 9.0, 9.0, 9.0]));
    }
}
