//! Paths that are found on the way: each move follows from the gradient at its start.

use crate::error::Result;
use crate::input::batch::Batch;

/// A path from a start to an input, for every row of a batch, that is found by gradients: the move at
/// each corner follows from the gradient there.
///
/// The gradients at the corners are also those from which the attribution is made, so that a path of
/// n moves takes n + 1 gradients.
///
/// The moves of a row must not depend on other rows.
///
/// # Example
/// Each move goes part of the way that is left: less where the gradient is large.
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::kit::{Batch, Question, Scored, Walk};
/// use saliency_core::methods::{AlongPath, Laid, Path};
/// use saliency_core::{Explainer, Result, Schedule, pure_function};
///
/// struct Cautious;
///
/// struct Steps<'a>(&'a Batch);
///
/// impl Path for Cautious {
///     fn lay<'a>(&self, question: &'a Question, _: &Scored, _: &Schedule) -> Result<Laid<'a>> {
///         Ok(Laid::walked(Steps(&question.input)))
///     }
///
///     fn moves(&self) -> Option<usize> {
///         Some(20)
///     }
/// }
///
/// impl Walk for Steps<'_> {
///     fn moves(&self) -> usize {
///         20
///     }
///
///     fn start(&self, rows: &[usize]) -> Result<Batch> {
///         Ok(self.0.select(rows).map(|part| part.zeros_like()))
///     }
///
///     fn next(&self, rows: &[usize], _: usize, at: &Batch, gradients: &Batch) -> Result<Batch> {
///         let left = self.0.select(rows).zip(at, |input, at| input - at);
///         let slow = gradients.map(|gradient| gradient.abs() + 2.0);
///         Ok(at.zip(&left.zip(&slow, |left, slow| left / slow), |at, step| at + step))
///     }
/// }
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 3.0]], &Device::flex());
/// let map = AlongPath::of(Cautious).with_tolerance(0.01).attribute(&model, x)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 1.0).abs() < 0.05 && (values[1] - 9.0).abs() < 0.05);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub trait Walk: Sync {
    /// Returns the number of moves, at least 1.
    fn moves(&self) -> usize;

    /// Returns the starts of the paths of the given rows.
    ///
    /// # Errors
    /// Those of the path; the integral passes them on.
    fn start(&self, rows: &[usize]) -> Result<Batch>;

    /// Returns the next corners of the given rows, which have taken `taken` moves to the corners
    /// `at` and have these gradients there. Not called for the last move, which leads to the input.
    ///
    /// # Errors
    /// Those of the path; the integral passes them on.
    fn next(&self, rows: &[usize], taken: usize, at: &Batch, gradients: &Batch) -> Result<Batch>;
}
