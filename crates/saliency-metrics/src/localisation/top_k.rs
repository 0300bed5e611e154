//! Top-k intersection: how many of the k largest values are on the object.

use super::{MaskedMap, of_each_row};
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::maps::Signs;
use crate::units::ranking;

/// Measures how many of the k largest values are inside a mask.
///
/// ```text
/// value = |mask ∩ the k units with the largest values| / k
/// ```
///
/// Large is good; the share of the mask is expected of a random map.
/// [Divided by that share](Self::with_chance_divided_out), 1 is expected of a random map for masks
/// of all sizes (concept influence). It is the top-k intersection of Quantus 0.6.0, whose k is 1,000
/// by default. Of equal values the first comes first.
///
/// # Shapes
/// Maps have a value for each unit of each row, and masks say whether each unit belongs to the
/// object.
///
/// # Defaults
/// - k: 5 % of the units, at least one
/// - chance: not divided out
/// - values with their signs
///
/// # Cost
/// No model is called.
///
/// # Errors
/// [`Error::MapUnits`](crate::Error::MapUnits) and [`Error::MaskUnits`](crate::Error::MaskUnits).
/// [`Error::InvalidOption`] if k is 0 or
/// larger than the number of units. A row has no value if its mask is empty, or if all values of its
/// map are equal; a mask of everything has a note.
///
/// # Example
/// ```
/// use saliency_metrics::TopKIntersection;
///
/// let mask = vec![true, true, false, false];
/// let metric = TopKIntersection::new().with_k(1);
/// let found = metric.values(&[vec![4.0, 1.0, 2.0, 0.0]], &[mask])?;
/// assert_eq!(found.values(), [Some(1.0)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// J. Theiner, E. Müller-Budack, R. Ewerth, "Interpretable Semantic Photo Geolocation", 2022.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopKIntersection {
    k: Option<usize>,
    chance: Chance,
    signs: Signs,
}

/// Whether the value is divided by the share of the mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chance {
    #[default]
    Kept,
    DividedOut,
}

impl TopKIntersection {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at this many of the largest values.
    #[must_use]
    pub fn with_k(mut self, k: usize) -> Self {
        self.k = Some(k);
        self
    }

    /// Divides by the share of the mask.
    #[must_use]
    pub fn with_chance_divided_out(mut self) -> Self {
        self.chance = Chance::DividedOut;
        self
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
    /// See [`TopKIntersection`].
    pub fn values(&self, maps: &[Vec<f64>], masks: &[Vec<bool>]) -> Result<RowValues> {
        let units = maps.first().map_or(0, Vec::len);
        let k = self.k.unwrap_or_else(|| units.div_ceil(20));
        if units > 0 && !(1..=units).contains(&k) {
            let (expected, found) = ("at least 1 and at most the number of units", k.to_string());
            return Err(Error::InvalidOption { option: "k", expected, found });
        }
        of_each_row(maps, masks, self.signs, |row| self.share(row, k))
    }

    fn share(&self, row: &MaskedMap<'_>, k: usize) -> Result<f64, Reason> {
        row.check_order()?;
        let hits = ranking(&row.map)[..k].iter().filter(|&&unit| row.mask[unit]).count();
        let share = hits as f64 / k as f64;
        let chance = row.mask_size() as f64 / row.mask.len() as f64;
        Ok(if self.chance == Chance::DividedOut { share / chance } else { share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localisation::tests::{cases, notes};

    #[test]
    fn the_k_largest_values_are_counted_inside() {
        let (maps, masks) = cases();
        let values = |metric: TopKIntersection| metric.values(&maps, &masks).unwrap();
        let found = values(TopKIntersection::new().with_k(3));
        assert_eq!(found.values(), [Some(2.0 / 3.0), Some(1.0), None, None, None]);
        assert_eq!(found.notes(), notes(Some(Reason::MapAllEqual)));
        assert_eq!(values(TopKIntersection::new()).values()[0], Some(1.0));
        let divided = values(TopKIntersection::new().with_k(3).with_chance_divided_out());
        assert_eq!(divided.values()[..2], [Some(2.0 / 3.0 / 0.5), Some(1.0)]);
        let absolute = TopKIntersection::new().with_k(1).with_absolute_values();
        let found = absolute.values(&[vec![-3.0, 1.0]], &[vec![true, false]]).unwrap();
        assert_eq!(found.values(), [Some(1.0)]);
        for k in [0, 5] {
            let error = TopKIntersection::new().with_k(k).values(&maps, &masks).unwrap_err();
            let range = "at least 1 and at most the number of units";
            assert_eq!(error.to_string(), format!("expected k to be {range}, found {k}"));
        }
    }
}
