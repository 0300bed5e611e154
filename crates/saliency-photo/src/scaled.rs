use crate::error::{Error, Result};
use crate::map::Map;

/// A [`Map`] with the attribution that is shown as 1.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledMap {
    map: Map,
    scale: f64,
}

impl Map {
    /// Shows the absolute value at a percentile (99 is usual) as 1 and clips larger values to it,
    /// so that a few extreme pixels do not make all others look dark.
    ///
    /// If that value is zero, as on a map with a few bright pixels, the largest is used instead. A
    /// map that is zero everywhere stays zero.
    ///
    /// # Errors
    /// [`Error::Percentile`] if it is not above 0 and up to 100.
    pub fn clip(&self, percentile: f64) -> Result<ScaledMap> {
        let scale = Self::shared_scale(&[self], percentile)?;
        Ok(ScaledMap { map: self.clone(), scale })
    }

    /// Shows a given value as 1; a scale of 1 leaves the values as they are. At a scale of zero
    /// every value above zero is shown as 1 and every value below it as -1.
    ///
    /// # Errors
    /// [`Error::Scale`] if it is negative or not finite.
    pub fn with_scale(&self, scale: f64) -> Result<ScaledMap> {
        if !(scale.is_finite() && scale >= 0.0) {
            return Err(Error::Scale { found: scale });
        }
        Ok(ScaledMap { map: self.clone(), scale })
    }

    /// Computes a scale for comparing several maps: that of [`Map::clip`] over the values of all
    /// maps. Returns zero without maps.
    ///
    /// # Errors
    /// [`Error::Percentile`] if it is not above 0 and up to 100.
    pub fn shared_scale(maps: &[&Self], percentile: f64) -> Result<f64> {
        if !(percentile > 0.0 && percentile <= 100.0) {
            return Err(Error::Percentile { found: percentile });
        }
        let values = maps.iter().flat_map(|map| map.values());
        let mut sorted: Vec<f64> = values.map(|value| value.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return Ok(0.0) };
        let at = (percentile / 100.0 * last as f64).round() as usize;
        Ok(if sorted[at] > 0.0 { sorted[at] } else { sorted[last] })
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

    /// Returns whether values are beyond the scale, and so are shown as if they were on it.
    pub fn is_clipped(&self) -> bool {
        self.map.values().iter().any(|value| value.abs() > self.scale)
    }

    /// Returns the values between 0 and 1, or between -1 and 1 if the map is signed, row by row
    /// from the top.
    pub fn values(&self) -> Vec<f32> {
        // Zero stays zero at a scale of zero, too.
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
        let values: Vec<f64> = (0..=100u8).map(f64::from).collect();
        let clipped = line(&values).clip(50.0).unwrap();
        assert_eq!(clipped.scale(), 50.0);
        assert!(clipped.is_clipped());
        let values = clipped.values();
        assert_eq!((values[0], values[25], values[100]), (0.0, 0.5, 1.0));
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn zero_stays_zero_and_a_constant_becomes_one() {
        assert_eq!(line(&[0.0; 4]).clip(99.0).unwrap().values(), [0.0; 4]);
        assert_eq!(line(&[3.0; 4]).clip(99.0).unwrap().values(), [1.0; 4]);
        // The percentile is zero: the scale is the largest value.
        assert_eq!(line(&[0.0, 0.0, 0.0, 2.0]).clip(50.0).unwrap().values(), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_percentile_outside_its_range_is_an_error() {
        for wrong in [0.0, -1.0, 100.5, f64::NAN] {
            assert!(matches!(line(&[1.0]).clip(wrong), Err(Error::Percentile { .. })));
        }
    }

    #[test]
    fn a_map_below_zero_keeps_its_sign_and_nothing_speaks_for_it() {
        let map = line(&[-1.0, -2.0, -4.0]);
        assert_eq!(map.clip(100.0).unwrap().values(), [-0.25, -0.5, -1.0]);
        assert_eq!(map.area_holding(0.5), None);
    }

    #[test]
    fn a_scale_is_shared_or_given() {
        let (small, large) = (line(&[1.0, -2.0]), line(&[0.0, 8.0]));
        let scale = Map::shared_scale(&[&small, &large], 100.0).unwrap();
        assert_eq!(scale, 8.0);
        assert_eq!(small.with_scale(scale).unwrap().values(), [0.125, -0.25]);
        assert_eq!(small.with_scale(1.0).unwrap().values(), [1.0, -1.0]);
        assert_eq!(Map::shared_scale(&[], 99.0).unwrap(), 0.0);
        assert_eq!(line(&[0.0, 1.0]).with_scale(0.0).unwrap().values(), [0.0, 1.0]);
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(small.with_scale(wrong), Err(Error::Scale { .. })));
        }
    }
}
