//! The segments of an input that stay as they are while the rest moves along a path.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::input::batch::Batch;
use crate::random::key::{Key, Stream};
use crate::random::segments::{Segments, SeriesLayout};

/// Random segments in every tensor of an input.
pub(super) struct HeldSegments {
    /// One for each tensor; `None` for tensors that are not explained.
    tensors: Vec<Option<OfTensor>>,
}

/// The segments of one tensor, and for each value of a row the probability that it is free.
struct OfTensor {
    segments: Segments,
    free_shares: Vec<f64>,
}

/// By default there are as many segments as leave every value free with this probability.
const USUALLY_FREE: f64 = 0.25;

/// The least probability that a value must have to be free. With less, too few of the samples say
/// something about it.
const LEAST_FREE: f64 = 0.05;

impl HeldSegments {
    /// Prepares segments for an input: along the given axis or the last one, with the given number
    /// and lengths or the defaults of [`Timing`](crate::Timing).
    pub fn new(
        input: &Batch,
        time_axis: Option<usize>,
        count: Option<usize>,
        lengths: Option<[usize; 2]>,
    ) -> Result<Self> {
        let mut tensors = Vec::new();
        for (tensor, shape) in input.shapes.iter().enumerate() {
            if input.fixed[tensor] {
                tensors.push(None);
                continue;
            }
            let layout = SeriesLayout::new(shape, checked_axis(tensor, shape, time_axis)?);
            let lengths = checked_lengths(layout.steps, lengths)?;
            let segments = Segments { layout, count: 0, lengths };
            let count = count.unwrap_or_else(|| segments.most_with_free_share(USUALLY_FREE));
            tensors.push(Some(OfTensor::new(Segments { count, ..segments })?));
        }
        Ok(Self { tensors })
    }

    /// Returns the probability that a value is free, for the value that is free least often.
    pub fn least_free_share(&self) -> f64 {
        let shares = self.tensors.iter().flatten().flat_map(|tensor| &tensor.free_shares);
        shares.copied().fold(1.0, f64::min)
    }

    /// Draws segments for each row of `input`, and returns 1 for each value that is free, and 0 for
    /// each that is held.
    pub fn draw_free(&self, input: &Batch, keys: &[Key]) -> Batch {
        let mut tensors = self.tensors.iter().enumerate();
        input.map(|part| {
            let Some((tensor, Some(of))) = tensors.next() else { return part.ones_like() };
            let stream = Stream::Segments { tensor: tensor as u64 };
            let free = keys.iter().flat_map(|key| of.segments.draw_free(*key, stream));
            let free: Vec<f32> = free.map(|free| f32::from(u8::from(free))).collect();
            let options = (&part.device(), part.dtype());
            Tensor::<1>::from_data(&free[..], options).reshape(part.dims())
        })
    }

    /// Divides each number of [`draw_free`](Self::draw_free) by the probability that the value is
    /// free.
    pub fn weights(&self, free: &Batch) -> Batch {
        let mut tensors = self.tensors.iter();
        free.map(|part| {
            let Some(Some(of)) = tensors.next() else { return part };
            let options = (&part.device(), part.dtype());
            let inverse: Vec<f64> = of.free_shares.iter().map(|share| 1.0 / share).collect();
            part * Tensor::<1>::from_data(&inverse[..], options).reshape([1, -1])
        })
    }
}

impl OfTensor {
    /// Refuses segments that leave a value free too seldom.
    fn new(segments: Segments) -> Result<Self> {
        let of_steps = segments.free_shares();
        let pairs = of_steps.iter().enumerate();
        let least = pairs.min_by(|a, b| a.1.total_cmp(b.1)).expect("at least one step");
        if *least.1 < LEAST_FREE {
            let expected = format!(
                "that leave every value free in {} % of the samples or more: fewer or shorter ones",
                100.0 * LEAST_FREE
            );
            let (step, percent) = (least.0, 100.0 * least.1);
            let found = format!(
                "{} of {} to {} steps, which leave step {step} free in {percent:.1} %",
                segments.count, segments.lengths[0], segments.lengths[1]
            );
            return Err(Error::invalid_option("segments", expected, found));
        }
        let free_shares = segments.layout.step_of_each().map(|step| of_steps[step]).collect();
        Ok(Self { segments, free_shares })
    }
}

/// Returns the axis of a tensor that is time, or says that the tensor has no such axis.
fn checked_axis(tensor: usize, shape: &[usize], axis: Option<usize>) -> Result<usize> {
    let last = shape.len() - 1;
    if last == 0 {
        let found = format!("{shape:?} (tensor {tensor})");
        return Err(Error::invalid_option("time axis", "an axis besides the rows", found));
    }
    let axis = axis.unwrap_or(last);
    if (1..=last).contains(&axis) {
        return Ok(axis);
    }
    let expected = format!(
        "from 1 to {last}, an axis of the input {shape:?} (tensor {tensor}; a tensor that is no \
         series can be `Fixed`)"
    );
    Err(Error::invalid_option("time axis", expected, axis))
}

/// Returns the lengths of segments in a series of so many steps, by default from a fifth to a half.
fn checked_lengths(steps: usize, lengths: Option<[usize; 2]>) -> Result<[usize; 2]> {
    let lengths = lengths.unwrap_or([(steps / 5).max(1), (steps / 2).max(1)]);
    if lengths[1] <= steps {
        return Ok(lengths);
    }
    let expected = format!("at most {steps}, the steps of the series");
    Err(Error::invalid_option("length of segments", expected, lengths[1]))
}
