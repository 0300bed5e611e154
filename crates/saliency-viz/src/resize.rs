//! Photos in another size.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use saliency_photo::Size;

/// Returns the size of a picture whose longer side gets the given length. No side gets shorter than a
/// pixel.
#[cfg(feature = "pages")]
pub(crate) fn fitted(picture: &RgbImage, longer_side: u32) -> Size {
    let (width, height) = picture.dimensions();
    let longer = f64::from(width.max(height));
    let to =
        |side: u32| (f64::from(side) * f64::from(longer_side) / longer).round().max(1.0) as u32;
    Size { width: to(width), height: to(height) }
}

/// Resizes a picture. Both the old and the new size must have pixels.
pub(crate) fn resized(picture: &RgbImage, size: Size) -> RgbImage {
    // The type of pixel is named here because `Resizer::resize` would compile code for every type.
    // That takes longer than compiling the rest of this crate.
    let from = TypedImageRef::<U8x3>::from_buffer(picture.width(), picture.height(), picture);
    let from = from.expect("as many bytes as pixels");
    let mut resized = RgbImage::new(size.width, size.height);
    let to = TypedImage::<U8x3>::from_buffer(size.width, size.height, &mut resized);
    let mut to = to.expect("as many bytes as pixels");
    let linear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&from, &mut to, &linear).expect("both have pixels");
    resized
}
