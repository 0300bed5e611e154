//! The photo of a page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use saliency_photo::Size;

use crate::error::{Error, Result};

/// The least and the greatest length, in pixels, of a photo's longer side on the page.
const LEAST_SIDE: u32 = 960;
const GREATEST_SIDE: u32 = 1400;

/// Encodes a photo as JPEG in Base64, no larger than a screen and no smaller than a hand.
pub(super) fn jpeg_base64(photo: &RgbImage) -> Result<String> {
    let (width, height) = photo.dimensions();
    let longer = width.max(height);
    let side = f64::from(longer.clamp(LEAST_SIDE, GREATEST_SIDE));
    let to = |length: u32| (f64::from(length) * side / f64::from(longer)).round().max(1.0) as u32;
    let size = Size { width: to(width), height: to(height) };
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 88);
    resized(photo, size).write_with_encoder(encoder).map_err(Error::encode)?;
    Ok(BASE64_STANDARD.encode(bytes))
}

fn resized(photo: &RgbImage, size: Size) -> RgbImage {
    let from = ImageRef::new(photo.width(), photo.height(), photo, PixelType::U8x3);
    let from = from.expect("as many bytes as pixels");
    let mut to = Image::new(size.width, size.height, PixelType::U8x3);
    let linear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &linear).expect("both have pixels");
    RgbImage::from_raw(size.width, size.height, to.into_vec()).expect("as many bytes as pixels")
}
