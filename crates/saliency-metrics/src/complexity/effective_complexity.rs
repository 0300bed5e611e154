//! Effective complexity: how many units matter.

use super::magnitudes;
use crate::error::{Error, Result};
use crate::estimate::RowValues;

/// Counts the units whose absolute value is above a share of the largest.
///
/// ```text
/// value = |{ u : |map(u)| / max |map| > ε }|
/// ```
///
/// Small is good: the map is easy to read. It says nothing of truth. A map of zeros has 0. It is the
/// effective complexity of Quantus 0.6.0, if that divides each row by its own largest value: by
/// default it divides all rows by the largest value of the batch, so that rows depend on each other.
///
/// # Shapes
/// Maps may have any number of values.
///
/// # Defaults
/// - ε: 1e-5
///
/// # Cost
/// No model is called.
///
/// # Errors
/// [`Error::InvalidOption`] if ε is negative or not finite.
///
/// # Example
/// ```
/// use saliency_metrics::EffectiveComplexity;
///
/// let found = EffectiveComplexity::new().with_threshold(0.1).values(&[vec![0.0, 5.0, -1.0, 0.2]])?;
/// assert_eq!(found.values(), [Some(2.0)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// A. Nguyen, M. Rodríguez Martínez, "On Quantitative Aspects of Model Interpretability", 2020.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectiveComplexity {
    threshold: f64,
}

impl Default for EffectiveComplexity {
    fn default() -> Self {
        Self { threshold: 1e-5 }
    }
}

impl EffectiveComplexity {
    /// Counts with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts units above this share of the largest.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Returns the number of units of each row's map.
    ///
    /// # Errors
    /// See [`EffectiveComplexity`].
    pub fn values(&self, maps: &[Vec<f64>]) -> Result<RowValues> {
        if !(self.threshold.is_finite() && self.threshold >= 0.0) {
            let (expected, found) = ("finite and not negative", self.threshold.to_string());
            return Err(Error::InvalidOption { option: "threshold", expected, found });
        }
        let count = |map: &Vec<f64>| {
            let magnitudes = magnitudes(map)?;
            let largest = magnitudes.iter().copied().fold(0.0, f64::max);
            let matters = |value: &&f64| largest > 0.0 && **value / largest > self.threshold;
            Ok(magnitudes.iter().filter(matters).count() as f64)
        };
        Ok(RowValues::new(maps.iter().map(count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Reason;

    #[test]
    fn units_above_the_threshold_are_counted() {
        let maps = [vec![1e-6, 1.0, -2e-5], vec![-3.0; 3], vec![0.0; 3], vec![f64::NAN]];
        let found = EffectiveComplexity::new().values(&maps).unwrap();
        assert_eq!(found.values(), [Some(2.0), Some(3.0), Some(0.0), None]);
        assert_eq!(found.notes()[0].reason, Reason::NotFinite);
        for threshold in [-1.0, f64::NAN] {
            let metric = EffectiveComplexity::new().with_threshold(threshold);
            let error = metric.values(&maps).unwrap_err().to_string();
            let message =
                format!("expected threshold to be finite and not negative, found {threshold}");
            assert_eq!(error, message);
        }
    }
}
