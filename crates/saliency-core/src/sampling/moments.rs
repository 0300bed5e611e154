//! The mean and variance of a stream of maps, with standard errors, numerically stable.

use crate::attribution::median_relative_errors;
use crate::error::Result;
use crate::input::batch::{Batch, to_host};

/// The number that summarises the samples of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aggregate {
    /// The mean.
    Mean,
    /// The mean of the squares.
    MeanOfSquares,
    /// The unbiased variance.
    Variance,
}

impl Aggregate {
    /// Returns the least number of samples that it needs.
    pub(crate) fn least_samples(self) -> usize {
        match self {
            Self::Mean | Self::MeanOfSquares => 1,
            Self::Variance => 2,
        }
    }

    /// Returns the number of sums of powers of deviations that it needs.
    fn sums(self) -> usize {
        match self {
            Self::Mean | Self::MeanOfSquares => 1,
            Self::Variance => 3,
        }
    }
}

/// The mean of a stream of maps and the sums of squares (third powers, fourth powers) of deviations
/// from it, by Welford's and Pébay's formulas. If all maps are the same, the mean is exact to the
/// last bit, the sign of zeros included.
///
/// Each row is multiplied by a power of two, which is exact, so that its first sample is about 1:
/// fourth powers of small gradients would be zero in single precision.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    aggregate: Aggregate,
    count: usize,
    scales: Vec<f64>,
    mean: Batch,
    sums: Vec<Batch>,
}

/// Returns, for each row, the power of two that takes its largest value to between 1 and 2.
fn scales(sample: &Batch) -> Result<Vec<f64>> {
    let mut largest = vec![0f64; sample.rows()];
    for part in &sample.parts {
        let rows = to_host(part.clone().abs().max_dim(1))?;
        largest.iter_mut().zip(rows).for_each(|(largest, row)| *largest = largest.max(row));
    }
    let scale = |largest: f64| match largest.log2().floor() {
        exponent if exponent.is_finite() => (-exponent.clamp(-100.0, 100.0)).exp2(),
        _ => 1.0,
    };
    Ok(largest.into_iter().map(scale).collect())
}

impl Moments {
    /// Adds a sample to those before it, if there are any.
    pub fn push(before: Option<Self>, aggregate: Aggregate, sample: Batch) -> Result<Self> {
        let scales = match &before {
            Some(before) => before.scales.clone(),
            None => scales(&sample)?,
        };
        let sample = sample.scale_rows(&scales);
        let sample = match aggregate {
            Aggregate::MeanOfSquares => sample.zip(&sample, |a, b| a * b),
            Aggregate::Mean | Aggregate::Variance => sample,
        };
        let Some(mut moments) = before else {
            let none = sample.map(|part| part.zeros_like());
            let sums = vec![none; aggregate.sums()];
            return Ok(Self { aggregate, count: 1, scales, mean: sample, sums });
        };
        moments.count += 1;
        let n = moments.count as f64;
        let off = moments.mean.zip(&sample, |mean, sample| mean - sample);
        let share = off.map(|off| off.mul_scalar(1.0 / n));
        let mean = moments.mean.zip(&share, |mean, share| mean - share);
        // off · (mean - sample), which Welford's formula adds to the sum of squares.
        let product = mean.zip(&sample, |mean, sample| mean - sample);
        let product = off.zip(&product, |off, after| off * after);
        let add = |sum: &Batch, more: &Batch| sum.zip(more, |sum, more| sum + more);
        if let [squares, cubes, fourths] = &moments.sums[..] {
            // Signs differ from the formulas as published: there the share is sample - mean.
            let share2 = share.zip(&share, |a, b| a * b);
            let more = product.zip(&share2, |a, b| a * b.mul_scalar(n * n - 3.0 * n + 3.0));
            let more = add(&more, &share2.zip(squares, |a, b| a * b.mul_scalar(6.0)));
            let more = add(&more, &share.zip(cubes, |a, b| a * b.mul_scalar(4.0)));
            let fourths = add(fourths, &more);
            let more = product.zip(&share, |a, b| a * b.mul_scalar(2.0 - n));
            let more = add(&more, &share.zip(squares, |a, b| a * b.mul_scalar(3.0)));
            let cubes = add(cubes, &more);
            moments.sums = vec![add(squares, &product), cubes, fourths];
        } else {
            moments.sums = vec![add(&moments.sums[0], &product)];
        }
        moments.mean = mean;
        Ok(moments)
    }

    /// Returns the aggregate of every value, and its standard error if there are two or more
    /// samples.
    pub fn finish(&self) -> (Batch, Option<Batch>) {
        let n = self.count as f64;
        let squares = &self.sums[0];
        let (values, errors) = match self.aggregate {
            Aggregate::Mean | Aggregate::MeanOfSquares => {
                (self.mean.clone(), squares.map(|part| part.div_scalar(n * (n - 1.0)).sqrt()))
            }
            Aggregate::Variance => {
                let variance = squares.map(|part| part.div_scalar(n - 1.0));
                let squared = variance
                    .map(|part| (part.clone() * part).mul_scalar((n - 3.0).max(0.0) / (n - 1.0)));
                let fourth = self.sums[2].map(|part| part.div_scalar(n));
                let difference = fourth.zip(&squared, |fourth, squared| fourth - squared);
                (variance, difference.map(|part| part.clamp_min(0.0).div_scalar(n).sqrt()))
            }
        };
        let power = if self.aggregate == Aggregate::Mean { -1 } else { -2 };
        let back: Vec<f64> = self.scales.iter().map(|scale| scale.powi(power)).collect();
        (values.scale_rows(&back), (self.count > 1).then(|| errors.scale_rows(&back)))
    }

