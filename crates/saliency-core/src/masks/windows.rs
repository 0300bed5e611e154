//! Windows that slide over the dimensions of a row.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::input::batch::Batch;
use crate::input::groups::spatial;

/// A window that slides over the last dimensions of a row. Dimensions before these are inside the
/// window as a whole.
///
/// The first window is at the start of every dimension. The others follow at a distance of one
/// stride, until every value is inside a window; the last ones are cut off at the end.
///
/// # Defaults
/// - stride: the size, so that windows do not overlap
///
/// The default window is a [part](Self::part) of 7.
///
/// # Example
/// ```
/// use saliency_core::Window;
///
/// // 8 x 8 pixels with all channels, in steps of 4 pixels.
/// let window = Window::new([8, 8]).with_stride([4, 4]);
/// // 3 slices of a volume; ten points in time.
/// let (slices, points) = (Window::new([3, 64, 64]), Window::new([10]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    size: Size,
    stride: Option<Vec<usize>>,
}

/// The size of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Size {
    Values(Vec<usize>),
    /// This part of each dimension after the channels.
    Part(usize),
}

impl Default for Window {
    fn default() -> Self {
        Self::part(7)
    }
}

impl Window {
    /// Sets the size in the last dimensions of a row.
    pub fn new(size: impl Into<Vec<usize>>) -> Self {
        Self { size: Size::Values(size.into()), stride: None }
    }

    /// Takes the `parts`-th part of each dimension after the channels, for rows of
    /// `[channels, ...]`, or of the only dimension. The stride is half of it. For programs that do
    /// not know the input.
    pub fn part(parts: usize) -> Self {
        Self { size: Size::Part(parts), stride: None }
    }

    /// Sets the distance from window to window in the same dimensions: from 1 to the size.
    #[must_use]
    pub fn with_stride(mut self, stride: impl Into<Vec<usize>>) -> Self {
        self.stride = Some(stride.into());
        self
    }

    /// Refuses sizes and strides that fit no input.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.size {
            Size::Part(0) => Err(Error::invalid_option("parts", "at least 1", 0)),
            Size::Part(_) => Ok(()),
            Size::Values(size) if size.is_empty() || size.contains(&0) => {
                let expected = "of at least 1 in each dimension";
                Err(Error::invalid_option("window", expected, format!("{size:?}")))
            }
            Size::Values(size) => self.stride_for(size).map(drop),
        }
    }

    /// Returns the size in the last dimensions of rows of this shape.
    fn size_in(&self, row: &[usize]) -> Vec<usize> {
        match &self.size {
            Size::Values(size) => size.clone(),
            Size::Part(parts) => spatial(row).iter().map(|size| size.div_ceil(*parts)).collect(),
        }
    }

    /// Returns the stride of a window of this size.
    fn stride_for(&self, size: &[usize]) -> Result<Vec<usize>> {
        let stride = match (&self.stride, &self.size) {
            (Some(stride), _) => stride.clone(),
            (None, Size::Values(_)) => size.to_vec(),
            (None, Size::Part(_)) => size.iter().map(|size| size.div_ceil(2)).collect(),
        };
        if stride.len() == size.len() && !stride.contains(&0) {
            return Ok(stride);
        }
        let expected = format!("of at least 1 in each of the window's {} dimensions", size.len());
        Err(Error::invalid_option("stride", expected, format!("{stride:?}")))
    }

    /// Places the window in rows of this shape.
    fn places(&self, row: &[usize]) -> Result<Places> {
        self.check()?;
        let (size, shown) = (self.size_in(row), format!("{:?}", self.size_in(row)));
        let stride = self.stride_for(&size)?;
        let whole = row.len().checked_sub(size.len());
        let last = whole.map_or(&[][..], |whole| &row[whole..]);
        let fits = size.iter().zip(last).all(|(size, row)| size <= row);
        let (Some(whole), true) = (whole, fits) else {
            let expected = format!("no larger than a row, whose shape is {row:?}");
            return Err(Error::invalid_option("window", expected, shown));
        };
        let found = format!("{stride:?}");
        let size = [&row[..whole], &size].concat();
        let stride = [&row[..whole], &stride].concat();
        let fits = |axis: usize| size[axis] == row[axis] || stride[axis] <= size[axis];
        if !(0..row.len()).all(fits) {
            let expected = format!(
                "of at most the window's size {shown}, because values between windows would be left out"
            );
            return Err(Error::invalid_option("stride", expected, found));
        }
        let steps = |axis: usize| (row[axis] - size[axis]).div_ceil(stride[axis]) + 1;
        let counts = (0..row.len()).map(steps).collect();
        Ok(Places { row: row.to_vec(), size, stride, counts })
    }
}

