//! Cuts photos into regions that follow the edges in them.

mod connected;

use image::RgbImage;

use crate::error::{Error, Result};
use crate::region::Size;

/// Cuts a photo into superpixels (SLIC): connected regions of about the same size, whose pixels are
/// near each other and have similar colours.
///
/// The regions are cells of a grid at first. Then, again and again, each region's centre moves to the
/// mean of its pixels, and each pixel joins the nearest centre:
///
/// ```text
/// distance² = |colour - colour of the centre|² + (compactness / spacing)² |place - place of the centre|²
/// spacing   = √(pixels / count)
/// ```
///
/// Colours are in CIELAB, where distances are about as large as they look. At the end, parts that are
/// not connected to their region join a neighbour. If a region has lost all of its pixels, the
/// largest region is divided in two, so that the number of regions is the one asked for. The same
/// photo gives the same regions.
///
/// # Shapes and units
/// Places are in pixels. A difference of 1 in a CIELAB colour can just be seen.
///
/// # Defaults
/// - compactness: 10. Larger values give squarer regions.
/// - rounds: 10
///
/// # Cost
/// About `4 x rounds` distances for each pixel.
///
/// # Errors
/// [`Slic::of`] returns [`Error::Superpixels`] if the photo has fewer pixels than there should be
/// regions, or if there should be none. [`Slic::with_compactness`] returns [`Error::Compactness`]
/// if it is not positive and finite.
///
/// # Example
/// ```
/// use image::{Rgb, RgbImage};
/// use saliency_photo::Slic;
///
/// // The left third is red, the rest blue.
/// let photo = RgbImage::from_fn(12, 8, |x, _| if x < 4 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) });
/// let superpixels = Slic::new(6).of(&photo)?;
/// assert_eq!(superpixels.count(), 6);
/// let label = |x: usize| superpixels.labels()[x];
/// assert!((4..12).all(|x| label(x) != label(3)), "no region has both colours");
/// # Ok::<(), saliency_photo::Error>(())
/// ```
///
/// # Source
/// R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua and S. Süsstrunk, "SLIC Superpixels Compared to
/// State-of-the-Art Superpixel Methods", 2012. The first centres are means of cells instead of
/// single pixels at smooth places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slic {
    count: usize,
    compactness: f64,
    rounds: usize,
}

/// A photo's superpixels. Every pixel is in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superpixels {
    size: Size,
    count: usize,
    labels: Vec<usize>,
}

impl Slic {
    /// Cuts photos into this many superpixels.
    pub fn new(count: usize) -> Self {
        Self { count, compactness: 10.0, rounds: 10 }
    }

    /// Weighs distance more (larger values) or colour more (smaller values).
    ///
    /// # Errors
    /// [`Error::Compactness`] if it is not positive and finite.
    pub fn with_compactness(mut self, compactness: f64) -> Result<Self> {
        if !(compactness.is_finite() && compactness > 0.0) {
            return Err(Error::Compactness { found: compactness });
        }
        self.compactness = compactness;
        Ok(self)
    }

    /// Moves the centres this many times. 0 leaves the cells of the grid.
    #[must_use]
    pub fn with_rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Cuts a photo.
    ///
    /// # Errors
    /// [`Error::Superpixels`] if the photo has fewer pixels than there should be regions, or if
    /// there should be none.
    pub fn of(&self, photo: &RgbImage) -> Result<Superpixels> {
        let size = Size::of(photo);
        let pixels = pixels(photo);
        if self.count == 0 || self.count > pixels.len() {
            return Err(Error::Superpixels { photo: size, count: self.count });
        }
        let spacing = (pixels.len() as f64 / self.count as f64).sqrt();
        let metric = Metric { spacing, near: (self.compactness / spacing).powi(2) };
        // Start with cells of a grid. The centres are their means.
        let mut labels = grid(size, self.count);
        let mut centres = vec![Point::default(); self.count];
        for _ in 0..self.rounds {
            move_to_means(&mut centres, &pixels, &labels);
            assign(&mut labels, size, &pixels, &centres, metric);
        }
        connected::connect(&mut labels, size, self.count);
        Ok(Superpixels { size, count: self.count, labels })
    }
}

