//! The slices of a volume and the frames of a video: maps and pictures.

use std::sync::Arc;

use burn::tensor::Tensor;
use image::{Rgb, RgbImage};

use crate::error::{Error, Result};
use crate::map::Map;
use crate::reduce::Reduce;

impl Map {
    /// Reduces one row of attributions of a volume or a video, of shape
    /// `[rows, channels, slices, height, width]`, to one map for each slice.
    ///
    /// If the frames of a video come before its channels, swap the axes:
    /// `values.swap_dims(1, 2)`.
    ///
    /// # Errors
    /// Those of [`Map::of_row`]. The shape in [`Error::EmptyMap`] is that of the slices.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_photo::{Map, Reduce};
    ///
    /// // One row of one channel, two slices of 1 x 2 pixels.
    /// let values = Tensor::<5>::from_data([[[[[1.0, 0.0]], [[2.0, -3.0]]]]], &Device::flex());
    /// let maps = Map::of_slices(&values, 0, Reduce::Sum)?;
    /// assert_eq!(maps[1].values(), [2.0, -3.0]);
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn of_slices(values: &Tensor<5>, row: usize, reduction: Reduce) -> Result<Vec<Self>> {
        let slices = slices_of_row(values, row)?;
        (0..slices.dims()[0]).map(|slice| Self::of_row(&slices, slice, reduction)).collect()
    }
}

/// Draws the slices of one row of a volume or a video, of shape
/// `[rows, channels, slices, height, width]`.
///
/// All slices share one scale: the smallest value of the row is black, the largest is white. Three
/// channels are red, green and blue. Any other number of channels is averaged to grey.
///
/// # Errors
/// [`Error::EmptyMap`] if the tensor has no values, [`Error::Row`] if it has no such row,
/// [`Error::NotFinite`] if the row holds NaN or infinity, and [`Error::Device`] if the values cannot
/// be read from their device.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_photo::slice_pictures;
///
/// let volume = Tensor::<5>::from_data([[[[[-1.0, 0.0]], [[1.0, 0.0]]]]], &Device::flex());
/// let pictures = slice_pictures(&volume, 0)?;
/// assert_eq!(pictures.len(), 2);
/// assert_eq!(pictures[0].get_pixel(0, 0).0, [0; 3]);
/// assert_eq!(pictures[1].get_pixel(0, 0).0, [255; 3]);
/// # Ok::<(), saliency_photo::Error>(())
/// ```
pub fn slice_pictures(volume: &Tensor<5>, row: usize) -> Result<Vec<RgbImage>> {
    let slices = slices_of_row(volume, row)?;
    let [_, channels, height, width] = slices.dims();
    let values = slices.try_into_vec_as::<f64>();
    let values = values.map_err(|error| Error::Device { cause: Arc::new(error) })?;
    if !values.iter().all(|value| value.is_finite()) {
        return Err(Error::NotFinite);
    }
    let darkest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let brightest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Halves, because the difference of two huge numbers may be infinite. A constant is black.
    let range = (0.5 * brightest - 0.5 * darkest).max(f64::MIN_POSITIVE);
    let light = |value: f64| (255.0 * (0.5 * value - 0.5 * darkest) / range).round() as u8;
    let area = height * width;
    let draw = |slice: &[f64]| {
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let pixel = y as usize * width + x as usize;
            let channel = |channel: usize| slice[channel * area + pixel];
            if channels == 3 {
                return Rgb([0, 1, 2].map(|at| light(channel(at))));
            }
            let mean = (0..channels).map(|at| channel(at) / channels as f64).sum();
            Rgb([light(mean); 3])
        })
    };
    Ok(values.chunks(channels * area).map(draw).collect())
}

/// Returns the slices of one row as `[slices, channels, height, width]`.
fn slices_of_row(values: &Tensor<5>, row: usize) -> Result<Tensor<4>> {
    let [rows, channels, slices, height, width] = values.dims();
    let shape = [rows * slices, channels, height, width];
    if shape.contains(&0) {
        return Err(Error::EmptyMap { shape });
    }
    if row >= rows {
        return Err(Error::Row { rows, row });
    }
    let row = values.clone().inner().narrow(0, row, 1).swap_dims(1, 2);
    Ok(row.reshape([slices, channels, height, width]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    /// Two rows of two channels and three slices of 1 x 2 pixels: 0, 1, 2 ...
    fn volume() -> Tensor<5> {
        let values: Vec<f32> = (0..24u8).map(f32::from).collect();
        Tensor::from_data(TensorData::new(values, [2, 2, 3, 1, 2]), &Device::flex())
    }

    #[test]
    fn each_slice_has_the_channels_of_its_place_and_row() {
        let maps = Map::of_slices(&volume(), 1, Reduce::Sum).unwrap();
        let values: Vec<&[f64]> = maps.iter().map(Map::values).collect();
        assert_eq!(values, [[30.0, 32.0], [34.0, 36.0], [38.0, 40.0]]);
        let frames_first = Map::of_slices(&volume().swap_dims(1, 2), 1, Reduce::Sum).unwrap();
        let values: Vec<&[f64]> = frames_first.iter().map(Map::values).collect();
        assert_eq!(values, [[12.0 + 14.0 + 16.0, 13.0 + 15.0 + 17.0], [60.0, 63.0]]);
    }

    #[test]
    fn pictures_share_one_scale_and_three_channels_are_colours() {
        let pictures = slice_pictures(&volume(), 0).unwrap();
        // The means of two channels run from 3 to 8 of 0 to 11.
        let greys: Vec<[u8; 3]> =
            pictures.iter().flat_map(|it| it.pixels().map(|pixel| pixel.0)).collect();
        let grey = |value: f64| [(255.0 * value / 11.0).round() as u8; 3];
        assert_eq!(greys, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0].map(grey));
        let colours = slice_pictures(&volume().swap_dims(1, 2), 0).unwrap();
        assert_eq!(colours.len(), 2);
        assert_eq!(colours[0].get_pixel(0, 0).0, [0.0, 2.0, 4.0].map(|value| grey(value)[0]));
        let flat = slice_pictures(&Tensor::full([1, 1, 2, 1, 1], 7.0, &Device::flex()), 0).unwrap();
        assert_eq!(flat[1].get_pixel(0, 0).0, [0; 3]);
    }

    #[test]
    fn volumes_without_slices_or_with_nan_are_errors() {
        let none = Tensor::<5>::zeros([1, 1, 0, 2, 2], &Device::flex());
        let shape = [0, 1, 2, 2];
        let error = Map::of_slices(&none, 0, Reduce::Sum).unwrap_err();
        assert!(matches!(error, Error::EmptyMap { shape: found } if found == shape));
        let error = slice_pictures(&none, 0).unwrap_err();
        assert!(matches!(error, Error::EmptyMap { .. }));
        let error = slice_pictures(&volume(), 2).unwrap_err();
        assert!(matches!(error, Error::Row { rows: 2, row: 2 }));
        let nan = Tensor::<5>::full([1, 1, 1, 1, 1], f32::NAN, &Device::flex());
        assert!(matches!(slice_pictures(&nan, 0), Err(Error::NotFinite)));
        assert!(matches!(Map::of_slices(&nan, 0, Reduce::Sum), Err(Error::NotFinite)));
    }
}
