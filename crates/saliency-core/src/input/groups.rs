//! Which values of an input are covered together.

use crate::error::{Error, Result};
use crate::input::batch::Batch;

/// A way to divide the values of a row into groups, which are covered together and share one
/// number.
///
/// Every value is in exactly one group. The groups are made for the input when it is explained, so
/// that one explainer serves inputs of all sizes. If the input has several tensors, each is divided
/// on its own. [`Fixed`](crate::Fixed) tensors have no groups.
///
/// With the feature `serde` groups can be saved.
///
/// # Example
/// ```
/// use saliency_core::Groups;
///
/// // A picture of 3 channels and 2 x 4 pixels, cut into 1 x 2 cells.
/// let cells = Groups::grid([1, 2]).labels_of(&[3, 2, 4])?;
/// assert_eq!(cells[..8], [0, 0, 1, 1, 0, 0, 1, 1]);
///
/// // A series of 2 channels and 5 points in time, in windows of 2.
/// let windows = Groups::segments(1, 2).labels_of(&[2, 5])?;
/// assert_eq!(windows, [0, 0, 1, 1, 2, 0, 0, 1, 1, 2]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Groups(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Kind {
    #[default]
    Values,
    Places,
    Segments {
        axis: usize,
        length: usize,
    },
    Grid(Vec<usize>),
    About(usize),
    Labels(Vec<usize>),
    Lists(Vec<Vec<usize>>),
    Each(Vec<Groups>),
}

impl Groups {
    /// Makes every value a group of its own: the features of a table. This is the default.
    pub fn values() -> Self {
        Self(Kind::Values)
    }

    /// Puts the channels of a place together, for rows of `[channels, ...]`: the pixels of a picture,
    /// the points of a series. Rows with fewer dimensions have one channel.
    pub fn places() -> Self {
        Self(Kind::Places)
    }

    /// Puts the numbers of a token together, for rows of `[tokens, numbers]`.
    pub fn tokens() -> Self {
        Self::segments(0, 1)
    }

    /// Cuts a dimension of the rows, numbered from 0, into segments of `length`; the last one may be
    /// shorter. For rows of `[channels, time]`, `segments(1, 10)` makes windows of ten points in
    /// time, and `segments(0, 1)` puts each channel in a group.
    pub fn segments(axis: usize, length: usize) -> Self {
        Self(Kind::Segments { axis, length })
    }

    /// Cuts the last dimensions of the rows into cells of equal size, as far as the numbers allow
    /// it: as many cells in each dimension as `cells` says. Dimensions before these stay together.
    /// `grid([7, 7])` cuts pictures of any number of channels into 49 cells.
    pub fn grid(cells: impl Into<Vec<usize>>) -> Self {
        Self(Kind::Grid(cells.into()))
    }

    /// Cuts rows of any shape into about `count` groups, at least 1: cells of a grid over the
    /// dimensions after the channels, for rows of `[channels, ...]`; neighbouring values of a row of
    /// one dimension. If there are no more places than `count`, each is a group. For programs that do
    /// not know the input; of tokens, make groups by [`tokens`](Self::tokens).
    pub fn about(count: usize) -> Self {
        Self(Kind::About(count))
    }

    /// Takes the group of each value from a list, numbered from 0 without gaps: superpixels, topics
    /// of features. The list has a label for each value of a row, or, for rows of `[channels, ...]`,
    /// one for each place.
    pub fn labels(labels: impl Into<Vec<usize>>) -> Self {
        Self(Kind::Labels(labels.into()))
    }

    /// Takes a list of values for each group. The values of a row are numbered from 0, tensor by
    /// tensor. Every value must be in one list.
    pub fn lists(lists: impl Into<Vec<Vec<usize>>>) -> Self {
        Self(Kind::Lists(lists.into()))
    }

    /// Divides each tensor of a tuple in its own way. The groups of a [`Fixed`](crate::Fixed) tensor
    /// are not used.
    pub fn each(groups: impl IntoIterator<Item = Self>) -> Self {
        Self(Kind::Each(groups.into_iter().collect()))
    }

