//! Kinds of paths, and the paths that they lay to the rows of an input.

use crate::error::{Error, Result};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::path::shape::PathShape;
use crate::path::walk::Walk;

/// A kind of path: it leads to any input.
///
/// # Example
/// A path of your own, which leads to the input in a curve:
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::kit::{Batch, PathPoints, PathShape, Question, Scored};
/// use saliency_core::methods::{AlongPath, Laid, Path};
/// use saliency_core::{Explainer, Result, Schedule, pure_function};
///
/// /// The path x α², from a baseline of zeros.
/// struct Late;
///
/// struct LateShape<'a>(&'a Batch);
///
/// impl Path for Late {
///     fn lay<'a>(&self, question: &'a Question, _: &Scored, _: &Schedule) -> Result<Laid<'a>> {
///         Ok(Laid::new(LateShape(&question.input)))
///     }
/// }
///
/// impl PathShape for LateShape<'_> {
///     fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
///         let input = self.0.select(rows);
///         let squares: Vec<f64> = positions.iter().map(|at| at * at).collect();
///         let slopes: Vec<f64> = positions.iter().map(|at| 2.0 * at).collect();
///         Ok(PathPoints { points: input.scale_rows(&squares), tangents: input.scale_rows(&slopes) })
///     }
/// }
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = AlongPath::of(Late).attribute(&square, x)?;
/// assert!((map.values.into_scalar::<f32>() - 9.0).abs() < 1e-5);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub trait Path: Send + Sync {
    /// Lays the path that leads to each row of the question's input. `scored` knows the target and
    /// the score of each row.
    ///
    /// # Errors
    /// Those of the path; the explainer passes them on.
    fn lay<'a>(
        &self,
        question: &'a Question,
        scored: &Scored,
        schedule: &Schedule,
    ) -> Result<Laid<'a>>;

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// Those of the path.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Returns the number of gradients that the path of a row takes before it can be followed.
    fn gradients(&self) -> usize {
        0
    }

    /// Returns the number of moves of a path that is found on the way, which [`lay`](Self::lay)
    /// returns by [`Laid::walked`]. It takes a gradient for each move, and one more.
    fn moves(&self) -> Option<usize> {
        None
    }
}

/// A kind of path that starts at a [`Baseline`].
pub trait FromBaseline: Path {
    /// Sets the start of the path.
    fn set_baseline(&mut self, baseline: Baseline);
}

/// The paths that lead to the rows of an input.
pub struct Laid<'a> {
    pub(crate) course: Course<'a>,
    /// The number of gradients that were taken for each row to find its path.
    pub gradients: usize,
    /// Whether position 1 is the input. Otherwise the score there is computed.
    pub(crate) reaches_input: bool,
}

/// The course of the paths.
pub(crate) enum Course<'a> {
    /// It is known. Position 1 is the input.
    Known(Box<dyn PathShape + 'a>),
    /// It is found on the way.
    Walked(Box<dyn Walk + 'a>),
}

impl<'a> Laid<'a> {
    /// Returns paths that took no gradient to find. Position 1 is the input.
    pub fn new(shape: impl PathShape + 'a) -> Self {
        Self { course: Course::Known(Box::new(shape)), gradients: 0, reaches_input: true }
    }

    /// Returns paths that are found on the way, by the gradients that are added up along them.
    pub fn walked(walk: impl Walk + 'a) -> Self {
        Self { course: Course::Walked(Box::new(walk)), gradients: 0, reaches_input: true }
    }

    /// Returns the paths, if they are known before they are followed.
    pub(crate) fn known(&self) -> Result<&(dyn PathShape + 'a)> {
        match &self.course {
            Course::Known(shape) => Ok(&**shape),
            Course::Walked(_) => Err(found_on_the_way()),
        }
    }

    /// Replaces the paths by others that are made from them.
    pub(crate) fn replaced<S: PathShape + 'a>(
        self,
        make: impl FnOnce(Box<dyn PathShape + 'a>) -> S,
    ) -> Result<Self> {
        match self.course {
            Course::Known(shape) => {
                Ok(Self { course: Course::Known(Box::new(make(shape))), ..self })
            }
            Course::Walked(_) => Err(found_on_the_way()),
        }
    }

    /// Says that position 1 is not the input.
    pub(crate) fn ending_before(self) -> Self {
        Self { reaches_input: false, ..self }
    }

    /// Returns whether the tangents are no derivatives with respect to the position.
    pub(crate) fn is_measured(&self) -> bool {
        matches!(&self.course, Course::Known(shape) if shape.place(0.0).is_some())
    }

    /// Refuses paths that do not lead to the input, or with a measure on them.
    pub(crate) fn check_whole(&self) -> Result<()> {
        if self.reaches_input && !self.is_measured() {
            return Ok(());
        }
        let expected = "one that leads to the input, and on which all places count alike";
        Err(Error::invalid_option("path", expected, "a part of one, or one with a measure"))
    }

    /// Sets the number of gradients that were taken for each row.
    pub fn with_gradients(mut self, gradients: usize) -> Self {
        self.gradients = gradients;
        self
    }
}

/// Returns the error for a path that must be known, and is not.
fn found_on_the_way() -> Error {
    let expected = "one that is known before it is followed";
    Error::invalid_option("path", expected, "one that is found on the way")
}

impl std::fmt::Debug for Laid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Laid").field("gradients", &self.gradients).finish_non_exhaustive()
    }
}
