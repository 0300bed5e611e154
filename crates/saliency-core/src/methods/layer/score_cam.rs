//! Score-CAM: channels weighed by the score of the input that they leave visible.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::methods::layer::channels::Channels;
use crate::methods::layer::resize::{Corners, Resize};
use crate::model::layer::{Cut, Split};
use crate::model::target::Target;

/// Score-CAM: the activation of each channel, times a weight that is larger the higher the score of
/// the input is where the channel is active.
///
/// ```text
/// A_k(p) = w_k a_k(p),     w = softmax over k of s_k,     s_k = f(x' + M_k ⊙ (x - x'))
/// ```
///
/// The mask M_k is the channel, enlarged to the size of the input and scaled to 0..1. A channel
/// that is the same everywhere hides everything.
///
/// It needs no gradient. The weights of a row are positive and sum to 1: a channel can speak for
/// the score, but not against it. If scores are logits that differ by ten or more, the softmax
/// leaves one channel, and the map is that channel's.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, and the input has a height and a width too;
/// likewise for one place dimension, or three. Tensors of the input that are
/// [`Fixed`](crate::Fixed) stay visible. Values have the shape of the activation, and its unit.
/// Their sum over channels is the class activation map before its ReLU.
///
/// # Parameters and defaults
/// - baseline x', shown where a mask is 0: zeros, as in the paper
/// - enlarged by [`Corners::Edges`], as by the authors; grad-cam uses [`Corners::Middles`]
///
/// # Cost
/// One forward pass of the whole network for each channel of each row, and one more for each row.
/// They run in chunks and on workers.
///
/// # Errors
/// Those of [`Split::activation`] and of
/// [`Explainer::attribute_to`](crate::Explainer::attribute_to); [`Error::NoPlaces`] for an
/// activation or an input without height and width, or if they have different numbers of place
/// dimensions; those of the [`Baseline`].
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::ScoreCam;
/// use saliency_core::{Cut, Model, Split};
///
/// /// The activation: the picture, and the picture from right to left.
/// #[derive(Module, Debug)]
/// struct Mirror {}
/// struct Point;
///
/// impl Cut<Tensor<4>, Point> for Mirror {
///     type Activation = Tensor<4>;
///
///     fn before(&self, x: Tensor<4>) -> Tensor<4> {
///         Tensor::cat(vec![x.clone(), x.flip([3])], 1)
///     }
///
///     fn after(&self, activation: Tensor<4>) -> Tensor<2> {
///         activation.narrow(1, 0, 1).sum_dims(&[2, 3]).flatten(1, 3)
///     }
/// }
///
/// impl Model<Tensor<4>> for Mirror {
///     fn forward(&self, x: Tensor<4>) -> Tensor<2> {
///         self.after(self.before(x))
///     }
/// }
///
/// let split = Split::at(&Mirror {}, Point);
/// let photo = Tensor::<4>::from_data([[[[0.0, 3.0]]]], &Device::flex());
/// let map = ScoreCam::new().attribute(&split, photo)?;
/// // The first channel leaves the bright pixel, which has a score of 3; the second leaves nothing.
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// let first = 3f32.exp() / (3f32.exp() + 1.0);
/// assert!((values[1] - 3.0 * first).abs() < 1e-6);
/// assert!((values[2] - 3.0 * (1.0 - first)).abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Wang, Wang, Du, Yang, Zhang, Ding, Mardziel and Hu, *Score-CAM: Score-Weighted Visual
/// Explanations for Convolutional Neural Networks*, 2020, <https://arxiv.org/abs/1910.01279>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScoreCam {
    baseline: Baseline,
    corners: Corners,
    schedule: Schedule,
}

impl ScoreCam {
    /// Returns Score-CAM with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is shown where a mask hides the input.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets how channels are laid over the input.
    pub fn with_corners(mut self, corners: Corners) -> Self {
        self.corners = corners;
        self
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()
    }

    /// Explains the class that the model predicts for each row.
    ///
    /// # Errors
    /// Those above.
    pub fn attribute<M: Cut<I, P>, I: Inputs, P>(
        &self,
        split: &Split<M, I, P>,
        input: I,
    ) -> Result<Attribution<M::Activation>> {
        self.attribute_to(split, input, Target::Predicted)
    }

