//! Does a map point to the place where the object is?

mod auc;
mod mass_accuracy;
mod pointing_game;
mod rank_accuracy;
mod top_k;

pub use auc::RocArea;
pub use mass_accuracy::MassAccuracy;
pub use pointing_game::PointingGame;
pub use rank_accuracy::RankAccuracy;
pub use top_k::TopKIntersection;

use crate::error::{Error, Result};
use crate::estimate::{Note, Reason, RowValues};
use crate::maps::{Signs, check_maps, flaw, with_signs};

/// The map of a row, and the mask of the object in it.
struct MaskedMap<'a> {
    map: Vec<f64>,
    mask: &'a [bool],
}

impl MaskedMap<'_> {
    /// Returns the number of units in the mask.
    fn mask_size(&self) -> usize {
        self.mask.iter().filter(|inside| **inside).count()
    }

    /// Refuses a map that cannot be put in order. A single unit is the largest.
    fn check_order(&self) -> Result<(), Reason> {
        let flaw = flaw(&self.map).filter(|reason| *reason != Reason::OneUnit);
        flaw.map_or(Ok(()), Err)
    }
}

/// Returns the value of each row, after the checks that all metrics share.
///
/// # Errors
/// [`Error::MapUnits`] if the maps have different numbers of units, and [`Error::MaskUnits`].
fn of_each_row(
    maps: &[Vec<f64>],
    masks: &[Vec<bool>],
    signs: Signs,
    value: impl Fn(&MaskedMap<'_>) -> Result<f64, Reason>,
) -> Result<RowValues> {
    let (rows, units) = (maps.len(), maps.first().map_or(0, Vec::len));
    check_maps(maps, rows, units)?;
    if masks.len() != rows || masks.iter().any(|mask| mask.len() != units) {
        return Err(Error::MaskUnits { rows, units, found: masks.iter().map(Vec::len).collect() });
    }
    let full = |(row, mask): (usize, &Vec<bool>)| {
        let is_full = mask.iter().all(|inside| *inside);
        is_full.then_some(Note { row, reason: Reason::MaskFull })
    };
    let values = maps.iter().zip(masks).map(|(map, mask)| {
        if !map.iter().all(|value| value.is_finite()) {
            Err(Reason::NotFinite)
        } else if !mask.contains(&true) {
            Err(Reason::MaskEmpty)
        } else {
            value(&MaskedMap { map: with_signs(map, signs), mask })
        }
    });
    Ok(RowValues::new(values).with_notes(masks.iter().enumerate().filter_map(full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map and a mask, and the same with a mask of everything, with one of nothing, with a map
    /// whose values are all equal, and with one that is not finite.
    pub(super) fn cases() -> (Vec<Vec<f64>>, Vec<Vec<bool>>) {
        let map = vec![4.0, -1.0, 3.0, 2.0];
        let mask = vec![true, false, false, true];
        let (all, none) = (vec![true; 4], vec![false; 4]);
        let maps = [map.clone(), map.clone(), map, vec![1.0; 4], vec![f64::NAN; 4]];
        (maps.into(), [mask.clone(), all, none, mask.clone(), mask].into())
    }

    /// Returns the remarks that every metric makes about these cases; `equal` is the one about equal
    /// values.
    pub(super) fn notes(equal: Option<Reason>) -> Vec<Note> {
        let note = |row, reason| Note { row, reason };
        let mut notes = vec![note(1, Reason::MaskFull), note(2, Reason::MaskEmpty)];
        notes.extend(equal.map(|reason| note(3, reason)));
        notes.push(note(4, Reason::NotFinite));
        notes
    }

    #[test]
    fn masks_and_maps_of_other_shapes_are_refused() {
        let (maps, masks) = cases();
        let run = |maps: &[Vec<f64>], masks: &[Vec<bool>]| {
            of_each_row(maps, masks, Signs::Kept, |_| Ok(0.0)).unwrap_err()
        };
        let error = run(&maps[..1], &masks);
        assert_eq!(error, Error::MaskUnits { rows: 1, units: 4, found: vec![4; 5] });
        let error = run(&maps[..1], &[vec![true; 3]]);
        assert_eq!(
            error.to_string(),
            "expected 1 masks with 4 units each, found masks with [3] units"
        );
        let error = run(&[vec![1.0], vec![1.0; 2]], &masks);
        assert_eq!(error, Error::MapUnits { rows: 2, units: 1, found: vec![1, 2] });
        let none = of_each_row(&[], &[], Signs::Kept, |_| Ok(0.0)).unwrap();
        assert_eq!(none.mean(), None);
    }
}
