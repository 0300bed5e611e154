//! Completeness: does the map add up to what it explains?

use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment};
use crate::faithfulness::equal_scores;
use crate::fill::Fill;
use crate::maps::check_maps;

/// Compares the sum of a map with the change of the score from a baseline to the input.
///
/// For the input x and the baseline b:
///
/// ```text
/// value = |Σ map - (f(x) - f(b))| / |f(x) - f(b)|
/// ```
///
/// Small is good, and 0 is a map that shares out the whole change of the score. Methods that promise
/// it (Integrated Gradients, from their own baseline) have rounding and too few points left. A
/// gradient does not promise it. Any map can be made complete by a factor, so that a small value
/// does not show that the right places have the shares.
///
/// Quantus 0.6.0 returns whether both are equal to the last bit.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them. The
/// baseline is a fill of the same experiment.
///
/// # Defaults
/// There are no options.
///
/// # Cost
/// A forward pass for each row.
///
/// # Errors
/// [`Error::MapUnits`](crate::Error::MapUnits), [`Error::Shape`](crate::Error::Shape), and the
/// model's. A row has no value if the baseline has the same score as the input.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Completeness, Experiment, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 5.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let baseline = experiment.fill(x.zeros_like())?;
/// let maps = [vec![1.0, 2.0, 3.0]];
/// let found = Completeness::new().values(&experiment, &baseline, &maps)?;
/// assert_eq!(found.values(), [Some(0.25)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", 2017.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completeness {}

impl Completeness {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the relative gap of each row.
    ///
    /// # Errors
    /// See [`Completeness`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        baseline: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        // A row whose units are all covered is its baseline.
        let everything = |row| Cover { row, covered: vec![true; units] };
        let baselines = experiment.covered_scores_by(baseline, rows, everything)?;
        let gap = |row: usize| {
            let (score, baseline) = (experiment.scores()[row], baselines[row]);
            let (change, sum) = (score - baseline, maps[row].iter().sum::<f64>());
            if !(change.is_finite() && sum.is_finite()) {
                return Err(Reason::NotFinite);
            }
            if equal_scores(&[score, baseline], score.abs().max(baseline.abs())) {
                return Err(Reason::ScoresAllEqual);
            }
            Ok((sum - change).abs() / change.abs())
        };
        Ok(RowValues::new((0..rows).map(gap)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::estimate::Note;
    use crate::fixtures::{constant, linear};

    #[test]
    fn the_gap_is_relative_to_the_change_of_score() {
        let lab = linear([1.0, -2.0, 3.0], [[1.0, 1.0, 2.0], [1.0, 2.0, 1.0], [0.0, 0.0, 0.0]]);
        let values = |maps: &[Vec<f64>]| {
            Completeness::new().values(&lab.experiment, &lab.zeros, maps).unwrap()
        };
        // Scores 5, 0 and 0; the last two are those of the baseline.
        let found = values(&[vec![1.0, -2.0, 6.0], vec![1.0, -4.0, 3.0], vec![0.0; 3]]);
        assert_eq!(found.values(), [Some(0.0), None, None]);
        let reason = Reason::ScoresAllEqual;
        assert_eq!(found.notes(), [Note { row: 1, reason }, Note { row: 2, reason }]);
        let found = values(&[vec![0.0, -5.0, 0.0], vec![f64::NAN; 3], vec![0.0; 3]]);
        assert_eq!(found.values(), [Some(2.0), None, None]);
        assert_eq!(found.notes()[0].reason, Reason::NotFinite);
        let error = Completeness::new().values(&lab.experiment, &lab.zeros, &[vec![0.0; 3]]);
        assert_eq!(error.unwrap_err(), Error::MapUnits { rows: 3, units: 3, found: vec![3] });
    }

    #[test]
    fn a_model_that_ignores_its_input_explains_no_change() {
        let lab = constant(2, 3);
        let found = Completeness::new().values(&lab.experiment, &lab.zeros, &vec![vec![0.0; 3]; 2]);
        assert_eq!(found.unwrap().mean(), None);
    }
}
