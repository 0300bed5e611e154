//! Ablation-CAM: channels weighed by the score that is lost without them.

use crate::attribution::Attribution;
use crate::error::{Result, Stage};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::channels::Channels;

/// Ablation-CAM: the activation of each channel, times the score that is lost without the channel.
///
/// ```text
/// A_k(p) = w_k a_k(p),     w_k = f(a) - f(a with channel k set to zero)
/// ```
///
/// It needs no gradient, so that it also explains networks whose gradients vanish or do not exist.
///
/// The paper divides each weight by f(a). That scales the map of a row, turns it round if the score
/// is below zero, and fails at zero. So it is left out here. grad-cam does divide, and replaces a
/// channel by -10⁷ if the activation has values below zero; here it is always replaced by zeros.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three.
/// Values have its shape; score times activation, signed. Their sum over channels is the class
/// activation map before its ReLU.
///
/// # Cost
/// One forward pass of the part of the network after the cut for each channel of each row, and one
/// more for each row. They run in chunks and on workers.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::NoPlaces`](crate::Error::NoPlaces) for an activation without height and width.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::AblationCam;
/// use saliency_core::{Explainer, pure_function};
///
/// // The score is the sum of the first channel, minus twice that of the second: 4 - 2 · 2.
/// let model = pure_function(|x: Tensor<4>| {
///     let second = x.clone().narrow(1, 1, 1) * 2;
///     (x.narrow(1, 0, 1) - second).sum_dims(&[2, 3]).flatten::<2>(1, 3)
/// });
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]], [[2.0, 0.0]]]], &Device::flex());
/// let map = AblationCam::new().attribute(&model, activation)?;
/// // Without the first channel 4 are lost; without the second, 4 are won.
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [4.0, 12.0, -8.0, 0.0]);
/// assert_eq!(map.evaluations, [2]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Desai and Ramaswamy, *Ablation-CAM: Visual Explanations for Deep Convolutional Network via
/// Gradient-free Localization*, 2020, <https://doi.org/10.1109/WACV45572.2020.9093360>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AblationCam {
    schedule: Schedule,
}

impl AblationCam {
    /// Returns Ablation-CAM with the default schedule.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets chunks, workers and progress.
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
        let Question { input, .. } = question;
        let channels = Channels::of(input)?;
        let scored = question.resolve_for(&self.schedule, channels.count)?;
        let without = channels.scores(question, &scored.target, &self.schedule, |chunk| {
            Ok(channels.ablated(input, chunk))
        })?;
        let lost = |(without, score): (Vec<f64>, &f64)| -> Vec<f64> {
            without.into_iter().map(|without| score - without).collect()
        };
        let weights: Vec<Vec<f64>> = without.into_iter().zip(&scored.scores).map(lost).collect();
        let values = channels.weighed(input, &weights);
        values.check_finite(Stage::Attribution)?;
        Ok(Attribution::of(values, scored).with_evaluations(channels.count))
    }
}

answers_questions!(AblationCam);
