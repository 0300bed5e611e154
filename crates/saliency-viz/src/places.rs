//! Lines around the few regions that hold most of a map, with their shares.

use saliency_photo::{Map, Place, percent};

use crate::error::{Error, Result};
use crate::figure::Figure;
use crate::outline::{border, corner};
use crate::picture::Picture;
use crate::tile::{Label, Line, Tile};

/// Places hold this share of the map together.
pub(crate) const MOST: f64 = 0.5;
/// Places with a smaller share are not drawn, unless all are small: the picture would be full of
/// them.
const LEAST: f64 = 0.05;

/// Returns whether a place is large enough to be drawn.
pub(crate) fn is_large(place: &Place) -> bool {
    place.share >= LEAST
}

/// Finds the places to draw: those that together hold a share of the map, without the small ones,
/// unless all are small.
pub(crate) fn to_draw(map: &Map, share: f64) -> Vec<Place> {
    let mut places = map.places(share);
    if places.iter().any(is_large) {
        places.retain(is_large);
    }
    places
}

/// Returns the text beside a place, if it is large.
pub(crate) fn label(place: &Place) -> Option<String> {
    is_large(place).then(|| percent(place.share))
}

impl Picture<'_> {
    /// Makes a tile with the map over the photo, and a line around each place of the strongest
    /// pixels that together hold a share of the total, such as 0.5. Beside each place is the share
    /// that it holds. Places that hold less than 5 % are left out, unless all are so small. For maps
    /// of regions, in which each pixel stands for a part of the photo: see
    /// [`Map::places`](saliency_photo::Map::places).
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
        for place in to_draw(map, share) {
            let path = border(&place.pixels, size, region);
            tile.lines.push(Line { path, width: width.max(1.0), color: "#fff" });
            let Some(text) = label(&place) else { continue };
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
    /// regions. On the overlay, lines go around the strongest [places](Picture::places_tile).
    pub fn panel_of_regions(&self, title: impl Into<String>) -> Figure {
        let over = self
            .places_tile("the strongest places and their shares", MOST)
            .expect("the share is valid");
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
        let zero = Tensor::<4>::zeros([1, 1, 3, 3], &Device::flex());
        let zero = Map::of_row(&zero, 0, Reduce::Sum).unwrap().clip_beyond(1.0).unwrap();
        let picture = Picture::new(View::new(&photo, seen), &zero).unwrap();
        assert!(picture.places_tile("", 0.5).unwrap().lines.is_empty());
    }

    #[test]
    fn small_places_are_drawn_only_if_all_are_small() {
        let drawn = |values: &[f32]| {
            let values = Tensor::<1>::from_data(values, &Device::flex());
            let values = values.reshape([1, 1, 1, -1]);
            let places = to_draw(&Map::of_row(&values, 0, Reduce::Sum).unwrap(), 0.9);
            (places.len(), places.iter().filter_map(label).collect::<Vec<_>>())
        };
        assert_eq!(drawn(&[1.0; 10]), (1, vec!["90 %".to_owned()]));
        // Every second pixel is a place. Each of 20 holds 5 %, which is just enough.
        let mut values: Vec<f32> = (0..40).map(|at| (at % 2) as f32).collect();
        assert_eq!(drawn(&values), (18, vec!["5.0 %".to_owned(); 18]));
        values[39] = 1.1;
        assert_eq!(drawn(&values), (1, vec!["5.5 %".to_owned()]));
        // Of 21, none is large.
        values[39] = 1.0;
        values.extend([0.0, 1.0]);
        assert_eq!(drawn(&values), (19, Vec::new()));
    }
}
