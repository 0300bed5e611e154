//! Noise on the rows of an input.

use burn::tensor::Tensor;

use crate::error::{Error, Result, check_count};
use crate::input::batch::{Batch, to_host};
use crate::input::inputs::Inputs;
use crate::random::distribution::Distribution;
use crate::random::key::{Key, Stream};
use crate::random::limits::Limits;
use crate::random::noise_draw::{NoiseDraw, Values};
use crate::random::valid_range::ValidRange;
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
    /// For each value, the standard deviation with which the noisy value stays in its valid range
    /// with the given probability, as in AdaptGrad: see [`NoiseScale::adaptive`].
    #[non_exhaustive]
    Adaptive {
        /// The range in which values are valid.
        range: ValidRange,
        /// The probability that the noisy value is no farther from the value than the nearer end of
        /// its range; in (0, 1).
        confidence: f64,
    },
}

impl NoiseScale {
    /// Returns noise as strong as each value allows: the noise moves a value `x` beyond the nearer
    /// end of its valid range with probability 1 - `confidence`.
    ///
    /// ```text
    /// σ = min(x - low, high - x) / z,     P(|ε / σ| ≤ z) = confidence
    /// ```
    ///
    /// `confidence` must be in (0, 1). The authors use 0.95; 0.999 gives about 0.6 of its noise. A
    /// value at an end of its range gets no noise, and the answer then has a
    /// [warning](crate::Warning::NoNoise). [`SmoothGrad::with_valid_range`] also puts noise on such
    /// values.
    ///
    /// [`SmoothGrad::with_valid_range`]: crate::methods::OverNoise::with_valid_range
    ///
    /// # Source
    /// Zhou, Ma, Wang, Wu and Shi, *AdaptGrad: Adaptive Sampling to Reduce Noise*, 2024,
    /// <https://arxiv.org/abs/2410.07711>.
    pub fn adaptive(range: ValidRange, confidence: f64) -> Self {
        Self::Adaptive { range, confidence }
    }

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
            // Computed from the input.
            Self::Adaptive { .. } => Box::new(std::iter::empty()),
        }
    }
}

/// Noise for the rows of an input: its strength, distribution and seed, and the range in which the
/// noisy input stays.
///
/// With a [range](Self::range), the noise of each value is drawn from the part of its distribution
/// that keeps the value in its range. That is truncated noise. The alternative, to clip noisy values
/// to the range, would put many of them exactly at its ends: half of the copies of a white pixel
/// would stay white. Truncated noise has no mean of zero, except in the middle of the range: near an
/// end it leads away from that end.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Noise {
    /// The strength.
    pub scale: NoiseScale,
    /// The distribution.
    pub distribution: Distribution,
    /// The seed.
    pub seed: u64,
    /// The range in which noisy values stay; `None` if they may go anywhere.
    #[cfg_attr(feature = "serde", serde(default))]
    pub range: Option<ValidRange>,
}

impl Noise {
    /// Returns Gaussian noise with seed 0 that may go anywhere.
    pub fn new(scale: NoiseScale) -> Self {
        Self { scale, distribution: Distribution::default(), seed: 0, range: None }
    }

