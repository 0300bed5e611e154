//! Entropy: over how many units a map is spread.

use super::shares;
use crate::estimate::RowValues;

/// Measures the entropy of the shares of units in a map, in nats.
///
/// ```text
/// H = -Σ p(u) ln p(u),   p(u) = |map(u)| / Σ |map|
/// ```
///
/// It is 0 if one unit has everything, and ln n if n units are equal. Small is good: the map is easy
/// to read. It says nothing of truth. It is the complexity of Quantus 0.6.0.
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
/// use saliency_metrics::Entropy;
///
/// let found = Entropy::new().values(&[vec![0.0, 5.0], vec![1.0, -1.0]]);
/// assert_eq!(found.values(), [Some(0.0), Some(2f64.ln())]);
/// ```
///
/// # Source
/// U. Bhatt, A. Weller, J. M. F. Moura, "Evaluating and Aggregating Feature-based Model
/// Explanations", 2020.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entropy {}

impl Entropy {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the entropy of each row's map.
    pub fn values(&self, maps: &[Vec<f64>]) -> RowValues {
        RowValues::new(maps.iter().map(|map| Ok(entropy(&shares(map)?))))
    }
}

fn entropy(shares: &[f64]) -> f64 {
    let above_0 = shares.iter().filter(|share| **share > 0.0);
    // Subtracted from 0, because the negative of an empty sum would be -0.
    0.0 - above_0.map(|share| share * share.ln()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Reason;

    #[test]
    fn equal_units_have_the_logarithm_of_their_number() {
        for count in [1, 2, 10, 1000] {
            let found = Entropy::new().values(&[vec![-0.3; count]]).mean().unwrap();
            assert!((found - (count as f64).ln()).abs() < 1e-12);
        }
        let found = Entropy::new().values(&[vec![3.0, 1.0]]).mean().unwrap();
        let by_hand = 0.75 * (4.0f64 / 3.0).ln() + 0.25 * 4f64.ln();
        assert!((found - by_hand).abs() < 1e-12);
    }

    #[test]
    fn maps_of_zeros_and_maps_that_are_not_finite_are_noted() {
        let found = Entropy::new().values(&[vec![0.0; 3], vec![f64::INFINITY, 1.0]]);
        assert_eq!(found.values(), [None, None]);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapSumsToZero, Reason::NotFinite]);
    }
}
