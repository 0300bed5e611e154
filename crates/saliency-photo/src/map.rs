//! Maps, which have one number per pixel, and measurements of a whole map.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::reduce::Reduce;
use crate::region::{Overlap, Region, Size, overlaps, part_overlaps};

/// One number per pixel: the attributions of one row of a batch, [reduced](Reduce) over channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    width: usize,
    height: usize,
    values: Vec<f64>,
    reduction: Reduce,
    is_stretched: bool,
}

/// The strongest pixels of a map that together hold a share of its total.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Area {
    /// The number of these pixels, as a share of all pixels of the map.
    pub share: f64,
    /// The value of the weakest of them.
    pub weakest: f64,
}

impl Map {
    /// Reduces one row of attributions of shape `[rows, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::EmptyMap`] if the tensor has no values, [`Error::Row`] if it has no such row,
    /// [`Error::NotFinite`] if the row or its reduction holds NaN or infinity, and
    /// [`Error::Device`] if the values cannot be read from their device.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_photo::{Map, Reduce};
    ///
    /// let values = Tensor::<4>::from_data([[[[3.0]], [[-4.0]]]], &Device::flex());
    /// assert_eq!(Map::of_row(&values, 0, Reduce::AbsoluteSum)?.values(), [7.0]);
    /// assert_eq!(Map::of_row(&values, 0, Reduce::Sum)?.values(), [-1.0]);
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn of_row(values: &Tensor<4>, row: usize, reduction: Reduce) -> Result<Self> {
        let shape @ [rows, channels, height, width] = values.dims();
        if rows * channels * height * width == 0 {
            return Err(Error::EmptyMap { shape });
        }
        if row >= rows {
            return Err(Error::Row { rows, row });
        }
        let row = values.clone().inner().narrow(0, row, 1);
        let attributions = row
            .try_into_vec_as::<f64>()
            .map_err(|error| Error::Device { cause: Arc::new(error) })?;
        // Checked before the reduction, because the maximum of NaN and a number is the number.
        check_finite(&attributions)?;
        let area = height * width;
        let reduced = |pixel: usize| {
            let channels = attributions[pixel..].iter().step_by(area).copied();
            reduction.apply(channels)
        };
        let values: Vec<f64> = (0..area).map(reduced).collect();
        // Checked again, because a sum of huge numbers may be infinite.
        check_finite(&values)?;
        Ok(Self { width, height, values, reduction, is_stretched: false })
    }

    /// Returns the width and height.
    pub fn size(&self) -> Size {
        Size { width: self.width as u32, height: self.height as u32 }
    }

    /// Returns the longer of width and height.
    pub fn longer_side(&self) -> usize {
        self.width.max(self.height)
    }

    /// Returns the values, row by row from the top.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns how the channels were reduced.
    pub fn reduction(&self) -> Reduce {
        self.reduction
    }

    /// Returns whether values may be below zero.
    pub fn is_signed(&self) -> bool {
        self.reduction == Reduce::Sum
    }

    /// Says that the model was shown a stretched photo. Such a map is stretched back when it is laid
    /// over its region, which may have any aspect ratio. Otherwise a region of another aspect ratio
    /// is an [error](Error::Aspect).
    #[must_use]
    pub fn stretched(mut self) -> Self {
        self.is_stretched = true;
        self
    }

    /// Returns whether the map is of a stretched photo.
    pub fn is_stretched(&self) -> bool {
        self.is_stretched
    }

    /// Returns the largest absolute value.
    pub fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }

    /// Returns how much each pixel speaks for the class: its value if that is above zero, otherwise
    /// zero.
    pub fn positive_values(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|value| value.max(0.0))
    }

    /// Shrinks the map so that its longer side has at most `most` pixels. Each new pixel is the
    /// mean of the area that it covers. Returns a copy if the map is small enough. If `most` is 0,
    /// the result has no pixels.
    pub fn averaged(&self, most: usize) -> Self {
        if self.longer_side() <= most {
            return self.clone();
        }
        let shrunk = |length: usize| (length * most).div_ceil(self.longer_side()) as u32;
        let columns = overlaps(shrunk(self.width), self.width as u32);
        let rows = overlaps(shrunk(self.height), self.height as u32);
        let cells = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        Self {
            width: columns.len(),
            height: rows.len(),
            values: cells.map(|(row, column)| self.mean(row, column)).collect(),
            ..*self
        }
    }

    /// Returns the part of the map that a part of its input has. The map may be coarser than the
    /// input. Then each new pixel is the mean of the area that it covers.
    pub(crate) fn part(&self, input: Size, part: Region) -> Self {
        let [width, height] = [self.width, self.height].map(|side| side as u32);
        let columns = part_overlaps(width, input.width, part.x, part.width);
        let rows = part_overlaps(height, input.height, part.y, part.height);
        let cells = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        Self {
            width: columns.len(),
            height: rows.len(),
            values: cells.map(|(row, column)| self.mean(row, column)).collect(),
            ..*self
        }
    }

    /// Averages the pixels that a cell overlaps, given its overlaps with rows and with columns.
    fn mean(&self, row: &[Overlap], column: &[Overlap]) -> f64 {
        if let ([high], [wide]) = (row, column) {
            // A whole pixel keeps its bits.
            return self.values[high.pixel as usize * self.width + wide.pixel as usize];
        }
        let (mut sum, mut area) = (0.0, 0.0);
        for high in row {
            for wide in column {
                let value = self.values[high.pixel as usize * self.width + wide.pixel as usize];
                sum += value * wide.length * high.length;
                area += wide.length * high.length;
            }
        }
        sum / area
    }

    /// Finds the strongest pixels that hold a share of the total. If the map is signed, only the
    /// values above zero count. Returns `None` if no value is above zero.
    ///
    /// A share below 0 counts as 0, for which one pixel is enough. A share above 1 counts as 1, and
    /// so does NaN.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_photo::{Map, Reduce};
    ///
    /// let values = Tensor::<4>::from_data([[[[6.0, 1.0], [1.0, 2.0]]]], &Device::flex());
    /// let map = Map::of_row(&values, 0, Reduce::Sum)?;
    /// // One pixel of four holds half.
    /// let half = map.area_holding(0.5).expect("the map is not zero");
    /// assert_eq!((half.share, half.weakest), (0.25, 6.0));
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn area_holding(&self, share: f64) -> Option<Area> {
        let strongest = self.strongest(share);
        let weakest = self.values[*strongest.last()?];
        Some(Area { share: strongest.len() as f64 / self.values.len() as f64, weakest })
    }

    /// Returns the fewest pixels that hold a share of the total, the strongest first.
    pub(crate) fn strongest(&self, share: f64) -> Vec<usize> {
        let mut sorted: Vec<usize> =
            (0..self.values.len()).filter(|&pixel| self.values[pixel] > 0.0).collect();
        sorted.sort_by(|&a, &b| self.values[b].total_cmp(&self.values[a]));
        let total: f64 = sorted.iter().map(|&pixel| self.values[pixel]).sum();
        let needed = share.clamp(0.0, 1.0) * total;
        // Take pixels, the strongest first, until they hold the needed sum. Because of rounding,
        // even all pixels together may hold less.
        let mut held = 0.0;
        let enough = sorted.iter().position(|&pixel| {
            held += self.values[pixel];
            held >= needed
        });
        sorted.truncate(enough.map_or(sorted.len(), |last| last + 1));
        sorted
    }
}

