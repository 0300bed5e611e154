//! Photos in another size, computed as Pillow and OpenCV compute them.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32x3;
use fast_image_resize::{ResizeAlg, ResizeOptions, Resizer};
use image::{RgbImage, imageops};

use super::fit::Window;
use super::interpolation::{Interpolation, Kind};

/// The number of rows that are resized together. It bounds the memory for photos as floats.
const BAND: usize = 64;

/// A resized side of up to so many windows is computed as a whole.
const MOST_WHOLE: u64 = 4;

/// Resizes a whole photo to `width` x `height` pixels and returns a window of it. Computes the
/// window alone if the whole is huge.
pub(super) fn resized_window(
    photo: &RgbImage,
    [width, height]: [u64; 2],
    window: Window,
    interpolation: Interpolation,
) -> RgbImage {
    let across = Side::new(photo.width(), width, window.x, window.width);
    let down = Side::new(photo.height(), height, window.y, window.height);
    let part = resized(photo, across, down, interpolation);
    let [x, y] = [across.skip, down.skip];
    if [x, y, part.width(), part.height()] == [0, 0, window.width, window.height] {
        return part;
    }
    imageops::crop_imm(&part, x, y, window.width, window.height).to_image()
}

fn resized(photo: &RgbImage, across: Side, down: Side, interpolation: Interpolation) -> RgbImage {
    match interpolation.kind() {
        Kind::Nearest => RgbImage::from_fn(across.to, down.to, |x, y| {
            *photo.get_pixel(across.nearest(x), down.nearest(y))
        }),
        Kind::Averaged(filter) => {
            let filter = ResizeAlg::Convolution(filter);
            let to_byte = |value: f32| f32::from(byte(value));
            in_two_directions(photo, across, down, filter, to_byte)
        }
        Kind::RoundedOnce(filter) => in_two_directions(photo, across, down, filter, |value| value),
    }
}

/// One direction of a resize: a side of the photo, and the part of it that is wanted.
#[derive(Clone, Copy)]
struct Side {
    /// The length of the photo.
    from: u32,
    /// The start of the part, in pixels of the photo.
    start: f64,
    /// The length of the part, in pixels of the photo.
    length: f64,
    /// The length of the part in new pixels.
    to: u32,
    /// The number of new pixels before the window.
    skip: u32,
}

impl Side {
    fn new(from: u32, scaled: u64, first: u64, to: u32) -> Self {
        // The whole side has the arithmetic of the libraries, to the last digit.
        if scaled <= MOST_WHOLE * u64::from(to) {
            let (start, length) = (0.0, f64::from(from));
            return Self { from, start, length, to: scaled as u32, skip: first as u32 };
        }
        let scale = f64::from(from) / scaled as f64;
        let start = first as f64 * scale;
        // Rounding must not carry the part over the edge of the photo.
        let mut length = (f64::from(to) * scale).min(f64::from(from) - start);
        while start + length > f64::from(from) {
            length = length.next_down();
        }
        Self { from, start, length, to, skip: 0 }
    }

    /// Returns the pixel of the photo under the middle of a new pixel.
    fn nearest(self, new: u32) -> u32 {
        let middle = self.start + (f64::from(new) + 0.5) * self.length / f64::from(self.to);
        (middle as u32).min(self.from - 1)
    }
}

/// Resizes the rows, then the columns. `round` is applied between the directions.
///
/// Pillow 2.7 to 12 do it in this order; Pillow 13 resizes the columns of some tall photos first. `fast_image_resize` would resize columns first and has fewer digits
/// for bytes, so that each direction is asked for on its own, in floats.
fn in_two_directions(
    photo: &RgbImage,
    across: Side,
    down: Side,
    algorithm: ResizeAlg,
    round: impl Fn(f32) -> f32,
) -> RgbImage {
    let mut resizer = Resizer::new();
    let row_bytes = photo.width() as usize * 3;
    let mut narrow = Vec::with_capacity(across.to as usize * photo.height() as usize);
    for band in photo.as_raw().chunks(row_bytes * BAND) {
        let rows = (band.len() / row_bytes) as u32;
        let band: Vec<F32x3> = band.as_chunks::<3>().0.iter().map(floats).collect();
        let options = ResizeOptions::new().resize_alg(algorithm).crop(
            across.start,
            0.0,
            across.length,
            rows.into(),
        );
        let resized = part(&mut resizer, &band, [photo.width(), rows], [across.to, rows], &options);
        narrow.extend(resized.into_iter().map(|it| F32x3::new(it.0.map(&round))));
    }
    let options = ResizeOptions::new().resize_alg(algorithm).crop(
        0.0,
        down.start,
        across.to.into(),
        down.length,
    );
    let sizes = ([across.to, photo.height()], [across.to, down.to]);
    let pixels = part(&mut resizer, &narrow, sizes.0, sizes.1, &options);
    let bytes = pixels.iter().flat_map(|pixel| pixel.0.map(byte)).collect();
    RgbImage::from_raw(across.to, down.to, bytes).expect("three bytes for each pixel")
}

fn floats(pixel: &[u8; 3]) -> F32x3 {
    F32x3::new(pixel.map(f32::from))
}

/// Rounds to the nearest byte, and half of a step up, as Pillow and OpenCV do.
fn byte(value: f32) -> u8 {
    (value + 0.5).floor().clamp(0.0, 255.0) as u8
}

/// Resizes a part of a picture of floats.
fn part(
    resizer: &mut Resizer,
    pixels: &[F32x3],
    [width, height]: [u32; 2],
    [new_width, new_height]: [u32; 2],
    options: &ResizeOptions,
) -> Vec<F32x3> {
    let from = TypedImageRef::new(width, height, pixels).expect("as many pixels as the size says");
    let mut to = TypedImage::<F32x3>::new(new_width, new_height);
    resizer.resize_typed(&from, &mut to, options).expect("the part is inside the picture");
    to.pixels().to_vec()
}
