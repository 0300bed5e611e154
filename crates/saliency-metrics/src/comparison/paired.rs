//! Paired tests: is the mean difference of two explainers larger than that of random signs?

use saliency_core::kit::{Key, Stream};

use crate::bootstrap::{Interval, mean};
use crate::estimate::RowValues;

/// The difference of two explainers in one metric, row by row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PairedDifference {
    /// The place of the first explainer in the entries of the table.
    pub first: usize,
    /// The place of the second.
    pub second: usize,
    /// The number of rows in which both have a value.
    pub rows: usize,
    /// The number of rows in which one of them has none.
    pub left_out: usize,
    /// The mean of the first's value minus the second's; `None` without rows.
    pub mean: Option<f64>,
    /// The 95 % interval of the mean, not corrected for the number of tests; `None` if all
    /// differences are equal, or for fewer than two rows.
    pub interval: Option<Interval>,
    /// The probability of a mean difference as large, if neither is better.
    pub p: f64,
    /// The same, corrected for the number of tests in the table.
    pub corrected: f64,
}

/// The probability with which a table may name a difference that is none.
pub(super) const LEVEL: f64 = 0.05;

/// With as many rows that differ, all signs are tried: 2¹⁴ choices.
const MOST_EXACT: usize = 14;

/// The fewest draws of signs.
const DRAWS: usize = 10_000;
/// The fewest draws for each test: the smallest corrected p is then about 1 / 40, below the level.
const DRAWS_PER_TEST: usize = 40;

impl PairedDifference {
    /// Compares two explainers; not corrected yet.
    pub(super) fn new(
        [first, second]: [usize; 2],
        values: [&RowValues; 2],
        test: SignTest,
    ) -> Self {
        let rows = values[0].values().iter().zip(values[1].values());
        let (all, both) = (rows.clone().count(), rows.filter_map(|(a, b)| Some((*a)? - (*b)?)));
        let differences: Vec<f64> = both.collect();
        let rows = differences.len();
        let p = test.p(&differences);
        let interval = RowValues::new(differences.iter().copied().map(Ok)).interval();
        let mean = (rows > 0).then(|| mean(&differences));
        Self { first, second, rows, left_out: all - rows, mean, interval, p, corrected: p }
    }

    /// Returns whether the difference is sure, after correction.
    pub fn is_different(&self) -> bool {
        self.corrected <= LEVEL
    }

    /// Returns the same difference, the other way round.
    pub(super) fn turned(&self) -> Self {
        let interval = self.interval.map(|it| Interval { low: -it.high, high: -it.low });
        let (first, second) = (self.second, self.first);
        Self { first, second, mean: self.mean.map(|mean| -mean), interval, ..self.clone() }
    }
}

/// A test of the signs of differences.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignTest {
    /// The number of tests in the table.
    pub tests: usize,
    pub seed: u64,
}

impl SignTest {
    /// Returns the probability of a sum as large, positive or negative, with random signs.
    fn p(self, differences: &[f64]) -> f64 {
        // Zeros have no sign.
        let sizes: Vec<f64> =
            differences.iter().filter(|it| **it != 0.0).map(|it| it.abs()).collect();
        if sizes.is_empty() {
            return 1.0;
        }
        // Sums that differ by rounding alone are equal.
        let least = differences.iter().sum::<f64>().abs() - 1e-12 * sizes.iter().sum::<f64>();
        let is_as_large = |is_negative: &dyn Fn(usize) -> bool| {
            let signed = sizes.iter().enumerate();
            let signed = signed.map(|(at, size)| if is_negative(at) { -size } else { *size });
            signed.sum::<f64>().abs() >= least
        };
        if sizes.len() <= MOST_EXACT {
            // The other sign of the first gives the same sums with the other sign.
            let choices = 1usize << (sizes.len() - 1);
            let as_large = (0..choices).filter(|signs| is_as_large(&|at| signs >> at & 1 == 1));
            return as_large.count() as f64 / choices as f64;
        }
        let draws = DRAWS.max(DRAWS_PER_TEST * self.tests) as u64;
        let as_large = (0..draws).filter(|&sample| {
            let block = |block| Key { seed: self.seed, row: block, sample }.bits(Stream::Own(22));
            let signs: Vec<u64> = (0..sizes.len().div_ceil(64) as u64).map(block).collect();
            is_as_large(&|at| signs[at / 64] >> (at % 64) & 1 == 1)
        });
        (1 + as_large.count()) as f64 / (1 + draws) as f64
    }
}