/// The places of a window in the rows of a tensor.
#[derive(Debug)]
struct Places {
    row: Vec<usize>,
    size: Vec<usize>,
    stride: Vec<usize>,
    /// The number of places along each dimension.
    counts: Vec<usize>,
}

impl Places {
    fn count(&self) -> usize {
        self.counts.iter().product()
    }

    /// Returns the part of each dimension that is inside a window.
    fn ranges(&self, mut place: usize) -> Vec<Range<usize>> {
        let mut ranges = vec![0..0; self.row.len()];
        for axis in (0..self.row.len()).rev() {
            let start = place % self.counts[axis] * self.stride[axis];
            ranges[axis] = start..self.row[axis].min(start + self.size[axis]);
            place /= self.counts[axis];
        }
        ranges
    }

    /// Returns the positions of the values inside a window, ascending.
    fn inside(&self, place: usize) -> Vec<usize> {
        let mut inside = vec![0];
        for (range, size) in self.ranges(place).into_iter().zip(&self.row) {
            let further = |at: usize| range.clone().map(move |step| at * size + step);
            inside = inside.into_iter().flat_map(further).collect();
        }
        inside
    }
}

/// The windows of all tensors of an input, numbered tensor by tensor.
#[derive(Debug)]
pub(crate) struct Windows {
    /// `None` for a fixed tensor.
    tensors: Vec<Option<Places>>,
    widths: Vec<usize>,
}

/// A window, and the values of a tensor that are inside.
pub(crate) struct Inside {
    pub tensor: usize,
    pub values: Vec<usize>,
}

impl Windows {
    /// Places windows in the rows of an input: one window for all tensors, or one for each.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if they do not fit.
    pub fn new(windows: &[Window], input: &Batch) -> Result<Self> {
        let tensors = input.parts.len();
        if windows.len() != 1 && windows.len() != tensors {
            let expected =
                format!("for each of the {tensors} tensors of the input, or one for all");
            return Err(Error::invalid_option("windows", expected, windows.len()));
        }
        let mut placed = Vec::with_capacity(tensors);
        for (tensor, (shape, fixed)) in input.shapes.iter().zip(&input.fixed).enumerate() {
            let window = windows.get(tensor).unwrap_or(&windows[0]);
            // A row of a tensor with one dimension is a single value.
            let row = if shape.len() > 1 { &shape[1..] } else { &[1] };
            placed.push(if *fixed { None } else { Some(window.places(row)?) });
        }
        let widths = input.parts.iter().map(|part| part.dims()[1]).collect();
        Ok(Self { tensors: placed, widths })
    }

    /// Returns the number of windows.
    pub fn count(&self) -> usize {
        self.tensors.iter().flatten().map(Places::count).sum()
    }

    /// Returns one of the windows.
    pub fn get(&self, window: usize) -> Inside {
        let mut place = window;
        for (tensor, places) in self.tensors.iter().enumerate() {
            let Some(places) = places else { continue };
            match place.checked_sub(places.count()) {
                Some(further) => place = further,
                None => return Inside { tensor, values: places.inside(place) },
            }
        }
        unreachable!("there are fewer windows than {window}")
    }

    /// Averages, for each value of a row, the numbers of the windows that it is inside of: `numbers`
    /// has one for each window of a row, row after row.
    pub fn means(&self, numbers: &[f64], like: &Batch) -> Batch {
        let rows = like.rows();
        let empty = |rows: usize| self.widths.iter().map(move |width| vec![0.0; rows * width]);
        let (mut means, mut times): (Vec<_>, Vec<_>) = (empty(rows).collect(), empty(1).collect());
        for window in 0..self.count() {
            let Inside { tensor, values } = self.get(window);
            let (means, times): (&mut Vec<f64>, &mut Vec<f64>) =
                (&mut means[tensor], &mut times[tensor]);
            values.iter().for_each(|&value| times[value] += 1.0);
            for (row, numbers) in numbers.chunks(self.count()).enumerate() {
                let start = row * self.widths[tensor];
                values.iter().for_each(|value| means[start + value] += numbers[window]);
            }
        }
        for (means, times) in means.iter_mut().zip(&times) {
            let pairs = means.iter_mut().zip(times.iter().cycle());
            pairs.for_each(|(mean, times)| *mean /= times);
        }
        Batch::of_host(&means, rows, like)
    }

