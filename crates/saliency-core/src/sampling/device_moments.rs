//! The mean and variance of a stream of large maps, on their device.

use burn::tensor::Tensor;

use crate::error::Result;
use crate::input::batch::{Batch, to_host};
use crate::sampling::aggregate::Aggregate;
use crate::sampling::certainty::{RowCertainty, RowSums};
use crate::sampling::scale::scale_of;

/// The mean of a stream of maps and the sums of squares (third powers, fourth powers) of deviations
/// from it, by Welford's and Pébay's formulas. If all maps are the same, the mean is exact to the
/// last bit, the sign of zeros included.
///
/// Each row is multiplied by a power of two, which is exact, so that its largest sample is about 1.
/// Otherwise, fourth powers of small gradients would be zero in single precision, and those of
/// large gradients infinite.
#[derive(Clone, Debug)]
pub(crate) struct DeviceMoments {
    aggregate: Aggregate,
    count: usize,
    /// The power of two that each row is multiplied by; 0 before the first sample that is not zero.
    scales: Vec<f64>,
    mean: Batch,
    sums: Vec<Batch>,
    /// The smallest and the largest sample of each value.
    range: [Batch; 2],
}

/// The largest exponent of a scale.
const MOST_EXPONENT: f64 = 100.0;

/// A row's scale is lowered when its samples grow beyond this.
const GROWN: f64 = 256.0;

/// Returns, for each row, the largest absolute value.
pub(crate) fn largest_values(maps: &Batch) -> Result<Vec<f64>> {
    let mut largest = vec![0f64; maps.rows()];
    for part in &maps.parts {
        // Without a copy of the values.
        let (high, low) = (to_host(part.clone().max_dim(1))?, to_host(part.clone().min_dim(1))?);
        for (largest, (high, low)) in largest.iter_mut().zip(high.into_iter().zip(low)) {
            *largest = largest.max(high.max(-low));
        }
    }
    Ok(largest)
}

