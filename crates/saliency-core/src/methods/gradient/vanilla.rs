//! The plain gradient.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;

/// The gradient of the score with respect to the input: how the score would change if a value of
/// the input changed a little.
///
/// ```text
/// A(x) = ∂f(x) / ∂x
/// ```
///
/// # Shapes and units
/// Values have the input's shape; score per unit of input, signed.
///
/// # Cost
/// One gradient per row.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, -3.0]], &Device::flex());
/// let map = Gradient::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, -6.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks: Visualising Image
/// Classification Models and Saliency Maps*, 2013, <https://arxiv.org/abs/1312.6034>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gradient {
    schedule: Schedule,
}

impl Gradient {
    /// Returns the gradient with the default schedule.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets chunks and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    pub fn check(&self) -> Result<()> {
        self.schedule.check()
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, target, .. } = question;
        let found = evaluator.gradients(&self.schedule, input, target)?;
        Ok(Attribution::of(found.gradients, found.scored).with_evaluations(1))
    }
}

answers_questions!(Gradient);
