//! Lines around the strongest parts of a map.

use contour::{ContourBuilder, Line as Contour};
use image::RgbImage;
use saliency_photo::{Map, Region};

use crate::drawing::draw_over;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::tile::{Line, Tile};

/// The number of cells along the longer side of the averaged map. Lines are drawn from this map.
const CELLS: usize = 48;
/// The colours of the lines, one for each share.
const COLORS: [&str; 4] = ["#fff", "#ffd400", "#4dd2ff", "#ff7ad9"];

impl Picture<'_> {
    /// Draws the photo with a line around the strongest parts that together hold each of the given
    /// shares of the total, for instance 0.5. Of a signed map, only values above zero count, which
    /// speak for the class.
    ///
    /// Lines around single pixels could not be read, so the map is first averaged to 48 cells along
    /// its longer side.
    ///
    /// # Errors
    /// [`Error::Share`] if a share is not above 0 and below 1.
    pub fn contours(&self, shares: &[f64]) -> Result<RgbImage> {
        let Tile { mut picture, lines, .. } = self.contour_tile("", shares)?;
        let (width, height) = picture.dimensions();
        let lines: String = lines.iter().map(Line::to_svg).collect();
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>\
             <g fill='none' stroke-linejoin='round'>{lines}</g></svg>"
        );
        draw_over(&mut picture, &svg);
        Ok(picture)
    }

    /// Makes a tile of [`Picture::contours`] for a figure. If the figure becomes an SVG, the lines
    /// stay lines instead of pixels.
    ///
    /// # Errors
    /// Those of [`Picture::contours`].
    pub fn contour_tile(&self, title: impl Into<String>, shares: &[f64]) -> Result<Tile> {
        let photo = self.view().photo;
        let mut tile = Tile::new(title, photo.clone());
        let map = self.map().map().averaged(CELLS);
        let width = f64::from(photo.width().max(photo.height())) / 300.0;
        for (&share, &color) in shares.iter().zip(COLORS.iter().cycle()) {
            if !(share > 0.0 && share < 1.0) {
                return Err(Error::Share { found: share });
            }
            // A map that is zero everywhere has no line.
            let Some(level) = level_around(&map, share) else { continue };
            let path = path_around(&map, level, self.view().region)?;
            tile.lines.push(Line { path, width: width.max(1.0), color });
        }
        Ok(tile)
    }
}

/// Returns the level of the line around the strongest pixels that hold a share of the total: midway
/// between the weakest pixel inside and the strongest outside.
fn level_around(map: &Map, share: f64) -> Option<f64> {
    let inside = map.area_holding(share)?.weakest;
    let outside = map.positive_values().filter(|value| *value < inside).fold(0.0, f64::max);
    Some((inside + outside) / 2.0)
}

/// Returns the line at a level as the commands of an SVG path, in pixels of the photo.
fn path_around(map: &Map, level: f64, region: Region) -> Result<String> {
    let size = map.size();
    let values: Vec<f64> = map.positive_values().collect();
    let builder = ContourBuilder::new(size.width as usize, size.height as usize, true);
    let lines: Vec<Contour> = builder.lines(&values, &[level]).map_err(Error::encode)?;
    // A cell of the map is this wide and high in the photo.
    let wide = f64::from(region.width) / f64::from(size.width);
    let high = f64::from(region.height) / f64::from(size.height);
    let mut path = String::new();
    for ring in lines.iter().flat_map(|line| line.geometry().iter()) {
        for (at, point) in ring.0.iter().enumerate() {
            let command = if at == 0 { "M" } else { "L" };
            let x = f64::from(region.x) + point.x * wide;
            let y = f64::from(region.y) + point.y * high;
            path += &format!("{command}{x:.2} {y:.2}");
        }
        path += "Z";
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};
    use saliency_photo::{Reduce, View};

    #[test]
    fn a_contour_encloses_its_share() {
        let photo = RgbImage::new(64, 64);
        let values = Tensor::<4>::from_data([[[[0.0, 1.0], [0.0, 0.0]]]], &Device::flex());
        let map = Map::of_row(&values, 0, Reduce::AbsoluteSum).unwrap().clip_beyond(1.0).unwrap();
        let picture = Picture::new(View::whole(&photo), &map).unwrap();
        let lines = picture.contours(&[0.5]).unwrap();
        let bright = |x0, y0| {
            let pixels = lines.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 128);
            pixels
                .filter(|(x, y, _)| (x0..x0 + 32).contains(x) && (y0..y0 + 32).contains(y))
                .count()
        };
        assert!(bright(32, 0) > 20, "around the upper right");
        assert_eq!(bright(0, 32), 0);
        for wrong in [0.0, 1.0, f64::NAN] {
            assert!(matches!(picture.contours(&[wrong]), Err(Error::Share { .. })));
        }
    }
}
