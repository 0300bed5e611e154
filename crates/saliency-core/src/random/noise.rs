//! Noise on the rows of an input.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::input::batch::Batch;
use crate::random::key::{Key, Stream};

/// The strength of noise.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NoiseScale {
    /// The standard deviation, in units of the input.
    Absolute(f64),
    /// The standard deviation as a fraction of the range (largest value minus smallest) of each
    /// row of each input tensor.
    OfRange(f64),
}

/// The distribution of noise. Its standard deviation is always that of the [`NoiseScale`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Distribution {
    /// Normal, as published.
    #[default]
    Gaussian,
    /// Uniform from -√3 to √3 standard deviations: bounded.
    Uniform,
}

/// Noise for the rows of an input: its strength, distribution and seed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Noise {
    /// The strength.
    pub scale: NoiseScale,
    /// The distribution.
    pub distribution: Distribution,
    /// The seed.
    pub seed: u64,
}

impl Noise {
    /// Returns the noise's standard deviations: `[rows, 1]` for each tensor of the input.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the strength is negative or not finite.
    pub fn deviations(&self, input: &Batch) -> Result<Batch> {
        self.check()?;
        Ok(input.map(|part| match self.scale {
            NoiseScale::Absolute(deviation) => {
                Tensor::full([part.dims()[0], 1], deviation, (&part.device(), part.dtype()))
            }
            NoiseScale::OfRange(fraction) => {
                (part.clone().max_dim(1) - part.min_dim(1)).mul_scalar(fraction)
            }
        }))
    }

    /// Refuses a strength that is negative or not finite.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        let strength = self.strength();
        if strength.is_finite() && strength >= 0.0 {
            return Ok(());
        }
        Err(Error::invalid_option("noise", "finite and not negative", strength))
    }

    /// Adds noise to the input: to each row that of its key.
    pub fn add(&self, input: &Batch, deviations: &Batch, keys: &[Key]) -> Batch {
        if self.is_none() {
            // Adding zeros would turn a negative zero positive.
            return input.clone();
        }
        let mut tensor = 0;
        let noisy = input.zip(deviations, |part, deviation| {
            let [rows, width] = part.dims();
            let stream = Stream::Noise { tensor };
            let noise: Vec<f32> =
                keys.iter().flat_map(|key| self.unit(*key, stream, width)).collect();
            tensor += 1;
            let noise = Tensor::<1>::from_data(&noise[..], (&part.device(), part.dtype()));
            part + noise.reshape([rows, width]) * deviation
        });
        noisy.with_fixed_of(input)
    }

    /// Returns whether the strength is zero.
    pub fn is_none(&self) -> bool {
        self.strength() == 0.0
    }

    /// Draws noise of standard deviation 1.
    fn unit(&self, key: Key, stream: Stream, count: usize) -> Vec<f32> {
        match self.distribution {
            Distribution::Gaussian => key.normal(stream, count),
            Distribution::Uniform => {
                let scale = |x| (x - 0.5) * 12f64.sqrt();
                key.uniform(stream, count).into_iter().map(|x| scale(x) as f32).collect()
            }
        }
    }

    /// Returns the number in the scale, whichever kind it is.
    fn strength(&self) -> f64 {
        let (NoiseScale::Absolute(strength) | NoiseScale::OfRange(strength)) = self.scale;
        strength
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_noise_has_the_same_deviation_and_stays_within_its_bounds() {
        let (scale, distribution) = (NoiseScale::Absolute(1.0), Distribution::Uniform);
        let noise = Noise { scale, distribution, seed: 7 };
        let key = Key { seed: 7, row: 0, sample: 0 };
        let values = noise.unit(key, Stream::Noise { tensor: 0 }, 100_000);
        let n = values.len() as f64;
        let moment = |k| values.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        // Within 4.5 standard errors of 0 and 1; the fourth moment is 9/5.
        assert!(moment(1).abs() < 4.5 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 4.5 * (0.8 / n).sqrt());
        assert!(values.iter().all(|x| x.abs() <= 3f32.sqrt()));
    }
}
