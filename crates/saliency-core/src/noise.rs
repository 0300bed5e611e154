//! Random numbers that depend on nothing but their key, and the noise made of them.

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution as _, StandardNormal, StandardUniform};

use crate::error::{Error, Result};
use crate::inputs::Flat;

/// How strong noise is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum NoiseScale {
    /// The standard deviation, in units of the input.
    Absolute(f64),
    /// The standard deviation as a fraction of the range (largest value minus smallest) of each
    /// row of each input tensor.
    OfRange(f64),
}

/// How noise is distributed; its standard deviation is that of the [`NoiseScale`] in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distribution {
    /// Normal, as published.
    #[default]
    Gaussian,
    /// Equally likely from -√3 to √3 standard deviations: bounded.
    Uniform,
}

/// Noise for the rows of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    pub scale: NoiseScale,
    pub distribution: Distribution,
    pub seed: u64,
}

impl Noise {
    /// The noise's standard deviation: `[rows, 1]` for each tensor of the input.
    pub fn deviations(&self, input: &Flat) -> Result<Flat> {
        let strength = self.strength();
        if !(strength.is_finite() && strength >= 0.0) {
            let expected = "finite and not negative".to_owned();
            let found = strength.to_string();
            return Err(Error::InvalidOption { option: "noise", expected, found });
        }
        Ok(input.map(|part| match self.scale {
            NoiseScale::Absolute(deviation) => {
                Tensor::full([part.dims()[0], 1], deviation, (&part.device(), part.dtype()))
            }
            NoiseScale::OfRange(fraction) => {
                (part.clone().max_dim(1) - part.min_dim(1)).mul_scalar(fraction)
            }
        }))
    }

    /// The input with noise: for each row that of its key.
    pub fn add(&self, input: &Flat, deviations: &Flat, keys: &[Key]) -> Flat {
        if self.is_none() {
            // Adding zeros would turn a negative zero positive.
            return input.clone();
        }
        let mut tensor = 0;
        let noisy = input.zip(deviations, |part, deviation| {
            let [rows, width] = part.dims();
            let draw = |key: &Key| self.unit(key.of(tensor), width);
            let noise: Vec<f32> = keys.iter().flat_map(draw).collect();
            tensor += 1;
            let noise = Tensor::<1>::from_data(&noise[..], (&part.device(), part.dtype()));
            part + noise.reshape([rows, width]) * deviation
        });
        noisy.with_fixed_of(input)
    }

    /// Whether there is no noise at all.
    pub fn is_none(&self) -> bool {
        self.strength() == 0.0
    }

    /// Noise of standard deviation 1.
    fn unit(&self, key: Key, count: usize) -> Vec<f32> {
        match self.distribution {
            Distribution::Gaussian => key.normal(count),
            Distribution::Uniform => {
                let scale = |x| (x - 0.5) * 12f64.sqrt();
                key.uniform(count).into_iter().map(|x| scale(x) as f32).collect()
            }
        }
    }

    /// The number, whatever it is a multiple of.
    fn strength(&self) -> f64 {
        let (NoiseScale::Absolute(strength) | NoiseScale::OfRange(strength)) = self.scale;
        strength
    }
}

/// What the random numbers for one row of one input tensor in one sample depend on.
///
/// They are drawn on the host from a counter-based generator whose key is exactly these four
/// numbers, so they are the same on every device, in every chunk and in any order of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub seed: u64,
    pub row: usize,
    pub sample: usize,
    pub tensor: usize,
}

impl Key {
    /// The same for another tensor.
    pub fn of(self, tensor: usize) -> Self {
        Self { tensor, ..self }
    }

    /// Standard normal numbers.
    pub fn normal(self, count: usize) -> Vec<f32> {
        let mut generator = self.generator();
        (0..count).map(|_| StandardNormal.sample(&mut generator)).collect()
    }

    /// Numbers from [0, 1).
    pub fn uniform(self, count: usize) -> Vec<f64> {
        let mut generator = self.generator();
        (0..count).map(|_| StandardUniform.sample(&mut generator)).collect()
    }

    /// 64 random bits.
    pub fn bits(self) -> u64 {
        self.generator().next_u64()
    }

    fn generator(self) -> ChaCha8Rng {
        let mut key = [0; 32];
        let parts = [self.seed, self.row as u64, self.sample as u64, self.tensor as u64];
        for (bytes, part) in key.chunks_mut(8).zip(parts) {
            bytes.copy_from_slice(&part.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal([seed, row, sample, tensor]: [usize; 4], count: usize) -> Vec<f32> {
        Key { seed: seed as u64, row, sample, tensor }.normal(count)
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

    #[test]
    fn uniform_noise_has_the_same_deviation_and_stays_within_its_bounds() {
        let (scale, distribution) = (NoiseScale::Absolute(1.0), Distribution::Uniform);
        let noise = Noise { scale, distribution, seed: 7 };
        let values = noise.unit(Key { seed: 7, row: 0, sample: 0, tensor: 0 }, 100_000);
        let n = values.len() as f64;
        let moment = |k| values.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        // Within 4.5 standard errors of 0 and 1; the fourth moment is 9/5.
        assert!(moment(1).abs() < 4.5 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 4.5 * (0.8 / n).sqrt());
        assert!(values.iter().all(|x| x.abs() <= 3f32.sqrt()));
    }
}
