//! The photos of a page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use saliency_photo::{Size, View};

use crate::error::{Error, Result};
use crate::resize::resized;

/// The smallest and the largest length, in pixels, of a photo's longer side on the page.
const LEAST_SIDE: u32 = 960;
const GREATEST_SIDE: u32 = 1400;
/// The largest length of a small picture's longer side.
const SMALL_SIDE: u32 = 320;

/// Encodes a photo as JPEG in Base64. Resizes the photo first if its longer side is too short or
/// too long for the page.
pub(super) fn jpeg_base64(photo: &RgbImage) -> Result<String> {
    encoded(photo, LEAST_SIDE, GREATEST_SIDE)
}

/// Encodes a small picture of a test as JPEG in Base64. Shrinks larger pictures, and refuses one
/// without pixels.
pub(super) fn small_jpeg_base64(picture: &RgbImage) -> Result<String> {
    View::whole(picture).frame().check()?;
    encoded(picture, 1, SMALL_SIDE)
}

fn encoded(photo: &RgbImage, least: u32, greatest: u32) -> Result<String> {
    let (width, height) = photo.dimensions();
    let longer = width.max(height);
    let side = f64::from(longer.clamp(least, greatest));
    let to = |length: u32| (f64::from(length) * side / f64::from(longer)).round().max(1.0) as u32;
    let size = Size { width: to(width), height: to(height) };
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 88);
    resized(photo, size).write_with_encoder(encoder).map_err(Error::encode)?;
    Ok(BASE64_STANDARD.encode(bytes))
}
