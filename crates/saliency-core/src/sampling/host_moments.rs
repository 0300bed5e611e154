//! The mean and variance of a stream of small maps, on the host.

use crate::input::batch::Batch;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::certainty::{RowCertainty, RowSums};
use crate::sampling::scale::scale_of;

/// The largest exponent of a scale.
const MOST_EXPONENT: f64 = 200.0;

/// The mean of a stream of maps and the sums of squares (third powers, fourth powers) of deviations
/// from it, by Welford's and Pébay's formulas, in double precision. Samples are added one by one, in
/// order. If all maps are the same, the mean is exact to the last bit, the sign of zeros included.
///
/// Each row is multiplied by a power of two, which is exact, so that its first sample that is not zero
/// is about 1.
#[derive(Clone, Debug)]
pub(crate) struct HostMoments {
    aggregate: Aggregate,
    count: usize,
    /// The power of two that each row is multiplied by; 0 before the first sample that is not zero.
    scales: Vec<f64>,
    parts: Vec<Part>,
    /// A row in the form of the maps.
    like: Batch,
}

/// The moments of one tensor of all rows.
#[derive(Clone, Debug)]
struct Part {
    width: usize,
    mean: Vec<f64>,
    squares: Vec<f64>,
    /// For a variance, the sums of third and of fourth powers; otherwise empty.
    cubes: Vec<f64>,
    fourths: Vec<f64>,
    /// The smallest and the largest sample of each value. They need no more digits: they only show
    /// whether a single sample decides.
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Part {
    /// Adds the `count`-th sample of a row, whose values start at `at`.
    fn push(&mut self, at: usize, count: usize, values: impl Iterator<Item = f64>) {
        let (n, width) = (count as f64, self.width);
        let values = values.take(width).zip(at..);
        if count == 1 {
            for (value, at) in values {
                self.mean[at] = value;
                (self.low[at], self.high[at]) = (value as f32, value as f32);
            }
            return;
        }
        let has_powers = !self.fourths.is_empty();
        for (value, at) in values {
            // Signs differ from the formulas as published: there the share is sample - mean.
            let off = self.mean[at] - value;
            let share = off / n;
            self.mean[at] -= share;
            let product = off * (self.mean[at] - value);
            if has_powers {
                let (squares, cubes) = (self.squares[at], self.cubes[at]);
                self.fourths[at] += product * share * share * (n * n - 3.0 * n + 3.0)
                    + 6.0 * share * share * squares
                    + 4.0 * share * cubes;
                self.cubes[at] += product * share * (2.0 - n) + 3.0 * share * squares;
            }
            self.squares[at] += product;
            self.low[at] = self.low[at].min(value as f32);
            self.high[at] = self.high[at].max(value as f32);
        }
    }
}

impl HostMoments {
    /// Starts with no samples, for rows in the form of `like`.
    pub fn new(aggregate: Aggregate, rows: usize, like: &Batch) -> Self {
        let part = |width: usize| {
            let count = rows * width;
            let powers = || vec![0.0; if aggregate.sums() > 1 { count } else { 0 }];
            Part {
                width,
                mean: vec![0.0; count],
                squares: vec![0.0; count],
                cubes: powers(),
                fourths: powers(),
                low: vec![0.0; count],
                high: vec![0.0; count],
            }
        };
        Self {
            aggregate,
            count: 0,
            scales: vec![0.0; rows],
            parts: like.parts.iter().map(|like| part(like.dims()[1])).collect(),
            like: like.narrow(0, 1).widened(),
        }
    }

    /// Adds samples: for each tensor, its values in all rows of the first sample, then of the next.
    pub fn push(&mut self, samples: &[Vec<f64>]) {
        let rows = self.scales.len();
        let count = samples[0].len() / (rows * self.parts[0].width);
        for sample in 0..count {
            self.count += 1;
            for row in 0..rows {
                let of_row = |part: &Part| {
                    let start = (sample * rows + row) * part.width;
                    start..start + part.width
                };
                if self.scales[row] == 0.0 {
                    let own = self.parts.iter().zip(samples);
                    let own = own.flat_map(|(part, samples)| &samples[of_row(part)]);
                    let largest = own.fold(0.0, |most, value| value.abs().max(most));
                    self.scales[row] = scale_of(largest, MOST_EXPONENT);
                }
                let scale = if self.scales[row] == 0.0 { 1.0 } else { self.scales[row] };
                for (part, samples) in self.parts.iter_mut().zip(samples) {
                    let own = samples[of_row(part)].iter().map(|value| value * scale);
                    let at = row * part.width;
                    match self.aggregate {
                        Aggregate::MeanOfSquares => {
                            part.push(at, self.count, own.map(|value| value * value));
                        }
                        Aggregate::Mean | Aggregate::Variance => part.push(at, self.count, own),
                    }
                }
            }
        }
    }

