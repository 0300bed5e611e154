//! Photos in another size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use saliency_photo::Size;

/// Resizes a picture. Neither size may be without pixels.
pub(crate) fn resized(picture: &RgbImage, size: Size) -> RgbImage {
    let from = ImageRef::new(picture.width(), picture.height(), picture, PixelType::U8x3);
    let from = from.expect("as many bytes as pixels");
    let mut to = Image::new(size.width, size.height, PixelType::U8x3);
    let linear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &linear).expect("both have pixels");
    RgbImage::from_raw(size.width, size.height, to.into_vec()).expect("as many bytes as pixels")
}
