//! The area under the ROC curve of a map against a mask.

use super::{MaskedMap, of_each_row};
use crate::correlation::ranks;
use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::maps::Signs;

/// Measures how well a map tells the units of the object from the others: the area under the ROC
/// curve.
///
/// ```text
/// value = P(map(u) > map(v)) + P(map(u) = map(v)) / 2   for u in the mask and v outside
/// ```
///
/// It is 1 if all units of the object have larger values than the others, and 0.5 is expected of a
/// random map; a map whose values are all equal has 0.5. It is the AUC of Quantus 0.6.0.
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
/// A row has no value if its mask
/// holds no unit or every unit.
///
/// # Example
/// ```
/// use saliency_metrics::RocArea;
///
/// let mask = vec![true, true, false, false];
/// let found = RocArea::new().values(&[vec![4.0, 1.0, 2.0, 0.0]], &[mask])?;
/// assert_eq!(found.values(), [Some(0.75)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// T. Fawcett, "An Introduction to ROC Analysis", 2006.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RocArea {
    signs: Signs,
}

impl RocArea {
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

    /// Returns the area of each row.
    ///
    /// # Errors
    /// See [`RocArea`].
    pub fn values(&self, maps: &[Vec<f64>], masks: &[Vec<bool>]) -> Result<RowValues> {
        of_each_row(maps, masks, self.signs, area)
    }
}

fn area(row: &MaskedMap<'_>) -> Result<f64, Reason> {
    let (inside, units) = (row.mask_size(), row.mask.len());
    if inside == units {
        return Err(Reason::MaskFull);
    }
    let ranks = ranks(&row.map);
    let inside_ranks = ranks.iter().zip(row.mask).filter(|(_, inside)| **inside);
    let sum: f64 = inside_ranks.map(|(rank, _)| rank).sum();
    // The sum of the ranks if the object had the smallest values (Mann and Whitney).
    let least = (inside * (inside + 1)) as f64 / 2.0;
    Ok((sum - least) / (inside as f64 * (units - inside) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localisation::tests::{cases, notes};

    #[test]
    fn pairs_inside_and_outside_are_compared() {
        let (maps, masks) = cases();
        let found = RocArea::new().values(&maps, &masks).unwrap();
        // 4 is above -1 and 3; 2 is above -1.
        assert_eq!(found.values(), [Some(0.75), None, None, Some(0.5), None]);
        assert_eq!(found.notes(), notes(None));
        // 2 against 2 counts as a half.
        let tied = RocArea::new().values(&[vec![2.0, 2.0, 1.0]], &[vec![true, false, false]]);
        assert_eq!(tied.unwrap().values(), [Some(0.75)]);
        let absolute = RocArea::new().with_absolute_values();
        let found = absolute.values(&[vec![-3.0, 1.0]], &[vec![true, false]]).unwrap();
        assert_eq!(found.values(), [Some(1.0)]);
    }
}
