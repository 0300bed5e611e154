//! The pictures that are explained, and one picture that shows all of them.

use std::path::Path;

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, replace, resize};
use saliency::photo::{Map, Preparation};
use saliency::viz::{Picture, write_picture};
use saliency_models::photos;
use saliency_program::Result;

/// The number of pictures that are explained.
pub const PICTURES: usize = 64;

/// Writes all pictures with their maps over them, eight in a row.
pub fn write(pictures: &[RgbImage], maps: &[Map], path: &Path) -> Result<()> {
    let (across, side) = (8, 112);
    let mut sheet = RgbImage::new(across * side, PICTURES as u32 / across * side);
    for (at, (photo, map)) in (0..).zip(pictures.iter().zip(maps)) {
        let view = Preparation::imagenet().view(photo);
        let overlay = Picture::new(view, &map.clip_beyond(0.9)?)?.overlay();
        let overlay = resize(&overlay, side, side, FilterType::Triangle);
        let (x, y) = (at % across * side, at / across * side);
        replace(&mut sheet, &overlay, x.into(), y.into());
    }
    write_picture(path, &sheet)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Cuts squares from the two photos that are part of the library, each at another place.
pub fn pictures() -> Vec<RgbImage> {
    let photos = [photos::chelsea(), photos::coffee()];
    let cut = |at: usize| {
        let photo = &photos[at % 2];
        let side = photo.height().min(photo.width()) * 4 / 5;
        let step = |room: u32, step: usize| room * (step % 8) as u32 / 7;
        let (x, y) = (step(photo.width() - side, at / 2), step(photo.height() - side, at / 8));
        let square = crop_imm(photo, x, y, side, side).to_image();
        resize(&square, 224, 224, FilterType::Triangle)
    };
    (0..PICTURES).map(cut).collect()
}
