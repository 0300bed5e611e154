//! How a photo is fitted to the size of an input.

use image::Rgb;

use crate::region::{Region, Size};

/// How a photo is fitted to the width and height of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fit {
    /// Resizes the photo so that its shorter side gets this length, in pixels, then cuts out the
    /// centre. torchvision resizes to 256 and cuts out 224. Parts of the input that the photo does
    /// not reach are black.
    ShorterSide(u32),
    /// Resizes the photo so that the input is this share of it, above 0 and up to 1, along the
    /// side that fits tightest, then cuts out the centre. timm calls it `crop_pct`.
    CropFraction(f64),
    /// Cuts out the largest centred part with the aspect ratio of the input, in whole pixels of the
    /// photo, then resizes it.
    CropFirst,
    /// Stretches the whole photo to the input. The aspect ratio is lost.
    Stretch,
    /// Stretches the whole photo to this size, then cuts out the centre.
    StretchAndCrop(Size),
    /// Resizes the photo so that it just fits into the input, and fills the rest with this colour:
    /// bars above and below, or left and right.
    Letterbox(Rgb<u8>),
}

/// Which of two pixels is the middle if the distance is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Centring {
    /// The even one of the two halves, as torchvision and timm do it.
    HalfToEven,
    /// The upper left one, as Hugging Face does it.
    Down,
}

/// The whole photo resized, and where its upper left corner is on the input. The corner is negative
/// if parts of the photo are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scaled {
    pub width: u64,
    pub height: u64,
    pub left: i64,
    pub top: i64,
}

impl Fit {
    /// Returns the size that the whole photo is resized to, and its place on the input.
    ///
    /// Not for [`Fit::CropFirst`], which cuts before it resizes.
    pub(super) fn scaled(self, photo: Size, input: Size, centring: Centring) -> Scaled {
        let [width, height] = match self {
            Self::ShorterSide(length) => shorter_side(photo, length),
            Self::CropFraction(fraction) => crop_fraction(photo, input, fraction),
            Self::CropFirst | Self::Stretch => [input.width, input.height].map(u64::from),
            Self::StretchAndCrop(size) => [size.width, size.height].map(u64::from),
            Self::Letterbox(_) => letterbox(photo, input),
        };
        let offset = |input: u32, scaled: u64| match self {
            // Ultralytics rounds half a pixel down.
            Self::Letterbox(_) => (i64::from(input) - scaled as i64).div_euclid(2),
            _ => centring.offset(input, scaled),
        };
        let (left, top) = (offset(input.width, width), offset(input.height, height));
        Scaled { width, height, left, top }
    }

    /// Returns the colour of the parts of the input that the photo does not reach.
    pub(super) fn fill(self) -> Rgb<u8> {
        match self {
            Self::Letterbox(colour) => colour,
            _ => Rgb([0; 3]),
        }
    }
}

impl Centring {
    /// Returns the left edge of a photo that is centred on an input.
    fn offset(self, input: u32, scaled: u64) -> i64 {
        let beyond = scaled as i64 - i64::from(input);
        match self {
            Self::Down => -beyond.div_euclid(2),
            // Where torchvision pads, it rounds down.
            Self::HalfToEven if beyond < 0 => (-beyond) / 2,
            Self::HalfToEven => -((beyond as f64 / 2.0).round_ties_even() as i64),
        }
    }
}

/// Returns the size with the given shorter side. Like torchvision and Hugging Face, the longer side
/// is rounded down.
fn shorter_side(photo: Size, length: u32) -> [u64; 2] {
    let (short, long) = (photo.width.min(photo.height), photo.width.max(photo.height));
    let other = (f64::from(length) * f64::from(long) / f64::from(short)) as u64;
    let length = u64::from(length);
    if photo.width <= photo.height { [length, other] } else { [other, length] }
}

/// Returns the size of timm's `crop_pct`. For a square input it is the shorter side.
fn crop_fraction(photo: Size, input: Size, fraction: f64) -> [u64; 2] {
    let target = [input.width, input.height].map(|side| (f64::from(side) / fraction).floor());
    if input.width == input.height {
        return shorter_side(photo, target[0] as u32);
    }
    let sides = [photo.width, photo.height].map(f64::from);
    let ratio = (sides[0] / target[0]).min(sides[1] / target[1]);
    sides.map(|side| (side / ratio).round_ties_even() as u64)
}

