use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{Pixel as _, Rgb, RgbImage};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};
use saliency_photo::{ScaledMap, Size, View};

use crate::color::{ColorMap, Table, step};
use crate::error::Result;
use crate::figure::Figure;
use crate::legend::Legend;
use crate::tile::Tile;

/// A photo with a map over the region that the model was shown, at the photo's own resolution.
///
/// # Parameters and defaults
/// - colours: [`ColorMap::Inferno`], or [`ColorMap::RedBlue`] for a signed map
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    view: View<'a>,
    scaled: &'a ScaledMap,
    /// The scaled map at the resolution of the region, row by row.
    values: Vec<F32>,
    table: Table,
}

/// On a heat map, the grey of the part of the photo that the model was not shown. No colour map
/// contains it.
const UNSEEN: Rgb<u8> = Rgb([64, 64, 64]);
/// The share of the photo's brightness that remains under an overlay where the map is zero.
const DIMMED: f32 = 0.55;
/// The share of the photo's brightness that remains where the model was not shown the photo.
const DARK: f32 = 0.25;

impl<'a> Picture<'a> {
    /// Lays a map over the region of a photo that the model was shown.
    ///
    /// # Errors
    /// [`Error::Photo`](crate::Error::Photo) if the region is empty or extends beyond the photo, or
    /// if the map has another aspect ratio than the region. A difference that rounding to whole
    /// pixels explains is allowed.
    pub fn new(view: View<'a>, map: &'a ScaledMap) -> Result<Self> {
        let frame = view.frame();
        frame.check()?;
        frame.check_map(map.map())?;
        let values = enlarged(map, view.region.size());
        let signed = map.map().is_signed();
        let table = ColorMap::suited_to(signed).table(signed);
        Ok(Self { view, scaled: map, values, table })
    }

    /// Sets the colours. If the map is signed, zero has the colour in the middle. If it is
    /// unsigned, diverging colours begin with their neutral middle at zero.
    pub fn with_colors(mut self, colors: ColorMap) -> Self {
        self.table = colors.table(self.scaled.map().is_signed());
        self
    }

    /// Returns the photo and the region of it that the model was shown.
    pub fn view(&self) -> View<'a> {
        self.view
    }

    /// Returns the map.
    pub fn map(&self) -> &'a ScaledMap {
        self.scaled
    }

    /// Returns the legend: the colours with their attributions.
    pub fn legend(&self) -> Legend {
        Legend::new(self.scaled, self.table)
    }

    /// Draws the map alone, in colour. The picture is grey where the model was not shown the photo.
    pub fn heat_map(&self) -> RgbImage {
        self.draw(|_, value| value.map_or(UNSEEN, |value| Rgb(self.color(value))))
    }

    /// Draws the map over the photo: the larger a value, the more of its colour covers the photo.
    /// The photo below is grey and dimmed, and dark where the model was not shown it.
    pub fn overlay(&self) -> RgbImage {
        self.over_grey(|_, value| self.color(value))
    }

    /// Draws the photo in full colour where the map is strong, and grey and dimmed where it is
    /// zero.
    pub fn masked(&self) -> RgbImage {
        self.over_grey(|photo, _| photo)
    }

    /// Puts photo, heat map and overlay side by side, with titles and the legend. The panel is at
    /// most 2,000 pixels wide, unless [another width](Figure::with_max_width) is set.
    pub fn panel(&self, title: impl Into<String>) -> Figure {
        self.panel_with(title, Tile::new("over the photo", self.overlay()))
    }

    /// Puts photo, heat map and another tile side by side.
    pub(crate) fn panel_with(&self, title: impl Into<String>, over: Tile) -> Figure {
        Figure::new(title).with_row([
            Tile::new("photo", self.view.photo.clone()),
            Tile::new("attribution", self.heat_map()).with_legend(self.legend()),
            over,
        ])
    }

    /// Lays a colour, chosen from the photo's colour and the map's value, over the dimmed grey
    /// photo. The larger the value, the less of the photo shows.
    fn over_grey(&self, color: impl Fn([u8; 3], f32) -> [u8; 3] + Sync) -> RgbImage {
        self.draw(|photo, value| {
            let grey = f32::from(photo.to_luma().0[0]);
            let Some(value) = value else { return Rgb([(grey * DARK) as u8; 3]) };
            let alpha = value.abs();
            let mixed = |channel: u8| grey * DIMMED * (1.0 - alpha) + f32::from(channel) * alpha;
            // Adding 0.5 rounds to the nearest integer, because no value here is below zero.
            Rgb(color(photo.0, value).map(|channel| (mixed(channel) + 0.5) as u8))
        })
    }

    fn color(&self, value: f32) -> [u8; 3] {
        self.table[step(value, self.scaled.map().is_signed())]
    }

    /// Chooses the colour of every pixel from the photo's colour and the map's value. The value is
    /// `None` where the model was not shown the photo.
    fn draw(&self, color: impl Fn(Rgb<u8>, Option<f32>) -> Rgb<u8> + Sync) -> RgbImage {
        let View { photo, region } = self.view;
        let bytes = 3 * photo.width() as usize;
        let (left, top) = (region.x as usize, region.y as usize);
        let values: Vec<&[F32]> = self.values.chunks_exact(region.width as usize).collect();
        let mut picture = RgbImage::new(photo.width(), photo.height());
        // Rows of pixels are drawn on all cores.
        let rows = picture.par_chunks_exact_mut(bytes).zip(photo.par_chunks_exact(bytes));
        rows.enumerate().for_each(|(y, (drawn, photo))| {
            // The values of this row, or `None` if the model was not shown any pixel of it.
            let values = y.checked_sub(top).and_then(|y| values.get(y));
            let pixels = drawn.chunks_exact_mut(3).zip(photo.chunks_exact(3));
            for (x, (drawn, photo)) in pixels.enumerate() {
                let value = values.zip(x.checked_sub(left)).and_then(|(row, x)| row.get(x));
                let value = value.map(|value| value.0.clamp(-1.0, 1.0));
                drawn.copy_from_slice(&color(*Rgb::from_slice(photo), value).0);
            }
        });
        picture
    }
}

