//! The errors of shares of an average, from groups of its samples.

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
/// # Source
/// Quenouille, *Notes on bias in estimation*, 1956; Tukey, *Bias and confidence in not quite large
/// samples*, 1958.
#[derive(Clone)]
pub(crate) struct ShareErrors {
    aggregate: Aggregate,
    sums: Vec<Vec<f64>>,
    counts: [usize; GROUPS],
}

impl ShareErrors {
    /// Starts with no samples.
    pub fn new(aggregate: Aggregate) -> Self {
        Self { aggregate, sums: vec![Vec::new(); GROUPS], counts: [0; GROUPS] }
    }

    /// Adds the map of a sample.
    pub fn push(&mut self, sample: usize, values: Vec<f64>) {
        let group = sample % GROUPS;
        let sums = &mut self.sums[group];
        sums.resize(values.len(), 0.0);
        let part = |value: f64| match self.aggregate {
            Aggregate::MeanOfSquares => value * value,
            _ => value,
        };
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += part(value));
        self.counts[group] += 1;
    }

    /// Returns the errors of shares: half the width of their intervals of 95 %. Returns `None` for
    /// fewer than two samples, and for a variance, which is not a sum over samples.
    pub fn of(&self, shares: &[Share]) -> Option<Vec<f64>> {
        let groups: Vec<usize> = (0..GROUPS).filter(|&group| self.counts[group] > 0).collect();
        if groups.len() < 2 || self.aggregate == Aggregate::Variance {
            return None;
        }
        let width = self.sums[groups[0]].len();
        let mut total = vec![0.0; width];
        for &group in &groups {
            total.iter_mut().zip(&self.sums[group]).for_each(|(total, sum)| *total += sum);
        }
        let without = |share: &Share, group: usize| {
            share.of(total.iter().zip(&self.sums[group]).map(|(total, sum)| total - sum))
        };
        let error = |share: &Share| {
            let shares: Vec<f64> = groups.iter().map(|&group| without(share, group)).collect();
            let count = shares.len() as f64;
            let mean = shares.iter().sum::<f64>() / count;
            let squares: f64 = shares.iter().map(|share| (share - mean).powi(2)).sum();
            STUDENT[groups.len() - 2] * ((count - 1.0) / count * squares).sqrt()
        };
        Some(shares.iter().map(error).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::Counted;

    fn errors(samples: &[[f64; 2]], aggregate: Aggregate) -> Option<Vec<f64>> {
        let mut found = ShareErrors::new(aggregate);
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
