//! The few places of a map that hold most of it.

use crate::map::Map;

/// Strong pixels of a map that touch each other, at least at a corner.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// The pixels, as indices of [`Map::values`], in ascending order.
    pub pixels: Vec<usize>,
    /// The share of the map's total that is inside. Of a signed map, only values above zero count.
    pub share: f64,
}

impl Map {
    /// Finds the strongest pixels that hold a share of the total, and joins those that touch into
    /// places. They are the pixels that [`Map::area_holding`] counts. The place with the largest
    /// share is the first. Returns no place if no value is above zero.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_photo::{Map, Reduce};
    ///
    /// let values = Tensor::<4>::from_data([[[[2.0, 0.0, 4.0], [2.0, 1.0, 1.0]]]], &Device::flex());
    /// let map = Map::of_row(&values, 0, Reduce::Sum)?;
    /// let places = map.places(0.8);
    /// assert_eq!((&places[0].pixels[..], places[0].share), (&[2][..], 0.4));
    /// assert_eq!((&places[1].pixels[..], places[1].share), (&[0, 3][..], 0.4));
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn places(&self, share: f64) -> Vec<Place> {
        let total: f64 = self.positive_values().sum();
        let mut is_free = vec![false; self.values().len()];
        let strongest = self.strongest(share);
        strongest.iter().for_each(|&pixel| is_free[pixel] = true);
        let mut places = Vec::new();
        // Each place grows from its strongest pixel.
        for start in strongest {
            if !is_free[start] {
                continue;
            }
            is_free[start] = false;
            let (mut pixels, mut grown) = (vec![start], 0);
            while let Some(&pixel) = pixels.get(grown) {
                grown += 1;
                for neighbour in self.neighbours(pixel) {
                    if std::mem::take(&mut is_free[neighbour]) {
                        pixels.push(neighbour);
                    }
                }
            }
            pixels.sort_unstable();
            let inside: f64 = pixels.iter().map(|&pixel| self.values()[pixel]).sum();
            places.push(Place { pixels, share: inside / total });
        }
        places.sort_by(|a, b| b.share.total_cmp(&a.share));
        places
    }

    /// Lists a pixel and the pixels around it.
    fn neighbours(&self, pixel: usize) -> impl Iterator<Item = usize> {
        let size = self.size();
        let [width, height] = [size.width as usize, size.height as usize];
        let (x, y) = (pixel % width, pixel / width);
        let around = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
        around(y, height).flat_map(move |y| around(x, width).map(move |x| y * width + x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::Reduce;
    use burn::tensor::{Device, Tensor};

    fn map(values: [[f64; 4]; 3]) -> Map {
        Map::of_row(&Tensor::<4>::from_data([[values]], &Device::flex()), 0, Reduce::Sum).unwrap()
    }

    #[test]
    fn pixels_that_touch_are_one_place_also_at_a_corner() {
        let map = map([[8.0, 0.0, 0.0, 6.0], [0.0, 8.0, 0.0, 0.0], [-9.0, 0.0, 0.0, 10.0]]);
        let places = map.places(1.0);
        let found: Vec<_> = places.iter().map(|place| (&place.pixels[..], place.share)).collect();
        assert_eq!(found, [(&[0, 5][..], 0.5), (&[11], 0.3125), (&[3], 0.1875)]);
        // The strongest pixels that hold half are not those of the place with half.
        let half: Vec<_> = map.places(0.5).into_iter().map(|place| place.pixels).collect();
        assert_eq!(half, [[11], [0]]);
    }

    #[test]
    fn the_right_edge_does_not_touch_the_left_one() {
        let map = map([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [0.0; 4]]);
        assert_eq!(map.places(1.0).len(), 2);
    }

    #[test]
    fn places_are_the_area_that_holds_the_share() {
        let equal = map([[1.0; 4]; 3]);
        let places = equal.places(0.5);
        let pixels: usize = places.iter().map(|place| place.pixels.len()).sum();
        assert_eq!(pixels as f64 / 12.0, equal.area_holding(0.5).unwrap().share);
        assert_eq!(map([[-1.0; 4]; 3]).places(0.5), []);
    }
}
