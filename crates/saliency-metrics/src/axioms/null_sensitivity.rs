//! Sensitivity to nulls: do values that the model ignores get zero?

use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment};
use crate::faithfulness::ROUNDING;
use crate::fill::Fill;
use crate::maps::check_maps;

/// Measures how much of a map is at units that the model ignores.
///
/// A unit is a null if covering it alone leaves the score as it is, but for rounding:
///
/// ```text
/// value = Σ over nulls |map(u)| / Σ |map(u)|
/// ```
///
/// Small is good, and 0 is expected: a unit without influence deserves nothing. A unit that matters
/// only together with others (a second copy of the same thing, a saturated network) is a null as
/// well, although a true map names it; and a unit may look like a null because its value is that of
/// the fill.
///
/// [`disagreements`](Self::disagreements) counts the units for which map and model disagree, in both
/// directions, as in the paper.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - threshold: scores are equal if they differ by less than 2e-7 of the largest
///
/// # Cost
/// For each row: a forward pass for each unit.
///
/// # Errors
/// [`Error::MapUnits`], [`Error::InvalidOption`] for a threshold that is negative or not finite, and
/// the model's. A row has no value if its map is zero everywhere.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, NullSensitivity, Units};
///
/// // The model looks at the first value only.
/// let first = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&first, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let maps = [vec![3.0, 0.0, -1.0]];
/// assert_eq!(NullSensitivity::new().values(&experiment, &fill, &maps)?.mean(), Some(0.25));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// A. Nguyen, M. Rodríguez Martínez, "On Quantitative Aspects of Model Interpretability", 2020;
/// M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", 2017, for the axiom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NullSensitivity {
    threshold: Option<f64>,
}

impl NullSensitivity {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes scores that differ by less than this for equal.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// Returns the share of each row's map at nulls.
    ///
    /// # Errors
    /// See [`NullSensitivity`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        let nulls = self.nulls(experiment, fill, maps)?;
        let share = |(map, nulls): (&Vec<f64>, Result<Vec<bool>, Reason>)| {
            let nulls = nulls?;
            let sum = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).sum::<f64>();
            let total = sum(&mut map.iter().copied());
            if total == 0.0 {
                return Err(Reason::MapSumsToZero);
            }
            let at_nulls = map.iter().zip(nulls).filter(|(_, is_null)| *is_null);
            Ok(sum(&mut at_nulls.map(|(value, _)| *value)) / total)
        };
        Ok(RowValues::new(maps.iter().zip(nulls).map(share)))
    }

    /// Returns the number of units of each row for which map and model disagree: a null whose
    /// absolute value in the map is at least `least`, or a unit that is none and has less.
    ///
    /// It is the non-sensitivity of Quantus 0.6.0 for maps divided by their largest absolute value,
    /// if `least` and the threshold are both its `eps`, and the score is a probability.
    ///
    /// # Errors
    /// See [`NullSensitivity`].
    pub fn disagreements(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
        least: f64,
    ) -> Result<RowValues> {
        let nulls = self.nulls(experiment, fill, maps)?;
        let count = |(map, nulls): (&Vec<f64>, Result<Vec<bool>, Reason>)| {
            let disagrees = |(value, is_null): &(&f64, bool)| (value.abs() < least) != *is_null;
            Ok(map.iter().zip(nulls?).filter(disagrees).count() as f64)
        };
        Ok(RowValues::new(maps.iter().zip(nulls).map(count)))
    }

    /// Returns whether each unit of each row is a null.
    fn nulls(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<Vec<Result<Vec<bool>, Reason>>> {
        if let Some(found) = self.threshold.filter(|it| !(it.is_finite() && *it >= 0.0)) {
            let (expected, found) = ("finite and not negative", found.to_string());
            return Err(Error::InvalidOption { option: "threshold", expected, found });
        }
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        let scores = experiment.covered_scores_by(fill, rows * units, |at| {
            Cover::of(at / units, units, &[at % units])
        })?;
        let of_row = |(row, covered): (usize, &[f64])| {
            let score = experiment.scores()[row];
            let size = covered.iter().fold(score.abs(), |size, score| size.max(score.abs()));
            if !(size.is_finite() && maps[row].iter().all(|value| value.is_finite())) {
                return Err(Reason::NotFinite);
            }
            let is_null = |covered: &f64| match self.threshold {
                Some(threshold) => (score - covered).abs() < threshold,
                None => (score - covered).abs() <= ROUNDING * size,
            };
            Ok(covered.iter().map(is_null).collect())
        };
        Ok(scores.chunks(units).enumerate().map(of_row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{constant, linear};

    #[test]
    fn the_share_at_units_without_influence() {
        let lab = linear([1.0, 0.0, 3.0], [[1.0, 5.0, 2.0], [0.0, 5.0, 1.0]]);
        let values = |metric: NullSensitivity, maps: &[Vec<f64>]| {
            metric.values(&lab.experiment, &lab.zeros, maps).unwrap()
        };
        let metric = NullSensitivity::new();
        // The second value has no weight; the first value of the second row is that of the fill.
        let found = values(metric, &[vec![1.0, 0.0, 6.0], vec![1.0, -1.0, 2.0]]);
        assert_eq!(found.values(), [Some(0.0), Some(0.5)]);
        let found = values(metric, &[vec![0.0; 3], vec![f64::NAN; 3]]);
        assert_eq!(found.values(), [None, None]);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapSumsToZero, Reason::NotFinite]);
        // The score of the first row falls by 1 and by 6.
        let wide = metric.with_threshold(2.0);
        let found = values(wide, &[vec![1.0, 0.0, 3.0], vec![1.0, 0.0, 1.0]]);
        assert_eq!(found.values(), [Some(0.25), Some(0.5)]);
    }

    #[test]
    fn disagreements_are_counted_in_both_directions() {
        let lab = linear([1.0, 0.0, 3.0], [[1.0, 5.0, 2.0], [1.0, 5.0, 1.0]]);
        let metric = NullSensitivity::new();
        let maps = [vec![1.0, 0.0, -6.0], vec![0.0, 1.0, 2.0]];
        let found = metric.disagreements(&lab.experiment, &lab.zeros, &maps, 1e-5).unwrap();
        assert_eq!(found.values(), [Some(0.0), Some(2.0)]);
    }

    #[test]
    fn everything_is_a_null_of_a_constant_model() {
        let lab = constant(1, 2);
        let values = |metric: NullSensitivity, maps: &[Vec<f64>]| {
            metric.values(&lab.experiment, &lab.zeros, maps)
        };
        let maps = [vec![1.0, 2.0]];
        assert_eq!(values(NullSensitivity::new(), &maps).unwrap().values(), [Some(1.0)]);
        for threshold in [-1.0, f64::INFINITY] {
            let metric = NullSensitivity::new().with_threshold(threshold);
            let error = values(metric, &maps).unwrap_err().to_string();
            let expected = "expected threshold to be finite and not negative, found ";
            assert_eq!(error, format!("{expected}{threshold}"));
        }
        let error = values(NullSensitivity::new(), &[vec![1.0]]).unwrap_err();
        assert_eq!(error, Error::MapUnits { rows: 1, units: 2, found: vec![1] });
    }
}
