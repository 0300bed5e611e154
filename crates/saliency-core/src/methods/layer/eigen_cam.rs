//! Eigen-CAM: the direction in which the places of an activation differ most.

use crate::attribution::Attribution;
use crate::error::{Result, Stage};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::Layout;
use crate::methods::layer::projection::Projection;

/// Eigen-CAM: the projection of the activation on its first principal direction.
///
/// ```text
/// A_k(p) = v_k (a_k(p) - mean over q of a_k(q))
/// ```
///
/// The direction v, of length 1, is the first right singular vector of the centred activation
/// `[places, channels]`: the mix of channels in which the places of a row differ most.
///
/// The map does not depend on the target. It shows what the layer tells apart in a picture, usually
/// the object in front, whichever class is asked about. It is no explanation of a score.
///
/// # Sign
/// A principal direction has no sign. Here it is chosen so that Σ v_k is positive. Then the map is
/// larger where the activation, added up over channels, is larger. If the sum is zero, the largest
/// v_k is positive. Libraries that use the sign that LAPACK happens to return, such as grad-cam,
/// may show the negative of this map.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three.
/// Values have its shape and its unit. Their sum over channels is the map; over the places of a row
/// it is zero.
///
/// # Cost
/// One forward pass per row of the part of the network after the cut, for the score alone, and the
/// direction on the host: products of all channels, or of all places if they are fewer.
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
/// use saliency_core::methods::EigenCam;
/// use saliency_core::{Explainer, pure_function};
///
/// // The second channel is three times the first: v = (1, 3) / √10.
/// let model = pure_function(|x: Tensor<4>| x.sum_dims(&[2, 3]).flatten::<2>(1, 3));
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]], [[3.0, 9.0]]]], &Device::flex());
/// let map = EigenCam::new().attribute(&model, activation)?;
/// let values = map.values.sum_dim(1).try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] + 10f32.sqrt()).abs() < 1e-5 && (values[1] - 10f32.sqrt()).abs() < 1e-5);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Muhammad and Yeasin, *Eigen-CAM: Class Activation Map using Principal Components*, 2020,
/// <https://arxiv.org/abs/2008.00299>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EigenCam {
    schedule: Schedule,
}

impl EigenCam {
    /// Returns Eigen-CAM with the default schedule.
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
        Layout::of(&question.input)?;
        let scored = question.resolve(&self.schedule)?;
        let found = Projection::of(&question.input.widened(), &self.schedule)?;
        found.values.check_finite(Stage::Attribution)?;
        let mut attribution = Attribution::of(found.values, scored).with_evaluations(1);
        attribution.warnings.extend(found.warnings);
        Ok(attribution)
    }
}

answers_questions!(EigenCam);
