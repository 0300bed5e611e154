//! Mean, variance and their standard errors of a stream of maps, numerically stable.

use crate::error::Result;
use crate::inputs::{Flat, to_host};

/// What is told of the distribution of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistic {
    Mean,
    MeanOfSquares,
    Variance,
}

impl Statistic {
    /// The least number of samples it can be had from.
    pub fn least_samples(self) -> usize {
        match self {
            Self::Mean | Self::MeanOfSquares => 1,
            Self::Variance => 2,
        }
    }

    /// How many sums of powers of deviations it needs.
    fn sums(self) -> usize {
        match self {
            Self::Mean | Self::MeanOfSquares => 1,
            Self::Variance => 3,
        }
    }
}

/// The mean of a stream of maps and the sums of squares (third powers, fourth powers) of deviations
/// from it, by Welford's and Pébay's formulas. Where all maps are the same the mean is exact to the
/// last bit, the sign of zeros included.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    statistic: Statistic,
    count: usize,
    mean: Flat,
    sums: Vec<Flat>,
}

impl Moments {
    /// Those of a single sample.
    fn of(statistic: Statistic, sample: Flat) -> Self {
        let none = sample.map(|part| part.zeros_like());
        Self { statistic, count: 1, mean: sample, sums: vec![none; statistic.sums()] }
    }

    /// Adds a sample to those that came before it, if any.
    pub fn push(before: Option<Self>, statistic: Statistic, sample: Flat) -> Self {
        let sample = match statistic {
            Statistic::MeanOfSquares => sample.zip(&sample, |a, b| a * b),
            Statistic::Mean | Statistic::Variance => sample,
        };
        let Some(mut moments) = before else { return Self::of(statistic, sample) };
        moments.count += 1;
        let n = moments.count as f64;
        let off = moments.mean.zip(&sample, |mean, sample| mean - sample);
        let share = off.map(|off| off.mul_scalar(1.0 / n));
        let mean = moments.mean.zip(&share, |mean, share| mean - share);
        // off · (mean - sample), which Welford's formula adds to the sum of squares.
        let product = mean.zip(&sample, |mean, sample| mean - sample);
        let product = off.zip(&product, |off, after| off * after);
        let add = |sum: &Flat, more: &Flat| sum.zip(more, |sum, more| sum + more);
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
        moments
    }

    /// The statistic of every value, and its standard error; the latter from two samples on.
    pub fn finish(&self) -> (Flat, Option<Flat>) {
        let n = self.count as f64;
        let squares = &self.sums[0];
        let known = self.count > 1;
        match self.statistic {
            Statistic::Mean | Statistic::MeanOfSquares => {
                let error = || squares.map(|part| part.div_scalar(n * (n - 1.0)).sqrt());
                (self.mean.clone(), known.then(error))
            }
            Statistic::Variance => {
                let variance = squares.map(|part| part.div_scalar(n - 1.0));
                let error = || {
                    let squared = variance.map(|part| {
                        (part.clone() * part).mul_scalar((n - 3.0).max(0.0) / (n - 1.0))
                    });
                    let fourth = self.sums[2].map(|part| part.div_scalar(n));
                    let difference = fourth.zip(&squared, |fourth, squared| fourth - squared);
                    difference.map(|part| part.clamp_min(0.0).div_scalar(n).sqrt())
                };
                let error = known.then(error);
                (variance, error)
            }
        }
    }

    /// For each row the [median relative error](median_relative_errors); infinite where there is no
    /// standard error yet.
    pub fn relative_errors(&self) -> Result<Vec<f64>> {
        match self.finish() {
            (values, Some(errors)) => median_relative_errors(values, errors),
            (values, None) => Ok(vec![f64::INFINITY; values.rows()]),
        }
    }

    /// The same of a selection of the rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let sums = self.sums.iter().map(|sum| sum.select(rows)).collect();
        Self { mean: self.mean.select(rows), sums, ..*self }
    }

    /// Those of several blocks of rows, of the same samples.
    pub fn stack(blocks: &[Self]) -> Self {
        let stack =
            |of: &dyn Fn(&Self) -> Flat| Flat::stack(&blocks.iter().map(of).collect::<Vec<_>>());
        let sums = (0..blocks[0].sums.len()).map(|k| stack(&|block| block.sums[k].clone()));
        let sums = sums.collect();
        Self { mean: stack(&|block| block.mean.clone()), sums, ..blocks[0] }
    }
}

/// For each row the median of standard error over absolute value. Values that are zero in every
/// sample have no error.
pub(crate) fn median_relative_errors(values: Flat, errors: Flat) -> Result<Vec<f64>> {
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); values.rows()];
    for (values, errors) in values.parts.into_iter().zip(errors.parts) {
        let width = values.dims()[1];
        let (values, errors) = (to_host(values)?, to_host(errors)?);
        let rows = values.chunks(width).zip(errors.chunks(width));
        for (ratios, (values, errors)) in ratios.iter_mut().zip(rows) {
            let ratio = |(value, error): (&f64, &f64)| match error {
                0.0 => 0.0,
                error => error / value.abs(),
            };
            ratios.extend(values.iter().zip(errors).map(ratio));
        }
    }
    let median = |mut ratios: Vec<f64>| {
        let middle = ratios.len() / 2;
        *ratios.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    Ok(ratios.into_iter().map(median).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    fn moments(statistic: Statistic, samples: &[f64]) -> (f64, f64) {
        let flat = |&x: &f64| {
            let options = (&Device::flex(), burn::tensor::DType::F64);
            Flat::new(Tensor::<2>::from_data([[x]], options)).unwrap()
        };
        let push = |before, x| Some(Moments::push(before, statistic, flat(x)));
        let (value, error) = samples.iter().fold(None, push).unwrap().finish();
        let host = |flat: Flat| to_host(flat.parts[0].clone()).unwrap()[0];
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
        close(moments(Statistic::Mean, &samples), (mean(&|x| x), error(&|x| x)));
        let squares = moments(Statistic::MeanOfSquares, &samples);
        close(squares, (mean(&|x| x * x), error(&|x| x * x)));
        let variance = central(&|x| x, 2) * n / (n - 1.0);
        let spread = central(&|x| x, 4) - variance * variance * (n - 3.0) / (n - 1.0);
        close(moments(Statistic::Variance, &samples), (variance, (spread / n).sqrt()));
    }

    #[test]
    fn the_median_relative_error_takes_zeros_for_known() {
        let row = |values: [f32; 3]| {
            Flat::new(Tensor::<2>::from_data([values], &Device::flex())).unwrap()
        };
        let one = Moments::push(None, Statistic::Mean, row([0.0, 1.0, 1.0]));
        assert_eq!(one.relative_errors().unwrap(), [f64::INFINITY]);
        let two = Moments::push(Some(one), Statistic::Mean, row([0.0, 3.0, -1.0]));
        // Means 0, 2, 0 with errors 0, 1, 1: ratios 0, 1/2, infinite.
        assert_eq!(two.relative_errors().unwrap(), [0.5]);
    }
}
