//! How much of a map is inside a marked area, measured pixel by pixel.

use std::ops::Range;

use image::GrayImage;

use crate::map::Map;
use crate::region::{Overlap, Region, Size, disjoint, overlaps};

/// How much of a map is inside a [`MarkedArea`](crate::MarkedArea).
///
/// # Source
/// The pointing game: Zhang et al., *Top-down Neural Attention by Excitation Backprop*, 2016.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Coverage {
    /// The share of the attribution that is inside the area. Of a signed map, only values above
    /// zero count, because they speak for the class. Zero if no value is above zero.
    pub share: f64,
    /// The area as a share of the region that the model was shown. A map with the same value
    /// everywhere has this `share`.
    pub area: f64,
    /// Whether the largest value is inside the area (the pointing game). False if the map is zero
    /// everywhere.
    ///
    /// A map shows which of its pixels has the largest value, but not where in this pixel the
    /// maximum is. So at least half of the pixel must be inside. If the marked area is smaller than
    /// a pixel of the map, at least half of the area must be in the largest pixel.
    pub peak: bool,
}

/// The share of each pixel that a [`MarkedArea`](crate::MarkedArea) covers, for all maps of one
/// size.
///
/// [`MarkedArea::footprint`](crate::MarkedArea::footprint) computes a footprint once for several
/// maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Footprint {
    size: Size,
    shares: Vec<f64>,
}

impl Footprint {
    /// Measures boxes. Pixels in several boxes count once.
    pub(crate) fn of_boxes(boxes: &[Region], size: Size, region: Region) -> Self {
        let columns = overlaps(size.width, region.width);
        let rows = overlaps(size.height, region.height);
        let mut covered = vec![0.0; columns.len() * rows.len()];
        for part in disjoint(boxes) {
            let wide = covered_lengths(&columns, region.x, part.x..part.x + part.width);
            let high = covered_lengths(&rows, region.y, part.y..part.y + part.height);
            for (row, high) in covered.chunks_exact_mut(columns.len()).zip(&high) {
                for (covered, wide) in row.iter_mut().zip(&wide) {
                    *covered += wide * high;
                }
            }
        }
        Self::from_areas(covered, size, region)
    }

    /// Measures the pixels of a mask that are not black.
    pub(crate) fn of_mask(mask: &GrayImage, size: Size, region: Region) -> Self {
        let columns = overlaps(size.width, region.width);
        let rows = overlaps(size.height, region.height);
        let mut covered = vec![0.0; columns.len() * rows.len()];
        for (covered_row, row) in covered.chunks_exact_mut(columns.len()).zip(&rows) {
            for (covered, column) in covered_row.iter_mut().zip(&columns) {
                for high in row {
                    let is_set = |wide: &&Overlap| {
                        let (x, y) = (region.x + wide.pixel, region.y + high.pixel);
                        mask.get_pixel(x, y).0[0] > 0
                    };
                    let wide = column.iter().filter(is_set).map(|wide| wide.length).sum::<f64>();
                    *covered += high.length * wide;
                }
            }
        }
        Self::from_areas(covered, size, region)
    }

    /// Divides covered areas by the area of a cell. In the unit of [`overlaps`], this is the number
    /// of pixels of the region.
    fn from_areas(mut covered: Vec<f64>, size: Size, region: Region) -> Self {
        let cell = f64::from(region.width) * f64::from(region.height);
        for covered in &mut covered {
            *covered = (*covered / cell).min(1.0);
        }
        Self { size, shares: covered }
    }

    /// Returns the size of the maps that the footprint is for.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Returns the share of each pixel of a map that is covered, row by row from the top.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Returns the share of the region that is covered.
    pub fn area(&self) -> f64 {
        self.shares.iter().sum::<f64>() / self.shares.len() as f64
    }

    /// Measures a map. Each pixel counts in proportion to the share of it that is covered.
    ///
    /// # Panics
    /// If the map has another size than the footprint.
    pub fn coverage_of(&self, map: &Map) -> Coverage {
        assert_eq!(map.size(), self.size, "the footprint is for maps of another size");
        let (mut total, mut inside) = (0.0, 0.0);
        let (mut largest, mut covered_at_largest) = (0.0, 0.0);
        for (value, &covered) in map.positive_values().zip(&self.shares) {
            total += value;
            inside += value * covered;
            if value > largest {
                (largest, covered_at_largest) = (value, covered);
            }
        }
        let share = if total > 0.0 { inside / total } else { 0.0 };
        // The size of the marked area in pixels of the map, but at most one pixel.
        let marked = self.shares.iter().sum::<f64>().min(1.0);
        let peak = covered_at_largest > 0.0 && covered_at_largest >= 0.5 * marked;
        Coverage { share, area: self.area(), peak }
    }
}

/// Returns how much of each cell along a side is covered by a range of the photo's pixels.
fn covered_lengths(cells: &[Vec<Overlap>], start: u32, covered: Range<u32>) -> Vec<f64> {
    let covered_length = |cell: &Vec<Overlap>| {
        let inside = cell.iter().filter(|overlap| covered.contains(&(start + overlap.pixel)));
        inside.map(|overlap| overlap.length).sum::<f64>()
    };
    cells.iter().map(covered_length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::line;

    #[test]
    fn a_small_product_in_the_largest_pixel_of_a_coarse_map_is_at_the_peak() {
        // A map of seven pixels, each covering 32 x 32 pixels of the photo. The third has the
        // largest value.
        let map = line(&[1.0, 2.0, 9.0, 2.0, 1.0, 0.0, -1.0]);
        let region = Region { x: 0, y: 0, width: 7 * 32, height: 32 };
        let at = |x, side| Region { x, y: 6, width: side, height: side };
        let peak = |boxes: &[Region]| {
            Footprint::of_boxes(boxes, map.size(), region).coverage_of(&map).peak
        };
        for (x, side, expected) in [
            // Boxes in the largest pixel, half in it, less than half in it, and beside it.
            (70, 20, true),
            (64, 1, true),
            (54, 20, true),
            (53, 20, false),
            (96, 20, false),
            (40, 20, false),
        ] {
            assert_eq!(peak(&[at(x, side)]), expected, "{side} at {x}");
        }
        // Together these boxes are larger than a pixel of the map, so half of the pixel must be
        // covered.
        let large = Region { x: 0, y: 0, width: 64, height: 32 };
        assert!(!peak(&[at(70, 20), large]));
        assert!(peak(&[Region { x: 64, y: 0, width: 16, height: 32 }, large]));
        assert!(!peak(&[]));
        assert!(
            !Footprint::of_boxes(&[at(70, 20)], map.size(), region)
                .coverage_of(&line(&[0.0; 7]))
                .peak
        );
    }
}
