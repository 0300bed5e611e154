//! Measures how much of a map is at the border of the region that the model was shown.

use saliency_photo::{Footprint, Frame, Map, MarkedArea, Region, Size};

use crate::boxes::MarkedBox;
use crate::error::Result;

/// The width of the border on each side: the width or height of the region, divided by this number.
const PARTS: u32 = 10;
/// The border's exact share of the area. It does not depend on the size of photo and map.
pub(crate) const BORDER_AREA: f64 = 0.36;

/// The shares of a map that are at the border.
pub(crate) struct Border {
    /// The share of the attribution in the outer tenth on each side.
    pub share: f64,
    /// The same share, without the part that is in boxes.
    pub unmarked: f64,
}

impl Border {
    /// Measures a map. Pixels of the photo are cut into tenths, because a tenth of a photo's side
    /// may not be a whole number of pixels.
    pub fn of(map: &Map, frame: Frame, boxes: &[MarkedBox]) -> Result<Self> {
        let fine = fine(frame);
        let share = |regions: Vec<Region>| -> Result<f64> {
            let area = MarkedArea::boxes("border", regions);
            Ok(area.footprint(map.size(), fine)?.coverage_of(map).share)
        };
        let marked: Vec<Region> = boxes.iter().map(|it| in_parts(it.region())).collect();
        let both = edges(frame.region).into_iter().chain(marked.iter().copied()).collect();
        let unmarked = share(both)? - share(marked)?;
        Ok(Self { share: footprint(map.size(), frame)?.coverage_of(map).share, unmarked })
    }
}

/// Computes the share of each pixel of maps of the given size that is at the border.
pub(crate) fn footprint(map: Size, frame: Frame) -> Result<Footprint> {
    let area = MarkedArea::boxes("border", edges(frame.region));
    Ok(area.footprint(map, fine(frame))?)
}

/// Converts a frame to parts of pixels.
fn fine(frame: Frame) -> Frame {
    let Size { width, height } = frame.photo;
    let photo = Size { width: width * PARTS, height: height * PARTS };
    Frame { photo, region: in_parts(frame.region) }
}

/// Converts a region to parts of pixels.
fn in_parts(Region { x, y, width, height }: Region) -> Region {
    let parts = |length: u32| length * PARTS;
    Region { x: parts(x), y: parts(y), width: parts(width), height: parts(height) }
}

/// Returns the edges of the region that the model was shown, in parts of pixels: top, bottom, left,
/// right.
fn edges(seen: Region) -> [Region; 4] {
    let Region { x, y, width, height } = in_parts(seen);
    let all = Region { x, y, width, height };
    // A tenth of each side.
    let (across, down) = (seen.width, seen.height);
    [
        Region { height: down, ..all },
        Region { y: y + height - down, height: down, ..all },
        Region { width: across, ..all },
        Region { x: x + width - across, width: across, ..all },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};
    use saliency_photo::Reduce;

    fn border(map_side: usize, side: u32, boxes: &[MarkedBox]) -> Border {
        let even = Tensor::<4>::ones([1, 1, map_side, map_side], &Device::flex());
        let map = Map::of_row(&even, 0, Reduce::default()).unwrap();
        let region = Region { x: 3, y: 1, width: side, height: side };
        let frame = Frame { photo: Size { width: side + 4, height: side + 1 }, region };
        Border::of(&map, frame, boxes).unwrap()
    }

    #[test]
    fn an_even_map_has_the_same_share_at_the_border_in_every_size() {
        for (map_side, side) in
            [(224, 1), (224, 3), (224, 16), (224, 3000), (8, 8), (1, 1), (7, 24)]
        {
            let Border { share, unmarked } = border(map_side, side, &[]);
            assert!((share - BORDER_AREA).abs() < 1e-9, "{map_side} {side}: {share}");
            assert!((unmarked - share).abs() < 1e-9);
        }
    }

    #[test]
    fn boxes_are_taken_out_of_the_border() {
        // The left half.
        let half = MarkedBox { name: "half".to_owned(), x: 3, y: 1, width: 5, height: 10 };
        let Border { share, unmarked } = border(16, 10, &[half]);
        assert!((share - 0.36).abs() < 1e-9 && (unmarked - 0.18).abs() < 1e-9, "{unmarked}");
    }
}
