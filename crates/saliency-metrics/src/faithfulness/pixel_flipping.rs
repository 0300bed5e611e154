//! Pixel flipping: the score after each step of a deletion with one value.

use burn::tensor::Tensor;
use saliency_core::kit::Batch;

use super::curve::{Covered, CurveOptions, Curves, Order, Scale};
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::fill::Fill;

/// Sets units to the smallest value of their row in the order of a map, step by step, and follows
/// the score.
///
/// ```text
/// curve(k) = f(x with the k units of the largest values set to min x),  k = s, 2s, ..., all
/// ```
///
/// It is the curve of [`Deletion`](crate::Deletion) without its first point, as Quantus 0.6.0 defines
/// it: its "black" is the smallest value of a row, over all tensors and channels. The values are those of Quantus if units are single values and the target is a
/// probability ([`Score::Probability`](saliency_core::Score::Probability)), which is its default. If
/// values of a map are equal, Quantus takes them in any order, and this metric the first one first.
///
/// # Shapes
/// Maps have a value for each unit of each row. [`Curves::area_over_steps`] is the area that Quantus
/// returns.
///
/// # Defaults
/// - step: 1 unit
/// - value: the smallest of the row
///
/// # Cost
/// For each row: units / step + 1 forward passes.
///
/// # Errors
/// Those of [`Deletion`](crate::Deletion), and [`Error::InvalidOption`] for a value that is not
/// finite.
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
/// let curves = PixelFlipping::new().with_value(0.0).curves(&experiment, &maps)?;
/// assert_eq!(curves.rows()[0], Some(vec![3.0, 1.0, 0.0]));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// S. Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions", 2015.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelFlipping {
    step: usize,
    value: Option<f64>,
}

impl Default for PixelFlipping {
    fn default() -> Self {
        Self { step: 1, value: None }
    }
}

impl PixelFlipping {
    /// Flips with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets this many units in each step.
    #[must_use]
    pub fn with_step(mut self, units: usize) -> Self {
        self.step = units;
        self
    }

    /// Sets units to this value.
    #[must_use]
    pub fn with_value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// Returns the curve of each row.
    ///
    /// # Errors
    /// See [`PixelFlipping`].
    pub fn curves(&self, experiment: &Experiment<'_>, maps: &[Vec<f64>]) -> Result<Curves> {
        let (order, scale) = (Order::MostRelevantFirst, Scale::Scores);
        let options = CurveOptions { order, scale, block: Some(self.step) };
        let fill = self.fill(experiment.input())?;
        Ok(options.curves(experiment, &fill, maps, Covered::First)?.without_start())
    }

    fn fill(&self, input: &Batch) -> Result<Fill> {
        let values = match self.value {
            Some(value) if value.is_finite() => input.map(|part| part.full_like(value)),
            Some(value) => {
                let found = value.to_string();
                return Err(Error::InvalidOption { option: "value", expected: "finite", found });
            }
            None => {
                let least = row_minima(input)?;
                input.map(|part| {
                    let options = (&part.device(), part.dtype());
                    let column = Tensor::<1>::from_data(&least[..], options).reshape([-1, 1]);
                    part.zeros_like() + column
                })
            }
        };
        Ok(Fill::values(values))
    }
}

/// Returns the smallest value of each row over all tensors that can be covered.
fn row_minima(input: &Batch) -> Result<Vec<f64>> {
    let mut least = vec![f64::INFINITY; input.rows()];
    for (part, _) in input.parts().iter().zip(input.fixed()).filter(|(_, fixed)| !**fixed) {
        let found = part.clone().min_dim(1).try_into_vec_as::<f64>();
        let found = found.map_err(saliency_core::Error::device)?;
        least.iter_mut().zip(found).for_each(|(least, found)| *least = least.min(found));
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::linear;

    #[test]
    fn the_first_point_is_the_score_after_the_first_step() {
        let lab = linear([1.0, 2.0, -3.0], [[1.0, 2.0, 2.0], [1.0, 0.0, 0.0]]);
        let maps = [vec![1.0, 4.0, -6.0], vec![1.0, 0.0, 0.0]];
        let run = |flipping: PixelFlipping| flipping.curves(&lab.experiment, &maps);
        let zero = PixelFlipping::new().with_value(0.0);
        let curves = run(zero.with_step(2)).unwrap();
        assert_eq!(curves.rows(), [Some(vec![-6.0, 0.0]), Some(vec![0.0, 0.0])]);
        assert_eq!(curves.area_over_steps().values(), [Some(-3.0), Some(0.0)]);
        // One step takes everything: a curve of one point, without an area.
        let all = run(zero.with_step(9)).unwrap();
        assert_eq!(all.rows()[0], Some(vec![0.0]));
        assert_eq!(all.area().values()[0], Some(0.0));
        // The smallest values are 1 and 0.
        let least = run(PixelFlipping::new().with_step(2)).unwrap();
        assert_eq!(least.rows(), [Some(vec![-3.0, 0.0]), Some(vec![0.0, 0.0])]);

        let error = run(zero.with_step(0)).unwrap_err();
        assert_eq!(error.to_string(), "expected block to be at least 1, found 0");
        let error = run(zero.with_value(f64::NAN)).unwrap_err();
        assert_eq!(error.to_string(), "expected value to be finite, found NaN");
    }
}