impl Superpixels {
    /// Returns the number of superpixels.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the size of the photo.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Returns the number of each pixel's superpixel, row by row: from 0 to `count - 1`, each at
    /// least once.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Returns the labels once for each channel, as `Units::labels` of `saliency-metrics` takes them
    /// for inputs of `[channels, height, width]`.
    pub fn labels_of_values(&self, channels: usize) -> Vec<usize> {
        self.labels.repeat(channels)
    }
}

/// A place, and its colour in CIELAB. Also a centre of pixels.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    place: [f64; 2],
    color: [f64; 3],
}

/// How distances are measured.
#[derive(Clone, Copy)]
struct Metric {
    /// The side of a region of mean size, in pixels.
    spacing: f64,
    /// The weight of a squared distance in pixels.
    near: f64,
}

impl Metric {
    fn squared(self, a: &Point, b: &Point) -> f64 {
        squared(a.color, b.color) + self.near * squared(a.place, b.place)
    }
}

fn squared<const N: usize>(a: [f64; N], b: [f64; N]) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Lists the pixels of a photo, row by row.
fn pixels(photo: &RgbImage) -> Vec<Point> {
    let point = |(x, y, color): (u32, u32, &image::Rgb<u8>)| Point {
        place: [f64::from(x), f64::from(y)],
        color: lab(color.0),
    };
    photo.enumerate_pixels().map(point).collect()
}

