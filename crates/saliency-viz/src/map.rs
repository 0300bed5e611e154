use burn::tensor::Tensor;

use crate::error::{Error, Result};

/// One number per pixel: the absolute attributions of a row of pictures, summed over channels.
///
/// ```text
/// m[y, x] = Σ_c |a[c, y, x]|
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    width: usize,
    height: usize,
    values: Vec<f64>,
}

/// A [`Map`] scaled to 0..1, its largest values clipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Clipped {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
    scale: f64,
}

impl Map {
    /// Reduces one row of attributions of shape `[rows, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::Row`], [`Error::EmptyMap`], [`Error::NotFinite`], [`Error::Device`].
    pub fn of_row(values: &Tensor<4>, row: usize) -> Result<Self> {
        let shape @ [rows, channels, height, width] = values.dims();
        if rows * channels * height * width == 0 {
            return Err(Error::EmptyMap { shape });
        }
        if row >= rows {
            return Err(Error::Row { rows, row });
        }
        let values = values.clone().inner().narrow(0, row, 1);
        let values = values.try_into_vec_as::<f64>();
        let values = values.map_err(|error| Error::Device { reason: error.to_string() })?;
        let mut sums = vec![0.0; height * width];
        for channel in values.chunks(height * width) {
            for (sum, value) in sums.iter_mut().zip(channel) {
                *sum += value.abs();
            }
        }
        match sums.iter().all(|value| value.is_finite()) {
            true => Ok(Self { width, height, values: sums }),
            false => Err(Error::NotFinite),
        }
    }

    /// Width and height in pixels.
    pub fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The values, row by row from the top.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Divides by the value at a percentile (99 is usual) and clips what lies above, so that a few
    /// extreme pixels do not make all others look dark.
    ///
    /// Where that value is zero, as on a map with a few bright pixels, the largest is used
    /// instead. A map that is zero everywhere stays zero.
    ///
    /// # Errors
    /// [`Error::Percentile`].
    pub fn clip(&self, percentile: f64) -> Result<Clipped> {
        if !(percentile > 0.0 && percentile <= 100.0) {
            return Err(Error::Percentile { found: percentile });
        }
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        let at = (percentile / 100.0 * last as f64).round() as usize;
        let scale = if sorted[at] > 0.0 { sorted[at] } else { sorted[last] };
        let scaled = |&value: &f64| if scale > 0.0 { (value / scale).min(1.0) as f32 } else { 0.0 };
        let values = self.values.iter().map(scaled).collect();
        Ok(Clipped { width: self.width, height: self.height, values, scale })
    }
}

impl Clipped {
    /// The attribution that is shown as 1.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The values between 0 and 1, row by row from the top.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn map(values: &[f64]) -> Map {
        Map { width: values.len(), height: 1, values: values.to_vec() }
    }

    #[test]
    fn channels_are_summed_by_absolute_value_in_the_row_asked_for() {
        let values = [[[[9.0, 9.0]], [[9.0, 9.0]]], [[[1.0, -2.0]], [[-3.0, 4.0]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        let map = Map::of_row(&values, 1).unwrap();
        assert_eq!((map.dimensions(), map.values()), ((2, 1), &[4.0, 6.0][..]));
        assert!(matches!(Map::of_row(&values, 2), Err(Error::Row { rows: 2, row: 2 })));
    }

    #[test]
    fn an_empty_or_infinite_map_is_an_error() {
        let device = Device::flex();
        for empty in [[1, 3, 0, 4], [1, 0, 4, 4], [0, 3, 4, 4]] {
            let error = Map::of_row(&Tensor::zeros(empty, &device), 0);
            assert!(matches!(error, Err(Error::EmptyMap { shape }) if shape == empty));
        }
        let infinite = Tensor::<4>::full([1, 1, 2, 2], f32::INFINITY, &device);
        assert!(matches!(Map::of_row(&infinite, 0), Err(Error::NotFinite)));
        let huge = Tensor::<4>::full([1, 4, 1, 1], f32::MAX, &device);
        assert!(Map::of_row(&huge, 0).is_ok(), "the sum over channels is finite");
    }

    #[test]
    fn clipping_keeps_order_and_remembers_the_scale() {
        let values: Vec<f64> = (0..=100u8).map(f64::from).collect();
        let clipped = map(&values).clip(50.0).unwrap();
        assert_eq!(clipped.scale(), 50.0);
        assert_eq!((clipped.values[0], clipped.values[25], clipped.values[100]), (0.0, 0.5, 1.0));
        assert!(clipped.values.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn zero_stays_zero_and_a_constant_becomes_one() {
        assert_eq!(map(&[0.0; 4]).clip(99.0).unwrap().values(), [0.0; 4]);
        assert_eq!(map(&[3.0; 4]).clip(99.0).unwrap().values(), [1.0; 4]);
        // The percentile is zero: the scale is the largest value.
        assert_eq!(map(&[0.0, 0.0, 0.0, 2.0]).clip(50.0).unwrap().values(), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_percentile_outside_its_range_is_an_error() {
        for wrong in [0.0, -1.0, 100.5, f64::NAN] {
            assert!(matches!(map(&[1.0]).clip(wrong), Err(Error::Percentile { .. })));
        }
    }
}