    /// Returns the group of each value of a row, for an input of one tensor whose rows have this
    /// shape.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the groups do not fit the shape.
    pub fn labels_of(&self, row: &[usize]) -> Result<Vec<usize>> {
        let found = self.of_rows(&[Some(row)])?;
        Ok(found.of.into_iter().flatten().collect())
    }

    /// Divides the values of an input.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the groups do not fit the input.
    pub(crate) fn of(&self, input: &Batch) -> Result<Partition> {
        let tensors = input.shapes.iter().zip(&input.fixed);
        let rows: Vec<Option<&[usize]>> =
            tensors.map(|(shape, fixed)| (!fixed).then_some(&shape[1..])).collect();
        self.of_rows(&rows)
    }

    /// Divides rows of these shapes, one for each tensor; `None` for a fixed one.
    fn of_rows(&self, rows: &[Option<&[usize]>]) -> Result<Partition> {
        let labels = match &self.0 {
            Kind::Labels(labels) => split(repeated(labels, rows), rows)?,
            Kind::Lists(lists) => split(labels_of_lists(lists, width(rows))?, rows)?,
            Kind::Each(groups) if groups.len() != rows.len() => {
                let expected = format!("for each of the {} tensors of the input", rows.len());
                return Err(Error::invalid_option("groups", expected, groups.len()));
            }
            _ => self.numbered(rows)?,
        };
        Partition::new(labels)
    }

    /// Divides each tensor on its own, and numbers the groups of all.
    fn numbered(&self, rows: &[Option<&[usize]>]) -> Result<Vec<Vec<usize>>> {
        let mut before = 0;
        let mut all = Vec::with_capacity(rows.len());
        for (tensor, row) in rows.iter().enumerate() {
            let Some(row) = row else {
                all.push(Vec::new());
                continue;
            };
            let groups = match &self.0 {
                Kind::Each(groups) => &groups[tensor],
                _ => self,
            };
            let labels: Vec<usize> =
                groups.of_tensor(row)?.into_iter().map(|label| before + label).collect();
            before = labels.iter().max().map_or(before, |last| last + 1);
            all.push(labels);
        }
        Ok(all)
    }

    fn of_tensor(&self, row: &[usize]) -> Result<Vec<usize>> {
        let values: usize = row.iter().product();
        match &self.0 {
            Kind::Values => Ok((0..values).collect()),
            Kind::Places => {
                let places = places(row);
                Ok((0..values).map(|at| at % places).collect())
            }
            Kind::Segments { axis, length } => segments(row, *axis, *length),
            Kind::Grid(cells) => grid(row, cells),
            // A row without dimensions is one value.
            Kind::About(_) if row.is_empty() => Ok(vec![0]),
            Kind::About(count) => grid(row, &cells_for(row, *count)?),
            Kind::Labels(_) | Kind::Lists(_) | Kind::Each(_) => {
                Ok(self.of_rows(&[Some(row)])?.of.remove(0))
            }
        }
    }
}

/// Returns the number of explained values.
fn width(rows: &[Option<&[usize]>]) -> usize {
    rows.iter().flatten().map(|row| row.iter().product::<usize>()).sum()
}

/// Returns the number of values in a channel.
fn places(row: &[usize]) -> usize {
    let channels = if row.len() > 1 { row[0] } else { 1 };
    row.iter().product::<usize>() / channels
}

/// Returns the sizes of the dimensions after the channels; of all if there is only one.
pub(crate) fn spatial(row: &[usize]) -> &[usize] {
    match row {
        [] => &[1],
        [_] => row,
        [_, sizes @ ..] => sizes,
    }
}

fn segments(row: &[usize], axis: usize, length: usize) -> Result<Vec<usize>> {
    let Some(&size) = row.get(axis) else {
        let expected = format!("along a dimension that the rows have, whose shape is {row:?}");
        return Err(Error::invalid_option("groups", expected, format!("dimension {axis}")));
    };
    if length == 0 {
        return Err(Error::invalid_option("groups", "of a length of at least 1", length));
    }
    let inner: usize = row[axis + 1..].iter().product();
    let values: usize = row.iter().product();
    Ok((0..values).map(|at| at / inner % size / length).collect())
}

