//! The errors of shares of an average, from groups of its samples.

use crate::sampling::design::Design;
use crate::sampling::moments::Aggregate;
use crate::share::Share;

/// The number of groups that the samples of a row are dealt into. More would show the error better,
/// but each keeps a map.
const GROUPS: usize = 16;

/// The 97.5 % quantiles of Student's t distribution with 1 to 15 degrees of freedom.
const STUDENT: [f64; GROUPS - 1] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131,
];

/// The sums of one row's samples, in groups.
///
/// A share is not an average of the samples' shares, because values of both signs cancel. So its
/// error is found by leaving out one group at a time (the jackknife):
///
/// ```text
/// error² = t² · (groups - 1) / groups · Σ (share without the group - mean of these)²
/// ```
///
/// Samples that belong together are dealt into the same group. If every part of what can be drawn has
/// two samples, the differences between parts are no error. Then a group holds the differences of its
/// pairs of samples, which are what the sum of all samples may be off by:
///
/// ```text
/// error² = t² · Σ (share of the sum and the group's differences - share of the sum)²
/// ```
///
/// # Source
/// Quenouille, *Notes on bias in estimation*, 1956; Tukey, *Bias and confidence in not quite large
/// samples*, 1958.
#[derive(Clone)]
pub(crate) struct ShareErrors {
    aggregate: Aggregate,
    design: Design,
    /// The sums of each group, and for strata the sums of differences.
    sums: Vec<Vec<f64>>,
    /// The sums of all samples.
    total: Vec<f64>,
    /// For strata, the first of two samples.
    first: Vec<f64>,
    counts: [usize; GROUPS],
}

impl ShareErrors {
    /// Starts with no samples.
    pub fn new(aggregate: Aggregate, design: Design) -> Self {
        let (sums, total, first) = (vec![Vec::new(); GROUPS], Vec::new(), Vec::new());
        Self { aggregate, design, sums, total, first, counts: [0; GROUPS] }
    }

    /// Adds the map of a sample.
    pub fn push(&mut self, sample: usize, values: Vec<f64>) {
        let group = sample / self.design.size() % GROUPS;
        let part = |value: f64| match self.aggregate {
            Aggregate::MeanOfSquares => value * value,
            _ => value,
        };
        let values: Vec<f64> = values.into_iter().map(part).collect();
        self.total.resize(values.len(), 0.0);
        self.total.iter_mut().zip(&values).for_each(|(total, value)| *total += value);
        let sums = &mut self.sums[group];
        sums.resize(values.len(), 0.0);
        if self.design != Design::Strata {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        } else if sample % 2 == 0 {
            self.first = values;
            return;
        } else {
            let pairs = self.first.iter().zip(values);
            sums.iter_mut().zip(pairs).for_each(|(sum, (first, second))| *sum += first - second);
        }
        self.counts[group] += 1;
    }

    /// Returns the errors of shares: half the width of their intervals of 95 %. Returns `None` for
    /// fewer than two samples, and for a variance, which is not a sum over samples.
    pub fn of(&self, shares: &[Share]) -> Option<Vec<f64>> {
        let groups: Vec<usize> = (0..GROUPS).filter(|&group| self.counts[group] > 0).collect();
        if groups.len() < 2 || self.aggregate == Aggregate::Variance {
            return None;
        }
        let quantile = STUDENT[groups.len() - 2];
        let error = |share: &Share| quantile * self.deviation(share, &groups);
        Some(shares.iter().map(error).collect())
    }

    /// Returns the standard error of a share, from the given groups.
    fn deviation(&self, share: &Share, groups: &[usize]) -> f64 {
        let strata = self.design == Design::Strata;
        let sign = if strata { 1.0 } else { -1.0 };
        let changed = |group: usize| {
            share.of(self
                .total
                .iter()
                .zip(&self.sums[group])
                .map(|(total, sum)| total + sign * sum))
        };
        let shares: Vec<f64> = groups.iter().map(|&group| changed(group)).collect();
        let count = shares.len() as f64;
        let squares_around =
            |middle: f64| shares.iter().map(|share| (share - middle).powi(2)).sum::<f64>();
        if strata {
            return squares_around(share.of(self.total.iter().copied())).sqrt();
        }
        let mean = shares.iter().sum::<f64>() / count;
        ((count - 1.0) / count * squares_around(mean)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::Counted;

    fn errors(samples: &[[f64; 2]], aggregate: Aggregate) -> Option<Vec<f64>> {
        let mut found = ShareErrors::new(aggregate, Design::Independent);
        let maps = samples.iter().enumerate();
        maps.for_each(|(sample, map)| found.push(sample, map.to_vec()));
        found.of(&[Share::new([1.0, 0.0], Counted::Absolute).unwrap()])
    }

    #[test]
    fn the_error_is_that_of_the_formula() {
        // Without the first the share is 1/2, without the second 3/4.
        let found = errors(&[[3.0, 1.0], [2.0, 2.0]], Aggregate::Mean).unwrap();
        let deviation = (0.5 * 2.0 * 0.125f64.powi(2)).sqrt();
        assert!((found[0] - STUDENT[0] * deviation).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn differences_between_strata_are_no_error() {
        let mut found = ShareErrors::new(Aggregate::Mean, Design::Strata);
        // Two strata with samples that hardly differ.
        let maps = [[3.0, 1.0], [3.0, 1.0], [0.0, 4.0], [0.0, 5.0]];
        maps.iter().enumerate().for_each(|(sample, map)| found.push(sample, map.to_vec()));
        let found = found.of(&[Share::new([1.0, 0.0], Counted::Absolute).unwrap()]).unwrap();
        let off = 6.0 / 17.0 - 6.0 / 16.0;
        assert!((found[0] - STUDENT[0] * f64::abs(off)).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn equal_samples_have_no_error() {
        for aggregate in [Aggregate::Mean, Aggregate::MeanOfSquares] {
            let found = errors(&[[3.0, -1.0]; 40], aggregate).unwrap();
            assert!(found[0] < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn one_sample_and_a_variance_have_no_estimate() {
        assert_eq!(errors(&[[3.0, 1.0]], Aggregate::Mean), None);
        assert_eq!(errors(&[[3.0, 1.0]; 4], Aggregate::Variance), None);
    }
}
