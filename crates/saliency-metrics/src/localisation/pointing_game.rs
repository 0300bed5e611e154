//! The pointing game: is the largest value on the object?

use super::{MaskedMap, of_each_row};
use crate::error::Result;
use crate::estimate::{Reason, RowValues};
use crate::maps::Signs;

/// Asks whether the largest value of a map is inside a mask.
///
/// ```text
/// value = 1 if argmax map is in the mask, else 0
/// ```
///
/// Large is good. If several units have the largest value, one inside is enough, as in Quantus
/// 0.6.0; but a map whose values are all equal points nowhere and has no value, although Quantus
/// gives it 1. Large masks are hit by chance: compare with the share of the mask, or with the
/// [`Controls`](crate::Controls).
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
/// use saliency_metrics::PointingGame;
///
/// let found = PointingGame::new().values(&[vec![0.5, 2.0]], &[vec![false, true]])?;
/// assert_eq!(found.values(), [Some(1.0)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// J. Zhang et al., "Top-Down Neural Attention by Excitation Backprop", 2018.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointingGame {
    signs: Signs,
}

impl PointingGame {
    /// Plays with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at absolute values instead.
    #[must_use]
    pub fn with_absolute_values(mut self) -> Self {
        self.signs = Signs::Dropped;
        self
    }

    /// Returns 1 or 0 for each row.
    ///
    /// # Errors
    /// See [`PointingGame`].
    pub fn values(&self, maps: &[Vec<f64>], masks: &[Vec<bool>]) -> Result<RowValues> {
        of_each_row(maps, masks, self.signs, hit)
    }
}

/// Returns 1 if a largest value is in the mask.
fn hit(row: &MaskedMap<'_>) -> Result<f64, Reason> {
    row.check_order()?;
    let largest = row.map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let hits = row.map.iter().zip(row.mask).any(|(value, inside)| *inside && *value == largest);
    Ok(f64::from(hits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localisation::tests::{cases, notes};

    #[test]
    fn the_largest_value_hits_or_misses() {
        let (maps, masks) = cases();
        let found = PointingGame::new().values(&maps, &masks).unwrap();
        assert_eq!(found.values(), [Some(1.0), Some(1.0), None, None, None]);
        assert_eq!(found.notes(), notes(Some(Reason::MapAllEqual)));
        let map = [vec![1.0, -2.0, 1.0]];
        let play = |game: PointingGame, mask: [bool; 3]| {
            game.values(&map, &[mask.to_vec()]).unwrap().mean().unwrap()
        };
        assert_eq!(play(PointingGame::new(), [false, false, true]), 1.0);
        assert_eq!(play(PointingGame::new(), [false, true, false]), 0.0);
        let absolute = PointingGame::new().with_absolute_values();
        assert_eq!(play(absolute, [false, true, false]), 1.0);
    }
}
