use crate::error::{Error, Result};
use crate::map::Map;

/// A [`Map`] with its scale: the attribution that is shown as 1.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledMap {
    map: Map,
    scale: f64,
}

impl Map {
    /// Clips the strongest pixels. Full colour begins at the smallest value `v` for which the
    /// pixels up to `v` hold the given share of the total of absolute values. A share of 0.9 is
    /// usual; 1 clips nothing.
    ///
    /// ```text
    /// scale = the smallest v with Σ_{|a_p| ≤ v} |a_p| ≥ share Σ_p |a_p|
    /// ```
    ///
    /// A few extreme pixels do not make all others look dark. Pixels that together hold almost
    /// nothing do not look bright, even if there are many of them. A map that is zero everywhere
    /// stays zero.
    ///
    /// # Errors
    /// [`Error::Share`] unless the share is above 0 and at most 1.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_photo::{Map, Reduce};
    ///
    /// // Without the pixel of 4, the other pixels hold 8 of 12.
    /// let values = Tensor::<4>::from_data([[[[2.0, 3.0], [4.0, -3.0]]]], &Device::flex());
    /// let map = Map::of_row(&values, 0, Reduce::Sum)?;
    /// assert_eq!(map.clip_beyond(0.6)?.scale(), 3.0);
    /// assert_eq!(map.clip_beyond(1.0)?.scale(), 4.0);
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    ///
    /// # Source
    /// Captum's `visualize_image_attr`, whose `outlier_perc` is 100 % minus this share.
    pub fn clip_beyond(&self, share: f64) -> Result<ScaledMap> {
        let scale = Self::shared_scale(&[self], share)?;
        Ok(ScaledMap { map: self.clone(), scale })
    }

    /// Scales the map so that the given value is shown as 1. A scale of 1 leaves the values
    /// unchanged. At a scale of zero every value above zero is shown as 1 and every value below it
    /// as -1.
    ///
    /// # Errors
    /// [`Error::Scale`] if the scale is negative or not finite.
    pub fn with_scale(&self, scale: f64) -> Result<ScaledMap> {
        if !(scale.is_finite() && scale >= 0.0) {
            return Err(Error::Scale { found: scale });
        }
        Ok(ScaledMap { map: self.clone(), scale })
    }

    /// Computes one scale for several maps, so that they can be compared: the scale that
    /// [`Map::clip_beyond`] would use for the values of all maps together. Returns zero if there
    /// are no maps.
    ///
    /// # Errors
    /// [`Error::Share`] unless the share is above 0 and at most 1.
    pub fn shared_scale(maps: &[&Self], share: f64) -> Result<f64> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::Share { found: share });
        }
        let values = maps.iter().flat_map(|map| map.values());
        let mut sorted: Vec<f64> = values.map(|value| value.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(&largest) = sorted.last().filter(|largest| **largest > 0.0) else {
            return Ok(0.0);
        };
        // Sum in units of the largest value, so that no sum is infinite.
        let total: f64 = sorted.iter().map(|value| value / largest).sum();
        let mut held = 0.0;
        let reaches = |value: &&f64| {
            held += **value / largest;
            held >= share * total
        };
        // `held` adds the same values in the same order as `total`, so it reaches the total at the
        // last value.
        Ok(sorted.iter().find(reaches).copied().unwrap_or(largest))
    }
}

impl ScaledMap {
    /// Returns the map before it was scaled.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Returns the attribution that is shown as 1.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Returns whether some values are beyond the scale. These are shown as 1 or -1.
    pub fn is_clipped(&self) -> bool {
        self.map.values().iter().any(|value| value.abs() > self.scale)
    }

