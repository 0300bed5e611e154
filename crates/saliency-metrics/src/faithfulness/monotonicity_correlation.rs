//! Monotonicity correlation: do units with large values change the score most?

use super::equal_scores;
use crate::correlation::spearman;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment};
use crate::fill::Fill;
use crate::maps::{Signs, check_maps, flaw, with_signs};
use crate::units::ranking;

/// Covers groups of units, one at a time, with several fills, and correlates the mean square of the
/// change of score with the size of the map in the group.
///
/// Units are sorted by their absolute values and cut into groups of equal size. For groups g:
///
/// ```text
/// value = Spearman's correlation over g of  Σ_{u in g} |map(u)|  and  E over fills of (f(x with g covered) - f(x))²
/// ```
///
/// It is 1 if the order of the groups is right; large is good, and 0 is expected of a random map.
/// Signs have no influence. The paper divides by f(x)², which does not change the order. Units that
/// matter only together, and units that say the same, look unimportant one at a time.
///
/// The paper draws the values of a unit from the data; good fills are other rows of your data.
/// Quantus 0.6.0 draws one uniform number from 0 to 1 for each row and covers the group with it.
/// Values are those of Quantus for the same fills.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - step: as many units in a group as needed for at most 50 groups
///
/// # Cost
/// For each row: groups x fills forward passes.
///
/// # Errors
/// [`Error::NoFill`], [`Error::MapUnits`], [`Error::InvalidOption`] for a step of 0, those of the
/// fills, and the model's. A row has no value if all values of its map are equal, if the score does
/// not change, or if there is only one group.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, MonotonicityCorrelation, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, -2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fills = [experiment.fill(x.zeros_like())?, experiment.fill(x.clone() * 0.1)?];
/// let maps = experiment.unit_sums(x)?;
/// let found = MonotonicityCorrelation::new().values(&experiment, &fills, &maps)?;
/// assert!((found.mean().unwrap() - 1.0).abs() < 1e-9);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// A. Nguyen, M. Rodríguez Martínez, "On Quantitative Aspects of Model Interpretability", 2020.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonotonicityCorrelation {
    step: Option<usize>,
}

/// The number of groups by default.
const GROUPS: usize = 50;

impl MonotonicityCorrelation {
    /// Correlates with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts this many units into a group.
    #[must_use]
    pub fn with_step(mut self, units: usize) -> Self {
        self.step = Some(units);
        self
    }

    /// Returns the correlation of each row.
    ///
    /// # Errors
    /// See [`MonotonicityCorrelation`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fills: &[Fill],
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        let step = self.step.unwrap_or_else(|| units.div_ceil(GROUPS));
        if step == 0 {
            let (expected, found) = ("at least 1", "0".to_owned());
            return Err(Error::InvalidOption { option: "step", expected, found });
        }
        if fills.is_empty() {
            return Err(Error::NoFill);
        }
        check_maps(maps, rows, units)?;
        let sizes: Vec<_> = maps.iter().map(|map| with_signs(map, Signs::Dropped)).collect();
        let orders: Vec<Vec<usize>> = sizes.iter().map(|map| ranking(map)).collect();
        let groups = units.div_ceil(step);
        let members =
            |row: usize, group: usize| &orders[row][group * step..((group + 1) * step).min(units)];
        let by_fill = fills.iter().map(|fill| {
            experiment.covered_scores_by(fill, rows * groups, |at| {
                Cover::of(at / groups, units, members(at / groups, at % groups))
            })
        });
        let by_fill = by_fill.collect::<Result<Vec<_>>>()?;

