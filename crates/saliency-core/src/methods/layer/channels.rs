//! The channels of an activation, one by one.

use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::{Batch, select};
use crate::methods::layer::feature_maps::Layout;
use crate::model::resolved_target::ResolvedTarget;

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

    /// Applies `f` to `[rows, channels, places]` of each tensor that is explained, together with
    /// the number of its first channel. Other tensors stay as they are.
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

    /// Returns, for each row, a score for each channel: that of the input which `input_of` makes
    /// for the rows of a chunk and the channels that its repeats number.
    ///
    /// # Errors
    /// Those of `input_of`, [`Error::NotFinite`], and those of [`Work::run`].
    pub fn scores(
        &self,
        question: &Question,
        target: &ResolvedTarget,
        schedule: &Schedule,
        input_of: impl Fn(&Chunk) -> Result<Batch> + Sync,
    ) -> Result<Vec<Vec<f64>>> {
        let Question { evaluator, input, .. } = question;
        let mut scores = vec![vec![0.0; self.count]; input.rows()];
        let work = Work::start(schedule, input, input.rows() * self.count)?;
        work.run(
            &work.chunks(input.rows(), 0..self.count),
            |chunk| evaluator.scores_at(input_of(chunk)?, &target.select(&chunk.row_of_each())),
            |chunk, found| {
                let rows = chunk.row_of_each().into_iter();
                let channels = chunk.repeat_of_each(|channel| channel);
                for ((row, channel), score) in rows.zip(channels).zip(found) {
                    if !score.is_finite() {
                        return Err(Error::not_finite(Stage::Score, row));
                    }
                    scores[row][channel] = score;
                }
                Ok(())
            },
        )?;
        Ok(scores)
    }

    /// Returns the rows of a chunk, each without the channel that its repeat numbers.
    pub fn ablated(&self, input: &Batch, chunk: &Chunk) -> Batch {
        let gone = chunk.repeat_of_each(|channel| channel);
        let rows = input.select(&chunk.row_of_each());
        self.scaled(&rows, |row, channel| f64::from(u8::from(gone[row] != channel)))
    }

    /// Returns the activation of each channel times its weight, given a list of weights for each
    /// row.
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
                let maps = layout.unfold(select(activation.parts()[tensor].clone(), rows));
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
