//! Draws the mean map of several photos as a small picture.

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, Rgb, RgbImage};
use saliency_viz::ColorMap;

use crate::error::{Error, Result};
use crate::grid::CELLS;
use crate::groups::{Place, WINDOW};

/// The side of a cell, in pixels.
const CELL: u32 = 6;
const SIDE: u32 = CELL * CELLS as u32;

/// Draws a map of 14 x 14 shares, the largest in the brightest colour, and a frame around a place.
/// Returns a PNG in Base64.
pub(crate) fn png(map: &[f64], place: Option<Place>) -> Result<String> {
    let largest = map.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let colors: Vec<Rgb<u8>> =
        map.iter().map(|share| ColorMap::default().color((share / largest) as f32)).collect();
    let frame = place.map(|place| place.start().map(|start| start as u32 * CELL));
    let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        if frame.is_some_and(|start| is_on_frame(start, [y, x])) {
            return Rgb([255; 3]);
        }
        colors[(y / CELL) as usize * CELLS + (x / CELL) as usize]
    });
    let mut bytes = Cursor::new(Vec::new());
    let written = picture.write_to(&mut bytes, ImageFormat::Png);
    written.map_err(|error| Error::encode("a mean map")(error.into()))?;
    Ok(BASE64_STANDARD.encode(bytes.into_inner()))
}

/// Returns whether a pixel is on the frame of a place that starts at `start`: down and across.
fn is_on_frame(start: [u32; 2], pixel: [u32; 2]) -> bool {
    let length = CELL * WINDOW as u32;
    let [down, across] = [0, 1].map(|side| pixel[side].wrapping_sub(start[side]));
    let on_edge = |at: u32| at == 0 || at == length - 1;
    down < length && across < length && (on_edge(down) || on_edge(across))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brightest_cell_is_where_the_largest_share_is_and_the_frame_is_around_the_place() {
        let mut map = vec![0.0; CELLS * CELLS];
        map[CELLS + 1] = 0.4;
        let png = BASE64_STANDARD.decode(png(&map, Some(Place::at(0, 0))).unwrap()).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (SIDE, SIDE));
        let at = |x: u32, y: u32| picture.get_pixel(x, y).0;
        assert_eq!(at(CELL + 1, CELL + 1), ColorMap::default().color(1.0).0);
        assert_eq!(at(SIDE - 1, SIDE - 1), ColorMap::default().color(0.0).0);
        assert_eq!((at(0, 5), at(17, 17), at(18, 18)), ([255; 3], [255; 3], at(40, 40)));
    }

    #[test]
    fn a_map_of_zeros_is_dark() {
        assert!(!png(&[0.0; CELLS * CELLS], None).unwrap().is_empty());
    }
}
