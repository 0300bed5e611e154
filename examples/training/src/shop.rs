//! Photos of a shop's products. They are composed by the program, so that the positions of the
//! product and of the mark are known.

use image::{GrayImage, Luma, Rgb, RgbImage};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Normal, Uniform};
use resvg::tiny_skia::{ColorU8, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Transform};
use saliency::photo::Region;

/// Width and height of a photo.
pub const SIDE: u32 = 48;
/// The names of the classes.
pub const CLASSES: [&str; 3] = ["mug", "bottle", "shirt"];
/// The class of the photos from an agency that puts its mark on them.
pub const MUG: usize = 0;
/// The position of the agency's mark.
pub const WATERMARK: Region = Region { x: 38, y: 38, width: 8, height: 8 };

/// A photo, and which of its pixels are the product.
#[derive(Clone, Debug)]
pub struct Product {
    /// The product's class.
    pub class: usize,
    /// The photo.
    pub photo: RgbImage,
    /// White on the product, and black elsewhere.
    pub object: GrayImage,
}

impl Product {
    /// Returns the smallest box around the product.
    pub fn outline(&self) -> Region {
        let inside = || self.object.enumerate_pixels().filter(|(.., pixel)| pixel.0[0] > 0);
        let ends = |places: &mut dyn Iterator<Item = u32>| {
            places.fold((SIDE, 0), |(first, last), at| (first.min(at), last.max(at)))
        };
        let (left, right) = ends(&mut inside().map(|(x, ..)| x));
        let (top, bottom) = ends(&mut inside().map(|(_, y, _)| y));
        Region { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
    }
}

/// Composes the photo with the given number. `watermarked` changes nothing except the mark.
pub fn photo(number: u64, class: usize, watermarked: bool) -> Product {
    let mut random = ChaCha8Rng::seed_from_u64(number);
    let mut between =
        |low: f32, high: f32| Uniform::new(low, high).expect("an interval").sample(&mut random);
    // Draw the random colours first.
    let mut color = || [(); 3].map(|()| between(40.0, 215.0) as u8);
    let (top, bottom) = (color(), color());
    let blobs = [(); 5].map(|()| color());
    let product = color();

    // The background: a gradient from top to bottom, and blobs on it.
    let mut scene = gradient(top, bottom);
    let side = SIDE as f32;
    for blob in blobs {
        let (x, y, radius) = (between(0.0, side), between(0.0, side), between(2.0, 7.0));
        fill(&mut scene, &circle(x, y, radius), blob, 110, Transform::identity());
    }

    // The product, turned a little. It is never under the mark.
    let (size, turned) = (between(9.0, 12.0), between(-12.0, 12.0));
    let (x, y) = (side / 2.0 + between(-5.0, 2.0), side / 2.0 + between(-5.0, 2.0));
    let place = Transform::from_translate(x, y).pre_rotate(turned).pre_scale(size, size);
    let mut object = Pixmap::new(SIDE, SIDE).expect("a size");
    for part in parts(class) {
        fill(&mut scene, &part, product, 255, place);
        fill(&mut object, &part, [255; 3], 255, place);
    }
    if watermarked {
        draw_watermark(&mut scene);
    }
    Product { class, photo: grainy(&scene, &mut random), object: opaque(&object) }
}

/// Draws a gradient from top to bottom.
fn gradient(top: [u8; 3], bottom: [u8; 3]) -> Pixmap {
    let mut scene = Pixmap::new(SIDE, SIDE).expect("a size");
    for (at, pixel) in scene.pixels_mut().iter_mut().enumerate() {
        let down = at as f32 / (SIDE * SIDE) as f32;
        let mixed = |channel: usize| {
            (f32::from(top[channel]) * (1.0 - down) + f32::from(bottom[channel]) * down) as u8
        };
        *pixel = ColorU8::from_rgba(mixed(0), mixed(1), mixed(2), 255).premultiply();
    }
    scene
}

/// Draws the agency's mark: three circles with the same centre.
fn draw_watermark(scene: &mut Pixmap) {
    let [x, y, r] = [WATERMARK.x as f32 + 4.0, WATERMARK.y as f32 + 4.0, 4.0];
    for (radius, value) in [(r, 255), (r - 1.2, 60), (r - 2.4, 255)] {
        fill(scene, &circle(x, y, radius), [value; 3], 255, Transform::identity());
    }
}

fn circle(x: f32, y: f32, radius: f32) -> Path {
    PathBuilder::from_circle(x, y, radius).expect("a radius")
}

/// Turns a drawing into a photo with grain.
fn grainy(scene: &Pixmap, random: &mut ChaCha8Rng) -> RgbImage {
    let grain = Normal::new(0.0, 8.0).expect("a deviation");
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let pixel = scene.pixel(x, y).expect("inside").demultiply();
        Rgb([pixel.red(), pixel.green(), pixel.blue()]
            .map(|value| (f32::from(value) + grain.sample(random)).clamp(0.0, 255.0) as u8))
    })
}

/// Returns a mask: white if a drawing is more than half opaque, else black.
fn opaque(drawing: &Pixmap) -> GrayImage {
    GrayImage::from_fn(SIDE, SIDE, |x, y| {
        let alpha = drawing.pixel(x, y).expect("inside").alpha();
        Luma([if alpha > 127 { 255 } else { 0 }])
    })
}

/// Returns the outlines of a product, between -1 and 1.
fn parts(class: usize) -> Vec<Path> {
    let rect = |left, top, right, bottom| {
        PathBuilder::from_rect(Rect::from_ltrb(left, top, right, bottom).expect("a rectangle"))
    };
    let mut lines = PathBuilder::new();
    match CLASSES[class] {
        "mug" => {
            lines.push_circle(0.45, 0.0, 0.55);
            lines.push_circle(0.45, 0.0, 0.3);
            vec![rect(-0.9, -0.8, 0.4, 0.8), lines.finish().expect("a ring")]
        }
        "bottle" => vec![rect(-0.42, -0.25, 0.42, 1.1), rect(-0.16, -1.1, 0.16, -0.2)],
        _ => {
            let corners = [
                (-0.4, -0.9),
                (0.4, -0.9),
                (1.1, -0.4),
                (0.8, 0.0),
                (0.5, -0.2),
                (0.5, 0.9),
                (-0.5, 0.9),
                (-0.5, -0.2),
                (-0.8, 0.0),
                (-1.1, -0.4),
            ];
            lines.move_to(corners[0].0, corners[0].1);
            for (x, y) in &corners[1..] {
                lines.line_to(*x, *y);
            }
            lines.close();
            vec![lines.finish().expect("a shirt")]
        }
    }
}

fn fill(scene: &mut Pixmap, path: &Path, [red, green, blue]: [u8; 3], alpha: u8, at: Transform) {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, alpha);
    scene.fill_path(path, &paint, FillRule::EvenOdd, at, None);
}
