use contour::ContourBuilder;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{Pixel as _, Rgb, RgbImage};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

use crate::color::{ColorMap, Table, step};
use crate::error::{Error, Result};
use crate::figure::{Bar, Figure, Line, Tile, draw_over};
use crate::map::{Map, Scaled};

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

impl Region {
    /// The whole of a photo.
    pub fn whole(photo: &RgbImage) -> Self {
        Self { x: 0, y: 0, width: photo.width(), height: photo.height() }
    }

    /// The region, if it has pixels and all of them lie in a photo of the given size.
    pub(crate) fn inside(self, photo: (u32, u32)) -> Result<Self> {
        let inside = |from: u32, length: u32, all: u32| {
            length > 0 && from.checked_add(length).is_some_and(|to| to <= all)
        };
        match inside(self.x, self.width, photo.0) && inside(self.y, self.height, photo.1) {
            true => Ok(self),
            false => Err(Error::Region { photo, region: self }),
        }
    }

    /// The region, if a map laid over it is not distorted by more than rounding to whole pixels
    /// explains: half a pixel on each side of the region and of the map.
    pub(crate) fn fitting(self, map: &Map) -> Result<Self> {
        let [w, h] = [self.width, self.height].map(f64::from);
        let (map_w, map_h) = map.dimensions();
        let rounding = 0.5 * (w + h + map_w as f64 + map_h as f64) + 0.5;
        match (w * map_h as f64 - h * map_w as f64).abs() <= rounding {
            true => Ok(self),
            false => Err(Error::Aspect { region: (self.width, self.height), map: (map_w, map_h) }),
        }
    }
}

/// A photo with a map of the part of it that the model was shown, at the photo's own resolution.
///
/// # Parameters and defaults
/// - colours: [`ColorMap::Inferno`], or [`ColorMap::RedBlue`] for a signed map
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    photo: &'a RgbImage,
    region: Region,
    scaled: &'a Scaled,
    /// The scaled map at the resolution of the region, row by row.
    values: Vec<F32>,
    table: Table,
}

/// What the model was not shown is drawn in this grey on a heat map, which no colour map holds.
const UNSEEN: Rgb<u8> = Rgb([64, 64, 64]);
/// How much of the photo's brightness remains under an overlay where the map is zero.
const DIMMED: f32 = 0.55;
/// Cells along the longer side of the map that lines are drawn of.
const CELLS: usize = 48;
/// How much of the photo's brightness remains where the model was not shown it.
const DARK: f32 = 0.25;

impl<'a> Picture<'a> {
    /// Lays `map` over the `region` of `photo` that the model was shown.
    ///
    /// # Errors
    /// [`Error::Region`] where the region is empty or reaches out of the photo, [`Error::Aspect`]
    /// where the map would be distorted by more than rounding to whole pixels explains.
    pub fn new(photo: &'a RgbImage, region: Region, map: &'a Scaled) -> Result<Self> {
        let region = region.inside(photo.dimensions())?.fitting(map.map())?;
        let values = enlarged(map, region);
        let table = ColorMap::table_of(map.map(), None);
        Ok(Self { photo, region, scaled: map, values, table })
    }

    /// Sets the colours. Zero stays in the middle of a diverging map, and of any map where values
    /// may lie below it.
    pub fn with_colors(mut self, colors: ColorMap) -> Self {
        self.table = ColorMap::table_of(self.scaled.map(), Some(colors));
        self
    }

    /// The map alone, in colour; grey where the model was not shown the photo.
    pub fn heat_map(&self) -> RgbImage {
        self.draw(|_, value| value.map_or(UNSEEN, |value| Rgb(self.color(value))))
    }

    /// The map over the photo: the larger a value, the more of its colour covers the photo. The
    /// photo is grey and dimmed below, and dark where the model was not shown it.
    pub fn overlay(&self) -> RgbImage {
        self.over_grey(|_, value| self.color(value))
    }

    /// The photo in full colour where the map is strong, grey and dimmed where it is zero.
    pub fn masked(&self) -> RgbImage {
        self.over_grey(|photo, _| photo)
    }