/// Converts an sRGB colour to CIELAB, with the white of daylight (D65).
fn lab(rgb: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let xyz = [
        (0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b,
        (0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83,
    ];
    let [x, y, z] = xyz.map(|value| {
        if value > 216.0 / 24_389.0 {
            value.cbrt()
        } else {
            (24_389.0 / 27.0 * value + 16.0) / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Cuts a photo into rows of cells: as many cells as asked for, about as high as wide.
fn grid(size: Size, count: usize) -> Vec<usize> {
    let (width, height) = (size.width as usize, size.height as usize);
    let rows = (count as f64 * height as f64 / width as f64).sqrt().round();
    let rows = rows.clamp(1.0, count as f64) as usize;
    let label = |pixel: usize| {
        let row = pixel / width * rows / height;
        // The rows share the cells as evenly as whole numbers allow.
        let (first, next) = (row * count / rows, (row + 1) * count / rows);
        first + pixel % width * (next - first) / width
    };
    (0..width * height).map(label).collect()
}

/// Moves each centre to the mean of its pixels. A centre without pixels stays.
fn move_to_means(centres: &mut [Point], pixels: &[Point], labels: &[usize]) {
    let mut sums = vec![(Point::default(), 0.0); centres.len()];
    for (pixel, &label) in pixels.iter().zip(labels) {
        let (sum, count) = &mut sums[label];
        sum.place.iter_mut().zip(pixel.place).for_each(|(sum, value)| *sum += value);
        sum.color.iter_mut().zip(pixel.color).for_each(|(sum, value)| *sum += value);
        *count += 1.0;
    }
    for (centre, (sum, count)) in centres.iter_mut().zip(sums) {
        if count > 0.0 {
            centre.place = sum.place.map(|sum| sum / count);
            centre.color = sum.color.map(|sum| sum / count);
        }
    }
}

/// Lets each pixel join the nearest centre among those that are at most a spacing away, down and
/// across. A pixel that is far from all of them keeps its label.
fn assign(labels: &mut [usize], size: Size, pixels: &[Point], centres: &[Point], metric: Metric) {
    let mut nearest = vec![f64::INFINITY; pixels.len()];
    let window = |at: f64, side: u32| {
        let from = (at - metric.spacing).ceil().max(0.0) as usize;
        let to = (at + metric.spacing).floor().min(f64::from(side) - 1.0) as usize;
        from..=to
    };
    for (label, centre) in centres.iter().enumerate() {
        for y in window(centre.place[1], size.height) {
            for x in window(centre.place[0], size.width) {
                let at = y * size.width as usize + x;
                let distance = metric.squared(&pixels[at], centre);
                if distance < nearest[at] {
                    nearest[at] = distance;
                    labels[at] = label;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn even(width: u32, height: u32) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([90, 120, 60]))
    }

    /// A photo of noise: pixels without any order.
    fn noise(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let mixed = (x * 7_919 + y * 104_729 + 12_345).wrapping_mul(2_654_435_761);
            Rgb([(mixed >> 24) as u8, (mixed >> 16) as u8, (mixed >> 8) as u8])
        })
    }

    /// Checks that each region has pixels, and that they are connected.
    fn assert_connected(superpixels: &Superpixels) {
        let components = connected::components(superpixels.labels(), superpixels.size());
        assert_eq!(components.len(), superpixels.count());
        let mut labels: Vec<usize> =
            components.iter().map(|pixels| superpixels.labels()[pixels[0]]).collect();
        labels.sort_unstable();
        assert_eq!(labels, (0..superpixels.count()).collect::<Vec<_>>());
    }

    #[test]
    fn one_colour_is_cut_into_equal_squares() {
        let superpixels = Slic::new(4).of(&even(6, 6)).unwrap();
        #[rustfmt::skip]
        assert_eq!(superpixels.labels(), [
            0, 0, 0, 1, 1, 1,
            0, 0, 0, 1, 1, 1,
            0, 0, 0, 1, 1, 1,
            2, 2, 2, 3, 3, 3,
            2, 2, 2, 3, 3, 3,
            2, 2, 2, 3, 3, 3,
        ]);
        assert_eq!(superpixels.labels_of_values(2).len(), 72);
    }

    #[test]
    fn regions_follow_an_edge_that_the_grid_does_not() {
        // The edge is a pixel beside the middle between the seeds.
        let colours = [Rgb([250, 250, 250]), Rgb([10, 10, 10])];
        let photo = RgbImage::from_fn(20, 10, |x, _| colours[usize::from(x >= 11)]);
        let superpixels = Slic::new(2).of(&photo).unwrap();
        let edge: Vec<usize> = (0..20).map(|x| usize::from(x >= 11)).collect();
        assert_eq!(superpixels.labels(), edge.repeat(10));
        assert_connected(&superpixels);
    }

    #[test]
    fn there_are_as_many_connected_regions_as_asked_for() {
        for photo in [even(17, 11), noise(17, 11), noise(1, 30), noise(30, 1), noise(40, 31)] {
            let pixels = (photo.width() * photo.height()) as usize;
            for count in [1, 2, 3, 7, 29, 30, pixels / 2, pixels - 1, pixels] {
                let superpixels = Slic::new(count).of(&photo).unwrap();
                assert_eq!(superpixels.count(), count);
                assert_connected(&superpixels);
                assert_eq!(superpixels, Slic::new(count).of(&photo).unwrap());
            }
        }
        let ragged = Slic::new(30).with_compactness(1e-6).unwrap();
        assert_connected(&ragged.of(&noise(40, 31)).unwrap());
        assert_connected(&Slic::new(30).with_rounds(0).of(&noise(40, 31)).unwrap());
    }

    #[test]
    fn one_pixel_is_one_region_and_more_are_refused() {
        let superpixels = Slic::new(1).of(&even(1, 1)).unwrap();
        assert_eq!((superpixels.labels(), superpixels.count()), (&[0][..], 1));
        assert_eq!(superpixels.size(), Size { width: 1, height: 1 });
        for (count, photo) in [(2, even(1, 1)), (0, even(3, 2)), (7, even(3, 2)), (1, even(0, 0))] {
            let error = Slic::new(count).of(&photo).unwrap_err().to_string();
            let size = Size::of(&photo);
            let expected = format!(
                "expected 1 to as many superpixels as the photo of {size} pixels has pixels, found {count}"
            );
            assert_eq!(error, expected);
        }
        for compactness in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Slic::new(1).with_compactness(compactness).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("expected a positive finite compactness, found {compactness}")
            );
        }
    }

    #[test]
    fn colours_are_those_of_cielab() {
        // White, mid-grey, and the primaries, as published for sRGB and D65.
        for (rgb, expected) in [
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
            ([0, 255, 0], [87.73, -86.18, 83.18]),
            ([0, 0, 255], [32.30, 79.19, -107.86]),
        ] {
            let found = lab(rgb);
            assert!(squared(found, expected).sqrt() < 0.03, "{rgb:?}: {found:?}");
        }
    }
}