/// Returns the largest size that fits into the input, with at least one pixel for each side.
fn letterbox(photo: Size, input: Size) -> [u64; 2] {
    let [wide, high] = [
        f64::from(input.width) / f64::from(photo.width),
        f64::from(input.height) / f64::from(photo.height),
    ];
    let ratio = wide.min(high);
    [photo.width, photo.height]
        .map(|side| ((f64::from(side) * ratio).round_ties_even() as u64).max(1))
}

/// Returns the largest centred region with the aspect ratio of the input, in whole pixels.
pub(super) fn centred(photo: Size, input: Size) -> Region {
    let [w, h] = [photo.width, photo.height].map(u64::from);
    let [wide, high] = [input.width, input.height].map(u64::from);
    let (width, height) = if w * high <= h * wide {
        (photo.width, ((w * high / wide) as u32).max(1))
    } else {
        (((h * wide / high) as u32).max(1), photo.height)
    };
    Region { x: (photo.width - width) / 2, y: (photo.height - height) / 2, width, height }
}

impl Scaled {
    /// Returns the part of the input that shows the photo.
    pub fn content(self, input: Size) -> Region {
        let side = |at: i64, length: u64, input: u32| {
            let to = (at + length as i64).clamp(0, i64::from(input));
            let from = at.clamp(0, to);
            (from as u32, (to - from) as u32)
        };
        let (x, width) = side(self.left, self.width, input.width);
        let (y, height) = side(self.top, self.height, input.height);
        Region { x, y, width, height }
    }

    /// Returns the part of the resized photo that the content shows.
    pub fn window(self, content: Region) -> Window {
        Window {
            x: (i64::from(content.x) - self.left) as u64,
            y: (i64::from(content.y) - self.top) as u64,
            width: content.width,
            height: content.height,
        }
    }
}

/// A part of a photo that was resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub x: u64,
    pub y: u64,
    pub width: u32,
    pub height: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: Size = Size { width: 224, height: 224 };

    fn scaled(fit: Fit, photo: (u32, u32), input: Size, centring: Centring) -> [i64; 4] {
        let it = fit.scaled(photo.into(), input, centring);
        [it.width as i64, it.height as i64, it.left, it.top]
    }

    #[test]
    fn sizes_and_offsets_are_those_of_the_libraries() {
        use Centring::{Down, HalfToEven};
        let shorter = Fit::ShorterSide(256);
        // 601 x 400: 384.64 is rounded down; half of 384 - 224 = 160 is 80.
        assert_eq!(scaled(shorter, (601, 400), SQUARE, HalfToEven), [384, 256, -80, -16]);
        // 17.5 becomes 18 in torchvision, and 17 in Hugging Face.
        let odd = Fit::ShorterSide(259);
        assert_eq!(scaled(odd, (400, 400), SQUARE, HalfToEven), [259, 259, -18, -18]);
        assert_eq!(scaled(odd, (400, 400), SQUARE, Down), [259, 259, -17, -17]);
        // A photo that does not reach the edges is padded.
        let small = Fit::ShorterSide(221);
        assert_eq!(scaled(small, (400, 400), SQUARE, HalfToEven), [221, 221, 1, 1]);
        assert_eq!(scaled(small, (400, 400), SQUARE, Down), [221, 221, 2, 2]);
        let crop = Fit::CropFraction(0.875);
        assert_eq!(scaled(crop, (601, 400), SQUARE, HalfToEven), [384, 256, -80, -16]);
        let wide = Size { width: 320, height: 224 };
        assert_eq!(scaled(crop, (400, 400), wide, HalfToEven), [365, 365, -22, -70]);
        let letterbox = Fit::Letterbox(Rgb([114; 3]));
        assert_eq!(scaled(letterbox, (600, 401), SQUARE, Down), [224, 150, 0, 37]);
        assert_eq!(scaled(letterbox, (1, 30_000), SQUARE, Down), [1, 224, 111, 0]);
        assert_eq!(scaled(Fit::Stretch, (600, 401), SQUARE, Down), [224, 224, 0, 0]);
    }

    #[test]
    fn the_largest_centred_part_has_the_aspect_ratio_of_the_input() {
        let at = |x, y, width, height| Region { x, y, width, height };
        assert_eq!(centred((600, 400).into(), SQUARE), at(100, 0, 400, 400));
        assert_eq!(centred((3, 8).into(), SQUARE), at(0, 2, 3, 3));
        let wide = Size { width: 200, height: 100 };
        assert_eq!(centred((600, 400).into(), wide), at(0, 50, 600, 300));
        assert_eq!(centred((1, 1).into(), wide), at(0, 0, 1, 1));
    }
}
