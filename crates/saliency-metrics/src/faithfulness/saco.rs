//! SaCo: do groups of units change the score in the order of their salience, and by how much?

use super::equal_scores;
use crate::bootstrap::mean;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment};
use crate::fill::Fill;
use crate::maps::{check_maps, flaw};
use crate::units::ranking;

/// Compares groups of units, two by two: is the fall of the score larger if the more salient group
/// is covered?
///
/// Units are sorted by the map and cut into K groups of equal size. For groups i before j, with
/// saliences s and falls d of the score if the group is covered:
///
/// ```text
/// SaCo = Σ w(i, j) / Σ |w(i, j)|,   w(i, j) = +(s(i) - s(j)) if d(i) > d(j)
///                                             -(s(i) - s(j)) if d(i) < d(j)
/// ```
///
/// It is 1 if the falls have the order of the saliences, -1 if they have the opposite order, and 0
/// is expected of a random map. In the paper a pair with equal falls counts as +; here it counts as
/// 0 in the numerator, because otherwise a model that ignores its input would have the best value.
/// Salience and fall of a group are divided by its number of units, so that groups whose sizes
/// differ by one, if the units can not be shared out equally, are compared fairly.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them. The paper
/// covers with the mean of the picture, and explains a probability.
///
/// # Defaults
/// - groups: 10, or as many as there are units
///
/// # Cost
/// For each row: one forward pass for each group.
///
/// # Errors
/// [`Error::MapUnits`], [`Error::InvalidOption`] for fewer than two groups, and the model's. A row
/// has no value if all values of its map are equal, or if the score does not change.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, SaCo, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let maps = experiment.unit_sums(x)?;
/// assert_eq!(SaCo::new().values(&experiment, &fill, &maps)?.mean(), Some(1.0));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// J. Wu et al., "On the Faithfulness of Vision Transformer Explanations", 2024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaCo {
    groups: usize,
}

impl Default for SaCo {
    fn default() -> Self {
        Self { groups: 10 }
    }
}

/// A group of units.
struct Group {
    /// The mean salience of its units.
    salience: f64,
    /// The fall of the score if it is covered, for each unit.
    fall: f64,
}

impl SaCo {
    /// Compares with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the units into this many groups.
    #[must_use]
    pub fn with_groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Returns the coefficient of each row.
    ///
    /// # Errors
    /// See [`SaCo`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        if self.groups < 2 {
            let (expected, found) = ("at least 2", self.groups.to_string());
            return Err(Error::InvalidOption { option: "groups", expected, found });
        }
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        let groups = self.groups.min(units);
        let orders: Vec<Vec<usize>> = maps.iter().map(|map| ranking(map)).collect();
        let members = |row: usize, group: usize| {
            &orders[row][group * units / groups..(group + 1) * units / groups]
        };
        let covered = experiment.covered_scores_by(fill, rows * groups, |at| {
            Cover::of(at / groups, units, members(at / groups, at % groups))
        })?;

        let value = |(row, scores): (usize, &[f64])| {
            let whole = experiment.scores()[row];
            let size = scores.iter().fold(whole.abs(), |size, score| size.max(score.abs()));
            if let Some(reason) = flaw(&maps[row]) {
                return Err(reason);
            }
            if !size.is_finite() {
                return Err(Reason::NotFinite);
            }
            if equal_scores(scores, size) {
                return Err(Reason::ScoresAllEqual);
            }
            let group = |(group, score): (usize, &f64)| {
                let units = members(row, group);
                let saliences: Vec<f64> = units.iter().map(|&unit| maps[row][unit]).collect();
                Group { salience: mean(&saliences), fall: (whole - score) / units.len() as f64 }
            };
            Ok(coefficient(&scores.iter().enumerate().map(group).collect::<Vec<_>>()))
        };
        Ok(RowValues::new(covered.chunks(groups).enumerate().map(value)))
    }
}

/// Returns the coefficient of groups that are sorted by their salience, not all of which are equal.
fn coefficient(groups: &[Group]) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (at, first) in groups.iter().enumerate() {
        for second in &groups[at + 1..] {
            let weight = first.salience - second.salience;
            let agrees = first.fall.partial_cmp(&second.fall).map_or(0.0, |it| f64::from(it as i8));
            sum += agrees * weight;
            total += weight;
        }
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::random_maps;
    use crate::fixtures::{constant, linear};

    #[test]
    fn the_right_map_has_1_and_the_opposite_map_has_minus_1() {
        let lab = linear([1.0, 2.0, -3.0, 0.5], [[1.0, 2.0, 2.0, 0.0], [3.0, 2.0, 1.0, 5.0]]);
        let maps = [vec![1.0, 4.0, -6.0, 0.0], vec![3.0, 4.0, -3.0, 2.5]];
        let found = SaCo::new().values(&lab.experiment, &lab.zeros, &maps).unwrap();
        assert_eq!(found.values(), [Some(1.0), Some(1.0)]);
        let opposite = maps.map(|map| map.iter().map(|value| -value).collect());
        let found = SaCo::new().values(&lab.experiment, &lab.zeros, &opposite).unwrap();
        assert_eq!(found.values(), [Some(-1.0), Some(-1.0)]);
    }

    #[test]
    fn a_value_by_hand() {
        // Saliences 3, 2, 0; falls 1, 5, 2: pairs -1, -3, +2 of 6.
        let lab = linear([1.0, 5.0, 2.0], [[1.0, 1.0, 1.0]]);
        let found = SaCo::new().values(&lab.experiment, &lab.zeros, &[vec![3.0, 2.0, 0.0]]);
        assert!((found.unwrap().values()[0].unwrap() + 2.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn the_interval_of_random_maps_holds_0_in_95_of_100_draws() {
        let rows: [[f32; 20]; 64] = std::array::from_fn(|row| {
            std::array::from_fn(|at| ((row * 37 + at * 101) % 53) as f32 / 10.0 - 2.0)
        });
        let lab = linear(std::array::from_fn(|at| (at as f32 * 0.7).sin()), rows);
        let holds = |&draw: &u64| {
            let maps = random_maps(64, 20, 1, draw);
            let found = SaCo::new().values(&lab.experiment, &lab.zeros, &maps).unwrap();
            let interval = found.interval().unwrap();
            assert!(interval.high - interval.low < 0.3, "{interval:?}");
            interval.contains(0.0)
        };
        // 95 are expected; 89 is 2.8 standard deviations below.
        let held = (0..100).filter(holds).count();
        assert!(held >= 89, "{held} of 100");
    }

    #[test]
    fn rows_without_an_answer_are_noted_and_wrong_options_refused() {
        let lab = constant(2, 3);
        let maps = [vec![1.0; 3], vec![1.0, 2.0, 3.0]];
        let found = SaCo::new().values(&lab.experiment, &lab.zeros, &maps).unwrap();
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapAllEqual, Reason::ScoresAllEqual]);
        assert_eq!(found.mean(), None);
        let one = constant(1, 1);
        let found = SaCo::new().values(&one.experiment, &one.zeros, &[vec![1.0]]).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::OneUnit);
        let few = SaCo::new().with_groups(1).values(&lab.experiment, &lab.zeros, &maps);
        assert_eq!(few.unwrap_err().to_string(), "expected groups to be at least 2, found 1");
        let error = SaCo::new().values(&lab.experiment, &lab.zeros, &maps[..1]).unwrap_err();
        assert_eq!(error, Error::MapUnits { rows: 2, units: 3, found: vec![3] });
    }
}
