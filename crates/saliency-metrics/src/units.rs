//! Which values of an input belong together.

use saliency_core::Groups;

use crate::error::{Error, Result};

/// Which values of a row belong together: they are covered together, and their attributions are
/// added up.
///
/// Every value of a row has a unit. The values of an input with several tensors are numbered tensor
/// by tensor.
///
/// # Example
/// ```
/// use saliency_metrics::Units;
///
/// // A picture of 4 x 4 pixels with 3 channels, cut into 2 x 2 cells.
/// let cells = Units::cells([3, 4, 4], [2, 2])?;
/// assert_eq!((cells.width(), cells.count()), (48, 4));
/// let everywhere = cells.sums(&vec![1.0; 48]);
/// assert_eq!(everywhere, [12.0; 4]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// The unit of each value.
    of: Vec<usize>,
    count: usize,
    /// The number of cells down and across, if the units are cells.
    grid: Option<[usize; 2]>,
}

impl Units {
    /// Makes a unit of each of the groups that an explainer covers together, for rows of this shape.
    ///
    /// # Errors
    /// [`Error::Core`] if the groups do not fit the shape.
    pub fn of_groups(groups: &Groups, row: &[usize]) -> Result<Self> {
        Self::labels(groups.labels_of(row)?)
    }

    /// Makes every value of a row a unit of its own: the features of a table.
    pub fn values(width: usize) -> Self {
        Self { of: (0..width).collect(), count: width, grid: None }
    }

    /// Makes the channels of a pixel a unit, for rows of `[channels, height, width]`.
    pub fn pixels([channels, height, width]: [usize; 3]) -> Self {
        let of = labels(&Groups::places(), &[channels, height * width]);
        Self { of, count: height * width, grid: Some([height, width]) }
    }

    /// Cuts the pixels of rows of `[channels, height, width]` into cells of equal size, as far as
    /// the numbers allow it: `[down, across]` of them.
    ///
    /// # Errors
    /// [`Error::UnitNumbers`] if there are more cells than pixels, or none.
    pub fn cells(
        [channels, height, width]: [usize; 3],
        [down, across]: [usize; 2],
    ) -> Result<Self> {
        if down == 0 || across == 0 || down > height || across > width {
            let found = format!("{down} x {across} cells in {height} x {width} pixels");
            return Err(Error::UnitNumbers { found });
        }
        let of = labels(&Groups::grid([down, across]), &[channels, height, width]);
        Ok(Self { of, count: down * across, grid: Some([down, across]) })
    }

    /// Makes the numbers of a token's embedding a unit, for rows of `[tokens, numbers]`.
    pub fn tokens([tokens, numbers]: [usize; 2]) -> Self {
        Self { of: labels(&Groups::tokens(), &[tokens, numbers]), count: tokens, grid: None }
    }

    /// Takes the unit of each value from a list, numbered from 0: superpixels, groups of features.
    ///
    /// # Errors
    /// [`Error::UnitNumbers`] if there is no value, or a unit without values.
    pub fn labels(of: Vec<usize>) -> Result<Self> {
        let Some(last) = of.iter().max() else {
            return Err(Error::UnitNumbers { found: "no values".to_owned() });
        };
        let count = last + 1;
        // A number that is far too large must not take memory.
        let mut used = vec![false; count.min(of.len() + 1)];
        for &unit in &of {
            if let Some(used) = used.get_mut(unit) {
                *used = true;
            }
        }
        match used.iter().position(|used| !used) {
            Some(unit) => Err(Error::UnitNumbers { found: format!("no value of unit {unit}") }),
            None => Ok(Self { of, count, grid: None }),
        }
    }

    /// Returns the number of values in a row.
    pub fn width(&self) -> usize {
        self.of.len()
    }

    /// Returns the number of units.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the number of units down and across, if they are pixels or cells of a picture.
    pub fn grid(&self) -> Option<[usize; 2]> {
        self.grid
    }

    /// Returns the unit of each value.
    pub fn of_each(&self) -> &[usize] {
        &self.of
    }

    /// Adds up the values of each unit of one row.
    ///
    /// # Panics
    /// Panics if there are more or fewer values than the units are for.
    pub fn sums(&self, row: &[f64]) -> Vec<f64> {
        assert_eq!(row.len(), self.of.len(), "values that the units are for");
        let mut sums = vec![0.0; self.count];
        for (&unit, value) in self.of.iter().zip(row) {
            sums[unit] += value;
        }
        sums
    }
}

/// Returns the group of each value of a row; none for a row without values.
fn labels(groups: &Groups, row: &[usize]) -> Vec<usize> {
    groups.labels_of(row).unwrap_or_default()
}

/// Returns whether no value differs from the first.
pub(crate) fn all_equal(values: &[f64]) -> bool {
    values.iter().all(|value| value == &values[0])
}

/// Returns units from the largest value to the smallest. Of equal ones the first comes first; what
/// is not a number comes last.
pub fn ranking(values: &[f64]) -> Vec<usize> {
    let mut units: Vec<usize> = (0..values.len()).collect();
    let key = |unit: usize| if values[unit].is_nan() { f64::NEG_INFINITY } else { values[unit] };
    units.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_pixels_cells_and_tokens_are_units() {
        assert_eq!(Units::values(3).of_each(), [0, 1, 2]);
        assert_eq!(Units::pixels([2, 1, 3]).of_each(), [0, 1, 2, 0, 1, 2]);
        assert_eq!(Units::tokens([2, 3]).of_each(), [0, 0, 0, 1, 1, 1]);
        let series = Units::of_groups(&Groups::segments(1, 2), &[2, 3]).unwrap();
        assert_eq!((series.of_each(), series.count()), (&[0, 0, 1, 0, 0, 1][..], 2));
        assert!(Units::of_groups(&Groups::segments(2, 2), &[2, 3]).is_err());
        // Uneven cells: every pixel has one, and none is empty.
        let cells = Units::cells([1, 3, 5], [2, 2]).unwrap();
        assert_eq!(cells.of_each(), [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
        for [down, across] in [[0, 1], [4, 1], [1, 6]] {
            let error = Units::cells([1, 3, 5], [down, across]).unwrap_err().to_string();
            assert!(error.contains(&format!("{down} x {across} cells in 3 x 5 pixels")), "{error}");
        }
    }

    #[test]
    fn labels_must_be_numbers_without_gaps() {
        assert_eq!(Units::labels(vec![1, 0, 1]).unwrap().sums(&[1.0, 2.0, 4.0]), [2.0, 5.0]);
        for (labels, found) in [
            (vec![], "no values"),
            (vec![0, 2], "no value of unit 1"),
            (vec![1], "no value of unit 0"),
            (vec![usize::MAX - 1], "no value of unit 0"),
        ] {
            let error = Units::labels(labels).unwrap_err().to_string();
            assert!(error.ends_with(&format!("found {found}")), "{error}");
        }
    }

    #[test]
    fn units_are_ranked_from_the_largest_value() {
        assert_eq!(ranking(&[0.5, f64::NAN, 2.0, 0.5, -1.0]), [2, 0, 3, 4, 1]);
    }
}
