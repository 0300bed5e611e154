//! Lines around the few regions that hold most of a map, with their shares.

use saliency_photo::percent;

use crate::error::{Error, Result};
use crate::figure::Figure;
use crate::outline::{border, corner};
use crate::picture::Picture;
use crate::tile::{Label, Line, Tile};

/// The lines go around the regions that hold this share of the map.
pub(crate) const MOST: f64 = 0.5;
/// Smaller shares are not written beside their places: the picture would be full of them.
const LEAST: f64 = 0.03;

/// Returns the text beside a place with a share, if the share is large enough.
pub(crate) fn label(share: f64) -> Option<String> {
    (share >= LEAST).then(|| percent(share))
}

impl Picture<'_> {
    /// Makes a tile with the map over the photo, and a line around each place of the strongest
    /// pixels that together hold a share of the total, such as 0.5. The share that a place holds is
    /// written beside it, if it is at least 3 %. For maps of regions, in which each pixel stands for
    /// a part of the photo: see [`Map::places`](saliency_photo::Map::places).
    ///
    /// # Errors
    /// [`Error::Share`] if the share is not above 0 and below 1.
    pub fn places_tile(&self, title: impl Into<String>, share: f64) -> Result<Tile> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::Share { found: share });
        }
        let (photo, region, map) = (self.view().photo, self.view().region, self.map().map());
        let size = map.size();
        let mut tile = Tile::new(title, self.overlay());
        let width = f64::from(photo.width().max(photo.height())) / 250.0;
        for place in map.places(share) {
            let path = border(&place.pixels, size, region);
            tile.lines.push(Line { path, width: width.max(1.0), color: "#fff" });
            let Some(text) = label(place.share) else { continue };
            let [column, row] = corner(&place.pixels, size);
            let at = |from: u32, step: u32, length: u32, of: u32| {
                f64::from(from) + f64::from(step) * f64::from(length) / f64::from(of)
            };
            tile.labels.push(Label {
                x: at(region.x, column, region.width, size.width),
                y: at(region.y, row, region.height, size.height),
                text,
            });
        }
        Ok(tile)
    }

    /// Puts photo, heat map and overlay side by side, as [`Picture::panel`] does, for a map of
    /// regions. On the overlay, lines go around the [places](Picture::places_tile) that hold half of
    /// the map.
    pub fn panel_of_regions(&self, title: impl Into<String>) -> Figure {
        let over = self.places_tile("half lies inside the lines", MOST).expect("the share is valid");
        self.panel_with(title, over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};
    use image::RgbImage;
    use saliency_photo::{Map, Reduce, Region, View};

    #[test]
    fn places_have_lines_and_their_shares() {
        let photo = RgbImage::new(80, 40);
        let values = [[[[40.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 30.0, 2.0]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        let map = Map::of_row(&values, 0, Reduce::Sum).unwrap().clip_beyond(1.0).unwrap();
        let seen = Region { x: 20, y: 0, width: 39, height: 39 };
        let picture = Picture::new(View::new(&photo, seen), &map).unwrap();
        let tile = picture.places_tile("places", 0.9).unwrap();
        let labels: Vec<_> =
            tile.labels.iter().map(|label| (label.x, label.y, label.text.as_str())).collect();
        assert_eq!(labels, [(20.0, 0.0, "56 %"), (33.0, 26.0, "42 %")]);
        assert_eq!(tile.lines.len(), 2);
        assert!(picture.panel_of_regions("why?").to_svg().is_ok());
        for wrong in [0.0, 1.0, f64::NAN] {
            assert!(matches!(picture.places_tile("", wrong), Err(Error::Share { .. })));
        }
        // A place that holds next to nothing has a line and no text.
        assert_eq!((label(0.029), label(0.03)), (None, Some("3.0 %".to_owned())));
        let zero = Tensor::<4>::zeros([1, 1, 3, 3], &Device::flex());
        let zero = Map::of_row(&zero, 0, Reduce::Sum).unwrap().clip_beyond(1.0).unwrap();
        let picture = Picture::new(View::new(&photo, seen), &zero).unwrap();
        assert!(picture.places_tile("", 0.5).unwrap().lines.is_empty());
    }
}
