//! Noise on the rows of an input.

use burn::tensor::Tensor;

use crate::error::{Error, Result, check_count};
use crate::input::batch::{Batch, to_host};
use crate::input::inputs::Inputs;
use crate::random::key::{Key, Stream};
use crate::warning::Warning;

/// The strength of noise.
///
/// A share of a row's range suits photos, whose values all have the same unit. The features of a
/// table have units of their own: give each its own noise, for instance
/// [of the training data](Self::of_rows).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, NoiseScale, SmoothGrad, pure_function};
///
/// // Age in years, and income: a tenth of the standard deviation of each.
/// let device = Device::flex();
/// let seen = Tensor::<2>::from_data([[20.0, 10_000.0], [40.0, 50_000.0]], &device);
/// let noise = NoiseScale::of_rows(seen, 0.1)?;
///
/// let model = pure_function(|x: Tensor<2>| x.log().sum_dim(1));
/// let x = Tensor::<2>::from_data([[30.0, 30_000.0]], &device);
/// let map = SmoothGrad::default().with_noise(noise).attribute(&model, x)?;
/// assert!(map.warnings.is_empty());
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NoiseScale {
    /// The standard deviation, in units of the input.
    Absolute(f64),
    /// The standard deviation as a fraction of the range (largest value minus smallest) of each
    /// row of each input tensor.
    OfRange(f64),
    /// The standard deviation of each value, in units of the input: one list for each tensor of the
    /// input, with one number for each value of a row.
    PerValue(Vec<Vec<f64>>),
}

impl NoiseScale {
    /// Takes the standard deviation of each value from inputs of a single row.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there is more than one row; those of [`Batch::new`];
    /// [`Error::Device`] if the values cannot be read back.
    pub fn per_value(deviations: impl Inputs) -> Result<Self> {
        let deviations = Batch::new(deviations)?;
        if deviations.rows() != 1 {
            let expected = "one row of deviations";
            return Err(Error::invalid_option("noise", expected, deviations.rows()));
        }
        let parts = deviations.parts.into_iter().map(to_host);
        Ok(Self::PerValue(parts.collect::<Result<_>>()?))
    }

    /// Takes `fraction` of the standard deviation that each value has over the given rows, for
    /// instance the rows that a model was trained on.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there are fewer than two rows; those of [`Batch::new`];
    /// [`Error::Device`] if the values cannot be read back.
    pub fn of_rows(rows: impl Inputs, fraction: f64) -> Result<Self> {
        let rows = Batch::new(rows)?;
        let count = rows.rows();
        check_count("rows", count, usize::MAX).and(match count {
            1 => Err(Error::invalid_option("rows", "at least 2", count)),
            _ => Ok(()),
        })?;
        let deviations = rows.parts.iter().map(|part| {
            let width = part.dims()[1];
            // In double precision, because large values differ in their last digits.
            let values = to_host(part.clone())?;
            let column = |at: usize| values.iter().skip(at).step_by(width);
            let deviation = |at: usize| {
                let mean = column(at).sum::<f64>() / count as f64;
                let squares: f64 = column(at).map(|value| (value - mean).powi(2)).sum();
                fraction * (squares / (count as f64 - 1.0)).sqrt()
            };
            Ok((0..width).map(deviation).collect())
        });
        Ok(Self::PerValue(deviations.collect::<Result<_>>()?))
    }

    /// Returns every number in the scale.
    fn strengths(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::Absolute(strength) | Self::OfRange(strength) => {
                Box::new(std::iter::once(*strength))
            }
            Self::PerValue(parts) => Box::new(parts.iter().flatten().copied()),
        }
    }
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
#[derive(Clone, Debug, PartialEq)]
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
    /// Returns the noise's standard deviations: `[rows, 1]` for each tensor of the input, or
    /// `[rows, values]` if each value has its own.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if a strength is negative or not finite, and if strengths of single
    /// values do not fit the input.
    pub fn deviations(&self, input: &Batch) -> Result<Batch> {
        self.check()?;
        if let NoiseScale::PerValue(parts) = &self.scale {
            let expected: Vec<usize> = input.parts.iter().map(|part| part.dims()[1]).collect();
            let found: Vec<usize> = parts.iter().map(Vec::len).collect();
            if found != expected {
                let expected = format!("{expected:?} values, those of a row");
                return Err(Error::invalid_option("noise", expected, format!("{found:?}")));
            }
        }
        let mut tensor = 0;
        Ok(input.map(|part| {
            let options = (&part.device(), part.dtype());
            let [rows, width] = part.dims();
            tensor += 1;
            match &self.scale {
                NoiseScale::Absolute(deviation) => Tensor::full([rows, 1], *deviation, options),
                NoiseScale::OfRange(fraction) => {
                    (part.clone().max_dim(1) - part.min_dim(1)).mul_scalar(*fraction)
                }
                NoiseScale::PerValue(parts) => {
                    let row = Tensor::<1>::from_data(&parts[tensor - 1][..], options);
                    row.reshape([1, width]).repeat_dim(0, rows)
                }
            }
        }))
    }

    /// Returns a warning for each row and tensor of `input` in which a value gets no noise, given
    /// the noise's [deviations](Self::deviations). There is no warning if the strength of the noise
    /// is zero, which is no accident, or for a fixed tensor, which is not explained.
    ///
    /// # Errors
    /// [`Error::Device`] if the deviations cannot be read back.
    pub fn warnings(&self, input: &Batch, deviations: &Batch) -> Result<Vec<Warning>> {
        let mut warnings = Vec::new();
        if self.is_none() {
            return Ok(warnings);
        }
        let parts = deviations.parts.iter().zip(&input.fixed).enumerate();
        for (tensor, (part, _)) in parts.filter(|(_, (_, fixed))| !**fixed) {
            let least = to_host(part.clone().min_dim(1))?;
            let none = (0..least.len()).filter(|&row| least[row] == 0.0);
            warnings.extend(none.map(|row| Warning::NoNoise { row, tensor }));
        }
        Ok(warnings)
    }

    /// Refuses a strength that is negative or not finite.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        match self.scale.strengths().find(|strength| !(strength.is_finite() && *strength >= 0.0)) {
            Some(bad) => Err(Error::invalid_option("noise", "finite and not negative", bad)),
            None => Ok(()),
        }
    }

    /// Adds noise to the input. The key of each row decides its noise.
    pub fn add(&self, input: &Batch, deviations: &Batch, keys: &[Key]) -> Batch {
        if self.is_none() {
            // Adding zeros would turn a negative zero positive.
            return input.clone();
        }
        let mut tensor = 0;
        let noisy = input.zip(deviations, |part, deviation| {
            let [rows, width] = part.dims();
            let stream = Stream::Noise { tensor };
            let mut noise = Vec::with_capacity(rows * width);
            keys.iter().for_each(|key| noise.extend_from_slice(&self.unit(*key, stream, width)));
            tensor += 1;
            let noise = Tensor::<1>::from_data(&noise[..], (&part.device(), part.dtype()));
            part + noise.reshape([rows, width]) * deviation
        });
        noisy.with_fixed_of(input)
    }

    /// Returns whether every strength is zero.
    pub fn is_none(&self) -> bool {
        self.scale.strengths().all(|strength| strength == 0.0)
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
