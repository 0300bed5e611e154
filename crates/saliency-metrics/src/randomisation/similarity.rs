//! How alike two maps are.

use crate::bootstrap::mean;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::maps::{Signs, flaw, with_signs};

/// Returns the rank correlation of the maps of each row.
///
/// # Errors
/// [`Error::MapUnits`] if there are other maps than before.
pub(super) fn similarities(
    before: &[Vec<f64>],
    after: &[Vec<f64>],
    signs: Signs,
) -> Result<RowValues> {
    check_alike(before, after)?;
    let value = |(before, after): (&Vec<f64>, &Vec<f64>)| {
        rank_correlation(&with_signs(before, signs), &with_signs(after, signs))
    };
    Ok(RowValues::new(before.iter().zip(after).map(value)))
}

/// Refuses maps that have other shapes than those before.
///
/// # Errors
/// [`Error::MapUnits`].
pub(super) fn check_alike(before: &[Vec<f64>], after: &[Vec<f64>]) -> Result<()> {
    let is_alike = before.len() == after.len()
        && before.iter().zip(after).all(|(before, after)| before.len() == after.len());
    if is_alike {
        return Ok(());
    }
    let units = before.first().map_or(0, Vec::len);
    Err(Error::MapUnits { rows: before.len(), units, found: after.iter().map(Vec::len).collect() })
}

/// Returns Spearman's rank correlation: the correlation of the ranks of the values, of which equal
/// ones share the mean of their ranks.
///
/// # Errors
/// [`Reason::NotFinite`], [`Reason::OneUnit`] and [`Reason::MapAllEqual`].
fn rank_correlation(a: &[f64], b: &[f64]) -> Result<f64, Reason> {
    if let Some(reason) = flaw(a).or_else(|| flaw(b)) {
        return Err(reason);
    }
    let (a, b) = (centred_ranks(a), centred_ranks(b));
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let correlation = sum(&a, &b) / (sum(&a, &a) * sum(&b, &b)).sqrt();
    Ok(correlation.clamp(-1.0, 1.0))
}

/// Returns the rank of each value, minus the mean rank.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let middle = (values.len() - 1) as f64 / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    // 0 and -0 are equal, but apart in the total order of floats only by their places.
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let places: Vec<f64> = (before..before + equal.len()).map(|at| at as f64).collect();
        let rank = mean(&[places[0], places[equal.len() - 1]]) - middle;
        equal.iter().for_each(|&at| ranks[at] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_compared_and_not_values() {
        let a = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(rank_correlation(&a, &[0.1, 0.2, 0.3, 90.0]), Ok(1.0));
        assert_eq!(rank_correlation(&a, &[3.0, 2.0, 1.0, -5.0]), Ok(-1.0));
        // 1 - 6 Σ d² / (n (n² - 1)), with d = 1, 1, 0, 0.
        let found = rank_correlation(&a, &[2.0, 1.0, 4.0, 8.0]).unwrap();
        assert!((found - 0.8).abs() < 1e-12);
    }

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(centred_ranks(&[5.0, 1.0, 5.0, 5.0]), [0.5, -1.5, 0.5, 0.5]);
        assert_eq!(centred_ranks(&[0.0, -0.0]), [0.0, 0.0]);
        let map = [0.3, 0.0, 0.0, 0.7, 0.0];
        assert_eq!(rank_correlation(&map, &map), Ok(1.0));
    }

    #[test]
    fn maps_without_an_order_have_no_correlation() {
        let map = [1.0, 2.0];
        let found = |other: &[f64]| rank_correlation(&map, other).unwrap_err();
        assert_eq!(found(&[3.0, 3.0]), Reason::MapAllEqual);
        assert_eq!(found(&[f64::NAN, 3.0]), Reason::NotFinite);
        assert_eq!(rank_correlation(&[1.0], &[1.0]), Err(Reason::OneUnit));
        let error = similarities(&[vec![1.0, 2.0]], &[vec![1.0]], Signs::Kept).unwrap_err();
        assert_eq!(error, Error::MapUnits { rows: 1, units: 2, found: vec![1] });
    }
}
