//! The random numbers of the noise of one row.

use crate::random::distribution::{Distribution, MOST_UNIFORM};
use crate::random::key::{Key, Stream};
use crate::random::lattice::Lattice;
use crate::random::normal::{probability_below, quantile};

/// The random numbers of the noise of one row: a key, and how they follow from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoiseDraw<'a> {
    pub key: Key,
    pub numbers: Numbers<'a>,
}

/// How the numbers of noise follow from a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbers<'a> {
    /// The numbers of the key.
    Own,
    /// The numbers with the opposite sign.
    Opposite,
    /// A point of a lattice, which the key shifts.
    OfPoint { lattice: &'a Lattice, point: usize },
}

impl<'a> From<Key> for NoiseDraw<'a> {
    fn from(key: Key) -> Self {
        Self { key, numbers: Numbers::Own }
    }
}

/// Some values of a row: those of one tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    pub stream: Stream,
    /// The number of values of the row before these.
    pub first: usize,
    pub count: usize,
}

impl NoiseDraw<'_> {
    /// Draws noise of standard deviation 1.
    pub fn unit(self, distribution: Distribution, values: Values) -> Vec<f32> {
        let Values { stream, first, count } = values;
        let uniform = match self.numbers {
            Numbers::OfPoint { lattice, point } => {
                lattice.coordinates(point, self.key, stream, first, count)
            }
            _ if distribution == Distribution::Gaussian => {
                return self.signed(self.key.normal(stream, count));
            }
            _ => self.key.uniform(stream, count),
        };
        let scale = |u: f64| match distribution {
            Distribution::Gaussian => quantile(u),
            Distribution::Uniform => (u - 0.5) * 12f64.sqrt(),
        };
        self.signed(uniform.into_iter().map(|u| scale(u) as f32).collect())
    }

    /// Draws noise of standard deviation 1, under the condition that each number is between its
    /// limits.
    pub fn unit_between(
        self,
        distribution: Distribution,
        values: Values,
        limits: &[[f64; 2]],
    ) -> Vec<f32> {
        let Values { stream, first, count } = values;
        // Opposite numbers are between the opposite limits.
        let opposite = matches!(self.numbers, Numbers::Opposite);
        let limits: Vec<[f64; 2]> = limits
            .iter()
            .map(|&[low, high]| if opposite { [-high, -low] } else { [low, high] })
            .collect();
        let uniform = match self.numbers {
            Numbers::OfPoint { lattice, point } => {
                lattice.coordinates(point, self.key, stream, first, count)
            }
            _ if distribution == Distribution::Gaussian => {
                return self.signed(self.key.normal_between(stream, &limits));
            }
            _ => self.key.uniform(stream, count),
        };
        let between = |(u, [low, high]): (f64, [f64; 2])| match distribution {
            Distribution::Gaussian => {
                let (below, above) = (probability_below(low), probability_below(high));
                quantile(below + (above - below) * u).clamp(low, high) as f32
            }
            Distribution::Uniform => {
                let (low, high) = (low.max(-MOST_UNIFORM), high.min(MOST_UNIFORM));
                (low + (high - low) * u) as f32
            }
        };
        self.signed(uniform.into_iter().zip(limits).map(between).collect())
    }

    /// Changes the sign of numbers if they are the opposite ones.
    fn signed(self, mut numbers: Vec<f32>) -> Vec<f32> {
        if matches!(self.numbers, Numbers::Opposite) {
            numbers.iter_mut().for_each(|number| *number = -*number);
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 100_000;

    fn values(count: usize) -> Values {
        Values { stream: Stream::Noise { tensor: 0 }, first: 0, count }
    }

    fn key(row: u64) -> Key {
        Key { seed: 7, row, sample: 0 }
    }

    #[test]
    fn uniform_noise_has_the_same_deviation_and_stays_within_its_bounds() {
        let draw = NoiseDraw::from(key(0));
        let numbers = draw.unit(Distribution::Uniform, values(COUNT));
        let n = numbers.len() as f64;
        let moment = |k| numbers.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        // Within 4.5 standard errors of 0 and 1; the fourth moment is 9/5.
        assert!(moment(1).abs() < 4.5 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 4.5 * (0.8 / n).sqrt());
        assert!(numbers.iter().all(|x| x.abs() <= 3f32.sqrt()));
    }

    #[test]
    fn opposite_numbers_have_the_opposite_sign() {
        for distribution in [Distribution::Gaussian, Distribution::Uniform] {
            let own = NoiseDraw::from(key(1));
            let opposite = NoiseDraw { numbers: Numbers::Opposite, ..own };
            let own = own.unit(distribution, values(9));
            let opposite = opposite.unit(distribution, values(9));
            assert!(own.iter().zip(&opposite).all(|(own, opposite)| *own == -*opposite));
        }
    }

    #[test]
    fn numbers_of_every_kind_keep_their_limits_and_their_mean() {
        let limits = [-0.4, 1.2];
        let lattice = Lattice::new(16, 1);
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let mass = probability_below(limits[1]) - probability_below(limits[0]);
        let normal_mean = (density(limits[0]) - density(limits[1])) / mass;
        for (distribution, mean) in
            [(Distribution::Gaussian, normal_mean), (Distribution::Uniform, 0.4)]
        {
            let point = |point| Numbers::OfPoint { lattice: &lattice, point };
            for numbers in [Numbers::Own, Numbers::Opposite, point(0), point(7)] {
                let draw = |row| NoiseDraw { key: key(row), numbers };
                let of_row = |row| draw(row).unit_between(distribution, values(1), &[limits])[0];
                let drawn: Vec<f64> = (0..4000).map(|row| f64::from(of_row(row))).collect();
                assert!(drawn.iter().all(|it| (-0.400_001..1.200_001).contains(it)));
                let found = drawn.iter().sum::<f64>() / 4000.0;
                // The deviation is below 0.47.
                assert!((found - mean).abs() < 4.5 * 0.47 / 4000f64.sqrt(), "{found} {mean}");
            }
        }
    }
}