    /// Explains the given target.
    ///
    /// # Errors
    /// Those above.
    pub fn attribute_to<M: Cut<I, P>, I: Inputs, P>(
        &self,
        split: &Split<M, I, P>,
        input: I,
        target: Target,
    ) -> Result<Attribution<M::Activation>> {
        self.check()?;
        let question = Question::new(split.model(), input.clone(), target, None)?;
        let activation = Batch::new(split.activation(input, &self.schedule)?)?;
        Ok(self.explain(&question, &activation)?.into_inputs())
    }

    fn explain(&self, question: &Question, activation: &Batch) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let channels = Channels::of(activation)?;
        let hidden = Hidden {
            input,
            baseline: self.baseline.like(input, rows)?,
            activation,
            channels: &channels,
            corners: self.corners,
        };
        hidden.check()?;
        let scored = question.resolve_for(&self.schedule, channels.count)?;
        let scores = channels.scores(question, &scored.target, &self.schedule, |chunk| {
            hidden.behind_channels(chunk)
        })?;
        let weights: Vec<Vec<f64>> = scores.iter().map(|scores| softmax(scores)).collect();
        let values = channels.weighed(activation, &weights);
        values.check_finite(Stage::Attribution)?;
        Ok(Attribution::of(values, scored).with_evaluations(channels.count))
    }
}

/// The input behind the channels of its activation.
struct Hidden<'a> {
    input: &'a Batch,
    baseline: Batch,
    activation: &'a Batch,
    channels: &'a Channels,
    corners: Corners,
}

impl Hidden<'_> {
    /// Refuses inputs with another number of place dimensions than the activation has.
    fn check(&self) -> Result<()> {
        let activations = self.activation.shapes();
        let explained =
            activations.iter().zip(self.activation.fixed()).filter(|(_, fixed)| !**fixed);
        let inputs = self.input.shapes().into_iter().zip(self.input.fixed()).enumerate();
        for (tensor, (shape, fixed)) in inputs {
            let differs = |(other, _): (&Vec<usize>, &bool)| other.len() != shape.len();
            if !*fixed && (shape.len() < 3 || explained.clone().any(differs)) {
                return Err(Error::NoPlaces { tensor, shape });
            }
        }
        Ok(())
    }

    /// Returns the rows of a chunk, of which only the places are left in which the channel that its
    /// repeat numbers is active.
    fn behind_channels(&self, chunk: &Chunk) -> Result<Batch> {
        let mut repeats = Vec::with_capacity(chunk.repeats.len());
        let rows: Vec<usize> = chunk.rows.clone().collect();
        let (input, baseline) = (self.input.select(&rows), self.baseline.select(&rows));
        for channel in chunk.repeats.clone() {
            let found = self.channels.channel(self.activation, &rows, channel);
            let from = &self.activation.shapes()[found.tensor][2..];
            let mut shapes = self.input.shapes().into_iter();
            let shown = input.zip(&baseline, |input, baseline| {
                let shape = shapes.next().expect("a shape for each tensor");
                // Other tensors are fixed: the check saw that all that are not have places.
                let Some(to) = shape.get(2..).filter(|to| to.len() == from.len()) else {
                    return input;
                };
                let maps = found.maps.clone().cast(input.dtype());
                let resize = Resize { from, to, corners: self.corners };
                let mask = unit_range(resize.apply(maps));
                let [rows, width] = input.dims();
                let places: usize = to.iter().product();
                let split = |part: Tensor<2>| part.reshape([rows, width / places, places]);
                let (input, baseline) = (split(input), split(baseline));
                let mask = mask.reshape([rows, 1, places]);
                (baseline.clone() + (input - baseline) * mask).reshape([rows, width])
            });
            repeats.push(shown.with_fixed_of(&input));
        }
        Ok(Batch::stack(&repeats))
    }
}

/// Scales each map to 0..1. A map that is the same everywhere becomes 0.
fn unit_range(maps: Tensor<2>) -> Tensor<2> {
    let lowest = maps.clone().min_dim(1);
    let range = maps.clone().max_dim(1) - lowest.clone();
    let flat = range.clone().lower_equal_elem(0.0);
    (maps - lowest) / range.mask_fill(flat, 1.0)
}

/// Returns positive weights that sum to 1.
fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