/// Corrects for the number of tests, by Holm's method: the smallest p is multiplied by their number,
/// the next by one less, and none gets smaller than one before. Differences without rows are no
/// tests.
pub(super) fn correct<'p>(pairs: impl Iterator<Item = &'p mut PairedDifference>) {
    let mut pairs: Vec<&mut PairedDifference> = pairs.filter(|pair| pair.rows > 0).collect();
    pairs.sort_by(|a, b| a.p.total_cmp(&b.p));
    let (mut left, mut largest) = (pairs.len(), 0f64);
    for pair in pairs {
        largest = largest.max((pair.p * left as f64).min(1.0));
        pair.corrected = largest;
        left -= 1;
    }
}

/// Returns the fewest rows with which one of so many tests can be sure.
pub(super) fn rows_needed(tests: usize) -> usize {
    let smallest = |rows: &usize| 0.5f64.powi(*rows as i32 - 1);
    (1..).find(|rows| smallest(rows) * tests as f64 <= LEVEL).expect("powers fall below any bound")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: SignTest = SignTest { tests: 1, seed: 0 };

    #[test]
    fn few_rows_are_counted_exactly() {
        // Of 8 choices of signs of 1, 2, 3 two have a sum of 6 or -6, and four of 4 or more.
        assert_eq!(TEST.p(&[1.0, 2.0, 3.0]), 0.25);
        assert_eq!(TEST.p(&[-1.0, 2.0, 3.0]), 0.5);
        assert_eq!(TEST.p(&[1.0, 2.0, -3.0]), 1.0);
        // Zeros do not count.
        assert_eq!(TEST.p(&[0.0, 1.0, 2.0, 3.0, 0.0]), 0.25);
        assert_eq!(TEST.p(&[0.0, 0.0]), 1.0);
        assert_eq!(TEST.p(&[]), 1.0);
        // Equal but for rounding.
        assert_eq!(TEST.p(&[0.1, 0.2, 0.3]), 0.25);
        assert_eq!(TEST.p(&[1.0; 14]), 0.5f64.powi(13));
    }

    #[test]
    fn draws_come_close_to_the_exact_probability() {
        // 13 exact rows, and the same with 2 small ones more, whose signs hardly matter.
        let mut rows: Vec<f64> = (1..=13)
            .map(|at| f64::from(at).sqrt() * if at % 3 == 0 { -1.0 } else { 1.0 })
            .collect();
        let exact = TEST.p(&rows);
        rows.extend([1e-9, 1e-9]);
        let drawn = TEST.p(&rows);
        let error = (exact * (1.0 - exact) / 10_000.0).sqrt();
        assert!((exact - drawn).abs() < 4.0 * error, "{exact} {drawn}");
        let other = SignTest { seed: 1, ..TEST }.p(&rows);
        assert!(other != drawn && (exact - other).abs() < 4.0 * error);
        // More than 64 rows, and many tests.
        let many = SignTest { tests: 1000, seed: 0 };
        assert_eq!(many.p(&[1.0; 200]), 1.0 / 40_001.0);
    }

    #[test]
    fn tests_are_corrected_from_the_smallest() {
        let pair = |p| PairedDifference {
            first: 0,
            second: 1,
            rows: usize::from(p <= 1.0),
            left_out: 0,
            mean: None,
            interval: None,
            p,
            corrected: p,
        };
        // The last has no rows.
        let mut pairs = [0.03, 0.01, 0.02, 0.9, 1.5].map(pair);
        correct(pairs.iter_mut());
        let corrected = pairs.map(|pair| pair.corrected);
        assert_eq!(corrected, [0.06, 0.04, 0.06, 0.9, 1.5]);
    }

    #[test]
    fn many_tests_need_many_rows() {
        assert_eq!(rows_needed(1), 6);
        assert_eq!(rows_needed(66), 12);
    }
}
