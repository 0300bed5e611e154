//! Makes the small pictures of the page: a photo, and beside it the same photo with the map over
//! it.

use image::RgbImage;
use image::imageops::{crop_imm, replace, thumbnail};
use saliency_photo::{Map, Region, View};
use saliency_viz::Picture;

use crate::error::Result;

/// The longer side of a small photo. It is also the side of the square in which the photo is
/// centred.
const SIDE: u32 = 200;
/// A map with at most this many values on its longer side is one of regions.
const FEW: usize = 32;

/// Shrinks a part of a photo to its size on the page.
pub(crate) fn of_region(photo: &RgbImage, region: Region) -> RgbImage {
    let part = crop_imm(photo, region.x, region.y, region.width, region.height).to_image();
    let longest = u64::from(region.width.max(region.height).max(1));
    let small = |length: u32| (u64::from(length) * u64::from(SIDE)).div_ceil(longest).max(1) as u32;
    thumbnail(&part, small(region.width), small(region.height))
}

/// Puts a small photo beside the same photo with a map over it, each in a square.
pub(crate) fn beside_map(small: &RgbImage, map: &Map) -> Result<RgbImage> {
    // The strongest pixels are drawn in one colour. Of few regions, the strongest is the brightest.
    let held = if map.longer_side() <= FEW { 1.0 } else { 0.9 };
    let map = map.clip_beyond(held)?;
    let overlay = Picture::new(View::whole(small), &map)?.overlay();
    let mut both = RgbImage::new(2 * SIDE, SIDE);
    let (left, top) = ((SIDE - small.width()) / 2, (SIDE - small.height()) / 2);
    replace(&mut both, small, left.into(), top.into());
    replace(&mut both, &overlay, (SIDE + left).into(), top.into());
    Ok(both)
}
