use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::place::overlaps;

/// How the attributions of a pixel's channels become one number.
///
/// ```text
/// AbsoluteSum  m = Σ_c |a_c|          Positive  m = max(0, Σ_c a_c)
/// Sum          m = Σ_c a_c            Negative  m = max(0, -Σ_c a_c)
/// Max          m = max_c |a_c|        L2Norm    m = √(Σ_c a_c²)
/// ```
///
/// Only `Sum` keeps the sign: its maps are drawn with colours that diverge from a neutral zero.
///
/// # Source
/// `Max`: Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks*, 2013.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reduce {
    /// How much the pixel mattered, whichever way.
    #[default]
    AbsoluteSum,
    /// How much it spoke for the class, or, below zero, against it.
    Sum,
    /// The channel that mattered most.
    Max,
    /// The length of the vector of channels.
    L2Norm,
    /// What spoke for the class.
    Positive,
    /// What spoke against it.
    Negative,
}

impl Reduce {
    /// One number of the values of all channels.
    fn of(self, channels: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::AbsoluteSum => channels.map(f64::abs).sum(),
            Self::Sum => channels.sum(),
            Self::Max => channels.map(f64::abs).fold(0.0, f64::max),
            Self::L2Norm => channels.map(|value| value * value).sum::<f64>().sqrt(),
            Self::Positive => channels.sum::<f64>().max(0.0),
            Self::Negative => (-channels.sum::<f64>()).max(0.0),
        }
    }
}

/// One number per pixel: the attributions of a row of pictures, [reduced](Reduce) over channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    width: usize,
    height: usize,
    values: Vec<f64>,
    reduce: Reduce,
}

/// A [`Map`] with the attribution that is shown as 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled {
    map: Map,
    scale: f64,
}

