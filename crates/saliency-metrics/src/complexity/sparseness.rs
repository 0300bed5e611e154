//! Sparseness: the Gini index of a map.

use super::shares;
use crate::estimate::RowValues;

/// Measures how unequal the absolute values of a map are, by their Gini index.
///
/// For n absolute values, sorted from the smallest (i = 1) to the largest:
///
/// ```text
/// G = Σ (2 i - n - 1) |map(i)| / (n Σ |map(i)|)
/// ```
///
/// It is 0 if all values are equal, and 1 - 1 / n if one unit has everything. It says nothing of
/// truth: a map of a single wrong pixel has the best value.
///
/// Quantus 0.6.0 divides a map by its largest absolute value m and adds 1e-7 to every value. Its
/// values are these times Σ|map| / (Σ|map| + 1e-7 n m).
///
/// # Shapes
/// Maps may have any number of values.
///
/// # Defaults
/// There are no options.
///
/// # Cost
/// No model is called.
///
/// # Errors
/// None. A map of zeros has no value.
///
/// # Example
/// ```
/// use saliency_metrics::Sparseness;
///
/// let found = Sparseness::new().values(&[vec![0.0, 0.0, -3.0, 0.0], vec![1.0; 4]]);
/// assert_eq!(found.values(), [Some(0.75), Some(0.0)]);
/// ```
///
/// # Source
/// P. Chalasani et al., "Concise Explanations of Neural Networks Using Adversarial Training", 2020.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sparseness {}

impl Sparseness {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the Gini index of each row's map.
    pub fn values(&self, maps: &[Vec<f64>]) -> RowValues {
        RowValues::new(maps.iter().map(|map| Ok(gini(shares(map)?))))
    }
}

fn gini(mut shares: Vec<f64>) -> f64 {
    shares.sort_by(f64::total_cmp);
    let count = shares.len() as f64;
    let weighted = shares.iter().enumerate();
    weighted.map(|(at, share)| (2.0 * at as f64 + 1.0 - count) * share).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Reason;

    #[test]
    fn one_unit_with_everything_has_the_largest_value() {
        for count in [1, 2, 10, 1000] {
            let mut map = vec![0.0; count];
            map[count / 2] = -7.0;
            let found = Sparseness::new().values(&[map]).mean().unwrap();
            assert!((found - (1.0 - 1.0 / count as f64)).abs() < 1e-12);
        }
        // 1 and 3 of 4: (-1 + 3) / (2 x 4).
        assert_eq!(Sparseness::new().values(&[vec![3.0, -1.0]]).mean(), Some(0.25));
    }

    #[test]
    fn maps_of_zeros_and_maps_that_are_not_finite_are_noted() {
        let maps = [vec![0.0; 3], vec![f64::NAN, 1.0], vec![f64::MAX, f64::MAX]];
        let found = Sparseness::new().values(&maps);
        assert_eq!(found.values(), [None, None, Some(0.0)]);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapSumsToZero, Reason::NotFinite]);
    }
}
