//! How well two lists go along with each other.

use crate::bootstrap::mean;
use crate::units::ranking;

/// Returns Pearson's correlation of two lists, neither of which is constant.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |of: fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| of(a - mean_a, b - mean_b)).sum()
    };
    let scale = sum(|a, _| a * a).sqrt() * sum(|_, b| b * b).sqrt();
    (sum(|a, b| a * b) / scale).clamp(-1.0, 1.0)
}

/// Returns Spearman's correlation of two lists, neither of which is constant: that of their ranks.
pub(crate) fn spearman(a: &[f64], b: &[f64]) -> f64 {
    pearson(&ranks(a), &ranks(b))
}

/// Returns the rank of each value, from 1 for the smallest; equal values share the mean of theirs.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order = ranking(values);
    order.reverse();
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&unit| ranks[unit] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_by_hand() {
        assert!((pearson(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]) - 0.5).abs() < 1e-12);
        // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4.
        let found = spearman(&[0.0, 7.0, 7.0, 8.0], &[-5.0, 0.0, 1.0, 100.0]);
        assert!((found - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 30.0], &[3.0, 2.0, -9.0]) + 1.0).abs() < 1e-12);
    }

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[2.0, 1.0, 2.0, -3.0]), [3.5, 2.0, 3.5, 1.0]);
    }
}
