//! Pixel flipping: the score after each step of a deletion with zeros.

use super::curve::{Covered, CurveOptions, Curves, Order, Scale};
use crate::error::Result;
use crate::experiment::Experiment;
use saliency_core::kit::Batch;

/// Sets units to zero in the order of a map, step by step, and follows the score.
///
/// ```text
/// curve(k) = f(x with the k units of the largest values set to 0),  k = s, 2s, ..., all
/// ```
///
/// It is the curve of [`Deletion`](crate::Deletion) with zeros, without its first point, as Quantus
/// 0.6.0 defines it. The values are those of Quantus if units are single values and the target is a
/// probability ([`Score::Probability`](saliency_core::Score::Probability)), which is its default. If
/// values of a map are equal, Quantus takes them in any order, and this metric the first one first.
///
/// # Shapes
/// Maps have a value for each unit of each row. [`Curves::area_over_steps`] is the area that Quantus
/// returns.
///
/// # Defaults
/// - step: 1 unit
///
/// # Cost
/// For each row: units / step + 1 forward passes.
///
/// # Errors
/// Those of [`Deletion`](crate::Deletion).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, PixelFlipping, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let maps = experiment.unit_sums(x)?;
/// let curves = PixelFlipping::new().curves(&experiment, &maps)?;
/// assert_eq!(curves.rows()[0], Some(vec![3.0, 1.0, 0.0]));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// S. Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions", 2015.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelFlipping {
    step: usize,
}

impl Default for PixelFlipping {
    fn default() -> Self {
        Self { step: 1 }
    }
}

impl PixelFlipping {
    /// Flips with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets this many units to zero in each step.
    #[must_use]
    pub fn with_step(mut self, units: usize) -> Self {
        self.step = units;
        self
    }

    /// Returns the curve of each row.
    ///
    /// # Errors
    /// See [`PixelFlipping`].
    pub fn curves(&self, experiment: &Experiment<'_>, maps: &[Vec<f64>]) -> Result<Curves> {
        let (order, scale) = (Order::MostRelevantFirst, Scale::Scores);
        let options = CurveOptions { order, scale, block: Some(self.step) };
        let zeros: Batch = experiment.input().map(|part| part.zeros_like());
        Ok(options.curves(experiment, &zeros, maps, Covered::First)?.without_start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::linear;

    #[test]
    fn the_first_point_is_the_score_after_the_first_step() {
        let lab = linear([1.0, 2.0, -3.0], [[1.0, 2.0, 2.0], [1.0, 0.0, 0.0]]);
        let maps = [vec![1.0, 4.0, -6.0], vec![1.0, 0.0, 0.0]];
        let curves = PixelFlipping::new().with_step(2).curves(&lab.experiment, &maps).unwrap();
        assert_eq!(curves.rows(), [Some(vec![-6.0, 0.0]), Some(vec![0.0, 0.0])]);
        assert_eq!(curves.area_over_steps().values(), [Some(-3.0), Some(0.0)]);
        // One step takes everything: a curve of one point, without an area.
        let all = PixelFlipping::new().with_step(9).curves(&lab.experiment, &maps).unwrap();
        assert_eq!(all.rows()[0], Some(vec![0.0]));
        assert_eq!(all.area().values()[0], Some(0.0));
        let error = PixelFlipping::new().with_step(0).curves(&lab.experiment, &maps).unwrap_err();
        assert_eq!(error.to_string(), "expected block to be at least 1, found 0");
    }
}