    /// Returns the aggregate of every value, and its standard error if there are two or more
    /// samples.
    pub fn finish(&self) -> (Batch, Option<Batch>) {
        // A row of zeros has no scale.
        let back = |scale: &f64| match (*scale, self.aggregate) {
            (0.0, _) => 1.0,
            (scale, Aggregate::Mean) => 1.0 / scale,
            (scale, _) => 1.0 / (scale * scale),
        };
        let back: Vec<f64> = self.scales.iter().map(back).collect();
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for part in &self.parts {
            let results = (0..part.mean.len()).map(|at| {
                let Summary { value, error } = self.summary(part, at);
                let back = back[at / part.width];
                (value * back, error * back)
            });
            let (of_part, errors_of_part): (Vec<f64>, Vec<f64>) = results.unzip();
            values.push(of_part);
            errors.push(errors_of_part);
        }
        let rows = self.scales.len();
        let errors = (self.count > 1).then(|| Batch::of_host(&errors, rows, &self.like));
        (Batch::of_host(&values, rows, &self.like), errors)
    }

    /// Returns the aggregate of a value and its standard error, in units of its row's scale.
    fn summary(&self, part: &Part, at: usize) -> Summary {
        let n = self.count as f64;
        let squares = part.squares[at];
        match self.aggregate {
            Aggregate::Mean | Aggregate::MeanOfSquares => {
                Summary { value: part.mean[at], error: (squares / (n * (n - 1.0))).sqrt() }
            }
            Aggregate::Variance => {
                let variance = squares / (n - 1.0);
                let squared = variance * variance * (n - 3.0).max(0.0) / (n - 1.0);
                let difference = part.fourths[at] / n - squared;
                Summary { value: variance, error: (difference.max(0.0) / n).sqrt() }
            }
        }
    }

    /// Returns how sure each row is. Ignores fixed inputs.
    pub fn certainty(&self) -> Vec<RowCertainty> {
        if self.count < 2 {
            return vec![RowCertainty::UNKNOWN; self.rows()];
        }
        self.certainty_of(|part, at| self.summary(&self.parts[part], at).error)
    }

    /// Returns how sure each row is, given the standard errors of each tensor's values.
    pub fn certainty_with(&self, errors: &[Vec<f64>]) -> Vec<RowCertainty> {
        let power = if self.aggregate == Aggregate::Mean { 1 } else { 2 };
        self.certainty_of(|part, at| {
            let scale = self.scales[at / self.parts[part].width];
            // A row of zeros has no scale.
            errors[part][at] * if scale == 0.0 { 1.0 } else { scale.powi(power) }
        })
    }

    /// Returns the number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Returns how sure each row is. `error` returns the standard error of a value of a tensor, in
    /// units of its row's scale.
    fn certainty_of(&self, error: impl Fn(usize, usize) -> f64) -> Vec<RowCertainty> {
        let n = self.count as f64;
        let mut sums = vec![RowSums::default(); self.rows()];
        let explained = self.parts.iter().enumerate().zip(&self.like.fixed);
        for ((number, part), _) in explained.filter(|(_, fixed)| !**fixed) {
            for at in 0..part.mean.len() {
                let mean = part.mean[at];
                let below = (mean - f64::from(part.low[at])).max(0.0);
                let above = (f64::from(part.high[at]) - mean).max(0.0);
                let largest = below.max(above);
                let sums = &mut sums[at / part.width];
                sums.add(self.summary(part, at).value, error(number, at), n);
                match part.fourths.get(at) {
                    Some(&spread) => sums.add_spread(largest.powi(4), spread),
                    None => sums.add_spread(largest.powi(2), part.squares[at]),
                }
            }
        }
        sums.into_iter().map(RowSums::certainty).collect()
    }