    /// Returns, for each row, the [median relative error](median_relative_errors); infinity if
    /// there is no standard error yet.
    pub fn relative_errors(&self) -> Result<Vec<f64>> {
        match self.finish() {
            (values, Some(errors)) => median_relative_errors(values, errors),
            (values, None) => Ok(vec![f64::INFINITY; values.rows()]),
        }
    }

    /// Returns the moments of the given rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let sums = self.sums.iter().map(|sum| sum.select(rows)).collect();
        let scales = rows.iter().map(|&row| self.scales[row]).collect();
        Self { scales, mean: self.mean.select(rows), sums, ..*self }
    }

    /// Concatenates the moments of several blocks of rows, of the same samples.
    pub fn stack(blocks: &[Self]) -> Self {
        let stack =
            |of: &dyn Fn(&Self) -> Batch| Batch::stack(&blocks.iter().map(of).collect::<Vec<_>>());
        let sums = (0..blocks[0].sums.len()).map(|k| stack(&|block| block.sums[k].clone()));
        let sums = sums.collect();
        let scales = blocks.iter().flat_map(|block| block.scales.clone()).collect();
        Self { scales, mean: stack(&|block| block.mean.clone()), sums, ..blocks[0] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    fn moments(aggregate: Aggregate, samples: &[f64]) -> (f64, f64) {
        let flat = |&x: &f64| {
            let options = (&Device::flex(), burn::tensor::DType::F64);
            Batch::new(Tensor::<2>::from_data([[x]], options)).unwrap()
        };
        let push = |before, x| Some(Moments::push(before, aggregate, flat(x)).unwrap());
        let (value, error) = samples.iter().fold(None, push).unwrap().finish();
        let host = |flat: Batch| to_host(flat.parts[0].clone()).unwrap()[0];
        (host(value), host(error.unwrap()))
    }

    #[test]
    fn the_stream_agrees_with_the_formulas_for_a_list() {
        let samples: Vec<f64> = (0..40).map(|k| 1e3 + (f64::from(k) * 0.7).sin()).collect();
        let n = samples.len() as f64;
        let mean = |of: &dyn Fn(f64) -> f64| samples.iter().map(|&x| of(x)).sum::<f64>() / n;
        let central = |values: &dyn Fn(f64) -> f64, k| {
            let middle = mean(values);
            mean(&|x| (values(x) - middle).powi(k))
        };
        let close = |(a, b): (f64, f64), expected: (f64, f64)| {
            assert!((a / expected.0 - 1.0).abs() < 1e-9, "{a} {}", expected.0);
            assert!((b / expected.1 - 1.0).abs() < 1e-6, "{b} {}", expected.1);
        };
        let error = |values: &dyn Fn(f64) -> f64| (central(values, 2) / (n - 1.0)).sqrt();
        close(moments(Aggregate::Mean, &samples), (mean(&|x| x), error(&|x| x)));
        let squares = moments(Aggregate::MeanOfSquares, &samples);
        close(squares, (mean(&|x| x * x), error(&|x| x * x)));
        let variance = central(&|x| x, 2) * n / (n - 1.0);
        let spread = central(&|x| x, 4) - variance * variance * (n - 3.0) / (n - 1.0);
        close(moments(Aggregate::Variance, &samples), (variance, (spread / n).sqrt()));
    }

    #[test]
    fn fourth_powers_of_small_numbers_do_not_vanish() {
        let row = |value: f32| {
            Batch::new(Tensor::<2>::from_data([[value, -2.0 * value]], &Device::flex())).unwrap()
        };
        for aggregate in [Aggregate::Mean, Aggregate::MeanOfSquares, Aggregate::Variance] {
            let push = |before, x: f32| Some(Moments::push(before, aggregate, row(x)).unwrap());
            let error = |unit: f32| {
                let samples = [1.0f32, 1.5, 0.25, 0.75, 1.125].map(|x| x * unit);
                let moments = samples.into_iter().fold(None, push).unwrap();
                moments.relative_errors().unwrap()[0]
            };
            assert!(error(1.0) > 0.01);
            assert_eq!(error(1.0), error(2f32.powi(-60)), "{aggregate:?}");
        }
    }

    #[test]
    fn the_median_relative_error_takes_zeros_for_known() {
        let row = |values: [f32; 3]| {
            Batch::new(Tensor::<2>::from_data([values], &Device::flex())).unwrap()
        };
        let one = Moments::push(None, Aggregate::Mean, row([0.0, 1.0, 1.0])).unwrap();
        assert_eq!(one.relative_errors().unwrap(), [f64::INFINITY]);
        let two = Moments::push(Some(one), Aggregate::Mean, row([0.0, 3.0, -1.0])).unwrap();
        // Means 0, 2, 0 with errors 0, 1, 1: ratios 0, 1/2, infinite.
        assert_eq!(two.relative_errors().unwrap(), [0.5]);
    }
}
