//! Monotonicity: does the score rise with every unit that is uncovered?

use super::curve::{Covered, CurveOptions, Order, Scale};
use super::{ROUNDING, equal_scores};
use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::experiment::Experiment;
use crate::fill::Fill;
use crate::maps::{Signs, flaw, with_signs};

/// Starts from a fully covered input, uncovers units from the smallest value of a map to the
/// largest, and asks whether the score ever falls.
///
/// ```text
/// value = 1 if f(1) <= f(2) <= ... <= f(all), else 0
/// f(k)  = f(fill with the k steps of the smallest values from x)
/// ```
///
/// 1 is good: every unit that the map calls important adds to the score. One step that lowers the
/// score is enough for 0, and with many units that is nearly always so;
/// [`with_share_of_steps`](Self::with_share_of_steps) returns the share of the steps at which the
/// score does not fall. Falls below the rounding of single precision do not count.
///
/// Negative values come first, because they should lower the score. Quantus 0.6.0 takes
/// [absolute values](Self::with_absolute_values), and by default never uncovers anything: it fills
/// the covered input with its own smallest value, so that its value is 1 for every map. With a
/// function that does uncover, its values are these.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - step: 1 unit
/// - returns 1 or 0
/// - values with their signs
///
/// # Cost
/// For each row: units / step + 1 forward passes.
///
/// # Errors
/// Those of [`Deletion`](crate::Deletion). A row has no value if its map is all equal, if the score
/// does not change, or if there is only one step.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, Monotonicity, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let maps = experiment.unit_sums(x)?;
/// let found = Monotonicity::new().values(&experiment, &fill, &maps)?;
/// assert_eq!(found.values(), [Some(1.0)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// V. Arya et al., "One Explanation Does Not Fit All", 2019; R. Luss et al., "Generating Contrastive
/// Explanations with Monotonic Attribute Functions", 2019.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monotonicity {
    step: usize,
    answer: Answer,
    signs: Signs,
}

/// Whether all steps must rise, or their share is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    All,
    Share,
}

impl Default for Monotonicity {
    fn default() -> Self {
        Self { step: 1, answer: Answer::All, signs: Signs::Kept }
    }
}

impl Monotonicity {
    /// Asks with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uncovers this many units in each step.
    #[must_use]
    pub fn with_step(mut self, units: usize) -> Self {
        self.step = units;
        self
    }

    /// Returns the share of the steps at which the score does not fall.
    #[must_use]
    pub fn with_share_of_steps(mut self) -> Self {
        self.answer = Answer::Share;
        self
    }

    /// Orders units by their absolute values.
    #[must_use]
    pub fn with_absolute_values(mut self) -> Self {
        self.signs = Signs::Dropped;
        self
    }

    /// Returns the value of each row.
    ///
    /// # Errors
    /// See [`Monotonicity`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        let maps: Vec<Vec<f64>> = maps.iter().map(|map| with_signs(map, self.signs)).collect();
        let (order, scale) = (Order::LeastRelevantFirst, Scale::Scores);
        let options = CurveOptions { order, scale, block: Some(self.step) };
        let curves = options.curves(experiment, fill, &maps, Covered::Later)?.without_start();
        let value = |(map, scores): (&Vec<f64>, &Option<Vec<f64>>)| {
            if let Some(reason) = flaw(map) {
                return Err(reason);
            }
            self.value(scores.as_ref().ok_or(Reason::NotFinite)?)
        };
        Ok(RowValues::new(maps.iter().zip(curves.rows()).map(value)))
    }

    fn value(&self, scores: &[f64]) -> std::result::Result<f64, Reason> {
        if scores.len() == 1 {
            return Err(Reason::OneUnit);
        }
        let size = scores.iter().fold(0f64, |most, score| most.max(score.abs()));
        if equal_scores(scores, size) {
            return Err(Reason::ScoresAllEqual);
        }
        let rises = scores.windows(2).filter(|pair| pair[0] - pair[1] <= ROUNDING * size).count();
        let steps = scores.len() - 1;
        Ok(match self.answer {
            Answer::All => f64::from(rises == steps),
            Answer::Share => rises as f64 / steps as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{constant, linear};

    #[test]
    fn one_step_that_lowers_the_score_is_enough() {
        let lab = linear([1.0, 2.0, -3.0, 5.0], [[1.0, 1.0, 1.0, 1.0]; 3]);
        let run = |metric: Monotonicity, map: [f64; 4]| {
            let maps = vec![map.to_vec(); 3];
            let found = metric.values(&lab.experiment, &lab.zeros, &maps).unwrap();
            found.values()[0].unwrap()
        };
        // The one that lowers the score comes first, and only from then on scores are compared.
        assert_eq!(run(Monotonicity::new(), [1.0, 2.0, -3.0, 5.0]), 1.0);
        // By absolute values it comes third.
        let absolute = Monotonicity::new().with_absolute_values();
        assert_eq!(run(absolute, [1.0, 2.0, -3.0, 5.0]), 0.0);
        assert_eq!(run(absolute.with_share_of_steps(), [1.0, 2.0, -3.0, 5.0]), 2.0 / 3.0);
        // In steps of two: 3, then 5.
        assert_eq!(run(absolute.with_step(2), [1.0, 2.0, -3.0, 5.0]), 1.0);
        assert_eq!(run(Monotonicity::new(), [4.0, 3.0, 2.0, 1.0]), 0.0);
    }

    #[test]
    fn rows_without_an_answer_are_noted() {
        let lab = constant(3, 3);
        let maps = [vec![1.0; 3], vec![1.0, 2.0, 3.0], vec![f64::NAN, 1.0, 2.0]];
        let found = Monotonicity::new().values(&lab.experiment, &lab.zeros, &maps).unwrap();
        assert_eq!(found.values(), [None; 3]);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapAllEqual, Reason::ScoresAllEqual, Reason::NotFinite]);
        let lab = linear([1.0, 2.0], [[1.0, 2.0]]);
        let all = Monotonicity::new().with_step(2);
        let found = all.values(&lab.experiment, &lab.zeros, &[vec![1.0, 2.0]]).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::OneUnit);
        let none = Monotonicity::new().with_step(0);
        let error = none.values(&lab.experiment, &lab.zeros, &[vec![1.0, 2.0]]).unwrap_err();
        assert_eq!(error.to_string(), "expected block to be at least 1, found 0");
    }
}
