//! A picture of the three maps.

use image::RgbImage;
use image::imageops::{FilterType, resize};
use saliency::photo::{Map, Reduce, View};
use saliency::viz::{Figure, Picture, Tile};

use crate::golden::Golden;
use crate::{Explained, Result};

/// Draws the picture that was explained, and the three maps.
pub fn panel(golden: &Golden, explained: &[Explained]) -> Result<Figure> {
    let photo = enlarged(&golden.picture());
    let maps: Vec<Map> = explained
        .iter()
        .map(|it| Map::of_row(&it.integrated, 0, Reduce::default()))
        .collect::<std::result::Result<_, _>>()?;
    let scale = Map::shared_scale(&maps.iter().collect::<Vec<_>>(), 0.9)?;
    let mut tiles = vec![Tile::new("the picture", photo.clone())];
    for (it, map) in explained.iter().zip(&maps) {
        let map = map.with_scale(scale)?;
        let picture = Picture::new(View::whole(&photo), &map)?;
        tiles.push(Tile::new(it.file, picture.heat_map()).with_legend(picture.legend()));
    }
    let figure = Figure::new("Why a ring? One network that came in three ways").with_row(tiles);
    Ok(figure.with_note("bright: the pixels that mattered to its answer (Integrated Gradients)"))
}

/// Enlarges a picture, so that its pixels can be seen.
fn enlarged(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    resize(picture, 8 * width, 8 * height, FilterType::Nearest)
}