    /// Returns the moments of the given rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let parts = self.parts.iter().map(|part| {
            let (width, of) = (part.width, |list: &[f64]| select(list, part.width, rows));
            Part {
                width,
                mean: of(&part.mean),
                squares: of(&part.squares),
                cubes: of(&part.cubes),
                fourths: of(&part.fourths),
                low: select(&part.low, width, rows),
                high: select(&part.high, width, rows),
            }
        });
        let scales = rows.iter().map(|&row| self.scales[row]).collect();
        Self { scales, parts: parts.collect(), like: self.like.clone(), ..*self }
    }

    /// Concatenates the moments of one or more blocks of rows, of the same samples.
    pub fn stack(blocks: Vec<Self>) -> Self {
        let mut blocks = blocks.into_iter();
        let mut all = blocks.next().expect("at least one block");
        for mut block in blocks {
            all.scales.append(&mut block.scales);
            for (part, more) in all.parts.iter_mut().zip(&mut block.parts) {
                part.mean.append(&mut more.mean);
                part.squares.append(&mut more.squares);
                part.cubes.append(&mut more.cubes);
                part.fourths.append(&mut more.fourths);
                part.low.append(&mut more.low);
                part.high.append(&mut more.high);
            }
        }
        all
    }
}

/// Returns the values of the given rows; none if there are none.
fn select<T: Copy>(list: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    if list.is_empty() {
        return Vec::new();
    }
    rows.iter().flat_map(|&row| &list[row * width..(row + 1) * width]).copied().collect()
}

/// The aggregate of a value and its standard error.
struct Summary {
    value: f64,
    error: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::batch::to_host;
    use crate::sampling::device_moments::{DeviceMoments, largest_values};
    use burn::tensor::{DType, Device, Tensor};

    const ALL: [Aggregate; 3] = [Aggregate::Mean, Aggregate::MeanOfSquares, Aggregate::Variance];

    fn map(values: [[f64; 2]; 2]) -> Batch {
        let options = (&Device::flex(), DType::F64);
        Batch::new(Tensor::<2>::from_data(values, options)).unwrap()
    }

    fn values(batch: &Batch) -> Vec<f64> {
        to_host(batch.parts[0].clone()).unwrap()
    }

    fn host(aggregate: Aggregate, samples: &[[[f64; 2]; 2]], together: usize) -> HostMoments {
        let mut moments = HostMoments::new(aggregate, 2, &map(samples[0]));
        for samples in samples.chunks(together) {
            moments.push(&[samples.iter().flatten().flatten().copied().collect()]);
        }
        moments
    }

    #[test]
    fn the_host_finds_what_the_device_finds_however_samples_come() {
        let value = |k: f64| [[k.sin(), 1e-9 * (k + (2.0 * k).cos())], [1e6 + k, 0.0]];
        let samples: Vec<_> = (0..40).map(|k| value(f64::from(k) * 0.7)).collect();
        for aggregate in ALL {
            let mut device = None;
            for sample in samples.iter().map(|sample| map(*sample)) {
                let largest = largest_values(&sample).unwrap();
                device = Some(DeviceMoments::push(device, aggregate, sample, &largest));
            }
            let device = device.unwrap();
            let found = host(aggregate, &samples, 7);
            let (expected, expected_errors) = device.finish();
            let (mean, errors) = found.finish();
            let pairs = [(mean, expected), (errors.unwrap(), expected_errors.unwrap())];
            for (found, expected) in pairs {
                for (found, expected) in values(&found).iter().zip(values(&expected)) {
                    assert!(
                        (found - expected).abs() <= 1e-7 * expected.abs(),
                        "{found} {expected}"
                    );
                }
            }
            let certainties = found.certainty().into_iter().zip(device.certainty().unwrap());
            for (found, expected) in certainties {
                assert!((found.error / expected.error - 1.0).abs() < 1e-7, "{found:?}");
                assert_eq!(found.decided, expected.decided);
            }
            for together in [1, 40] {
                let (again, _) = host(aggregate, &samples, together).finish();
                assert_eq!(values(&again), values(&found.finish().0));
            }
        }
    }

    #[test]
    fn equal_samples_give_the_same_bits_and_zeros_keep_their_sign() {
        let sample = [[0.1, -0.0], [3e-30, -1e30]];
        let (mean, error) = host(Aggregate::Mean, &[sample; 9], 4).finish();
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(values(&mean)), bits(sample.concat()));
        assert_eq!(values(&error.unwrap()), [0.0; 4]);
    }

    #[test]
    fn rows_are_selected_and_stacked() {
        let samples = [[[1.0, 2.0], [3.0, 4.0]], [[3.0, 2.0], [5.0, 0.0]]];
        for aggregate in ALL {
            let all = host(aggregate, &samples, 2);
            let [first, second] = [0, 1].map(|row| all.select(&[row]));
            let stacked = HostMoments::stack(vec![second, first]);
            let (expected, found) = (all.finish().0, stacked.select(&[1, 0]).finish().0);
            assert_eq!(values(&expected), values(&found));
            assert_eq!(all.certainty()[1], stacked.certainty()[0]);
        }
    }
}