/// Enlarges the values of a map, which may be below zero. `image` would clamp them to 0 and 1.
fn enlarged(map: &ScaledMap, to: Size) -> Vec<F32> {
    let size = map.map().size();
    let values: Vec<F32> = map.values().into_iter().map(F32::new).collect();
    let small = TypedImageRef::new(size.width, size.height, &values);
    let small = small.expect("as many values as pixels");
    let mut values = vec![F32::new(0.0); to.width as usize * to.height as usize];
    let large = TypedImage::from_pixels_slice(to.width, to.height, &mut values);
    let mut large = large.expect("as many values as pixels");
    let linear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize_typed(&small, &mut large, &linear).expect("both have pixels");
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use burn::tensor::{Device, Tensor};
    use saliency_photo::{Error as PhotoError, Map, Reduce, Region};

    const RIGHT_HALF: Region = Region { x: 4, y: 0, width: 4, height: 4 };

    fn map(values: [[f32; 2]; 2]) -> ScaledMap {
        reduced(values, Reduce::AbsoluteSum)
    }

    fn reduced(values: [[f32; 2]; 2], reduce: Reduce) -> ScaledMap {
        let values = Tensor::<4>::from_data([[values]], &Device::flex());
        Map::of_row(&values, 0, reduce).unwrap().clip_beyond(1.0).unwrap()
    }

    fn photo() -> RgbImage {
        RgbImage::from_pixel(8, 4, Rgb([200, 200, 200]))
    }

    #[test]
    fn values_lie_where_the_model_saw_them() {
        let (photo, map) = (photo(), map([[0.0, 1.0], [0.0, 0.0]]));
        let heat = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap().heat_map();
        assert_eq!(*heat.get_pixel(0, 0), UNSEEN);
        assert_eq!(*heat.get_pixel(4, 3), ColorMap::Inferno.color(0.0));
        assert_eq!(*heat.get_pixel(7, 0), ColorMap::Inferno.color(1.0));
    }

    #[test]
    fn an_overlay_shows_the_photo_where_nothing_matters_and_the_colour_where_much_does() {
        let (photo, map) = (photo(), map([[0.0, 1.0], [0.0, 0.0]]));
        let overlay = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap().overlay();
        assert_eq!(*overlay.get_pixel(0, 0), Rgb([50; 3]));
        assert_eq!(*overlay.get_pixel(4, 3), Rgb([110; 3]));
        assert_eq!(*overlay.get_pixel(7, 0), ColorMap::Inferno.color(1.0));
    }

    #[test]
    fn a_zero_map_is_neutral_everywhere() {
        let (photo, zero) = (photo(), [[0.0; 2]; 2]);
        for (reduce, neutral) in [(Reduce::Sum, [247; 3]), (Reduce::AbsoluteSum, [0, 0, 4])] {
            let map = reduced(zero, reduce);
            let picture = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap();
            assert_eq!(*picture.heat_map().get_pixel(5, 1), Rgb(neutral));
            assert_eq!(*picture.overlay().get_pixel(5, 1), Rgb([110; 3]));
            assert_eq!(*picture.masked().get_pixel(5, 1), Rgb([110; 3]));
            assert_eq!(picture.contours(&[0.5]).unwrap(), photo, "nothing to draw a line around");
        }
    }

    #[test]
    fn a_sign_has_its_colour() {
        let (photo, map) = (photo(), reduced([[1.0, 0.0], [0.0, -1.0]], Reduce::Sum));
        let heat = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap().heat_map();
        assert_eq!(*heat.get_pixel(4, 0), ColorMap::RedBlue.color(1.0));
        assert_eq!(*heat.get_pixel(7, 3), ColorMap::RedBlue.color(0.0));
        // A constant below zero is as blue as possible.
        let map = reduced([[-3.0; 2]; 2], Reduce::Sum);
        let heat = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap().heat_map();
        assert_eq!(*heat.get_pixel(5, 1), ColorMap::RedBlue.color(0.0));
    }

    #[test]
    fn a_masked_photo_keeps_its_colours_where_much_matters() {
        let photo = RgbImage::from_pixel(8, 4, Rgb([250, 10, 20]));
        let map = map([[0.0, 1.0], [0.0, 0.0]]);
        let masked = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap().masked();
        assert_eq!(*masked.get_pixel(7, 0), Rgb([250, 10, 20]));
        let [red, green, blue] = masked.get_pixel(4, 3).0;
        assert!(red == green && green == blue && red < 60);
    }

    #[test]
    fn a_panel_holds_photo_map_and_overlay() {
        let (photo, map) = (photo(), map([[1.0; 2]; 2]));
        let picture = Picture::new(View::new(&photo, RIGHT_HALF), &map).unwrap();
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
            assert!(matches!(
                Picture::new(View::new(&photo, wrong), &map),
                Err(Error::Photo(PhotoError::Region { .. }))
            ));
        }
        let photo = RgbImage::new(100, 50);
        let wide = Picture::new(View::new(&photo, region(0, 100, 50)), &map);
        let Err(Error::Photo(PhotoError::Aspect { region, map, .. })) = wide else {
            panic!("a distorted map must be refused");
        };
        assert_eq!((region, map), ((100, 50).into(), (2, 2).into()));
    }

    #[test]
    fn a_map_of_a_stretched_photo_covers_the_whole_photo() {
        let photo = RgbImage::new(100, 50);
        let map = map([[1.0, 0.0]; 2]).map().clone().stretched().clip_beyond(1.0).unwrap();
        let heat = Picture::new(View::whole(&photo), &map).unwrap().heat_map();
        assert_eq!(heat.dimensions(), (100, 50));
        for y in [0, 25, 49] {
            assert_eq!(*heat.get_pixel(2, y), ColorMap::Inferno.color(1.0));
            assert_eq!(*heat.get_pixel(97, y), ColorMap::Inferno.color(0.0));
        }
    }

    #[test]
    fn a_photo_of_one_pixel_has_a_picture() {
        let (photo, map) = (RgbImage::new(1, 1), map([[1.0; 2]; 2]));
        let region = Region { x: 0, y: 0, width: 1, height: 1 };
        let picture = Picture::new(View::new(&photo, region), &map).unwrap();
        let full = ColorMap::Inferno.color(1.0);
        assert_eq!(*picture.heat_map().get_pixel(0, 0), full);
        assert_eq!(*picture.overlay().get_pixel(0, 0), full);
        assert_eq!(*picture.masked().get_pixel(0, 0), Rgb([0; 3]));
        assert_eq!(picture.contours(&[0.5]).unwrap().dimensions(), (1, 1));
        assert!(picture.panel("a dot").to_picture().unwrap().pixels().any(|pixel| *pixel == full));
    }
}
