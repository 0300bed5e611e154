//! What the variation of gradients along a path says of the error of their integral.
//!
//! Along a straight path the gradient of a deep ReLU network is a step function with many small
//! steps, and resembles Brownian motion: between two points at distance `h` it differs by `d`, with
//! an expected square that grows like `h`. The trapezoid between the points then misses the
//! integral by a normal error of variance `h² d² / 12`, independent of the other gaps; the mean
//! absolute error is √(2/π) of its standard deviation. For smooth gradients the error is smaller.

use std::f64::consts::PI;

use burn::tensor::{DType, Tensor};

use crate::error::Result;
use crate::inputs::Flat;

/// The mean of |z| for a standard normal z, and some more: the estimate is to be an upper bound
/// nine times out of ten.
fn error_per_deviation() -> f64 {
    (2.0 / PI).sqrt() * 1.25
}

/// The estimated relative L1 error of each row of `values`, given the variance of each value and the
/// change of score that they should sum to.
pub(crate) fn relative_errors(
    values: &Flat,
    variances: &Flat,
    changes: &[Change],
) -> Result<Vec<RelativeError>> {
    let errors = variances.map(Tensor::sqrt).row_sums()?;
    let sizes = values.map(Tensor::abs).row_sums()?;
    let sums = values.row_sums()?;
    let rows = errors.into_iter().zip(sizes).zip(sums).zip(changes);
    let relative = |(((error, size), sum), change): (((f64, f64), f64), &Change)| {
        // Where nothing varies along the path, nothing is wrong, even where all values are zero.
        let over = |error: f64, size: f64| if error == 0.0 { 0.0 } else { error / size };
        let variation = over(error_per_deviation() * error, size);
        let missing = ((sum - change.by).abs() - change.rounding).max(0.0);
        RelativeError { variation, missing, size: size.max(change.by.abs()) }
    };
    Ok(rows.map(relative).collect())
}

/// What is known of the error of the values of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RelativeError {
    /// From how the gradient varies between points.
    variation: f64,
    /// The completeness gap, which no L1 error is smaller than.
    pub missing: f64,
    /// The L1 norm of the values, or the change of score where that is more.
    size: f64,
}

impl RelativeError {
    pub fn estimate(self) -> f64 {
        // Nothing is missing where there is nothing.
        let missing = if self.missing == 0.0 { 0.0 } else { self.missing / self.size };
        self.variation.max(missing)
    }
}

/// The change of score that the values of a row should sum to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub by: f64,
    /// By how much rounding may have changed it.
    pub rounding: f64,
}

impl Change {
    /// From one score to another, of a model that computes with tensors of the given precision.
    pub fn new(from: f64, to: f64, precision: DType) -> Self {
        let digits = match precision {
            DType::F64 => 1e-13,
            DType::F16 => 1e-2,
            DType::BF16 => 1e-1,
            _ => 1e-5,
        };
        Self { by: to - from, rounding: digits * (from.abs() + to.abs()) }
    }
}

/// What the squared difference between points `k` and `k + 1` of a path counts for in the variance
/// of the integral; the first and the last gap answer for the ends of the path as well.
pub(crate) fn variance_of_gap(path: &[(f64, f64)], k: usize) -> f64 {
    let (from, to) = (path[k].0, path[k + 1].0);
    let width = to - from;
    let end = |length: f64| length.powi(3) / (3.0 * width);
    let start = if k == 0 { end(from) } else { 0.0 };
    let stop = if k + 2 == path.len() { end(1.0 - to) } else { 0.0 };
    width.powi(2) / 12.0 + start + stop
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quadrature::Rule;

    #[test]
    fn the_gaps_of_a_fixed_rule_cover_the_path() {
        // Of Brownian motion through midpoints, each half part at the ends counts 1/24, as half of
        // a part between points would and as much again, for nothing is known on its other side.
        let path = [(0.25, 0.5), (0.75, 0.5)];
        let all = variance_of_gap(&path, 0);
        let end = 0.25f64.powi(3) / (3.0 * 0.5);
        assert!((all - (0.25 / 12.0 + 2.0 * end)).abs() < 1e-15);
        let path = Rule::Midpoint.points(10);
        let sum: f64 = (0..9).map(|k| variance_of_gap(&path, k)).sum();
        assert!((sum - (9.0 * 0.01 / 12.0 + 2.0 * 0.05f64.powi(3) / 0.3)).abs() < 1e-15);
    }
}
