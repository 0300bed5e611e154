//! Consecutive points on paths, summed up.

use crate::input::batch::{Batch, add};

/// Consecutive points on the paths of a block of rows.
pub(crate) struct Segment {
    /// The weighted sum of their contributions.
    pub total: Batch,
    /// The variance of each value's integral, from the intervals between the points; `None` for a
    /// single point.
    pub variances: Option<Batch>,
    first: Batch,
    last: Batch,
}

impl Segment {
    /// Sums up contributions, which are ordered by point: first those of all `rows` rows at the
    /// first point, and so on. `intervals` holds the factors of the variances in the same order.
    pub fn new(contributions: &Batch, weights: &[f64], intervals: &[f64], rows: usize) -> Self {
        let (all, between) = (contributions.rows(), intervals.len());
        let total = contributions.scale_rows(weights).sum_repeats(all / rows);
        let variances = (between > 0).then(|| {
            let from = contributions.narrow(0, between);
            let to = contributions.narrow(rows, between);
            squared(&from, &to, intervals).sum_repeats(between / rows)
        });
        let (first, last) = (contributions.narrow(0, rows), contributions.narrow(all - rows, rows));
        Self { total, variances, first, last }
    }

    /// Appends the segment that follows; `interval` has the factors of the interval in between.
    pub fn join(self, next: Self, interval: &[f64]) -> Self {
        let mut variances = Some(squared(&self.last, &next.first, interval));
        for more in self.variances.into_iter().chain(next.variances) {
            add(&mut variances, more);
        }
        let total = self.total.zip(&next.total, |sum, more| sum + more);
        Self { total, variances, first: self.first, last: next.last }
    }
}

/// Returns the squared difference of each value, times a factor for its row.
fn squared(from: &Batch, to: &Batch, factors: &[f64]) -> Batch {
    let difference = to.zip(from, |to, from| to - from);
    difference.zip(&difference, |a, b| a * b).scale_rows(factors)
}
