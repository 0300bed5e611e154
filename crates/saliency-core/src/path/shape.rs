//! The shape of a path: a point and a tangent for each position.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::input::batch::Batch;

/// A path from a baseline (position 0) to an input (position 1), for every row of a batch.
///
/// Fixed rules, adaptive placement and the error estimate of a
/// [`PathIntegral`](crate::kit::PathIntegral) work on any path. If the tangent is the derivative of
/// the point with respect to the position, the integral sums to the change of score.
///
/// # Shapes
/// `at` returns one row for each entry of `rows` and `positions`, in the tensors of the input.
///
/// # Example
/// A path that moves the first value first, and then all others:
/// ```
/// use saliency_core::Result;
/// use saliency_core::kit::{Batch, PathPoints, PathShape};
///
/// struct Bent {
///     /// The points at positions 0, 1/2 and 1.
///     corners: [Batch; 3],
/// }
///
/// impl PathShape for Bent {
///     fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
///         // For each row its part of the path, and how far along this part it is.
///         let late: Vec<f64> =
///             positions.iter().map(|at| f64::from(u8::from(*at > 0.5))).collect();
///         let early: Vec<f64> = late.iter().map(|late| 1.0 - late).collect();
///         let [from, corner, to] = self.corners.each_ref().map(|batch| batch.select(rows));
///         let first = corner.zip(&from, |to, from| to - from);
///         let second = to.zip(&corner, |to, from| to - from);
///         let along: Vec<f64> = positions.iter().map(|at| (2.0 * at).min(1.0)).collect();
///         let beyond: Vec<f64> = positions.iter().map(|at| (2.0 * at - 1.0).max(0.0)).collect();
///         let add = |a: &Batch, b: &Batch| a.zip(b, |a, b| a + b);
///         let step = add(&first.scale_rows(&along), &second.scale_rows(&beyond));
///         let tangents = add(&first.scale_rows(&early), &second.scale_rows(&late));
///         Ok(PathPoints { points: add(&from, &step), tangents: tangents.map(|part| part * 2.0) })
///     }
/// }
/// ```
pub trait PathShape: Sync {
    /// Returns the points at the given positions in 0..1, and the tangents there. Each entry of
    /// `rows` and `positions` gives one point and one tangent.
    ///
    /// # Errors
    /// Those of the path; the integral passes them on.
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints>;

    /// Returns the place on the way from the start to the input, in 0..1, that a position stands
    /// for, if the tangents are derivatives with respect to the place. `None`, the default, if they
    /// are derivatives with respect to the position.
    ///
    /// Such a path counts parts of the way more than others, as a
    /// [`Measure`](crate::methods::Measure) says. Places must not descend. The integral does not
    /// sum to the change of score. Errors are estimated with the changes of score between places.
    fn place(&self, _position: f64) -> Option<f64> {
        None
    }
}

/// Points on a path, and the tangents there.
#[derive(Clone, Debug)]
pub struct PathPoints {
    /// The points that the model is given.
    pub points: Batch,
    /// The derivative of each point with respect to the position.
    pub tangents: Batch,
}

/// The score at a point of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathScore {
    /// The position on the path, in 0..1.
    pub position: f64,
    /// The target's score there.
    pub score: f64,
}

impl PathPoints {
    /// Refuses points or tangents that have more or fewer than `count` rows, or another width than
    /// the input.
    pub(crate) fn check(&self, input: &Batch, count: usize) -> Result<()> {
        let mut expected = input.shapes();
        expected.iter_mut().for_each(|shape| shape[0] = count);
        for found in [self.points.shapes(), self.tangents.shapes()] {
            if found != expected {
                return Err(Error::PathShape { expected, found });
            }
        }
        Ok(())
    }
}

/// The straight path from a baseline to an input.
///
/// ```text
/// γ(α) = x' + α (x - x'),     γ'(α) = x - x'
/// ```
#[derive(Clone, Debug)]
pub struct StraightPath {
    baseline: Batch,
    difference: Batch,
}

impl StraightPath {
    /// Makes the path from `baseline` to `input`; both have the same rows. Fixed tensors do not
    /// move.
    pub fn new(baseline: Batch, input: &Batch) -> Self {
        let difference = input.zip(&baseline, |input, baseline| input - baseline).without_fixed();
        Self { baseline, difference }
    }

    /// Returns the input minus the baseline.
    pub fn difference(&self) -> &Batch {
        &self.difference
    }

    /// Returns the rows whose baseline is the input itself.
    pub(crate) fn rows_without_path(&self) -> Result<Vec<usize>> {
        let sizes = self.difference.map(Tensor::abs).row_sums()?.into_iter().enumerate();
        Ok(sizes.filter(|(_, size)| *size == 0.0).map(|(row, _)| row).collect())
    }
}

impl PathShape for StraightPath {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let tangents = self.difference.select(rows);
        let step = tangents.scale_rows(positions);
        let points = self.baseline.select(rows).zip(&step, |baseline, step| baseline + step);
        Ok(PathPoints { points, tangents })
    }
}
