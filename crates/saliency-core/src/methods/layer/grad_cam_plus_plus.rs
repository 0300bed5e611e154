//! Grad-CAM++: channels weighed by their positive gradients, so that several objects count alike.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::{FeatureMaps, from_gradients};

/// Grad-CAM++: the activation of each channel, times a weighed sum of the channel's positive
/// gradients.
///
/// ```text
/// A_k(p) = w_k a_k(p),     w_k = Σ α_k(q) max(0, g_k(q)),     g_k(q) = ∂f / ∂a_k(q)
///                                q
///
///                     g_k(q)²
/// α_k(q) = ---------------------------------
///          2 g_k(q)² + g_k(q)³ Σ a_k(r) + ε
///                              r
/// ```
///
/// The weights α follow from the second and third derivatives of exp(f), whose common factor exp(f)
/// is left out here: it only scales the map of a row. They are meant to give several objects of one
/// class the same weight. Where the denominator is close to zero, which takes a gradient and an
/// activation of opposite signs, α is large and means nothing.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three.
/// Values have its shape. Their sum over channels is the class activation map before its ReLU. The
/// map has no unit: only the proportions within a row mean something.
///
/// # Parameters and defaults
/// - ε: 10⁻⁶, as in grad-cam. It is not in the paper, and it is not small if gradients are: where
///   g² is far below ε, the weights are those of g³ / ε. Set it to 0 for the equation of the paper.
///
/// # Cost
/// One gradient per row of the part of the network after the cut.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::NoPlaces`](crate::Error::NoPlaces) for an activation without height and width;
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for an ε that is negative or not finite.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::GradCamPlusPlus;
/// use saliency_core::{Explainer, pure_function};
///
/// // The gradient is 1 everywhere, and the activation sums to 4: α = 1 / (2 + 4), w = 2 / 6.
/// let model = pure_function(|x: Tensor<4>| x.sum_dims(&[2, 3]).flatten::<2>(1, 3));
/// let activation = Tensor::<4>::from_data([[[[1.0, 3.0]]]], &Device::flex());
/// let map = GradCamPlusPlus::new().attribute(&model, activation)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 1.0 / 3.0).abs() < 1e-6 && (values[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Chattopadhay, Sarkar, Howlader and Balasubramanian, *Grad-CAM++: Improved Visual Explanations
/// for Deep Convolutional Networks*, 2018, <https://arxiv.org/abs/1710.11063>.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GradCamPlusPlus {
    epsilon: f64,
    schedule: Schedule,
}

impl Default for GradCamPlusPlus {
    fn default() -> Self {
        Self { epsilon: 1e-6, schedule: Schedule::default() }
    }
}

impl GradCamPlusPlus {
    /// Returns Grad-CAM++ with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the constant that is added to the denominator; not negative.
    pub fn with_epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
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
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            return Err(Error::invalid_option("epsilon", "finite and not negative", self.epsilon));
        }
        self.schedule.check()
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        from_gradients(question, &self.schedule, |maps| {
            let FeatureMaps { activation, gradient } = maps;
            self.weights(activation.clone(), gradient) * activation
        })
    }

    /// Returns the weight of each channel: `[rows, channels, 1]`.
    fn weights(&self, activation: Tensor<3>, gradient: Tensor<3>) -> Tensor<3> {
        let squares = gradient.clone() * gradient.clone();
        let cubes = squares.clone() * gradient.clone();
        let denominator = squares.clone() * 2.0 + cubes * activation.sum_dim(2) + self.epsilon;
        // Only positive gradients count. Elsewhere the fraction may be 0 / 0.
        let none = gradient.clone().lower_equal_elem(0.0);
        let terms = squares / denominator * gradient;
        terms.mask_fill(none, 0.0).sum_dim(2)
    }
}

answers_questions!(GradCamPlusPlus);
