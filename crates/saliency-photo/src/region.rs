//! Rectangles of a photo, in whole pixels.

use std::fmt;

use image::RgbImage;

/// The width and height of a photo, a mask, a region or a map, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A rectangle of a photo, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl Size {
    /// Returns the size of a photo.
    pub fn of(photo: &RgbImage) -> Self {
        photo.dimensions().into()
    }
}

/// Converts the width and height that `dimensions()` of an image returns.
impl From<(u32, u32)> for Size {
    fn from((width, height): (u32, u32)) -> Self {
        Self { width, height }
    }
}

impl From<&RgbImage> for Size {
    fn from(photo: &RgbImage) -> Self {
        Self::of(photo)
    }
}

/// Makes a square.
impl From<u32> for Size {
    fn from(side: u32) -> Self {
        Self { width: side, height: side }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

impl Region {
    /// Returns the whole of a photo.
    pub fn whole(photo: &RgbImage) -> Self {
        Self { x: 0, y: 0, width: photo.width(), height: photo.height() }
    }

    /// Returns the width and height.
    pub fn size(self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// Returns whether the region has pixels and all of them are in a photo of the given size.
    pub fn is_inside(self, photo: Size) -> bool {
        let fits = |from: u32, length: u32, all: u32| {
            length > 0 && from.checked_add(length).is_some_and(|to| to <= all)
        };
        fits(self.x, self.width, photo.width) && fits(self.y, self.height, photo.height)
    }

    /// Returns the parts of the region that are outside `other`: above, below, left and right of
    /// it.
    fn without(self, other: Self) -> Vec<Self> {
        // The edges of the overlap, which may be empty.
        let (right, bottom) = (self.x + self.width, self.y + self.height);
        let [x0, x1] = [other.x, other.x + other.width].map(|x| x.clamp(self.x, right));
        let [y0, y1] = [other.y, other.y + other.height].map(|y| y.clamp(self.y, bottom));
        if x0 == x1 || y0 == y1 {
            return vec![self];
        }
        let above = Self { height: y0 - self.y, ..self };
        let below = Self { y: y1, height: bottom - y1, ..self };
        let left = Self { y: y0, width: x0 - self.x, height: y1 - y0, ..self };
        let right = Self { x: x1, y: y0, width: right - x1, height: y1 - y0 };
        let parts = [above, below, left, right];
        parts.into_iter().filter(|part| part.width > 0 && part.height > 0).collect()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} at ({}, {})", self.size(), self.x, self.y)
    }
}

/// Returns boxes that cover the same pixels but do not overlap.
pub(crate) fn disjoint(boxes: &[Region]) -> Vec<Region> {
    let mut done: Vec<Region> = Vec::new();
    for &region in boxes {
        let mut parts = vec![region];
        for &other in &done {
            parts = parts.into_iter().flat_map(|part| part.without(other)).collect();
        }
        done.extend(parts);
    }
    done
}

/// A pixel that a cell overlaps, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Overlap {
    pub(crate) pixel: u32,
    /// The length of the overlap. See [`overlaps`] for the unit.
    pub(crate) length: f64,
}

/// Divides a side of `pixels` into `cells` equal cells, and returns the pixels that each cell
/// overlaps.
///
/// The unit of length is chosen so that a pixel is `cells` long and a cell is `pixels` long. So all
/// lengths are whole numbers and add up without rounding.
pub(crate) fn overlaps(cells: u32, pixels: u32) -> Vec<Vec<Overlap>> {
    let (cells, pixels) = (u64::from(cells), u64::from(pixels));
    Ruler { pixel: cells, start: 0, cell: pixels }.overlaps(cells)
}

/// Divides the part of a side of `pixels` that a part of an input of `input` pixels has, from `first`
/// and of the given length, into cells about as large as pixels. Returns the pixels that each cell
/// overlaps. There is at least one cell.
pub(crate) fn part_overlaps(pixels: u32, input: u32, first: u32, length: u32) -> Vec<Vec<Overlap>> {
    let [pixels, input, first, length] = [pixels, input, first, length].map(u64::from);
    let cells = (pixels * length).div_ceil(input);
    Ruler { pixel: input * cells, start: pixels * first * cells, cell: pixels * length }
        .overlaps(cells)
}

/// The lengths of pixels and cells along a side, in a unit in which they are whole numbers.
struct Ruler {
    pixel: u64,
    /// Where the first cell starts.
    start: u64,
    cell: u64,
}

impl Ruler {
    fn overlaps(&self, cells: u64) -> Vec<Vec<Overlap>> {
        let of_cell = |cell: u64| {
            let (from, to) = (self.start + cell * self.cell, self.start + (cell + 1) * self.cell);
            let touched = from / self.pixel..to.div_ceil(self.pixel);
            let overlap = |pixel: u64| Overlap {
                pixel: pixel as u32,
                length: (to.min((pixel + 1) * self.pixel) - from.max(pixel * self.pixel)) as f64,
            };
            touched.map(overlap).collect()
        };
        (0..cells).map(of_cell).collect()
    }
}