fn grid(row: &[usize], cells: &[usize]) -> Result<Vec<usize>> {
    let first = row.len().checked_sub(cells.len());
    let last = first.map_or(&[][..], |first| &row[first..]);
    let fits = cells.iter().zip(last).all(|(cells, size)| (1..=*size).contains(cells));
    if first.is_none() || cells.is_empty() || !fits {
        let expected = format!(
            "of cells that fit rows of {row:?}, from 1 to the size of each of the last dimensions"
        );
        return Err(Error::invalid_option("groups", expected, format!("{cells:?} cells")));
    }
    let label = |at: usize| {
        let (mut rest, mut label, mut before) = (at, 0, 1);
        for (&size, &cells) in last.iter().zip(cells).rev() {
            label += rest % size * cells / size * before;
            before *= cells;
            rest /= size;
        }
        label
    };
    Ok((0..row.iter().product()).map(label).collect())
}

/// Returns the number of cells along each dimension after the channels that makes about `count` of
/// them.
fn cells_for(row: &[usize], count: usize) -> Result<Vec<usize>> {
    if count == 0 {
        return Err(Error::invalid_option("groups", "of a number of at least 1", count));
    }
    let sizes = spatial(row);
    let share = (count as f64 / places(row) as f64).min(1.0).powf(1.0 / sizes.len() as f64);
    let cells = |&size: &usize| ((size as f64 * share).round() as usize).clamp(1, size);
    Ok(sizes.iter().map(cells).collect())
}

/// Repeats labels of places for every channel, if there is one tensor and as many labels as places.
fn repeated(labels: &[usize], rows: &[Option<&[usize]>]) -> Vec<usize> {
    let explained: Vec<&[usize]> = rows.iter().flatten().copied().collect();
    match explained[..] {
        [row] if row.len() > 1 && labels.len() == places(row) => labels.repeat(row[0]),
        _ => labels.to_vec(),
    }
}

/// Hands the labels of all values to their tensors.
fn split(labels: Vec<usize>, rows: &[Option<&[usize]>]) -> Result<Vec<Vec<usize>>> {
    let values = width(rows);
    if labels.len() != values {
        let expected = format!("with a label for each of the {values} values of a row");
        return Err(Error::invalid_option("groups", expected, format!("{} labels", labels.len())));
    }
    let mut rest = labels.into_iter();
    let size = |row: &Option<&[usize]>| row.map_or(0, |row| row.iter().product());
    Ok(rows.iter().map(|row| rest.by_ref().take(size(row)).collect()).collect())
}

fn labels_of_lists(lists: &[Vec<usize>], values: usize) -> Result<Vec<usize>> {
    let mut labels = vec![None; values];
    for (group, list) in lists.iter().enumerate() {
        if list.is_empty() {
            let found = format!("none in group {group}");
            return Err(Error::invalid_option("groups", "of at least one value", found));
        }
        for &value in list {
            let Some(label) = labels.get_mut(value) else {
                let expected = format!("of values from 0 to {}, those of a row", values - 1);
                return Err(Error::invalid_option("groups", expected, format!("value {value}")));
            };
            if let Some(other) = label.replace(group) {
                let found = format!("value {value} in groups {other} and {group}");
                return Err(Error::invalid_option("groups", "that have no value in common", found));
            }
        }
    }
    let Some(first) = labels.iter().position(Option::is_none) else {
        return Ok(labels.into_iter().flatten().collect());
    };
    let missing = labels.iter().filter(|label| label.is_none()).count();
    Err(Error::invalid_option(
        "groups",
        "that hold every value of a row (put all others into a group of their own)",
        format!("none for {missing} of {values} values, the first of them {first}"),
    ))
}

/// Groups that fit an input.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// The group of each value, for each tensor; empty for a fixed one.
    of: Vec<Vec<usize>>,
    /// The number of values in each group.
    sizes: Vec<usize>,
}