impl Map {
    /// Reduces one row of attributions of shape `[rows, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::Row`], [`Error::EmptyMap`], [`Error::NotFinite`], [`Error::Device`].
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_viz::{Map, Reduce};
    ///
    /// let values = Tensor::<4>::from_data([[[[3.0]], [[-4.0]]]], &Device::flex());
    /// assert_eq!(Map::of_row(&values, 0, Reduce::AbsoluteSum)?.values(), [7.0]);
    /// assert_eq!(Map::of_row(&values, 0, Reduce::Sum)?.values(), [-1.0]);
    /// # Ok::<(), saliency_viz::Error>(())
    /// ```
    pub fn of_row(values: &Tensor<4>, row: usize, reduce: Reduce) -> Result<Self> {
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
        // Before they are reduced: the largest of NaN and a number is the number.
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NotFinite);
        }
        let area = height * width;
        let channels = |pixel| values[pixel..].iter().step_by(area).copied();
        let values: Vec<f64> = (0..area).map(|pixel| reduce.of(channels(pixel))).collect();
        // And after: the sum of huge numbers may not be one.
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(Self { width, height, values, reduce }),
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

    /// Whether values may lie below zero.
    pub fn is_signed(&self) -> bool {
        self.reduce == Reduce::Sum
    }

    /// What became of the channels.
    pub fn reduce(&self) -> Reduce {
        self.reduce
    }

    /// The longer side.
    pub(crate) fn side(&self) -> usize {
        self.width.max(self.height)
    }

    /// The same map with at most so many pixels along its longer side: means over their areas.
    pub(crate) fn averaged(&self, most: usize) -> Self {
        if self.side() <= most {
            return self.clone();
        }
        let to = |length: usize| (length * most).div_ceil(self.side());
        let columns = overlaps(to(self.width), self.width as u32);
        let rows = overlaps(to(self.height), self.height as u32);
        let mean = |row: &[(u32, f64)], column: &[(u32, f64)]| {
            let (mut sum, mut area) = (0.0, 0.0);
            for &(y, high) in row {
                for &(x, wide) in column {
                    sum += self.values[y as usize * self.width + x as usize] * wide * high;
                    area += wide * high;
                }
            }
            sum / area
        };
        let of_row = |row: &Vec<_>| columns.iter().map(|it| mean(row, it)).collect::<Vec<_>>();
        let values = rows.iter().flat_map(of_row).collect();
        Self { width: columns.len(), height: rows.len(), values, reduce: self.reduce }
    }

    /// The largest absolute value.
    pub(crate) fn most(&self) -> f64 {
        self.values.iter().fold(0.0, |most, value| value.abs().max(most))
    }

    /// What spoke for the class at each pixel: the values, or of a signed map those above zero.
    pub(crate) fn weights(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|value| value.max(0.0))
    }

    /// The share of the pixels, the strongest, that holds a share of the total, and the value of the
    /// weakest of them; none where the map is zero. Of a signed map only the values above zero count.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_viz::{Map, Reduce};
    ///
    /// let values = Tensor::<4>::from_data([[[[6.0, 1.0], [1.0, 2.0]]]], &Device::flex());
    /// let map = Map::of_row(&values, 0, Reduce::Sum)?;
    /// // One pixel of four holds half.
    /// assert_eq!(map.area_holding(0.5), Some((0.25, 6.0)));
    /// # Ok::<(), saliency_viz::Error>(())
    /// ```
    pub fn area_holding(&self, share: f64) -> Option<(f64, f64)> {
        let mut sorted: Vec<f64> = self.weights().filter(|weight| *weight > 0.0).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let needed = share.clamp(0.0, 1.0) * sorted.iter().sum::<f64>();
        let mut held = 0.0;
        let enough = |weight: &f64| {
            held += weight;
            held >= needed
        };
        // Rounding may keep the sum of all from reaching the total.
        let last = sorted.iter().position(enough).or(sorted.len().checked_sub(1))?;
        Some(((last + 1) as f64 / self.values.len() as f64, sorted[last]))
    }

    /// Shows the absolute value at a percentile (99 is usual) as 1 and clips what lies beyond, so
    /// that a few extreme pixels do not make all others look dark.
    ///
    /// Where that value is zero, as on a map with a few bright pixels, the largest is used
    /// instead. A map that is zero everywhere stays zero.
    ///
    /// # Errors
    /// [`Error::Percentile`].
    pub fn clip(&self, percentile: f64) -> Result<Scaled> {
        let scale = Self::shared_scale(&[self], percentile)?;
        Ok(Scaled { map: self.clone(), scale })
    }

    /// Shows a given value as 1, or, at a scale of 1, the values as they are.
    ///
    /// # Errors
    /// [`Error::Scale`] where it is negative or not finite. At zero only zero is shown as zero, as
    /// on a map that is zero everywhere.
    pub fn with_scale(&self, scale: f64) -> Result<Scaled> {
        match scale.is_finite() && scale >= 0.0 {
            true => Ok(Scaled { map: self.clone(), scale }),
            false => Err(Error::Scale { found: scale }),
        }
    }

    /// The scale at which several maps can be compared: that of [`Map::clip`] over the values of all.
    ///
    /// # Errors
    /// [`Error::Percentile`].
    pub fn shared_scale(maps: &[&Self], percentile: f64) -> Result<f64> {
        if !(percentile > 0.0 && percentile <= 100.0) {
            return Err(Error::Percentile { found: percentile });
        }
        let mut sorted: Vec<f64> =
            maps.iter().flat_map(|map| &map.values).map(|value| value.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return Ok(0.0) };
        let at = (percentile / 100.0 * last as f64).round() as usize;
        Ok(if sorted[at] > 0.0 { sorted[at] } else { sorted[last] })
    }
}

impl Scaled {
    /// The map before it was scaled.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The attribution that is shown as 1.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Whether values lie beyond the scale, and are shown as if they lay on it.
    pub fn is_clipped(&self) -> bool {
        self.map.values.iter().any(|value| value.abs() > self.scale)
    }