        let value = |row: usize| {
            if let Some(reason) = flaw(&maps[row]).or_else(|| flaw(&sizes[row])) {
                return Err(reason);
            }
            if groups == 1 {
                return Err(Reason::OneUnit);
            }
            let whole = experiment.scores()[row];
            let falls =
                |group: usize| by_fill.iter().map(move |all| whole - all[row * groups + group]);
            let all: Vec<f64> = (0..groups).flat_map(falls).chain([0.0]).collect();
            let size = all.iter().fold(whole.abs(), |most, fall| most.max(fall.abs()));
            if !size.is_finite() || all.iter().any(|fall| fall.is_nan()) {
                return Err(Reason::NotFinite);
            }
            let salience = |group: usize| -> f64 {
                members(row, group).iter().map(|&unit| sizes[row][unit]).sum()
            };
            let saliences: Vec<f64> = (0..groups).map(salience).collect();
            let change = |group| falls(group).map(|fall| fall.powi(2)).sum::<f64>();
            let changes: Vec<f64> = (0..groups).map(change).collect();
            if equal_scores(&all, size) || equal_scores(&changes, 0.0) {
                return Err(Reason::ScoresAllEqual);
            }
            if equal_scores(&saliences, 0.0) {
                return Err(Reason::SumsAllEqual);
            }
            Ok(spearman(&saliences, &changes))
        };
        Ok(RowValues::new((0..rows).map(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Lab, constant, linear};

    fn lab() -> Lab {
        linear([1.0, 2.0, -3.0, 5.0], [[1.0; 4], [2.0, 1.0, 1.0, 0.1]])
    }

    #[test]
    fn the_right_order_has_1_whatever_the_signs() {
        let lab = lab();
        let maps = [vec![0.1, 0.2, -30.0, 31.0], vec![-2.0, 2.1, -3.0, 0.5]];
        let fills = [lab.zeros.clone()];
        let metric = MonotonicityCorrelation::new();
        // The changes are 1, 4, 9, 25 and 4, 4, 9, 0.25: two are equal, and share a rank.
        let found = metric.values(&lab.experiment, &fills, &maps).unwrap().defined();
        assert!((found[0] - 1.0).abs() < 1e-12);
        assert!((found[1] - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12, "{found:?}");
        let opposite = [vec![4.0, 3.0, 2.0, 1.0], vec![3.0, 3.0, 1.0, 9.0]];
        let found = metric.values(&lab.experiment, &fills, &opposite).unwrap().defined();
        assert!(found.iter().all(|value| (value + 1.0).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn changes_are_averaged_over_fills_and_groups_have_a_size() {
        let lab = lab();
        let ones = lab.experiment.input().map(|part| part.ones_like() * 3.0);
        let fills = [lab.zeros.clone(), Fill::values(ones)];
        let maps = [vec![1.0, 2.0, 3.0, 4.0], vec![1.0, 2.0, 3.0, 4.0]];
        // Row 2: squares of 2 and -1, of 2 and -4, of 3 and 6, of 0.5 and 14.5.
        let metric = MonotonicityCorrelation::new();
        let found = metric.values(&lab.experiment, &fills, &maps).unwrap().defined();
        assert!(found.iter().all(|value| (value - 1.0).abs() < 1e-12), "{found:?}");
        // Groups of three and one: the larger sum of the map, 9 or 1, against 2² and 1².
        let found =
            metric.with_step(3).values(&lab.experiment, std::slice::from_ref(&lab.zeros), &maps);
        let found = found.unwrap().defined();
        assert!((found[0] - 1.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn rows_without_an_answer_are_noted_and_wrong_options_refused() {
        let lab = constant(3, 3);
        let maps = [vec![1.0; 3], vec![1.0, 2.0, 3.0], vec![-1.0, 1.0, 1.0]];
        let fills = [lab.zeros.clone()];
        let metric = MonotonicityCorrelation::new();
        let found = metric.values(&lab.experiment, &fills, &maps).unwrap();
        assert_eq!(found.values(), [None; 3]);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapAllEqual, Reason::ScoresAllEqual, Reason::MapAllEqual]);
        let one = metric.with_step(3).values(&lab.experiment, &fills, &maps).unwrap();
        assert_eq!(one.notes()[1].reason, Reason::OneUnit);
        let error = metric.values(&lab.experiment, &[], &maps).unwrap_err();
        assert_eq!(error, Error::NoFill);
        let error = metric.with_step(0).values(&lab.experiment, &fills, &maps).unwrap_err();
        assert_eq!(error.to_string(), "expected step to be at least 1, found 0");
    }
}
