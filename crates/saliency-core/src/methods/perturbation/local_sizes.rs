//! Coalitions near the whole, drawn by a kernel of their size.

use crate::error::{Error, Result};
use crate::random::key::{Key, Stream, in_order_of};

/// The sizes of coalitions, each with a probability in proportion to the number of coalitions of this
/// size and to the kernel; and the covariance of groups under it.
pub(crate) struct LocalSizes {
    groups: usize,
    /// The probability of each size or a smaller one.
    up_to: Vec<f64>,
    /// The probability that a group is inside.
    mean: f64,
    /// The variance of a group, minus the covariance of two.
    own: f64,
    /// The covariance of two groups, divided by the variance of their sum for each group.
    shared: f64,
}

/// If the variance of a coalition's size is smaller than this for each group, slopes are lost in
/// rounding.
const LEAST_VARIANCE: f64 = 1e-9;

impl LocalSizes {
    /// Takes the width of the kernel.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if nothing is ever covered.
    pub fn new(groups: usize, width: f64) -> Result<Self> {
        let count = groups as f64;
        let mut logarithms = Vec::with_capacity(groups + 1);
        let mut binomial = 0.0;
        for size in 0..=groups {
            let distance = 1.0 - (size as f64 / count).sqrt();
            logarithms.push(binomial - (distance / width).powi(2));
            binomial += ((groups - size) as f64 / (size as f64 + 1.0)).ln();
        }
        let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logarithms.iter().map(|it| (it - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let moment = |of: &dyn Fn(f64) -> f64| {
            let sizes = weights.iter().enumerate();
            sizes.map(|(size, weight)| weight * of(size as f64)).sum::<f64>() / sum
        };
        let size = moment(&|size| size);
        let variance_of_size = moment(&|it| (it - size).powi(2));
        let mean = size / count;
        let variance = mean * (1.0 - mean);
        // Var(size) = G · variance + G (G - 1) · covariance
        let covariance = match groups {
            1 => 0.0,
            _ => (variance_of_size / count - variance) / (count - 1.0),
        };
        let (own, of_sum) = (variance - covariance, variance_of_size / count);
        if of_sum < LEAST_VARIANCE {
            let expected = format!("large enough that some of {groups} groups are covered");
            return Err(Error::invalid_option("width", expected, width));
        }
        let mut before = 0.0;
        let up_to = weights.into_iter().map(|weight| {
            before += weight / sum;
            before
        });
        Ok(Self { groups, up_to: up_to.collect(), mean, own, shared: covariance / of_sum })
    }

    /// Draws a coalition: whether each group is inside.
    pub fn coalition(&self, key: Key) -> Vec<bool> {
        let numbers = key.uniform(Stream::Cover, self.groups + 1);
        let size = self.up_to.iter().take_while(|up_to| **up_to <= numbers[0]).count();
        let size = size.min(self.groups);
        let mut inside = vec![false; self.groups];
        in_order_of(&numbers[1..]).into_iter().take(size).for_each(|group| inside[group] = true);
        inside
    }

    /// Returns the part of a coalition in the slopes: the inverse of the groups' covariance, times
    /// the coalition's difference from the mean coalition, times `worth`.
    pub fn slopes(&self, coalition: &[bool], worth: f64) -> Vec<f64> {
        let off = |inside: &bool| f64::from(u8::from(*inside)) - self.mean;
        let sum: f64 = coalition.iter().map(off).sum();
        let slope = |inside| (off(inside) - self.shared * sum) / self.own * worth;
        coalition.iter().map(slope).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns each coalition of `groups` groups with its kernel.
    fn coalitions(groups: usize, width: f64) -> Vec<(Vec<bool>, f64)> {
        let all = (0..1usize << groups).map(|z| (0..groups).map(|g| z >> g & 1 == 1).collect());
        let kernel = |z: Vec<bool>| {
            let size = z.iter().filter(|inside| **inside).count();
            let distance = 1.0 - (size as f64 / groups as f64).sqrt();
            (z, (-(distance / width).powi(2)).exp())
        };
        all.map(kernel).collect()
    }

    #[test]
    fn the_mean_of_slopes_solves_the_weighted_least_squares() {
        for (groups, width) in [(1, 0.25), (2, 0.25), (5, 0.25), (5, 2.0)] {
            let sizes = LocalSizes::new(groups, width).unwrap();
            let all = coalitions(groups, width);
            let sum: f64 = all.iter().map(|(_, weight)| weight).sum();
            let worth = |z: &[bool]| {
                let code = z.iter().fold(0, |code, inside| 2 * code + usize::from(*inside));
                (code as f64 * 1.7).sin() + code as f64
            };
            let mut slopes = vec![0.0; groups];
            for (z, weight) in &all {
                let part = sizes.slopes(z, worth(z));
                slopes.iter_mut().zip(part).for_each(|(slope, part)| *slope += weight / sum * part);
            }
            // At the minimum, what is left is orthogonal to a constant and to every group.
            let fit = |z: &[bool]| -> f64 {
                z.iter().zip(&slopes).filter(|(inside, _)| **inside).map(|(_, slope)| slope).sum()
            };
            let mean = |of: &dyn Fn(&[bool]) -> f64| {
                all.iter().map(|(z, weight)| weight / sum * of(z)).sum::<f64>()
            };
            let constant = mean(&|z| worth(z) - fit(z));
            for group in 0..groups {
                let rest =
                    mean(&|z| f64::from(u8::from(z[group])) * (worth(z) - fit(z) - constant));
                assert!(rest.abs() < 1e-9, "{groups} {width}: {rest}");
            }
        }
    }

    #[test]
    fn coalitions_are_drawn_by_the_kernel() {
        let sizes = LocalSizes::new(3, 0.5).unwrap();
        let all = coalitions(3, 0.5);
        let sum: f64 = all.iter().map(|(_, weight)| weight).sum();
        let drawn = |sample| sizes.coalition(Key { seed: 0, row: 0, sample });
        let drawn: Vec<Vec<bool>> = (0..20_000).map(drawn).collect();
        for (z, weight) in all {
            let share = drawn.iter().filter(|drawn| **drawn == z).count() as f64 / 20_000.0;
            assert!((share - weight / sum).abs() < 0.015, "{z:?}: {share}");
        }
    }

    #[test]
    fn a_width_at_which_nothing_is_covered_is_refused() {
        let error = LocalSizes::new(4, 1e-3).err().expect("an error").to_string();
        assert!(error.contains("some of 4 groups are covered, found 0.001"), "{error}");
        assert!(LocalSizes::new(1000, 0.25).is_ok());
    }
}
