//! The photos of a page.

use image::RgbImage;
use saliency_photo::View;

use crate::encoded::jpeg_base64;
use crate::error::Result;
use crate::resize::{fitted, resized};

/// The smallest and the largest length, in pixels, of a photo's longer side on the page.
const LEAST_SIDE: u32 = 960;
const GREATEST_SIDE: u32 = 1400;
/// The largest length of a small picture's longer side.
const SMALL_SIDE: u32 = 320;
/// The quality of JPEGs: no block can be seen at the size of the page.
const QUALITY: u8 = 88;

/// Encodes a photo as JPEG in Base64. Resizes the photo first if its longer side is too short or
/// too long for the page.
pub(super) fn photo_base64(photo: &RgbImage) -> Result<String> {
    within(photo, LEAST_SIDE, GREATEST_SIDE)
}

/// Encodes a small picture of a test as JPEG in Base64. Shrinks larger pictures, and refuses one
/// without pixels.
pub(super) fn small_base64(picture: &RgbImage) -> Result<String> {
    View::whole(picture).frame().check()?;
    within(picture, 1, SMALL_SIDE)
}

/// Encodes a picture whose longer side is brought between two lengths.
fn within(photo: &RgbImage, least: u32, greatest: u32) -> Result<String> {
    let longer_side = photo.width().max(photo.height()).clamp(least, greatest);
    jpeg_base64(&resized(photo, fitted(photo, longer_side)), QUALITY)
}
