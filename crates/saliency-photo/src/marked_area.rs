use image::GrayImage;

use crate::coverage::{Coverage, Footprint};
use crate::error::{Error, Result};
use crate::map::Map;
use crate::region::{Region, Size};
use crate::view::{Frame, check_inside};

/// A named part of a photo, such as a product or a lesion. It is given as boxes or as a mask.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use image::RgbImage;
/// use saliency_photo::{Map, MarkedArea, Reduce, Region, View};
///
/// let values = Tensor::<4>::from_data([[[[3.0, 1.0], [0.0, 0.0]]]], &Device::flex());
/// let map = Map::of_row(&values, 0, Reduce::default())?;
/// // The left half of a photo of 100 x 100 pixels.
/// let left = MarkedArea::boxes("left", [Region { x: 0, y: 0, width: 50, height: 100 }]);
/// let photo = RgbImage::new(100, 100);
/// let coverage = left.coverage_of(&map, View::whole(&photo))?;
/// assert_eq!((coverage.share, coverage.area, coverage.peak), (0.75, 0.5, true));
/// # Ok::<(), saliency_photo::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MarkedArea {
    name: String,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Boxes(Vec<Region>),
    Mask(GrayImage),
}

impl MarkedArea {
    /// Creates an area of boxes, in pixels of the photo. Pixels in several boxes count once.
    pub fn boxes(name: impl Into<String>, boxes: impl IntoIterator<Item = Region>) -> Self {
        Self { name: name.into(), shape: Shape::Boxes(boxes.into_iter().collect()) }
    }