    /// Makes a mask for each of the given windows.
    pub fn masks(&self, windows: &[usize]) -> Vec<Vec<bool>> {
        let mut masks: Vec<Vec<bool>> = self
            .tensors
            .iter()
            .zip(&self.widths)
            .map(|(places, width)| {
                vec![false; places.as_ref().map_or(0, |_| windows.len() * width)]
            })
            .collect();
        for (copy, &window) in windows.iter().enumerate() {
            let Inside { tensor, values } = self.get(window);
            let start = copy * self.widths[tensor];
            values.into_iter().for_each(|value| masks[tensor][start + value] = true);
        }
        masks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::inputs::Fixed;
    use burn::tensor::{Device, Tensor};

    fn windows(window: Window, row: [usize; 3]) -> Result<Vec<Vec<usize>>> {
        let shape = [1, row[0], row[1], row[2]];
        let input = Batch::new(Tensor::<4>::zeros(shape, &Device::flex()))?;
        let windows = Windows::new(&[window], &input)?;
        Ok((0..windows.count()).map(|at| windows.get(at).values).collect())
    }

    #[test]
    fn windows_slide_over_the_last_dimensions_and_are_cut_off_at_the_end() {
        let found = windows(Window::new([2]), [2, 1, 3]).unwrap();
        assert_eq!(found, [vec![0, 1, 3, 4], vec![2, 5]]);
        let found = windows(Window::new([1, 1, 2]).with_stride([1, 1, 1]), [2, 1, 3]).unwrap();
        assert_eq!(found, [vec![0, 1], vec![1, 2], vec![3, 4], vec![4, 5]]);
        // The third part of 4 and of 7, in steps of half of it.
        let found = windows(Window::part(3), [2, 4, 7]).unwrap();
        assert_eq!(found.len(), 3 * 3);
        assert_eq!(found[1], [2, 3, 4, 9, 10, 11, 30, 31, 32, 37, 38, 39]);
        // A stride that is larger than the window does no harm if the window is the whole.
        let found = windows(Window::new([1, 3]).with_stride([1, 9]), [1, 2, 3]).unwrap();
        assert_eq!(found, [vec![0, 1, 2], vec![3, 4, 5]]);
    }

    #[test]
    fn every_value_is_inside_a_window() {
        for (size, stride) in [(1, 1), (2, 1), (3, 2), (3, 3), (5, 4), (7, 7)] {
            let window = Window::new([size, size]).with_stride([stride, stride]);
            let mut seen = [0; 98];
            let all = windows(window, [2, 7, 7]).unwrap();
            all.iter().flatten().for_each(|&value| seen[value] += 1);
            assert!(seen.iter().all(|&times| times > 0), "{size} {stride}");
        }
    }

    #[test]
    fn masks_are_true_inside_the_window_and_fixed_tensors_have_none() {
        let tensor = |width| Tensor::<2>::zeros([1, width], &Device::flex());
        let input = Batch::new((tensor(2), Fixed(tensor(4)), tensor(3))).unwrap();
        let windows = Windows::new(&[Window::new([2])], &input).unwrap();
        assert_eq!(windows.count(), 3);
        let masks = windows.masks(&[0, 2]);
        assert_eq!(masks[0], [true, true, false, false]);
        assert!(masks[1].is_empty());
        assert_eq!(masks[2], [false, false, false, false, false, true]);
        let error = Windows::new(&[Window::new([2]), Window::new([2])], &input).unwrap_err();
        assert!(error.to_string().contains("3 tensors of the input, or one for all, found 2"));
    }

    #[test]
    fn windows_that_do_not_fit_say_what_to_do() {
        for (window, said) in [
            (Window::new([]), "window of at least 1 in each dimension, found []"),
            (Window::new([2, 0]), "window of at least 1 in each dimension, found [2, 0]"),
            (Window::part(0), "expected parts at least 1, found 0"),
            (Window::part(2).with_stride([1]), "the window's 2 dimensions, found [1]"),
            (Window::new([4]), "no larger than a row, whose shape is [2, 3, 3], found [4]"),
            (Window::new([1, 1, 1, 1]), "no larger than a row"),
            (Window::new([2]).with_stride([0]), "stride of at least 1"),
            (Window::new([2]).with_stride([1, 1]), "the window's 1 dimensions, found [1, 1]"),
            (Window::new([1]).with_stride([2]), "would be left out, found [2]"),
        ] {
            let error = windows(window, [2, 3, 3]).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
