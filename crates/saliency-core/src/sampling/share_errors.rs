//! The errors of shares of an average, from groups of its samples.

use std::ops::Range;

use crate::sampling::aggregate::Aggregate;
use crate::sampling::design::Design;
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
/// Samples that belong together are dealt into the same group. If samples are spread over parts of all
/// that can be drawn, the differences between parts are no error. Then a group holds differences
/// within parts, which are what the sum of all samples may be off by:
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
    /// For strata, the sums of the samples of the part that is not complete.
    part: Vec<f64>,
    counts: [usize; GROUPS],
}

impl ShareErrors {
    /// Starts with no samples.
    pub fn new(aggregate: Aggregate, design: Design) -> Self {
        let (sums, total, part) = (vec![Vec::new(); GROUPS], Vec::new(), Vec::new());
        Self { aggregate, design, sums, total, part, counts: [0; GROUPS] }
    }

    /// Adds the map of a sample, of the group or part that has these samples.
    pub fn push(&mut self, sample: usize, group: &Range<usize>, values: Vec<f64>) {
        let part = |value: f64| match self.aggregate {
            Aggregate::MeanOfSquares => value * value,
            _ => value,
        };
        let values: Vec<f64> = values.into_iter().map(part).collect();
        self.total.resize(values.len(), 0.0);
        self.total.iter_mut().zip(&values).for_each(|(total, value)| *total += value);
        if matches!(self.design, Design::Strata(_)) {
            self.push_difference(sample, group, values);
            return;
        }
        let dealt = group.start / group.len() % GROUPS;
        let sums = &mut self.sums[dealt];
        sums.resize(values.len(), 0.0);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        self.counts[dealt] += 1;
    }

    /// Adds the difference between a sample and those before it in its part.
    fn push_difference(&mut self, sample: usize, group: &Range<usize>, values: Vec<f64>) {
        let before = (sample - group.start) as f64;
        if before == 0.0 {
            self.part = values;
            return;
        }
        // So that all differences of a part vary as much as its sum.
        let size = group.len() as f64;
        let scale = (size / (size - 1.0) / (before * (before + 1.0))).sqrt();
        let dealt = self.counts.iter().sum::<usize>() % GROUPS;
        let sums = &mut self.sums[dealt];
        sums.resize(values.len(), 0.0);
        for ((sum, part), value) in sums.iter_mut().zip(&mut self.part).zip(values) {
            *sum += scale * (*part - before * value);
            *part += value;
        }
        self.counts[dealt] += 1;
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
        let strata = matches!(self.design, Design::Strata(_));
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
        maps.for_each(|(sample, map)| found.push(sample, &(sample..sample + 1), map.to_vec()));
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
        let mut found = ShareErrors::new(Aggregate::Mean, Design::Strata(2));
        // Two strata with samples that hardly differ.
        let maps = [[3.0, 1.0], [3.0, 1.0], [0.0, 4.0], [0.0, 5.0]];
        for (sample, map) in maps.iter().enumerate() {
            let start = sample / 2 * 2;
            found.push(sample, &(start..start + 2), map.to_vec());
        }
        let found = found.of(&[Share::new([1.0, 0.0], Counted::Absolute).unwrap()]).unwrap();
        // The sum is (6, 11), and may be off by (0, 0) and by (0, -1).
        let off = 6.0 / 16.0 - 6.0 / 17.0;
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