    /// Creates an area of the pixels of a mask that are not black. The mask has the size of the
    /// photo.
    pub fn mask(name: impl Into<String>, mask: GrayImage) -> Self {
        Self { name: name.into(), shape: Shape::Mask(mask) }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks that the area is in a photo of the given size.
    ///
    /// # Errors
    /// [`Error::Region`] if a box is empty or extends beyond the photo, [`Error::Mask`] if a mask
    /// has another size.
    pub fn check(&self, photo: impl Into<Size>) -> Result<()> {
        let photo = photo.into();
        match &self.shape {
            Shape::Boxes(boxes) => boxes.iter().try_for_each(|&it| check_inside(it, photo)),
            Shape::Mask(mask) => {
                let mask = Size::from(mask.dimensions());
                if mask == photo { Ok(()) } else { Err(Error::Mask { photo, mask }) }
            }
        }
    }

    /// Measures how much of a map is inside the area. `frame` says which region of the photo the
    /// map shows.
    ///
    /// Each pixel of the map counts in proportion to the share of it that the area covers.
    ///
    /// # Errors
    /// [`Error::Region`] if the region of `frame` or a box is empty or extends beyond the photo,
    /// [`Error::Mask`] if a mask has another size than the photo, [`Error::Aspect`] if the region
    /// has another aspect ratio than the map.
    pub fn coverage_of(&self, map: &Map, frame: impl Into<Frame>) -> Result<Coverage> {
        let frame = frame.into();
        frame.check_map(map)?;
        Ok(self.footprint(map.size(), frame)?.coverage_of(map))
    }

    /// Computes the share of each pixel that the area covers, for maps of the given size.
    /// [`MarkedArea::coverage_of`] repeats this computation for each map.
    ///
    /// # Errors
    /// Those of [`MarkedArea::coverage_of`], except [`Error::Aspect`].
    pub fn footprint(&self, map: Size, frame: impl Into<Frame>) -> Result<Footprint> {
        let frame = frame.into();
        frame.check()?;
        self.check(frame.photo)?;
        Ok(match &self.shape {
            Shape::Boxes(boxes) => Footprint::of_boxes(boxes, map, frame.region),
            Shape::Mask(mask) => Footprint::of_mask(mask, map, frame.region),
        })
    }

    /// Returns the boxes, or the smallest box around a mask. Returns no box if the mask is all
    /// black.
    pub fn outlines(&self) -> Vec<Region> {
        match &self.shape {
            Shape::Boxes(boxes) => boxes.clone(),
            Shape::Mask(mask) => box_around(mask).into_iter().collect(),
        }
    }
}

/// Returns the smallest box around the pixels that are not black, or `None` if all are black.
fn box_around(mask: &GrayImage) -> Option<Region> {
    let set = mask.enumerate_pixels().filter(|(.., value)| value.0[0] > 0);
    let grown = |around: Option<Region>, (x, y, _): (u32, u32, _)| {
        let Some(it) = around else { return Some(Region { x, y, width: 1, height: 1 }) };
        let (left, top) = (it.x.min(x), it.y.min(y));
        let (right, bottom) = ((it.x + it.width).max(x + 1), (it.y + it.height).max(y + 1));
        Some(Region { x: left, y: top, width: right - left, height: bottom - top })
    };
    set.fold(None, grown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::Reduce;
    use burn::tensor::{Device, Tensor};

    const SEEN: Frame = Frame { photo: Size { width: 8, height: 4 }, region: at(4, 0, 4, 4) };

    fn map(reduction: Reduce) -> Map {
        let values = [[[[6.0, -5.0], [1.0, 1.0]]]];
        Map::of_row(&Tensor::<4>::from_data(values, &Device::flex()), 0, reduction).unwrap()
    }

    const fn at(x: u32, y: u32, width: u32, height: u32) -> Region {
        Region { x, y, width, height }
    }

    #[test]
    fn shares_are_those_of_what_is_covered() {
        for (boxes, expected) in [
            // The whole photo; one pixel of the map; half of one; outside the region that was
            // shown.
            (vec![at(0, 0, 8, 4)], (1.0, 1.0, true)),
            (vec![at(4, 0, 2, 2)], (0.75, 0.25, true)),
            (vec![at(4, 0, 1, 2)], (0.375, 0.125, true)),
            (vec![at(0, 0, 4, 4)], (0.0, 0.0, false)),
            // Pixels in several boxes count once. Without boxes the share is 0.
            (vec![at(4, 0, 2, 2), at(4, 0, 2, 2)], (0.75, 0.25, true)),
            (vec![at(4, 0, 1, 2), at(4, 0, 2, 1), at(4, 0, 2, 2)], (0.75, 0.25, true)),
            (vec![at(4, 0, 4, 1), at(5, 0, 1, 4)], (0.625, 0.4375, true)),
            (vec![], (0.0, 0.0, false)),
        ] {
            let area = MarkedArea::boxes("it", boxes);
            let coverage = area.coverage_of(&map(Reduce::Sum), SEEN).unwrap();
            assert_eq!((coverage.share, coverage.area, coverage.peak), expected);
        }
    }

    #[test]
    fn a_mask_is_as_good_as_a_box() {
        let mask = GrayImage::from_fn(8, 4, |x, y| [u8::from((4..6).contains(&x) && y < 2)].into());
        let boxes = MarkedArea::boxes("box", [at(4, 0, 2, 2)]);
        let mask = MarkedArea::mask("mask", mask);
        assert_eq!(mask.outlines(), boxes.outlines());
        let [mask, boxes] =
            [mask, boxes].map(|area| area.coverage_of(&map(Reduce::AbsoluteSum), SEEN).unwrap());
        assert_eq!(mask, boxes);
        assert_eq!(mask.share, 6.0 / 13.0);
        let black = MarkedArea::mask("black", GrayImage::new(8, 4));
        assert_eq!(black.outlines(), []);
        assert_eq!(black.coverage_of(&map(Reduce::Max), SEEN).unwrap().area, 0.0);
    }

    #[test]
    fn a_map_finer_than_the_photo_is_covered_too() {
        let region = at(0, 0, 1, 1);
        let frame = Frame { photo: (1, 1).into(), region };
        let coverage = MarkedArea::boxes("dot", [region]).coverage_of(&map(Reduce::Max), frame);
        let coverage = coverage.unwrap();
        assert_eq!((coverage.share, coverage.area), (1.0, 1.0));
    }

    #[test]
    fn what_does_not_lie_in_the_photo_is_an_error() {
        for wrong in [at(7, 0, 2, 1), at(0, 0, 0, 1), at(u32::MAX, 0, 1, 1), at(0, 4, 1, 1)] {
            let area = MarkedArea::boxes("it", [wrong]);
            let coverage = area.coverage_of(&map(Reduce::Sum), SEEN);
            assert!(matches!(coverage, Err(Error::Region { region, .. }) if region == wrong));
        }
        let mask = MarkedArea::mask("it", GrayImage::new(4, 4));
        let Err(Error::Mask { photo, mask }) = mask.coverage_of(&map(Reduce::Sum), SEEN) else {
            panic!("a mask of another size must be refused");
        };
        assert_eq!((photo, mask), (SEEN.photo, (4, 4).into()));
    }
}