    /// Returns the values between 0 and 1, or between -1 and 1 if the map is signed, row by row
    /// from the top.
    pub fn values(&self) -> Vec<f32> {
        // Zero stays zero, even at a scale of zero.
        let scaled = |&value: &f64| match value {
            0.0 => 0.0,
            value => (value / self.scale).clamp(-1.0, 1.0) as f32,
        };
        self.map.values().iter().map(scaled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::line;

    #[test]
    fn clipping_keeps_order_and_remembers_the_scale() {
        // The values up to 50 hold 1,275 of 5,050.
        let values: Vec<f64> = (0..=100u8).map(f64::from).collect();
        let clipped = line(&values).clip_beyond(0.25).unwrap();
        assert_eq!(clipped.scale(), 50.0);
        assert!(clipped.is_clipped());
        let values = clipped.values();
        assert_eq!((values[0], values[25], values[100]), (0.0, 0.5, 1.0));
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(!line(&[1.0, 2.0]).clip_beyond(1.0).unwrap().is_clipped());
    }

    #[test]
    fn zero_stays_zero_and_a_constant_becomes_one() {
        for share in [1e-9, 0.5, 0.95, 1.0] {
            let values = |values: &[f64]| line(values).clip_beyond(share).unwrap().values();
            assert_eq!(values(&[0.0; 4]), [0.0; 4]);
            assert_eq!(values(&[3.0; 4]), [1.0; 4]);
            assert_eq!(values(&[0.0, 0.0, 0.0, 2.0]), [0.0, 0.0, 0.0, 1.0]);
            assert_eq!(values(&[-2.0]), [-1.0]);
            // The sum of these values is infinite, but their scaled values are not.
            assert_eq!(values(&[1.7e308, -1.7e308]), [1.0, -1.0]);
            assert_eq!(values(&[5e-324, 0.0]), [1.0, 0.0]);
        }
    }

    #[test]
    fn a_small_product_is_bright_on_a_ground_of_noise() {
        // 40 pixels of 10,000 are the product. The 99th percentile of the pixels is noise.
        let noise = |at: u32| 1e-7 * (f64::from(at) * 0.7).sin();
        let map = |noise: &dyn Fn(u32) -> f64| {
            let value = |at| if (5_000..5_040).contains(&at) { 1.0 } else { noise(at) };
            line(&(0..10_000).map(value).collect::<Vec<f64>>())
        };
        for map in [map(&noise), map(&|_| 0.0)] {
            let drawn = map.clip_beyond(0.9).unwrap().values();
            let bright = drawn.iter().enumerate().filter(|(_, value)| value.abs() > 0.5);
            let bright: Vec<usize> = bright.map(|(at, _)| at).collect();
            assert_eq!(bright, (5_000..5_040).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_share_outside_its_range_is_an_error() {
        // Earlier versions took a percentile, such as 99.
        for wrong in [0.0, -1.0, 1.005, 99.0, f64::NAN] {
            assert!(matches!(line(&[1.0]).clip_beyond(wrong), Err(Error::Share { .. })));
        }
        let text = line(&[1.0]).clip_beyond(99.0).unwrap_err().to_string();
        assert_eq!(text, "expected a share of the total above 0 and up to 1, found 99");
    }

    #[test]
    fn a_map_below_zero_keeps_its_sign_and_nothing_speaks_for_it() {
        let map = line(&[-1.0, -2.0, -4.0]);
        assert_eq!(map.clip_beyond(1.0).unwrap().values(), [-0.25, -0.5, -1.0]);
        assert_eq!(map.area_holding(0.5), None);
    }

    #[test]
    fn a_scale_is_shared_or_given() {
        let (small, large) = (line(&[1.0, -2.0]), line(&[0.0, 8.0]));
        let scale = Map::shared_scale(&[&small, &large], 1.0).unwrap();
        assert_eq!(scale, 8.0);
        assert_eq!(small.with_scale(scale).unwrap().values(), [0.125, -0.25]);
        assert_eq!(small.with_scale(1.0).unwrap().values(), [1.0, -1.0]);
        assert_eq!(Map::shared_scale(&[], 0.9).unwrap(), 0.0);
        assert_eq!(line(&[0.0, 1.0]).with_scale(0.0).unwrap().values(), [0.0, 1.0]);
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(small.with_scale(wrong), Err(Error::Scale { .. })));
        }
    }
}
