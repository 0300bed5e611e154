//! Grad-CAM: channels weighed by their mean gradient.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::{FeatureMaps, from_gradients};

/// Grad-CAM: the activation of each channel, times the mean of the channel's gradient over all
/// places.
///
/// ```text
/// A_k(p) = w_k a_k(p),     w_k = mean over places q of ∂f / ∂a_k(q)
/// ```
///
/// A map that is positive where the score comes from is the sum over channels without its negative
/// part: [`place_map`](crate::place_map) makes it, at the size of the input if asked to.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three.
/// Values have its shape; score, signed. Their sum over channels is the class activation map before
/// its ReLU.
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
/// use saliency_core::methods::GradCam;
/// use saliency_core::{Explainer, pure_function};
///
/// // Two channels of 1 x 2 places; the score adds up squares of the first and the second itself.
/// let model = pure_function(|x: Tensor<4>| {
///     let first = x.clone().narrow(1, 0, 1).powi_scalar(2);
///     (first - x.narrow(1, 1, 1)).sum_dims(&[2, 3]).flatten::<2>(1, 3)
/// });
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]], [[2.0, 0.0]]]], &Device::flex());
/// let map = GradCam::new().attribute(&model, activation)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [4.0, 12.0, -2.0, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, *Grad-CAM: Visual Explanations from Deep
/// Networks via Gradient-based Localization*, 2017, <https://arxiv.org/abs/1610.02391>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GradCam {
    schedule: Schedule,
}

impl GradCam {
    /// Returns Grad-CAM with the default schedule.
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
            gradient.mean_dim(2) * activation
        })
    }
}

answers_questions!(GradCam);
