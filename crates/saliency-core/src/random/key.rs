//! Keys of random numbers: the same key gives the same numbers on every device and in any order.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution as _, StandardNormal, StandardUniform};

use crate::random::normal::between;

/// The key of the random numbers of one row in one sample.
///
/// Numbers are drawn on the host from a counter-based generator, whose key is exactly the seed, the
/// row, the sample and the [`Stream`]. They are the same on every device, in every chunk and in any
/// order of work, and on 32-bit machines as on 64-bit ones.
///
/// # Example
/// ```
/// use saliency_core::kit::{Key, Stream};
///
/// let key = Key { seed: 0, row: 2, sample: 7 };
/// let noise = key.normal(Stream::Noise { tensor: 0 }, 4);
/// assert_eq!(noise, key.normal(Stream::Noise { tensor: 0 }, 4));
/// assert_ne!(noise, key.normal(Stream::Own(0), 4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The seed that the user set.
    pub seed: u64,
    /// The row of the batch.
    pub row: u64,
    /// The number of the sample.
    pub sample: u64,
}

/// The use of random numbers: each has a stream of its own, so that no two uses share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// The noise on one tensor of the input.
    Noise {
        /// The tensor's position in the input, from 0.
        tensor: u64,
    },
    /// The values of a uniform baseline, for one tensor of the input.
    UniformBaseline {
        /// The tensor's position in the input, from 0.
        tensor: u64,
    },
    /// The choice of a baseline.
    Baseline,
    /// The choice of classes.
    Class,
    /// The position on a path.
    Position,
    /// The segments of a series, for one tensor of the input.
    Segments {
        /// The tensor's position in the input, from 0.
        tensor: u64,
    },
    /// The seed of an explainer inside another one.
    Inside,
    /// The values that are covered, or the row that they are taken from.
    Cover,
    /// A stream for methods of your own.
    Own(u32),
}

impl Stream {
    /// Returns the stream's part of the generator's key. The streams of tensors count up from their
    /// start; there are never more than a handful of tensors.
    fn number(self) -> u64 {
        match self {
            Self::Noise { tensor } => tensor,
            Self::Segments { tensor } => (1 << 61) + tensor,
            Self::Own(number) => (1 << 62) + u64::from(number),
            Self::UniformBaseline { tensor } => (1 << 63) + tensor,
            Self::Class => u64::MAX - 3,
            Self::Cover => u64::MAX - 4,
            Self::Inside => u64::MAX - 2,
            Self::Position => u64::MAX - 1,
            Self::Baseline => u64::MAX,
        }
    }
}

impl Key {
    /// Draws `count` standard normal numbers.
    pub fn normal(self, stream: Stream, count: usize) -> Vec<f32> {
        let mut generator = self.generator(stream);
        (0..count).map(|_| StandardNormal.sample(&mut generator)).collect()
    }

    /// Draws a standard normal number for each pair of limits, under the condition that it is between
    /// them. The lower limit must be zero or below, the upper limit zero or above.
    ///
    /// As long as no limit is met, these are the numbers of [`normal`](Self::normal).
    pub fn normal_between(self, stream: Stream, limits: &[[f64; 2]]) -> Vec<f32> {
        let mut generator = self.generator(stream);
        limits.iter().map(|limits| between(*limits, &mut generator) as f32).collect()
    }

    /// Draws `count` numbers from [0, 1).
    pub fn uniform(self, stream: Stream, count: usize) -> Vec<f64> {
        let mut generator = self.generator(stream);
        (0..count).map(|_| StandardUniform.sample(&mut generator)).collect()
    }

    /// Draws the numbers from 0 to `count - 1` in random order.
    pub fn order(self, stream: Stream, count: usize) -> Vec<usize> {
        in_order_of(&self.uniform(stream, count))
    }

    /// Draws 64 random bits.
    pub fn bits(self, stream: Stream) -> u64 {
        self.generator(stream).next_u64()
    }

    fn generator(self, stream: Stream) -> ChaCha8Rng {
        let mut key = [0; 32];
        let parts = [self.seed, self.row, self.sample, stream.number()];
        for (bytes, part) in key.chunks_mut(8).zip(parts) {
            bytes.copy_from_slice(&part.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// Returns the positions of numbers, from the smallest number to the largest.
pub(crate) fn in_order_of(numbers: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal([seed, row, sample, tensor]: [u64; 4], count: usize) -> Vec<f32> {
        Key { seed, row, sample }.normal(Stream::Noise { tensor }, count)
    }

    #[test]
    fn every_part_of_the_key_changes_the_numbers_and_nothing_else_does() {
        let draw = |seed, row, sample, tensor| normal([seed, row, sample, tensor], 8);
        assert_eq!(draw(1, 2, 3, 4), draw(1, 2, 3, 4));
        for other in [draw(2, 2, 3, 4), draw(1, 3, 3, 4), draw(1, 2, 4, 4), draw(1, 2, 3, 5)] {
            assert_ne!(draw(1, 2, 3, 4), other);
        }
        assert_eq!(draw(1, 2, 3, 4), normal([1, 2, 3, 4], 100)[..8]);
    }

    #[test]
    fn no_two_streams_share_numbers() {
        let key = Key { seed: 0, row: 0, sample: 0 };
        let streams = [
            Stream::Noise { tensor: 0 },
            Stream::Noise { tensor: 1 },
            Stream::UniformBaseline { tensor: 0 },
            Stream::UniformBaseline { tensor: 1 },
            Stream::Baseline,
            Stream::Class,
            Stream::Position,
            Stream::Segments { tensor: 0 },
            Stream::Segments { tensor: 1 },
            Stream::Inside,
            Stream::Cover,
            Stream::Own(0),
            Stream::Own(u32::MAX),
        ];
        let bits: std::collections::HashSet<u64> = streams.map(|it| key.bits(it)).into();
        assert_eq!(bits.len(), streams.len());
    }

    #[test]
    fn the_numbers_are_standard_normal() {
        let values = normal([7, 0, 0, 0], 100_000);
        let n = values.len() as f64;
        let moment = |k| values.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        // Within 4.5 standard errors of 0, 1 and 3.
        assert!(moment(1).abs() < 4.5 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 4.5 * (2.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 4.5 * (96.0 / n).sqrt());
    }

    #[test]
    fn the_numbers_stay_the_same_from_version_to_version() {
        let values = normal([0; 4], 3);
        assert_eq!(values, [1.377_697_2, 0.405_346_8, -1.196_268_9]);
    }
}