    /// Returns the noise's standard deviations: `[rows, 1]` for each tensor of the input, or
    /// `[rows, values]` if each value has its own.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if a strength is negative or not finite, and if strengths of single
    /// values, or a valid range, do not fit the input. [`Error::OutsideRange`] if the input is not in
    /// its valid range. [`Error::Device`] if the input cannot be read back.
    pub fn deviations(&self, input: &Batch) -> Result<Batch> {
        self.check()?;
        if let Some(range) = &self.range {
            range.check_holds(input)?;
        }
        if let NoiseScale::Adaptive { range, confidence } = &self.scale {
            range.check_holds(input)?;
            return self.adaptive(input, range, *confidence);
        }
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
                NoiseScale::Adaptive { .. } => unreachable!("returned above"),
            }
        }))
    }

    /// Returns the deviations with which values stay in their range with the given confidence.
    fn adaptive(&self, input: &Batch, range: &ValidRange, confidence: f64) -> Result<Batch> {
        let ends = range.of(input)?;
        let below = input.zip(&ends.low, |value, low| value - low);
        let above = ends.high.zip(input, |high, value| high - value);
        let distance = self.distribution.distance_holding(confidence);
        // A value may be outside by rounding.
        let scaled = |room: Tensor<2>| room.clamp_min(0.0).div_scalar(distance);
        Ok(below.zip(&above, |below, above| scaled(below.min_pair(above))).without_fixed())
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

    /// Refuses a strength that is negative or not finite, a range that is not finite and ascending,
    /// and a confidence outside (0, 1).
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.range.as_ref().map_or(Ok(()), ValidRange::check)?;
        if let NoiseScale::Adaptive { range, confidence } = &self.scale {
            range.check()?;
            if !(*confidence > 0.0 && *confidence < 1.0) {
                let expected = "above 0 and below 1";
                return Err(Error::invalid_option("confidence", expected, confidence));
            }
        }
        match self.scale.strengths().find(|strength| !(strength.is_finite() && *strength >= 0.0)) {
            Some(bad) => Err(Error::invalid_option("noise", "finite and not negative", bad)),
            None => Ok(()),
        }
    }

    /// Adds noise to the input. The key of each row decides its noise.
    ///
    /// # Errors
    /// Those of [`draw`](Self::draw).
    pub fn add(&self, input: &Batch, deviations: &Batch, keys: &[Key]) -> Result<Batch> {
        self.add_drawn(input, deviations, &own_draws(keys))
    }

    /// Adds noise to the input, given the random numbers of each row.
    ///
    /// # Errors
    /// Those of [`draw`](Self::draw).
    pub(crate) fn add_drawn(
        &self,
        input: &Batch,
        deviations: &Batch,
        draws: &[NoiseDraw],
    ) -> Result<Batch> {
        if self.is_none() {
            // Adding zeros would turn a negative zero positive.
            return Ok(input.clone());
        }
        let noise = self.of_draws(input, deviations, draws)?;
        let mut noisy = noise.zip(input, |noise, part| part + noise);
        if let Some(range) = &self.range {
            // Sums are rounded, and may be beyond the range by a last digit.
            let ends = range.of(input)?;
            noisy = noisy.zip(&ends.low, Tensor::max_pair).zip(&ends.high, Tensor::min_pair);
        }
        Ok(noisy.with_fixed_of(input))
    }

    /// Draws the noise of each row of the input, given the noise's [deviations](Self::deviations)
    /// there. Fixed tensors get none.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if a valid range does not fit the input; [`Error::Device`] if the
    /// input cannot be read back, which only noise with a valid range needs.
    pub fn draw(&self, input: &Batch, deviations: &Batch, keys: &[Key]) -> Result<Batch> {
        self.of_draws(input, deviations, &own_draws(keys))
    }

    /// Draws the noise of each row, given its random numbers.
    fn of_draws(&self, input: &Batch, deviations: &Batch, draws: &[NoiseDraw]) -> Result<Batch> {
        let limits = match &self.range {
            Some(range) => Some(Limits::new(range, input, deviations)?),
            None => None,
        };
        let (mut tensor, mut first) = (0, 0);
        let noise = input.zip(deviations, |part, deviation| {
            let [rows, width] = part.dims();
            let stream = Stream::Noise { tensor: tensor as u64 };
            let values = Values { stream, first, count: width };
            let mut noise = Vec::with_capacity(rows * width);
            for (row, draw) in draws.iter().enumerate() {
                noise.extend(match &limits {
                    Some(limits) => {
                        let limits = limits.of(tensor, row, width);
                        draw.unit_between(self.distribution, values, limits)
                    }
                    None => draw.unit(self.distribution, values),
                });
            }
            (tensor, first) = (tensor + 1, first + width);
            let noise = Tensor::<1>::from_data(&noise[..], (&part.device(), part.dtype()));
            noise.reshape([rows, width]) * deviation
        });
        Ok(noise.without_fixed())
    }

    /// Returns whether every strength is zero.
    pub fn is_none(&self) -> bool {
        let adapts = matches!(self.scale, NoiseScale::Adaptive { .. });
        !adapts && self.scale.strengths().all(|strength| strength == 0.0)
    }
}

/// Returns the random numbers that belong to keys.
fn own_draws(keys: &[Key]) -> Vec<NoiseDraw<'static>> {
    keys.iter().map(|key| NoiseDraw::from(*key)).collect()
}
