//! Two photos that may be redistributed: both CC0, as distributed with scikit-image 0.26.0.

use image::RgbImage;

/// The cat Chelsea, 451 x 300, by Stefan van der Walt.
pub const CHELSEA_PNG: &[u8] = include_bytes!("../data/chelsea.png");
/// A cup of coffee, 600 x 400, by Rachel Michetti, courtesy of Pikolo Espresso Bar.
pub const COFFEE_PNG: &[u8] = include_bytes!("../data/coffee.png");

/// Decodes the cat.
///
/// ```
/// assert_eq!(saliency_models::photos::chelsea().dimensions(), (451, 300));
/// ```
pub fn chelsea() -> RgbImage {
    decode(CHELSEA_PNG)
}

/// Decodes the cup of coffee.
///
/// ```
/// assert_eq!(saliency_models::photos::coffee().dimensions(), (600, 400));
/// ```
pub fn coffee() -> RgbImage {
    decode(COFFEE_PNG)
}

fn decode(png: &[u8]) -> RgbImage {
    image::load_from_memory(png).expect("an embedded photo is a photo").to_rgb8()
}
