//! Ablation-CAM: channels weighed by the score that is lost without them.

use burn::tensor::{Tensor, TensorData};

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::Batch;
use crate::methods::layer::feature_maps::Layout;

/// Ablation-CAM: the activation of each channel, times the score that is lost without the channel.
///
/// ```text
/// A_k(p) = w_k a_k(p),     w_k = f(a) - f(a with channel k set to zero)
/// ```
///
/// It needs no gradient, so that it also explains networks whose gradients vanish or do not exist.
///
/// The paper divides each weight by f(a). That scales the map of a row, turns it round if the score is
/// below zero, and fails at zero. So it is left out here. grad-cam does divide, and replaces a channel
/// by -10⁷ if the activation has values below zero; here it is always replaced by zeros.
///
/// # Shapes and units
/// The activation is `[rows, channels, height, width]`, or has one place dimension, or three. Values
/// have its shape; score times activation, signed. Their sum over channels is the class activation map
/// before its ReLU.
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
        let Question { evaluator, input, .. } = question;
        let channels = Channels::of(input)?;
        let scored = question.resolve_for(&self.schedule, channels.count)?;
        // For each row, the score without each channel.
        let mut without = vec![vec![0.0; channels.count]; input.rows()];
        let work = Work::start(&self.schedule, input, input.rows() * channels.count)?;
        work.run(
            &work.chunks(input.rows(), 0..channels.count),
            |chunk| {
                let ablated = channels.ablated(input, chunk);
                evaluator.scores_at(ablated, &scored.target.select(&chunk.row_of_each()))
            },
            |chunk, scores| {
                let channels = chunk.repeat_of_each(|channel| channel).into_iter();
                for ((row, channel), score) in
                    chunk.row_of_each().into_iter().zip(channels).zip(scores)
                {
                    if !score.is_finite() {
                        return Err(Error::not_finite(Stage::Score, row));
                    }
                    without[row][channel] = score;
                }
                Ok(())
            },
        )?;
        let lost = |(without, score): (Vec<f64>, &f64)| -> Vec<f64> {
            without.into_iter().map(|without| score - without).collect()
        };
        let weights: Vec<Vec<f64>> = without.into_iter().zip(&scored.scores).map(lost).collect();
        let values = channels.weighed(input, &weights);
        values.check_finite(Stage::Attribution)?;
        let evaluations = channels.count;
        Ok(Attribution::of(values, scored).with_evaluations(evaluations))
    }
}

answers_questions!(AblationCam);

/// The channels of all tensors of an activation, numbered through.
pub(super) struct Channels {
    layouts: Vec<Option<Layout>>,
    pub count: usize,
}

impl Channels {
    /// Numbers the channels.
    pub fn of(activation: &Batch) -> Result<Self> {
        let layouts = Layout::of(activation)?;
        let count = layouts.iter().flatten().map(|layout| layout.channels).sum();
        Ok(Self { layouts, count })
    }

    /// Applies `f` to `[rows, channels, places]` of each tensor that is explained, together with the
    /// number of its first channel. Other tensors stay as they are.
    fn map(&self, batch: &Batch, f: impl Fn(Tensor<3>, usize) -> Tensor<3>) -> Batch {
        let (mut layouts, mut first) = (self.layouts.iter(), 0);
        batch.map(|part| {
            let Some(layout) = layouts.next().copied().flatten() else { return part };
            let shape = part.dims();
            let mapped = f(layout.unfold(part), first).reshape(shape);
            first += layout.channels;
            mapped
        })
    }

    /// Multiplies each channel by a factor, given for each row and channel.
    fn scaled(&self, batch: &Batch, factor: impl Fn(usize, usize) -> f64) -> Batch {
        self.map(batch, |maps, first| {
            let [rows, channels, _] = maps.dims();
            let of_row = |row: usize| (first..first + channels).map(move |channel| (row, channel));
            let factors: Vec<f64> =
                (0..rows).flat_map(of_row).map(|(row, channel)| factor(row, channel)).collect();
            let data = TensorData::new(factors, [rows, channels, 1]);
            let factors = Tensor::<3>::from_data(data, (&maps.device(), maps.dtype()));
            maps * factors
        })
    }

    /// Returns the rows of a chunk, each without the channel that its repeat numbers.
    fn ablated(&self, input: &Batch, chunk: &Chunk) -> Batch {
        let gone = chunk.repeat_of_each(|channel| channel);
        let rows = input.select(&chunk.row_of_each());
        self.scaled(&rows, |row, channel| f64::from(u8::from(gone[row] != channel)))
    }

    /// Returns the activation of each channel times its weight, given a list of weights for each row.
    pub fn weighed(&self, activation: &Batch, weights: &[Vec<f64>]) -> Batch {
        self.scaled(&activation.widened(), |row, channel| weights[row][channel]).without_fixed()
    }

    /// Returns the given channel of each row: `[rows, places]`, and the number of its tensor.
    ///
    /// # Panics
    /// Panics if there are fewer channels.
    pub fn channel(&self, activation: &Batch, rows: &[usize], channel: usize) -> Channel {
        let mut first = 0;
        for (tensor, layout) in self.layouts.iter().enumerate() {
            let Some(layout) = layout else { continue };
            if channel < first + layout.channels {
                let maps = layout
                    .unfold(crate::input::batch::select(activation.parts()[tensor].clone(), rows));
                let maps = maps.narrow(1, channel - first, 1);
                let maps = maps.reshape([rows.len(), layout.places]);
                return Channel { maps, tensor };
            }
            first += layout.channels;
        }
        unreachable!("channels are numbered below `count`")
    }
}

/// One channel of some rows.
pub(super) struct Channel {
    /// Its values, `[rows, places]`.
    pub maps: Tensor<2>,
    /// The tensor of the activation that it belongs to.
    pub tensor: usize,
}