impl DeviceMoments {
    /// Adds a sample to those before it, if there are any. `largest` are the largest absolute
    /// values of its rows.
    pub fn push(
        before: Option<Self>,
        aggregate: Aggregate,
        sample: Batch,
        largest: &[f64],
    ) -> Self {
        let Some(mut moments) = before else {
            let scales: Vec<f64> =
                largest.iter().map(|&largest| scale_of(largest, MOST_EXPONENT)).collect();
            let sample = scaled(aggregate, &sample, &scales);
            let none = sample.map(|part| part.zeros_like());
            let sums = vec![none; aggregate.sums()];
            let range = [sample.clone(), sample.clone()];
            return Self { aggregate, count: 1, scales, mean: sample, sums, range };
        };
        moments.adapt_scales(largest);
        let sample = scaled(aggregate, &sample, &moments.scales);
        moments.count += 1;
        let n = moments.count as f64;
        let off = moments.mean.zip(&sample, |mean, sample| mean - sample);
        let share = off.map(|off| off.mul_scalar(1.0 / n));
        // Batches that are not needed any more are handed over, so that their memory is used again.
        moments.mean = moments.mean.zip_into(share.clone(), |mean, share| mean - share);
        // off · (mean - sample), which Welford's formula adds to the sum of squares.
        let product = moments.mean.zip(&sample, |mean, sample| mean - sample);
        let product = off.zip_into(product, |off, after| off * after);
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
            let squares = moments.sums.remove(0);
            moments.sums.push(squares.zip_into(product, |sum, more| sum + more));
        }
        let [low, high] = moments.range;
        let low = low.zip_into(sample.clone(), Tensor::min_pair);
        moments.range = [low, high.zip_into(sample, Tensor::max_pair)];
        moments
    }

    /// Lowers the scale of each row in which a sample with these largest values would become too
    /// large.
    fn adapt_scales(&mut self, largest: &[f64]) {
        let mut factors = vec![1.0; largest.len()];
        let rows = self.scales.iter_mut().zip(&mut factors).zip(largest);
        for ((scale, factor), &largest) in rows {
            if *scale == 0.0 {
                // All samples so far are zero.
                *scale = scale_of(largest, MOST_EXPONENT);
            } else if largest * *scale >= GROWN {
                let lower = scale_of(largest, MOST_EXPONENT);
                *factor = lower / *scale;
                *scale = lower;
            }
        }
        if factors.iter().all(|factor| *factor == 1.0) {
            return;
        }
        let unit = if self.aggregate == Aggregate::MeanOfSquares { 2 } else { 1 };
        let scale = |batch: &Batch, power: i32| {
            // In steps, because a high power may be below the smallest number.
            (0..power).fold(batch.clone(), |batch, _| batch.scale_rows(&factors))
        };
        self.mean = scale(&self.mean, unit);
        self.range = [scale(&self.range[0], unit), scale(&self.range[1], unit)];
        let sums = self.sums.iter().zip(2..);
        self.sums = sums.map(|(sum, power)| scale(sum, unit * power)).collect();
    }

    /// Returns the aggregate of every value, and its standard error if there are two or more
    /// samples.
    pub fn finish(&self) -> (Batch, Option<Batch>) {
        let (values, errors) = self.scaled_results();
        let power = if self.aggregate == Aggregate::Mean { -1 } else { -2 };
        // A row of zeros has no scale.
        let back = |scale: &f64| if *scale == 0.0 { 1.0 } else { scale.powi(power) };
        let back: Vec<f64> = self.scales.iter().map(back).collect();
        (values.scale_rows(&back), (self.count > 1).then(|| errors.scale_rows(&back)))
    }

    /// Returns the aggregates and their standard errors, in units of each row's scale.
    fn scaled_results(&self) -> (Batch, Batch) {
        let n = self.count as f64;
        let squares = &self.sums[0];
        match self.aggregate {
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
        }
    }

    /// Returns how sure each row is. Ignores fixed inputs.
    pub fn certainty(&self) -> Result<Vec<RowCertainty>> {
        if self.count < 2 {
            return Ok(vec![RowCertainty::UNKNOWN; self.rows()]);
        }
        self.certainty_of(&self.scaled_results().1)
    }

    /// Returns how sure each row is, given the standard errors.
    pub fn certainty_with(&self, errors: &Batch) -> Result<Vec<RowCertainty>> {
        let power = if self.aggregate == Aggregate::Mean { 1 } else { 2 };
        // A row of zeros has no scale.
        let scale = |scale: &f64| if *scale == 0.0 { 1.0 } else { scale.powi(power) };
        let scales: Vec<f64> = self.scales.iter().map(scale).collect();
        self.certainty_of(&errors.scale_rows(&scales))
    }

    /// Returns the number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Returns how sure each row is, given the standard errors in units of each row's scale.
    fn certainty_of(&self, errors: &Batch) -> Result<Vec<RowCertainty>> {
        let (n, rows) = (self.count as f64, self.rows());
        let (values, _) = self.scaled_results();
        let [low, high] = &self.range;
        let below = self.mean.zip(low, |mean, low| mean - low);
        let above = high.zip(&self.mean, |high, mean| high - mean);
        let top = below.zip(&above, Tensor::max_pair);
        let (spread, power) = match &self.sums[..] {
            [_, _, fourths] => (fourths, 4),
            sums => (&sums[0], 2),
        };
        let mut sums = vec![RowSums::default(); rows];
        for part in (0..values.parts.len()).filter(|&part| !values.fixed[part]) {
            let width = values.parts[part].dims()[1];
            let [values, errors, top, spread] =
                [&values, errors, &top, spread].map(|batch| to_host(batch.parts[part].clone()));
            let (values, errors, top, spread) = (values?, errors?, top?, spread?);
            for (at, value) in values.iter().enumerate() {
                let sums = &mut sums[at / width];
                sums.add(*value, errors[at], n);
                sums.add_spread(top[at].powi(power), spread[at]);
            }
        }
        Ok(sums.into_iter().map(RowSums::certainty).collect())
    }

    /// Returns the moments of the given rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let sums = self.sums.iter().map(|sum| sum.select(rows)).collect();
        let scales = rows.iter().map(|&row| self.scales[row]).collect();
        let range = [self.range[0].select(rows), self.range[1].select(rows)];
        Self { scales, mean: self.mean.select(rows), sums, range, ..*self }
    }

    /// Concatenates the moments of several blocks of rows, of the same samples.
    pub fn stack(blocks: &[Self]) -> Self {
        let stack =
            |of: &dyn Fn(&Self) -> Batch| Batch::stack(&blocks.iter().map(of).collect::<Vec<_>>());
        let sums = (0..blocks[0].sums.len()).map(|k| stack(&|block| block.sums[k].clone()));
        let sums = sums.collect();
        let scales = blocks.iter().flat_map(|block| block.scales.clone()).collect();
        let range = [0, 1].map(|end| stack(&|block| block.range[end].clone()));
        Self { scales, mean: stack(&|block| block.mean.clone()), sums, range, ..blocks[0] }
    }
}