impl Partition {
    fn new(of: Vec<Vec<usize>>) -> Result<Self> {
        let values: usize = of.iter().map(Vec::len).sum();
        let count = of.iter().flatten().max().map_or(0, |last| last.saturating_add(1));
        // A number that is far too large must not take memory.
        let mut sizes = vec![0; count.min(values + 1)];
        for &group in of.iter().flatten() {
            if let Some(size) = sizes.get_mut(group) {
                *size += 1;
            }
        }
        match sizes.iter().position(|&size| size == 0) {
            None if count > 0 => Ok(Self { of, sizes }),
            None => {
                let expected = "for at least one tensor that is explained";
                Err(Error::invalid_option("groups", expected, "fixed tensors only"))
            }
            Some(group) => Err(Error::invalid_option(
                "groups",
                "that are numbered from 0 without gaps",
                format!("no value in group {group}"),
            )),
        }
    }

    /// Returns the number of groups.
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// Makes masks for some copies of a row: `covered` says of a copy and a group whether it is
    /// covered.
    pub fn masks(&self, copies: usize, covered: impl Fn(usize, usize) -> bool) -> Vec<Vec<bool>> {
        let mask = |of: &Vec<usize>| {
            let copies = (0..copies).flat_map(|copy| of.iter().map(move |&group| (copy, group)));
            copies.map(|(copy, group)| covered(copy, group)).collect()
        };
        self.of.iter().map(mask).collect()
    }

    /// Returns, for each tensor, the number that `of` gives for each copy and the group of each
    /// value.
    pub fn per_value(&self, copies: usize, of: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
        let numbers = |groups: &Vec<usize>| {
            let copies = (0..copies).flat_map(|copy| groups.iter().map(move |&at| (copy, at)));
            copies.map(|(copy, group)| of(copy, group)).collect()
        };
        self.of.iter().map(numbers).collect()
    }

