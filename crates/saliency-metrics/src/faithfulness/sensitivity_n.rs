//! Sensitivity-n: do sums of attributions go along with the fall of the score?

use saliency_core::kit::{Key, Stream};

use super::equal_scores;
use crate::correlation::pearson;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment};
use crate::fill::Fill;
use crate::maps::{check_maps, flaw};
use crate::units::ranking;

/// Covers random choices of n units, and correlates the fall of the score with the sum of the map
/// over these units.
///
/// ```text
/// value = correlation over choices S with |S| = n of  Σ_{u in S} map(u)  and  f(x) - f(x with S covered)
/// ```
///
/// It is 1 for the right map of a linear model, and 0 is expected of a random map.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - share: 0.2 of the units are covered at a time, at least one
/// - choices: 100
/// - seed: 0
///
/// # Cost
/// For each row: one forward pass for each choice.
///
/// # Errors
/// [`Error::MapUnits`], [`Error::InvalidOption`], and the model's. A row has no value if its sums or
/// its falls are all equal, for instance if all units are covered.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, SensitivityN, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let maps = experiment.unit_sums(x)?;
/// let found = SensitivityN::new().values(&experiment, &fill, &maps)?;
/// assert!((found.mean().unwrap() - 1.0).abs() < 1e-6);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// M. Ancona et al., "Towards Better Understanding of Gradient-Based Attribution Methods for Deep
/// Neural Networks", 2018.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensitivityN {
    share: f64,
    choices: usize,
    seed: u64,
}

impl Default for SensitivityN {
    fn default() -> Self {
        Self { share: 0.2, choices: 100, seed: 0 }
    }
}

impl SensitivityN {
    /// Correlates with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Covers this share of the units at a time: above 0, at most 1.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Covers this many random choices of units: at least 2.
    #[must_use]
    pub fn with_choices(mut self, choices: usize) -> Self {
        self.choices = choices;
        self
    }

    /// Chooses units with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn check(&self) -> Result<()> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            let (expected, found) = ("above 0 and at most 1", self.share.to_string());
            return Err(Error::InvalidOption { option: "share", expected, found });
        }
        if self.choices < 2 {
            let (expected, found) = ("at least 2", self.choices.to_string());
            return Err(Error::InvalidOption { option: "choices", expected, found });
        }
        Ok(())
    }

    /// Returns the correlation of each row.
    ///
    /// # Errors
    /// See [`SensitivityN`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        self.check()?;
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        let chosen = ((self.share * units as f64).round() as usize).clamp(1, units);
        let choice = |at: usize| {
            let (row, sample) = ((at / self.choices) as u64, (at % self.choices) as u64);
            let key = Key { seed: self.seed, row, sample };
            ranking(&key.uniform(Stream::Own(3), units))[..chosen].to_vec()
        };
        let covered = experiment.covered_scores_by(fill, rows * self.choices, |at| {
            Cover::of(at / self.choices, units, &choice(at))
        })?;

        let value = |(row, scores): (usize, &[f64])| {
            if let Some(reason) = flaw(&maps[row]) {
                return Err(reason);
            }
            let sum = |at| -> f64 {
                choice(row * self.choices + at).iter().map(|&unit| maps[row][unit]).sum()
            };
            let sums: Vec<f64> = (0..self.choices).map(sum).collect();
            let whole = experiment.scores()[row];
            let falls: Vec<f64> = scores.iter().map(|score| whole - score).collect();
            let largest = |values: &[f64]| values.iter().fold(0f64, |most, it| most.max(it.abs()));
            let size = largest(scores).max(whole.abs());
            if !falls.iter().all(|fall| fall.is_finite()) {
                Err(Reason::NotFinite)
            } else if equal_scores(&falls, size) {
                Err(Reason::ScoresAllEqual)
            } else if equal_scores(&sums, largest(&maps[row]) * 1e-3) {
                Err(Reason::SumsAllEqual)
            } else {
                Ok(pearson(&sums, &falls))
            }
        };
        Ok(RowValues::new(covered.chunks(self.choices).enumerate().map(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{constant, linear};

    #[test]
    fn the_right_map_of_a_linear_model_has_1() {
        let lab = linear([1.0, 2.0, -3.0, 0.5], [[1.0, 2.0, 2.0, 0.0], [3.0, 2.0, 1.0, 5.0]]);
        let maps = [vec![1.0, 4.0, -6.0, 0.0], vec![3.0, 4.0, -3.0, 2.5]];
        for share in [0.25, 0.5, 0.75] {
            let metric = SensitivityN::new().with_share(share).with_seed(4);
            let found = metric.values(&lab.experiment, &lab.zeros, &maps).unwrap();
            assert!(found.defined().iter().all(|value| (value - 1.0).abs() < 1e-9), "{found:?}");
            // Scaled and opposite maps.
            let opposite = maps.clone().map(|map| map.iter().map(|it| -3.0 * it).collect());
            let found = metric.values(&lab.experiment, &lab.zeros, &opposite).unwrap();
            assert!(found.defined().iter().all(|value| (value + 1.0).abs() < 1e-9), "{found:?}");
        }
    }

    #[test]
    fn rows_without_an_answer_are_noted() {
        let lab = constant(2, 3);
        let maps = [vec![1.0; 3], vec![1.0, 2.0, 3.0]];
        let found = SensitivityN::new().values(&lab.experiment, &lab.zeros, &maps).unwrap();
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapAllEqual, Reason::ScoresAllEqual]);
        // Everything is covered each time.
        let lab = linear([1.0, 2.0], [[1.0, 2.0]]);
        let all = SensitivityN::new().with_share(1.0);
        let found = all.values(&lab.experiment, &lab.zeros, &[vec![1.0, 4.0]]).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::ScoresAllEqual);
    }

    #[test]
    fn wrong_options_are_refused() {
        let lab = constant(1, 3);
        for (metric, message) in [
            (
                SensitivityN::new().with_share(0.0),
                "expected share to be above 0 and at most 1, found 0",
            ),
            (
                SensitivityN::new().with_share(f64::NAN),
                "expected share to be above 0 and at most 1, found NaN",
            ),
            (SensitivityN::new().with_choices(1), "expected choices to be at least 2, found 1"),
        ] {
            let error = metric.values(&lab.experiment, &lab.zeros, &[vec![1.0; 3]]).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