fn check_finite(values: &[f64]) -> Result<()> {
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Error::NotFinite) }
}

/// Makes a signed map of one row of pixels.
#[cfg(test)]
pub(crate) fn line(values: &[f64]) -> Map {
    Map {
        width: values.len(),
        height: 1,
        values: values.to_vec(),
        reduction: Reduce::Sum,
        is_stretched: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn area(share: f64, weakest: f64) -> Option<Area> {
        Some(Area { share, weakest })
    }

    #[test]
    fn channels_are_summed_by_absolute_value_in_the_row_asked_for() {
        let values = [[[[9.0, 9.0]], [[9.0, 9.0]]], [[[1.0, -2.0]], [[-3.0, 4.0]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        let map = Map::of_row(&values, 1, Reduce::default()).unwrap();
        assert_eq!((map.size(), map.values()), ((2, 1).into(), &[4.0, 6.0][..]));
        assert!(matches!(
            Map::of_row(&values, 2, Reduce::default()),
            Err(Error::Row { rows: 2, row: 2 })
        ));
    }

    #[test]
    fn an_empty_or_infinite_map_is_an_error() {
        let device = Device::flex();
        for empty in [[1, 3, 0, 4], [1, 0, 4, 4], [0, 3, 4, 4]] {
            let error = Map::of_row(&Tensor::zeros(empty, &device), 0, Reduce::default());
            assert!(matches!(error, Err(Error::EmptyMap { shape }) if shape == empty));
        }
        let infinite = Tensor::<4>::full([1, 1, 2, 2], f32::INFINITY, &device);
        assert!(matches!(Map::of_row(&infinite, 0, Reduce::Max), Err(Error::NotFinite)));
        let huge = Tensor::<4>::full([1, 4, 1, 1], f32::MAX, &device);
        assert!(Map::of_row(&huge, 0, Reduce::L2Norm).is_ok(), "the sum over channels is finite");
        let huge = Tensor::<4>::full([1, 4, 1, 1], 1e308, (&device, burn::tensor::DType::F64));
        assert!(matches!(Map::of_row(&huge, 0, Reduce::Sum), Err(Error::NotFinite)));
    }

    #[test]
    fn every_reduction_is_its_equation() {
        let values = [[[[3.0, -1.0]], [[-4.0, -1.0]], [[0.0, -1.0]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        for (reduction, expected) in [
            (Reduce::AbsoluteSum, [7.0, 3.0]),
            (Reduce::Sum, [-1.0, -3.0]),
            (Reduce::Max, [4.0, 1.0]),
            (Reduce::L2Norm, [5.0, 3.0f64.sqrt()]),
            (Reduce::Positive, [0.0, 0.0]),
            (Reduce::Negative, [1.0, 3.0]),
        ] {
            let map = Map::of_row(&values, 0, reduction).unwrap();
            assert_eq!(map.values(), expected, "{reduction:?}");
            assert_eq!(map.is_signed(), reduction == Reduce::Sum);
        }
    }

    #[test]
    fn a_large_map_is_averaged_and_its_mean_stays() {
        let values: Vec<f64> = (0..600).map(f64::from).collect();
        let small = line(&values).averaged(256);
        assert_eq!(small.size(), (256, 1).into());
        // The first new pixel covers 2 and 11/32 values: 0, 1 and a part of 2.
        assert!((small.values()[0] - (1.0 + 0.34375 * 2.0) / 2.34375).abs() < 1e-12);
        assert!((small.values().iter().sum::<f64>() / 256.0 - 299.5).abs() < 1e-9);
        assert_eq!(line(&values).averaged(600), line(&values));
    }

    #[test]
    fn the_area_is_the_smallest_that_holds_the_share() {
        let map = line(&[1.0, 5.0, -9.0, 4.0]);
        assert_eq!(map.area_holding(0.5), area(0.25, 5.0));
        assert_eq!(map.area_holding(0.6), area(0.5, 4.0));
        assert_eq!(map.area_holding(1.0), area(0.75, 1.0));
    }
}