    /// The values between 0 and 1, or -1 and 1 where the map is signed, row by row from the top.
    pub fn values(&self) -> Vec<f32> {
        let scaled = |&value: &f64| match value {
            0.0 => 0.0,
            value => (value / self.scale).clamp(-1.0, 1.0) as f32,
        };
        self.map.values.iter().map(scaled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn map(values: &[f64]) -> Map {
        let (width, values) = (values.len(), values.to_vec());
        Map { width, height: 1, values, reduce: Reduce::Sum }
    }

    #[test]
    fn channels_are_summed_by_absolute_value_in_the_row_asked_for() {
        let values = [[[[9.0, 9.0]], [[9.0, 9.0]]], [[[1.0, -2.0]], [[-3.0, 4.0]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        let map = Map::of_row(&values, 1, Reduce::default()).unwrap();
        assert_eq!((map.dimensions(), map.values()), ((2, 1), &[4.0, 6.0][..]));
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
    fn clipping_keeps_order_and_remembers_the_scale() {
        let values: Vec<f64> = (0..=100u8).map(f64::from).collect();
        let clipped = map(&values).clip(50.0).unwrap();
        assert_eq!(clipped.scale(), 50.0);
        assert!(clipped.is_clipped());
        let values = clipped.values();
        assert_eq!((values[0], values[25], values[100]), (0.0, 0.5, 1.0));
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
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

    #[test]
    fn every_reduction_is_its_equation() {
        let values = [[[[3.0, -1.0]], [[-4.0, -1.0]], [[0.0, -1.0]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        for (reduce, expected) in [
            (Reduce::AbsoluteSum, [7.0, 3.0]),
            (Reduce::Sum, [-1.0, -3.0]),
            (Reduce::Max, [4.0, 1.0]),
            (Reduce::L2Norm, [5.0, 3.0f64.sqrt()]),
            (Reduce::Positive, [0.0, 0.0]),
            (Reduce::Negative, [1.0, 3.0]),
        ] {
            let map = Map::of_row(&values, 0, reduce).unwrap();
            assert_eq!(map.values(), expected, "{reduce:?}");
            assert_eq!(map.is_signed(), reduce == Reduce::Sum);
        }
    }

    #[test]
    fn a_map_below_zero_keeps_its_sign_and_nothing_speaks_for_it() {
        let map = map(&[-1.0, -2.0, -4.0]);
        assert_eq!(map.clip(100.0).unwrap().values(), [-0.25, -0.5, -1.0]);
        assert_eq!(map.area_holding(0.5), None);
    }

    #[test]
    fn a_scale_is_shared_or_given() {
        let (small, large) = (map(&[1.0, -2.0]), map(&[0.0, 8.0]));
        let scale = Map::shared_scale(&[&small, &large], 100.0).unwrap();
        assert_eq!(scale, 8.0);
        assert_eq!(small.with_scale(scale).unwrap().values(), [0.125, -0.25]);
        assert_eq!(small.with_scale(1.0).unwrap().values(), [1.0, -1.0]);
        assert_eq!(Map::shared_scale(&[], 99.0).unwrap(), 0.0);
        assert_eq!(map(&[0.0, 1.0]).with_scale(0.0).unwrap().values(), [0.0, 1.0]);
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(small.with_scale(wrong), Err(Error::Scale { .. })));
        }
    }

    #[test]
    fn a_large_map_is_averaged_and_its_mean_stays() {
        let values: Vec<f64> = (0..600).map(f64::from).collect();
        let small = map(&values).averaged(256);
        assert_eq!(small.dimensions(), (256, 1));
        // The first holds 2 and 11/32 values: 0, 1 and a part of 2.
        assert!((small.values()[0] - (1.0 + 0.34375 * 2.0) / 2.34375).abs() < 1e-12);
        assert!((small.values().iter().sum::<f64>() / 256.0 - 299.5).abs() < 1e-9);
        assert_eq!(map(&values).averaged(600), map(&values));
    }

    #[test]
    fn the_area_is_the_smallest_that_holds_the_share() {
        let map = map(&[1.0, 5.0, -9.0, 4.0]);
        assert_eq!(map.area_holding(0.5), Some((0.25, 5.0)));
        assert_eq!(map.area_holding(0.6), Some((0.5, 4.0)));
        assert_eq!(map.area_holding(1.0), Some((0.75, 1.0)));
    }
}
