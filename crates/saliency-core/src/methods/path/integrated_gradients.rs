//! Integrated Gradients: the straight path from a baseline to the input.

use crate::error::Result;
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::laid::{FromBaseline, Laid, Path};
use crate::path::shape::StraightPath;

/// The difference of score between input and baseline, shared out over the values of the input.
///
/// ```text
///                    1
/// A(x) = (x - x') ·  ∫  ∂f/∂x (x' + α (x - x')) dα
///                    0
/// ```
///
/// The values sum to `f(x) - f(x')` (completeness), up to the error of the quadrature. The
/// [`completeness_gap`](crate::Attribution::completeness_gap) is their sum minus this difference. The
/// [`error_estimate`](crate::Attribution::error_estimate) is their estimated distance from the values that
/// infinitely many points would give.
///
/// # How many points
/// There are two ways to choose. [`with_steps`](AlongPath::with_steps) sets a fixed number of points.
/// [`with_tolerance`](AlongPath::with_tolerance) takes as many points as are needed to get the relative
/// L1 error of a row's values below a tolerance: points are placed where the gradient changes, and
/// every gradient is used. [`converged`](crate::Attribution::converged) is false if the limit was reached
/// first. [`with_share_tolerance`](AlongPath::with_share_tolerance) does the same for shares of the map,
/// such as the part of it that lies in a box.
///
/// The estimate assumes that the gradient jumps somewhere between every two points, and compares
/// the contributions there with the change of score. It was an upper bound of the true error in 95
/// % of 5,000 cases. If gradients are smooth, the estimate is several times too large. A few equal
/// gradients prove little, so that the estimate is never below 2^(1 - points). A single point has
/// no estimate.
///
/// The gradient may be infinite at either end of the path.
///
/// # Shapes and units
/// Values have the input's shape. Their unit is that of the score, and they have signs.
///
/// # Parameters and defaults
/// - steps: 50 points on the path
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`](crate::Rule::GaussLegendre)
/// - tolerance: none, neither for the map nor for shares
/// - at most 1,000 gradients per row, if there is a tolerance
/// - baseline: zeros
///
/// # Cost
/// A gradient for each point of each row, and two forward passes. [`Rule::Placed`](crate::Rule::Placed) takes seven more
/// forward passes.
///
/// # Memory
/// With a fixed number of points, the method needs memory only for the chunks that are being
/// computed. With a tolerance, gradients are kept, so that more points can be placed between them.
/// Beyond a limit, only sums of gradients are kept. Of one row, the kept gradients and sums are at
/// most 33 million numbers, or 18 copies of the row if that is more. Rows are taken in blocks: a
/// million rows of a table need memory for the answer and for one block. All rows of a block
/// together keep 33 million numbers at most, unless a single row needs more; rows for which there
/// is no room wait until others are done.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for an option outside its range;
/// [`Error::BaselineShape`](crate::Error::BaselineShape) and
/// [`Error::BaselineCount`](crate::Error::BaselineCount) for a baseline that does not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, IntegratedGradients, pure_function};
///
/// // A linear model: each input contributes its weight times its value, from any number of steps.
/// let device = Device::flex();
/// let weights = Tensor::<2>::from_data([[2.0, -1.0]], &device);
/// let model = pure_function(move |x: Tensor<2>| (x * weights.clone()).sum_dim(1));
/// let x = Tensor::<2>::from_data([[3.0, 4.0]], &device);
/// let map = IntegratedGradients::new().with_steps(3).attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [6.0, -4.0]);
/// assert!(map.completeness_gap.unwrap()[0].abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks*, 2017,
/// <https://arxiv.org/abs/1703.01365>.
pub type IntegratedGradients = AlongPath<Straight>;

/// The straight path from a baseline to the input: the path of [`IntegratedGradients`].
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Straight {
    baseline: Baseline,
}

impl Path for Straight {
    fn lay<'a>(&self, question: &'a Question, _: &Scored, _: &Schedule) -> Result<Laid<'a>> {
        let Question { input, rows, .. } = question;
        let baseline = self.baseline.like(input, rows)?;
        Ok(Laid::new(StraightPath::new(baseline, input)))
    }
}

impl FromBaseline for Straight {
    fn set_baseline(&mut self, baseline: Baseline) {
        self.baseline = baseline;
    }
}
