use image::imageops::{self, FilterType};
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

use crate::color::ColorMap;
use crate::error::{Error, Result};
use crate::map::Clipped;

/// A rectangle of a photo, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A photo with a map of the part of it that the model was shown, at the photo's own resolution.
///
/// # Parameters and defaults
/// - colours: [`ColorMap::Inferno`]
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    photo: &'a RgbImage,
    region: Region,
    /// The map at the resolution of the region.
    map: ImageBuffer<Luma<f32>, Vec<f32>>,
    colors: ColorMap,
}

/// What the model was not shown is drawn in this grey on a heat map, which no colour map holds.
const UNSEEN: Rgb<u8> = Rgb([64, 64, 64]);
/// How much of the photo's brightness remains under an overlay where the map is zero.
const DIMMED: f32 = 0.55;
/// How much of the photo's brightness remains where the model was not shown it.
const DARK: f32 = 0.25;
/// Between the pictures of a panel, in pixels.
const GUTTER: u32 = 8;

impl<'a> Picture<'a> {
    /// Lays `map` over the `region` of `photo` that the model was shown.
    ///
    /// # Errors
    /// [`Error::Region`] where the region is empty or reaches out of the photo, [`Error::Aspect`]
    /// where the map would be distorted by more than rounding to whole pixels explains.
    pub fn new(photo: &'a RgbImage, region: Region, map: &Clipped) -> Result<Self> {
        let Region { x, y, width, height } = region;
        let size = photo.dimensions();
        let inside = |from: u32, length: u32, all: u32| {
            length > 0 && from.checked_add(length).is_some_and(|to| to <= all)
        };
        if !(inside(x, width, size.0) && inside(y, height, size.1)) {
            return Err(Error::Region { photo: size, region });
        }
        // Half a pixel of rounding on each side of the region and of the map.
        let [w, h] = [f64::from(width), f64::from(height)];
        let [map_w, map_h] = [map.width as f64, map.height as f64];
        let rounding = 0.5 * (w + h + map_w + map_h) + 0.5;
        if (w * map_h - h * map_w).abs() > rounding {
            let map = (map.width, map.height);
            return Err(Error::Aspect { region: (width, height), map });
        }
        let values = ImageBuffer::from_raw(map.width as u32, map.height as u32, map.values.clone());
        let values: ImageBuffer<Luma<f32>, _> = values.expect("as many values as pixels");
        let map = imageops::resize(&values, width, height, FilterType::Triangle);
        Ok(Self { photo, region, map, colors: ColorMap::default() })
    }

    /// Sets the colours.
    pub fn with_colors(mut self, colors: ColorMap) -> Self {
        self.colors = colors;
        self
    }

    /// The map alone, in colour; grey where the model was not shown the photo.
    pub fn heat_map(&self) -> RgbImage {
        self.draw(|_, value| value.map_or(UNSEEN, |value| self.colors.color(value)))
    }

    /// The map over the photo: the larger a value, the more of its colour covers the photo. The
    /// photo is grey and dimmed below, and dark where the model was not shown it.
    pub fn overlay(&self) -> RgbImage {
        let grey: GrayImage = imageops::grayscale(self.photo);
        self.draw(|(x, y), value| {
            let grey = f32::from(grey.get_pixel(x, y).0[0]);
            let Some(value) = value else { return Rgb([(grey * DARK) as u8; 3]) };
            let color = self.colors.color(value).0;
            let mix = |channel: u8| grey * DIMMED * (1.0 - value) + f32::from(channel) * value;
            Rgb(color.map(|channel| mix(channel).round() as u8))
        })
    }

    /// Photo, heat map and overlay side by side.
    pub fn panel(&self) -> RgbImage {
        let (width, height) = self.photo.dimensions();
        let pictures = [self.photo, &self.heat_map(), &self.overlay()];
        let mut panel = RgbImage::from_pixel(3 * width + 2 * GUTTER, height, Rgb([255; 3]));
        for (index, picture) in (0i64..).zip(pictures) {
            imageops::replace(&mut panel, picture, index * i64::from(width + GUTTER), 0);
        }
        panel
    }