    /// The photo with a line around the strongest places that together hold each of the given shares of
    /// the total, for instance 0.5; of a signed map, of what speaks for the class.
    ///
    /// Lines around single pixels could not be read: they are those of the map averaged to 48 cells along
    /// its longer side.
    ///
    /// # Errors
    /// [`Error::Share`] where one is not above 0 and below 1.
    pub fn contours(&self, shares: &[f64]) -> Result<RgbImage> {
        let Tile { mut picture, lines, .. } = self.contour_tile("", shares)?;
        let (width, height) = picture.dimensions();
        let line = |line: &Line| {
            let Line { path, width, color } = line;
            let edge = 2.0 * width;
            format!(
                "<path d='{path}' stroke='#000' stroke-width='{edge}'/>\
                 <path d='{path}' stroke='{color}' stroke-width='{width}'/>"
            )
        };
        let lines: String = lines.iter().map(line).collect();
        draw_over(
            &mut picture,
            &format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>\
                 <g fill='none' stroke-linejoin='round'>{lines}</g></svg>"
            ),
        );
        Ok(picture)
    }

    /// [`Picture::contours`] for a figure, where the lines stay lines.
    ///
    /// # Errors
    /// Those of [`Picture::contours`].
    pub fn contour_tile(&self, title: impl Into<String>, shares: &[f64]) -> Result<Tile> {
        let mut tile = Tile::new(title, self.photo.clone());
        let map = self.scaled.map().averaged(CELLS);
        let (columns, rows) = map.dimensions();
        let weights: Vec<f64> = map.weights().collect();
        let Region { x, y, width, height } = self.region;
        let [wide, high] = [f64::from(width) / columns as f64, f64::from(height) / rows as f64];
        let width = f64::from(self.photo.width().max(self.photo.height())) / 300.0;
        let colors = ["#fff", "#ffd400", "#4dd2ff", "#ff7ad9"];
        for (&share, color) in shares.iter().zip(colors.iter().cycle()) {
            if !(share > 0.0 && share < 1.0) {
                return Err(Error::Share { found: share });
            }
            // A map that is zero has no line.
            let Some((_, level)) = map.area_holding(share) else { continue };
            // Midway between the weakest pixel inside and the strongest outside.
            let outside = weights.iter().filter(|weight| **weight < level);
            let level = (level + outside.fold(0.0, |most, weight| weight.max(most))) / 2.0;
            let lines = ContourBuilder::new(columns, rows, true).lines(&weights, &[level]);
            let lines = lines.map_err(|error| Error::Encode { reason: error.to_string() })?;
            let mut path = String::new();
            for ring in lines.iter().flat_map(|line| line.geometry().iter()) {
                for (command, point) in
                    std::iter::once("M").chain(std::iter::repeat("L")).zip(&ring.0)
                {
                    let [x, y] = [f64::from(x) + point.x * wide, f64::from(y) + point.y * high];
                    path += &format!("{command}{x:.2} {y:.2}");
                }
                path += "Z";
            }
            tile.lines.push(Line { path, width: width.max(1.0), color });
        }
        Ok(tile)
    }

    /// Photo, heat map and overlay side by side, with titles and the colours' scale.
    pub fn panel(&self, title: impl Into<String>) -> Figure {
        Figure::new(title).with_row([
            Tile::new("photo", self.photo.clone()),
            Tile::new("attribution", self.heat_map()).with_bar(self),
            Tile::new("over the photo", self.overlay()),
        ])
    }

    pub(crate) fn bar(&self) -> Bar {
        Bar {
            table: self.table,
            scale: self.scaled.scale(),
            signed: self.scaled.map().is_signed(),
            clipped: self.scaled.is_clipped(),
        }
    }

    /// A colour by the photo's and the map's value over the dimmed grey photo, as opaque as the value
    /// is large.
    fn over_grey(&self, color: impl Fn([u8; 3], f32) -> [u8; 3] + Sync) -> RgbImage {
        self.draw(|photo, value| {
            let grey = f32::from(photo.to_luma().0[0]);
            let Some(value) = value else { return Rgb([(grey * DARK) as u8; 3]) };
            let alpha = value.abs();
            let mix = |channel: u8| grey * DIMMED * (1.0 - alpha) + f32::from(channel) * alpha;
            // To the nearest, for nothing here is below zero.
            Rgb(color(photo.0, value).map(|channel| (mix(channel) + 0.5) as u8))
        })
    }

    fn color(&self, value: f32) -> [u8; 3] {
        self.table[step(value, self.scaled.map().is_signed())]
    }

    /// Colours every pixel by that of the photo and the map's value, if the model was shown it.
    fn draw(&self, color: impl Fn(Rgb<u8>, Option<f32>) -> Rgb<u8> + Sync) -> RgbImage {
        let (width, height) = self.photo.dimensions();
        let [left, seen, line] =
            [self.region.x, self.region.width, width].map(|side| side as usize);
        let mut picture = RgbImage::new(width, height);
        let rows = picture.par_chunks_exact_mut(3 * line);
        let rows = rows.zip(self.photo.par_chunks_exact(3 * line)).enumerate();
        rows.for_each(|(y, (drawn, photo))| {
            let down = y.checked_sub(self.region.y as usize);
            let down = down.filter(|down| *down < self.region.height as usize);
            let values = down.map(|down| &self.values[down * seen..][..seen]);
            let pixels = drawn.chunks_exact_mut(3).zip(photo.chunks_exact(3)).enumerate();
            for (x, (drawn, photo)) in pixels {
                let value = values.zip(x.checked_sub(left)).and_then(|(row, x)| row.get(x));
                let value = value.map(|value| value.0.clamp(-1.0, 1.0));
                drawn.copy_from_slice(&color(*Rgb::from_slice(photo), value).0);
            }
        });
        picture
    }
}