    /// Shares the number of each group out over its values, in equal parts: `maps` has a number for
    /// each group of a row, row after row.
    pub fn spread(&self, maps: &[f64], like: &Batch) -> Batch {
        let count = self.count();
        let rows = maps.len() / count;
        let share = |row: usize, group: usize| maps[row * count + group] / self.sizes[group] as f64;
        Batch::of_host(&self.per_value(rows, share), rows, like)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::inputs::Fixed;
    use burn::tensor::{Device, Tensor};

    fn labels(groups: &Groups, row: &[usize]) -> Vec<usize> {
        groups.labels_of(row).unwrap()
    }

    fn error(groups: &Groups, row: &[usize]) -> String {
        groups.labels_of(row).unwrap_err().to_string()
    }

    #[test]
    fn values_places_tokens_segments_and_cells_are_groups_of_rows_of_any_rank() {
        assert_eq!(labels(&Groups::default(), &[3]), [0, 1, 2]);
        assert_eq!(labels(&Groups::values(), &[]), [0]);
        assert_eq!(labels(&Groups::places(), &[2, 1, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(labels(&Groups::places(), &[3]), [0, 1, 2]);
        assert_eq!(labels(&Groups::tokens(), &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(labels(&Groups::segments(1, 2), &[2, 3]), [0, 0, 1, 0, 0, 1]);
        assert_eq!(labels(&Groups::segments(0, 9), &[3]), [0; 3]);
        // Uneven cells: every pixel has one, and none is empty.
        let uneven = [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3];
        assert_eq!(labels(&Groups::grid([2, 2]), &[1, 3, 5]), uneven);
        assert_eq!(labels(&Groups::about(3), &[1, 3, 5])[..5], [0, 0, 0, 1, 1]);
        assert_eq!(labels(&Groups::about(2), &[4]), [0, 0, 1, 1]);
        assert_eq!(labels(&Groups::about(9), &[2, 2]), [0, 1, 0, 1]);
        assert_eq!(labels(&Groups::about(49), &[3, 224, 224]).iter().max(), Some(&48));
        assert_eq!(labels(&Groups::about(49), &[]), [0]);
        assert_eq!(labels(&Groups::grid([2, 1, 2]), &[2, 2, 2, 2])[8..], [0, 1, 0, 1, 2, 3, 2, 3]);
    }

    #[test]
    fn labels_are_for_values_or_for_places() {
        let regions = Groups::labels([1, 0, 0]);
        assert_eq!(labels(&regions, &[3]), [1, 0, 0]);
        assert_eq!(labels(&regions, &[2, 3]), [1, 0, 0, 1, 0, 0]);
        assert_eq!(labels(&Groups::lists([vec![2, 0], vec![1]]), &[3]), [0, 1, 0]);
    }

    #[test]
    fn tensors_have_groups_of_their_own_and_fixed_ones_have_none() {
        let device = Device::flex();
        let tensor = |shape: [usize; 2]| Tensor::<2>::ones(shape, &device);
        let input = Batch::new((tensor([1, 2]), Fixed(tensor([1, 5])), tensor([1, 3]))).unwrap();
        let found = Groups::values().of(&input).unwrap();
        assert_eq!(found.of, [vec![0, 1], vec![], vec![2, 3, 4]]);
        let each = Groups::each([Groups::segments(0, 2), Groups::values(), Groups::values()]);
        assert_eq!(each.of(&input).unwrap().of, [vec![0, 0], vec![], vec![1, 2, 3]]);
        let all = Groups::labels([0, 1, 1, 0, 1]).of(&input).unwrap();
        assert_eq!(all.of, [vec![0, 1], vec![], vec![1, 0, 1]]);
        assert_eq!(all.sizes, [2, 3]);
        let two = Groups::each([Groups::values(), Groups::values()]).of(&input).unwrap_err();
        assert!(two.to_string().contains("each of the 3 tensors of the input, found 2"), "{two}");
        let fixed = Batch::new(Fixed(tensor([1, 5]))).unwrap();
        let none = Groups::values().of(&fixed).unwrap_err().to_string();
        assert!(none.contains("found fixed tensors only"), "{none}");
    }

    #[test]
    fn groups_that_do_not_fit_say_what_to_do() {
        for (groups, said) in [
            (
                Groups::lists([vec![0], vec![3]]),
                "(put all others into a group of their own), found none for 2 of 4 values, the \
                 first of them 1",
            ),
            (Groups::lists([vec![0, 1, 2, 3], vec![2]]), "value 2 in groups 0 and 1"),
            (Groups::lists([vec![4]]), "from 0 to 3, those of a row, found value 4"),
            (
                Groups::lists([vec![0, 1, 2, 3], vec![]]),
                "at least one value, found none in group 1",
            ),
            (Groups::labels([0, 1]), "a label for each of the 4 values of a row, found 2 labels"),
            (Groups::labels([0, 2, 2, 2]), "without gaps, found no value in group 1"),
            (Groups::labels([1, 1, 1, usize::MAX]), "no value in group 0"),
            (Groups::about(0), "of a number of at least 1, found 0"),
            (Groups::segments(1, 1), "found dimension 1"),
            (Groups::segments(0, 0), "a length of at least 1, found 0"),
            (Groups::grid([5]), "found [5] cells"),
            (Groups::grid([0]), "found [0] cells"),
            (Groups::grid([1, 1]), "found [1, 1] cells"),
            (Groups::grid([]), "found [] cells"),
        ] {
            let found = error(&groups, &[4]);
            assert!(found.starts_with("expected groups ") && found.contains(said), "{found}");
        }
    }

    #[test]
    fn the_number_of_a_group_is_shared_out_over_its_values() {
        let input = Batch::new(Tensor::<2>::zeros([2, 3], &Device::flex())).unwrap();
        let groups = Groups::labels([0, 1, 1]).of(&input).unwrap();
        let found = groups.spread(&[1.0, 4.0, -3.0, 0.5], &input);
        assert_eq!(found.host_rows().unwrap(), [[1.0, 2.0, 2.0], [-3.0, 0.25, 0.25]]);
        assert_eq!(groups.masks(1, |_, group| group == 1), [[false, true, true]]);
    }
}
