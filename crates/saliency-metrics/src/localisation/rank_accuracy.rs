//! Relevance rank accuracy: how many of the largest values are on the object.

use super::{MaskedMap, of_each_row};
use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::maps::Signs;
use crate::units::ranking;

/// Measures how many of the largest values are inside a mask, as many as the mask has units.
///
/// ```text
/// value = |mask ∩ the |mask| units with the largest values| / |mask|
/// ```
///
/// Large is good; the share of the mask is expected of a random map. It is the relevance rank
/// accuracy of Quantus 0.6.0. Of equal values the first comes first.
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
/// empty, or if all values of its map are equal; a mask of everything has a note.
///
/// # Example
/// ```
/// use saliency_metrics::RankAccuracy;
///
/// let mask = vec![true, true, false, false];
/// let found = RankAccuracy::new().values(&[vec![4.0, 1.0, 2.0, 0.0]], &[mask])?;
/// assert_eq!(found.values(), [Some(0.5)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// L. Arras, A. Osman, W. Samek, "CLEVR-XAI: A Benchmark Dataset for the Ground Truth Evaluation of
/// Neural Network Explanations", 2022.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RankAccuracy {
    signs: Signs,
}

impl RankAccuracy {
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
    /// See [`RankAccuracy`].
    pub fn values(&self, maps: &[Vec<f64>], masks: &[Vec<bool>]) -> Result<RowValues> {
        of_each_row(maps, masks, self.signs, share)
    }
}

fn share(row: &MaskedMap<'_>) -> Result<f64, Reason> {
    row.check_order()?;
    let size = row.mask_size();
    let hits = ranking(&row.map)[..size].iter().filter(|&&unit| row.mask[unit]).count();
    Ok(hits as f64 / size as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localisation::tests::{cases, notes};

    #[test]
    fn the_largest_values_are_counted_inside() {
        let (maps, masks) = cases();
        let found = RankAccuracy::new().values(&maps, &masks).unwrap();
        assert_eq!(found.values(), [Some(0.5), Some(1.0), None, None, None]);
        assert_eq!(found.notes(), notes(Some(Reason::MapAllEqual)));
        let mask = [vec![true, false, true]];
        let absolute = RankAccuracy::new().with_absolute_values();
        let found = absolute.values(&[vec![-3.0, 1.0, 2.0]], &mask).unwrap();
        assert_eq!(found.values(), [Some(1.0)]);
    }
}
