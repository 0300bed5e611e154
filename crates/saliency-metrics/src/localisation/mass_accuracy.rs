//! Relevance mass accuracy: the share of the map on the object.

use super::{MaskedMap, of_each_row};
use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::maps::Signs;

/// Measures the share of a map's sum that is inside a mask.
///
/// ```text
/// value = Σ_{u in mask} map(u) / Σ_u map(u)
/// ```
///
/// Large is good. Values keep their signs, as in Quantus 0.6.0, so that the share may be below 0 or
/// above 1 if some values are negative. [Absolute values](Self::with_absolute_values) have shares
/// from 0 to 1. A map of ones has the share of the mask.
///
/// # Shapes
/// Maps have a value for each unit of each row, and masks say whether each unit belongs to the
/// object.
///
/// # Defaults
/// - values with their signs
///
/// # Cost
/// No model is called.
///
/// # Errors
/// [`Error::MapUnits`](crate::Error::MapUnits) and [`Error::MaskUnits`](crate::Error::MaskUnits).
/// A row has no value if its mask is
/// empty, or if its map adds up to zero; a mask of everything has a note.
///
/// # Example
/// ```
/// use saliency_metrics::MassAccuracy;
///
/// let found = MassAccuracy::new().values(&[vec![1.0, 3.0]], &[vec![false, true]])?;
/// assert_eq!(found.values(), [Some(0.75)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// L. Arras, A. Osman, W. Samek, "CLEVR-XAI: A Benchmark Dataset for the Ground Truth Evaluation of
/// Neural Network Explanations", 2022.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MassAccuracy {
    signs: Signs,
}

impl MassAccuracy {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at absolute values instead.
    #[must_use]
    pub fn with_absolute_values(mut self) -> Self {
        self.signs = Signs::Dropped;
        self
    }

    /// Returns the share of each row.
    ///
    /// # Errors
    /// See [`MassAccuracy`].
    pub fn values(&self, maps: &[Vec<f64>], masks: &[Vec<bool>]) -> Result<RowValues> {
        of_each_row(maps, masks, self.signs, share)
    }
}

fn share(row: &MaskedMap<'_>) -> Result<f64, Reason> {
    let total: f64 = row.map.iter().sum();
    let size: f64 = row.map.iter().map(|value| value.abs()).sum();
    // If values cancel, only rounding is left.
    if total.abs() <= 1e-12 * size {
        return Err(Reason::MapSumsToZero);
    }
    let inside = row.map.iter().zip(row.mask).filter(|(_, inside)| **inside);
    Ok(inside.map(|(value, _)| value).sum::<f64>() / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localisation::tests::{cases, notes};

    #[test]
    fn the_share_inside_is_known() {
        let (maps, masks) = cases();
        let found = MassAccuracy::new().values(&maps, &masks).unwrap();
        assert_eq!(found.values(), [Some(6.0 / 8.0), Some(1.0), None, Some(0.5), None]);
        assert_eq!(found.notes(), notes(None));
        let absolute = MassAccuracy::new().with_absolute_values();
        assert_eq!(absolute.values(&maps, &masks).unwrap().values()[0], Some(0.6));
        for map in [vec![0.0; 2], vec![0.1 + 0.2, -0.3]] {
            let found = MassAccuracy::new().values(&[map], &[vec![true, false]]).unwrap();
            assert_eq!(found.notes()[0].reason, Reason::MapSumsToZero);
        }
    }
}
