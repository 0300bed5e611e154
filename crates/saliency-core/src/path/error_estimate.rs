//! Estimates the error of an integral from the variation of the gradients along the path.
//!
//! Along a straight path the gradient of a deep ReLU network is a step function with many small
//! steps, and resembles Brownian motion: between two points at distance `h` it differs by `d`, with
//! an expected square that grows like `h`. The trapezoid between the points then misses the
//! integral by a normal error of variance `h² d² / 12`, independent of the other intervals; the
//! mean absolute error is √(2/π) of its standard deviation. For smooth gradients the error is
//! smaller.

use std::f64::consts::PI;

use burn::tensor::{DType, Tensor};

use crate::error::Result;
use crate::input::batch::Batch;
use crate::path::quadrature::WeightedPosition;

/// Returns the mean of |z| for a standard normal z, with a margin: the estimate must be an upper
/// bound nine times out of ten.
fn error_per_deviation() -> f64 {
    (2.0 / PI).sqrt() * 1.25
}

/// Estimates the relative L1 error of each row of `values`, given the variance of each value and
/// the change of score that they must sum to.
pub(crate) fn relative_errors(
    values: &Batch,
    variances: &Batch,
    changes: &[ScoreChange],
) -> Result<Vec<RelativeError>> {
    let errors = variances.map(Tensor::sqrt).row_sums()?;
    let sizes = values.map(Tensor::abs).row_sums()?;
    let sums = values.row_sums()?;
    let mut found = Vec::with_capacity(changes.len());
    for (row, change) in changes.iter().enumerate() {
        // If nothing varies along the path, nothing is wrong, even if all values are zero.
        let error = error_per_deviation() * errors[row];
        let variation = if error == 0.0 { 0.0 } else { error / sizes[row] };
        let missing = ((sums[row] - change.by).abs() - change.rounding).max(0.0);
        found.push(RelativeError { variation, missing, size: sizes[row].max(change.by.abs()) });
    }
    Ok(found)
}

/// The parts that the error of a row's values is estimated from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RelativeError {
    /// The error that the variation of the gradient between points suggests, relative to the
    /// values.
    variation: f64,
    /// The completeness gap: no L1 error is smaller.
    pub missing: f64,
    /// The L1 norm of the values, or the change of score if that is larger.
    size: f64,
}

impl RelativeError {
    /// Returns the estimated relative L1 error.
    pub fn estimate(self) -> f64 {
        // Nothing is missing if there is nothing.
        let missing = if self.missing == 0.0 { 0.0 } else { self.missing / self.size };
        self.variation.max(missing)
    }
}

/// The change of score along a path, to which the values of a row must sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreChange {
    pub(crate) by: f64,
    /// The part of it that may be rounding.
    pub(crate) rounding: f64,
}

impl ScoreChange {
    /// Returns the change from one score to another, of a model that computes with tensors of the
    /// given precision.
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

/// Returns the factor by which the squared difference between points `k` and `k + 1` of a path
/// counts in the variance of the integral. The first and the last interval cover the ends of the
/// path as well.
pub(crate) fn variance_of_interval(path: &[WeightedPosition], k: usize) -> f64 {
    let (from, to) = (path[k].position, path[k + 1].position);
    let width = to - from;
    let end = |length: f64| length.powi(3) / (3.0 * width);
    let start = if k == 0 { end(from) } else { 0.0 };
    let stop = if k + 2 == path.len() { end(1.0 - to) } else { 0.0 };
    width.powi(2) / 12.0 + start + stop
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::quadrature::Rule;

    #[test]
    fn the_intervals_of_a_fixed_rule_cover_the_path() {
        // Of Brownian motion through midpoints, each half part at the ends counts 1/24, as half of
        // a part between points would and as much again, for nothing is known on its other side.
        let at = |position| WeightedPosition { position, weight: 0.5 };
        let path = [at(0.25), at(0.75)];
        let all = variance_of_interval(&path, 0);
        let end = 0.25f64.powi(3) / (3.0 * 0.5);
        assert!((all - (0.25 / 12.0 + 2.0 * end)).abs() < 1e-15);
        let path = Rule::Midpoint.positions(10);
        let sum: f64 = (0..9).map(|k| variance_of_interval(&path, k)).sum();
        assert!((sum - (9.0 * 0.01 / 12.0 + 2.0 * 0.05f64.powi(3) / 0.3)).abs() < 1e-15);
    }
}
