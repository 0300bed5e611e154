//! Eigen-Grad-CAM: the direction in which the products of gradient and activation differ most.

use crate::attribution::Attribution;
use crate::error::{Result, Stage};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::{FeatureMaps, from_gradients};
use crate::methods::layer::projection::Projection;

/// Eigen-Grad-CAM: the projection of gradient times activation on its first principal direction.
///
/// ```text
/// A_k(p) = v_k (c_k(p) - mean over q of c_k(q)),     c_k(p) = a_k(p) · ∂f / ∂a_k(p)
/// ```
///
/// The direction v, of length 1, is the first right singular vector of the centred c `[places,
/// channels]`. Unlike [`EigenCam`](crate::methods::EigenCam), the map depends on the target.
///
/// # Sign
/// A principal direction has no sign. Here it is chosen so that Σ v_k is positive. Then the map is
/// larger where [`HiResCam`](crate::methods::HiResCam) is larger. If the sum is zero, the largest
/// v_k is positive. Libraries that use the sign that LAPACK happens to return, such as grad-cam,
/// may show the negative of this map.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three.
/// Values have its shape; score. Their sum over channels is the map; over the places of a row it is
/// zero, so that it shows where the evidence is above and below its average.
///
/// # Cost
/// One gradient per row of the part of the network after the cut, and the direction on the host:
/// products of all channels, or of all places if they are fewer.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::NoPlaces`](crate::Error::NoPlaces) for an activation without height and width. If a
/// second direction explains as much as the first, to a thousandth, the answer has a
/// [`Warning::DirectionIsTied`](crate::Warning::DirectionIsTied).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::EigenGradCam;
/// use saliency_core::{Explainer, pure_function};
///
/// // The gradients are 2 and -1, so that c = (2, 6) and (-3, -9): v = (2, -3) / √13, turned round.
/// let model = pure_function(|x: Tensor<4>| {
///     let first = x.clone().narrow(1, 0, 1) * 2;
///     (first - x.narrow(1, 1, 1)).sum_dims(&[2, 3]).flatten::<2>(1, 3)
/// });
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]], [[3.0, 9.0]]]], &Device::flex());
/// let map = EigenGradCam::new().attribute(&model, activation)?;
/// let values = map.values.sum_dim(1).try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 13f32.sqrt()).abs() < 1e-5 && (values[1] + 13f32.sqrt()).abs() < 1e-5);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Gildenblat and others, *pytorch-grad-cam*, 2021, <https://github.com/jacobgil/pytorch-grad-cam>,
/// after Eigen-CAM: Muhammad and Yeasin, 2020, <https://arxiv.org/abs/2008.00299>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EigenGradCam {
    schedule: Schedule,
}

impl EigenGradCam {
    /// Returns Eigen-Grad-CAM with the default schedule.
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
        let mut attribution = from_gradients(question, &self.schedule, |maps| {
            let FeatureMaps { activation, gradient } = maps;
            gradient * activation
        })?;
        // Progress is that of the gradients.
        let found = Projection::of(&attribution.values, &self.schedule.silent())?;
        found.values.check_finite(Stage::Attribution)?;
        attribution.values = found.values;
        attribution.warnings.extend(found.warnings);
        Ok(attribution)
    }
}

answers_questions!(EigenGradCam);
