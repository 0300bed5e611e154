//! Element-wise Grad-CAM: the positive part of gradient times activation.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::{FeatureMaps, from_gradients};

/// Element-wise Grad-CAM: the gradient of each value times the value, without what is below zero.
///
/// ```text
/// A_k(p) = max(0, a_k(p) · ∂f / ∂a_k(p))
/// ```
///
/// The negative part of each channel is dropped before the channels are added up. So evidence
/// against the class does not cancel evidence for it.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three.
/// Values have its shape; score, never negative. Their sum over channels is the class activation
/// map before its ReLU.
///
/// # Cost
/// One gradient per row of the part of the network after the cut.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::NoPlaces`](crate::Error::NoPlaces) for an activation without height and width.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::GradCamElementWise;
/// use saliency_core::{Explainer, pure_function};
///
/// // Two channels of 1 x 2 places; the score adds up squares of the first and the second itself.
/// let model = pure_function(|x: Tensor<4>| {
///     let first = x.clone().narrow(1, 0, 1).powi_scalar(2);
///     (first - x.narrow(1, 1, 1)).sum_dims(&[2, 3]).flatten::<2>(1, 3)
/// });
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]], [[2.0, 0.0]]]], &Device::flex());
/// let map = GradCamElementWise::new().attribute(&model, activation)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, 18.0, 0.0, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Gildenblat and others, *pytorch-grad-cam*, 2021, <https://github.com/jacobgil/pytorch-grad-cam>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GradCamElementWise {
    schedule: Schedule,
}

impl GradCamElementWise {
    /// Returns element-wise Grad-CAM with the default schedule.
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
        from_gradients(question, &self.schedule, |maps| {
            let FeatureMaps { activation, gradient } = maps;
            (gradient * activation).clamp_min(0.0)
        })
    }
}

answers_questions!(GradCamElementWise);