/// The map at the resolution of the region. `image` would clamp its values to 0 and 1.
fn enlarged(map: &Scaled, region: Region) -> Vec<F32> {
    let (width, height) = map.map().dimensions();
    let values: Vec<F32> = map.values().into_iter().map(F32::new).collect();
    let values = TypedImageRef::new(width as u32, height as u32, &values);
    let values = values.expect("as many values as pixels");
    let mut large = vec![F32::new(0.0); region.width as usize * region.height as usize];
    let to = TypedImage::from_pixels_slice(region.width, region.height, &mut large);
    let linear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let mut to = to.expect("as many values as pixels");
    Resizer::new().resize_typed(&values, &mut to, &linear).expect("both have pixels");
    large
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Map, Reduce};
    use burn::tensor::{Device, Tensor};

    const RIGHT_HALF: Region = Region { x: 4, y: 0, width: 4, height: 4 };

    fn map(values: [[f32; 2]; 2]) -> Scaled {
        reduced(values, Reduce::AbsoluteSum)
    }

    fn reduced(values: [[f32; 2]; 2], reduce: Reduce) -> Scaled {
        let values = Tensor::<4>::from_data([[values]], &Device::flex());
        Map::of_row(&values, 0, reduce).unwrap().clip(100.0).unwrap()
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
    fn a_zero_map_is_neutral_everywhere() {
        let (photo, zero) = (photo(), [[0.0; 2]; 2]);
        for (reduce, neutral) in [(Reduce::Sum, [247; 3]), (Reduce::AbsoluteSum, [0, 0, 4])] {
            let map = reduced(zero, reduce);
            let picture = Picture::new(&photo, RIGHT_HALF, &map).unwrap();
            assert_eq!(*picture.heat_map().get_pixel(5, 1), Rgb(neutral));
            assert_eq!(*picture.overlay().get_pixel(5, 1), Rgb([110; 3]));
            assert_eq!(*picture.masked().get_pixel(5, 1), Rgb([110; 3]));
            assert_eq!(picture.contours(&[0.5]).unwrap(), photo, "nothing to draw a line around");
        }
    }

    #[test]
    fn a_sign_has_its_colour() {
        let (photo, map) = (photo(), reduced([[1.0, 0.0], [0.0, -1.0]], Reduce::Sum));
        let heat = Picture::new(&photo, RIGHT_HALF, &map).unwrap().heat_map();
        assert_eq!(*heat.get_pixel(4, 0), ColorMap::RedBlue.color(1.0));
        assert_eq!(*heat.get_pixel(7, 3), ColorMap::RedBlue.color(0.0));
        // A constant below zero is as blue as can be.
        let map = reduced([[-3.0; 2]; 2], Reduce::Sum);
        let heat = Picture::new(&photo, RIGHT_HALF, &map).unwrap().heat_map();
        assert_eq!(*heat.get_pixel(5, 1), ColorMap::RedBlue.color(0.0));
    }

    #[test]
    fn a_masked_photo_keeps_its_colours_where_much_matters() {
        let photo = RgbImage::from_pixel(8, 4, Rgb([250, 10, 20]));
        let map = map([[0.0, 1.0], [0.0, 0.0]]);
        let masked = Picture::new(&photo, RIGHT_HALF, &map).unwrap().masked();
        assert_eq!(*masked.get_pixel(7, 0), Rgb([250, 10, 20]));
        let [red, green, blue] = masked.get_pixel(4, 3).0;
        assert!(red == green && green == blue && red < 60);
    }

    #[test]
    fn a_contour_encloses_its_share() {
        let photo = RgbImage::new(64, 64);
        let map = map([[0.0, 1.0], [0.0, 0.0]]);
        let picture = Picture::new(&photo, Region::whole(&photo), &map).unwrap();
        let lines = picture.contours(&[0.5]).unwrap();
        let bright = |x0, y0| {
            let pixels = lines.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 128);
            pixels
                .filter(|(x, y, _)| (x0..x0 + 32).contains(x) && (y0..y0 + 32).contains(y))
                .count()
        };
        assert!(bright(32, 0) > 20, "around the upper right");
        assert_eq!(bright(0, 32), 0);
        for wrong in [0.0, 1.0, f64::NAN] {
            assert!(matches!(picture.contours(&[wrong]), Err(Error::Share { .. })));
        }
    }

    #[test]
    fn a_panel_holds_photo_map_and_overlay() {
        let (photo, map) = (photo(), map([[1.0; 2]; 2]));
        let picture = Picture::new(&photo, RIGHT_HALF, &map).unwrap();
        let panel = picture.panel("a title").to_picture().unwrap();
        let of = |color| panel.pixels().filter(|pixel| **pixel == color).count();
        assert!(of(Rgb([200; 3])) >= 32 && of(UNSEEN) >= 16);
        assert!(of(ColorMap::Inferno.color(1.0)) >= 2 * 16);
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
        let full = ColorMap::Inferno.color(1.0);
        assert_eq!(*picture.heat_map().get_pixel(0, 0), full);
        assert_eq!(*picture.overlay().get_pixel(0, 0), full);
        assert_eq!(*picture.masked().get_pixel(0, 0), Rgb([0; 3]));
        assert_eq!(picture.contours(&[0.5]).unwrap().dimensions(), (1, 1));
        assert!(picture.panel("a dot").to_picture().unwrap().pixels().any(|pixel| *pixel == full));
    }
}
