//! The gradient times the input.

use crate::attribution::Attribution;
use crate::error::{Result, Stage};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;

/// The gradient times the input: a first-order estimate of each value's contribution to the score.
///
/// ```text
/// A(x) = x · ∂f(x) / ∂x
/// ```
///
/// It is exact for a linear model without a constant term. For other models it misses contributions
/// that have saturated: see [`IntegratedGradients`](crate::IntegratedGradients).
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
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
/// use saliency_core::{Explainer, InputTimesGradient, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, -3.0]], &Device::flex());
/// let map = InputTimesGradient::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, 18.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Shrikumar, Greenside, Shcherbina and Kundaje, *Not Just a Black Box: Learning Important
/// Features Through Propagating Activation Differences*, 2016, <https://arxiv.org/abs/1605.01713>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InputTimesGradient {
    schedule: Schedule,
}

impl InputTimesGradient {
    /// Returns input times gradient with the default schedule.
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
        let gradients = found.gradients.widened();
        let values = input.widened().zip(&gradients, |input, gradient| input * gradient);
        let values = values.without_fixed();
        values.check_finite(Stage::Attribution)?;
        Ok(Attribution::of(values, found.scored).with_evaluations(1))
    }
}

answers_questions!(InputTimesGradient);
