//! XGrad-CAM: channels weighed by their gradient where they are active.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::{FeatureMaps, from_gradients};

/// XGrad-CAM: the activation of each channel, times the mean of the channel's gradient, weighed by
/// the activation.
///
/// ```text
/// A_k(p) = w_k a_k(p),     w_k = Σ a_k(q) g_k(q) / (Σ a_k(q) + 10⁻⁷),     g_k(q) = ∂f / ∂a_k(q)
///                                q                  q
/// ```
///
/// The values of a channel sum to Σ a g, as those of HiRes-CAM do. The paper derives the weights from
/// two axioms, sensitivity and conservation.
///
/// If an activation has both signs, as before a ReLU, the sum S_k of a channel may be close to
/// zero. Its weight is then large and means nothing: cut behind the ReLU. The small constant makes
/// the weight of a channel of zeros zero.
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
/// use saliency_core::methods::XGradCam;
/// use saliency_core::{Explainer, pure_function};
///
/// // Two channels of 1 x 2 places; the score adds up squares of the first and the second itself.
/// let model = pure_function(|x: Tensor<4>| {
///     let first = x.clone().narrow(1, 0, 1).powi_scalar(2);
///     (first - x.narrow(1, 1, 1)).sum_dims(&[2, 3]).flatten::<2>(1, 3)
/// });
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]], [[2.0, 0.0]]]], &Device::flex());
/// let map = XGradCam::new().attribute(&model, activation)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// let expected = [5.0, 15.0, -2.0, 0.0];
/// assert!(values.iter().zip(expected).all(|(found, right)| (found - right).abs() < 1e-5));
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Fu, Hu, Dong, Guo, Gao and Li, *Axiom-based Grad-CAM: Towards Accurate Visualization and
/// Explanation of CNNs*, 2020, <https://arxiv.org/abs/2008.02312>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct XGradCam {
    schedule: Schedule,
}

impl XGradCam {
    /// Returns XGrad-CAM with the default schedule.
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
            // The constant keeps a channel of zeros at zero.
            let sums = activation.clone().sum_dim(2) + 1e-7;
            let weights = (gradient * activation.clone()).sum_dim(2) / sums;
            weights * activation
        })
    }
}

answers_questions!(XGradCam);