    /// Colours every pixel of the photo by its place and its value, if the model was shown it.
    fn draw(&self, color: impl Fn((u32, u32), Option<f32>) -> Rgb<u8>) -> RgbImage {
        let (width, height) = self.photo.dimensions();
        RgbImage::from_fn(width, height, |x, y| {
            let inside = x.checked_sub(self.region.x).zip(y.checked_sub(self.region.y));
            let value = inside.and_then(|(x, y)| self.map.get_pixel_checked(x, y));
            color((x, y), value.map(|value| value.0[0].clamp(0.0, 1.0)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Map;
    use burn::tensor::{Device, Tensor};

    const RIGHT_HALF: Region = Region { x: 4, y: 0, width: 4, height: 4 };

    fn map(values: [[f32; 2]; 2]) -> Clipped {
        let values = Tensor::<4>::from_data([[values]], &Device::flex());
        Map::of_row(&values, 0).unwrap().clip(100.0).unwrap()
    }

    fn photo() -> RgbImage {
        RgbImage::from_pixel(8, 4, Rgb([200, 200, 200]))
    }

    #[test]
    fn values_lie_where_the_model_saw_them() {
        let (photo, map) = (photo(), map([[0.0, 1.0], [0.0, 0.0]]));
        let heat = Picture::new(&photo, RIGHT_HALF, &map).unwrap().heat_map();
        assert_eq!(*heat.get_pixel(0, 0), UNSEEN);
        assert_eq!(*heat.get_pixel(4, 3), ColorMap::Inferno.color(0.0));
        assert_eq!(*heat.get_pixel(7, 0), ColorMap::Inferno.color(1.0));
    }

    #[test]
    fn an_overlay_shows_the_photo_where_nothing_matters_and_the_colour_where_much_does() {
        let (photo, map) = (photo(), map([[0.0, 1.0], [0.0, 0.0]]));
        let overlay = Picture::new(&photo, RIGHT_HALF, &map).unwrap().overlay();
        assert_eq!(*overlay.get_pixel(0, 0), Rgb([50; 3]));
        assert_eq!(*overlay.get_pixel(4, 3), Rgb([110; 3]));
        assert_eq!(*overlay.get_pixel(7, 0), ColorMap::Inferno.color(1.0));
    }

    #[test]
    fn a_panel_holds_photo_map_and_overlay() {
        let (photo, map) = (photo(), map([[1.0; 2]; 2]));
        let panel = Picture::new(&photo, RIGHT_HALF, &map).unwrap().panel();
        assert_eq!(panel.dimensions(), (3 * 8 + 2 * 8, 4));
        assert_eq!(*panel.get_pixel(0, 0), Rgb([200; 3]));
        assert_eq!(*panel.get_pixel(16, 0), UNSEEN);
        assert_eq!(*panel.get_pixel(39, 0), ColorMap::Inferno.color(1.0));
    }

    #[test]
    fn a_region_outside_the_photo_or_of_another_aspect_is_an_error() {
        let (photo, map) = (photo(), map([[1.0; 2]; 2]));
        let region = |x, width, height| Region { x, y: 0, width, height };
        for wrong in [region(5, 4, 4), region(0, 4, 5), region(0, 0, 4), region(u32::MAX, 4, 4)] {
            assert!(matches!(Picture::new(&photo, wrong, &map), Err(Error::Region { .. })));
        }
        let photo = RgbImage::new(100, 50);
        let wide = Picture::new(&photo, region(0, 100, 50), &map);
        assert!(matches!(wide, Err(Error::Aspect { region: (100, 50), map: (2, 2) })));
    }

    #[test]
    fn a_photo_of_one_pixel_has_a_picture() {
        let (photo, map) = (RgbImage::new(1, 1), map([[1.0; 2]; 2]));
        let region = Region { x: 0, y: 0, width: 1, height: 1 };
        let picture = Picture::new(&photo, region, &map).unwrap();
        assert_eq!(*picture.heat_map().get_pixel(0, 0), ColorMap::Inferno.color(1.0));
    }
}