/// Returns a sample in units of the rows' scales, squared if its square is averaged.
fn scaled(aggregate: Aggregate, sample: &Batch, scales: &[f64]) -> Batch {
    let scales: Vec<f64> =
        scales.iter().map(|&scale| if scale == 0.0 { 1.0 } else { scale }).collect();
    let sample = sample.scale_rows(&scales);
    match aggregate {
        Aggregate::MeanOfSquares => sample.zip(&sample, |a, b| a * b),
        Aggregate::Mean | Aggregate::Variance => sample,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn push(before: Option<DeviceMoments>, aggregate: Aggregate, sample: Batch) -> DeviceMoments {
        let largest = largest_values(&sample).unwrap();
        DeviceMoments::push(before, aggregate, sample, &largest)
    }

    fn moments(aggregate: Aggregate, samples: &[f64]) -> (f64, f64) {
        let flat = |&x: &f64| {
            let options = (&Device::flex(), burn::tensor::DType::F64);
            Batch::new(Tensor::<2>::from_data([[x]], options)).unwrap()
        };
        let add = |before, x| Some(push(before, aggregate, flat(x)));
        let (value, error) = samples.iter().fold(None, add).unwrap().finish();
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

    fn row<const N: usize>(values: [f32; N]) -> Batch {
        Batch::new(Tensor::<2>::from_data([values], &Device::flex())).unwrap()
    }

    /// Returns the certainty after samples of one row.
    fn certainty<const N: usize>(aggregate: Aggregate, samples: &[[f32; N]]) -> RowCertainty {
        let add = |before, values: &[f32; N]| Some(push(before, aggregate, row(*values)));
        samples.iter().fold(None, add).unwrap().certainty().unwrap()[0]
    }

    #[test]
    fn relative_figures_do_not_depend_on_the_unit_or_on_the_first_sample() {
        for aggregate in [Aggregate::Mean, Aggregate::MeanOfSquares, Aggregate::Variance] {
            let error = |unit: f32, first: f32| {
                let samples = [1.0f32, 1.5, 0.25, 0.75, 1.125].map(|x| [x * unit, -2.0 * x * unit]);
                let samples = [&[[first, first]], &samples[..]].concat();
                let found = certainty(aggregate, &samples).error;
                assert!(found > 0.01 && found < 1.0, "{aggregate:?}: {found}");
                found
            };
            let of_one = error(1.0, 0.0);
            for unit in [2f32.powi(-66), 2f32.powi(-126), 2f32.powi(66), 2f32.powi(120)] {
                assert_eq!(of_one, error(unit, 0.0), "{aggregate:?}");
            }
            for first in [1e-30, -1e-38, 1e-12] {
                assert!((error(1.0, first) - of_one).abs() < 1e-6, "{aggregate:?}");
            }
        }
    }

    #[test]
    fn the_error_is_a_ratio_of_sums_and_equal_samples_prove_little() {
        let one = certainty(Aggregate::Mean, &[[0.0, 1.0, 1.0]]);
        assert_eq!(one.error, f64::INFINITY);
        // Means 0, 2, 0 with errors 0, 1, 1.
        let two = certainty(Aggregate::Mean, &[[0.0, 1.0, 1.0], [0.0, 3.0, -1.0]]);
        assert_eq!(two, RowCertainty { error: 1.0, decided: 1.0 });
        let same = certainty(Aggregate::Mean, &[[0.0, 2.0]; 50]);
        assert_eq!(same, RowCertainty { error: 0.02, decided: 0.0 });
        let none = certainty(Aggregate::Mean, &[[0.0]; 50]);
        assert_eq!(none, RowCertainty { error: 0.0, decided: 1.0 });
    }

    #[test]
    fn a_spread_that_comes_from_one_sample_is_noticed() {
        for aggregate in [Aggregate::Mean, Aggregate::MeanOfSquares, Aggregate::Variance] {
            let rare: Vec<[f32; 1]> = (0..50).map(|k| [f32::from(u8::from(k == 7))]).collect();
            assert!(certainty(aggregate, &rare).decided == 1.0, "{aggregate:?}");
            let even: Vec<[f32; 1]> = (0..50).map(|k| [(k % 5) as f32]).collect();
            assert!(certainty(aggregate, &even).decided == 0.0, "{aggregate:?}");
        }
    }
}
