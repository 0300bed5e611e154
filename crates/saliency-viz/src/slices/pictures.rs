//! The pictures of a page of slices.

use image::RgbImage;
use rayon::prelude::*;
use saliency_photo::{ScaledMap, View};

use crate::color::{ColorMap, Table};
use crate::encoded::{jpeg_base64, png_base64};
use crate::error::Result;
use crate::picture::Picture;
use crate::resize::{fitted, resized};

/// The smallest and the largest length, in pixels, of a slice's longer side, if the file allows it.
const LEAST_SIDE: u32 = 320;
const GREATEST_SIDE: u32 = 640;

/// Pictures are not made smaller than this, whatever the size of the file.
const TINY_SIDE: u32 = 24;

/// The quality of JPEGs: the page holds many.
const QUALITY: u8 = 85;

/// The most bytes of all pictures together, in Base64.
const MOST_BYTES: usize = 7_500_000;

/// The pictures of all slices.
pub(super) struct Drawn {
    pub slices: Vec<Encoded>,
    /// The longer side of the pictures.
    pub longer_side: u32,
}

/// The two pictures of a slice: JPEG in Base64.
pub(super) struct Encoded {
    pub picture: String,
    /// With the map over it.
    pub overlay: String,
}

impl Encoded {
    fn bytes(&self) -> usize {
        self.picture.len() + self.overlay.len()
    }
}

/// Draws and encodes slices, as large as the bound on the bytes of all pictures allows.
pub(super) fn within_bounds(slices: &[(&RgbImage, &ScaledMap)], colors: ColorMap) -> Result<Drawn> {
    let (first, _) = slices[0];
    View::whole(first).frame().check()?;
    let mut longer_side = first.width().max(first.height()).clamp(LEAST_SIDE, GREATEST_SIDE);
    loop {
        let encoded = slices.par_iter().map(|(picture, map)| {
            let picture = resized(picture, fitted(picture, longer_side));
            let overlay = Picture::new(View::whole(&picture), map)?.with_colors(colors).overlay();
            let [picture, overlay] =
                [&picture, &overlay].map(|picture| jpeg_base64(picture, QUALITY));
            Ok(Encoded { picture: picture?, overlay: overlay? })
        });
        let slices = encoded.collect::<Result<Vec<_>>>()?;
        let bytes: usize = slices.iter().map(Encoded::bytes).sum();
        if bytes <= MOST_BYTES || longer_side <= TINY_SIDE {
            return Ok(Drawn { slices, longer_side });
        }
        // Bytes are about proportional to the area.
        let shrunk = f64::from(longer_side) * (MOST_BYTES as f64 / bytes as f64).sqrt() * 0.95;
        longer_side = (shrunk as u32).clamp(TINY_SIDE, longer_side - 1);
    }
}

/// Draws all colours in one row, as PNG in Base64.
pub(super) fn legend_png(table: &Table) -> Result<String> {
    let row = RgbImage::from_fn(table.len() as u32, 1, |x, _| image::Rgb(table[x as usize]));
    png_base64(&row)
}
