use image::GrayImage;

use crate::error::{Error, Result};
use crate::map::Map;
use crate::picture::Region;

/// A named part of a photo, a product or a lesion, as boxes or as a mask.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_viz::{Map, Place, Reduce, Region};
///
/// let values = Tensor::<4>::from_data([[[[3.0, 1.0], [0.0, 0.0]]]], &Device::flex());
/// let map = Map::of_row(&values, 0, Reduce::default())?;
/// // The left half of a photo of 100 x 100 pixels.
/// let left = Place::boxes("left", [Region { x: 0, y: 0, width: 50, height: 100 }]);
/// let whole = Region { x: 0, y: 0, width: 100, height: 100 };
/// let found = left.found(&map, whole, (100, 100))?;
/// assert_eq!((found.share, found.area, found.peak), (0.75, 0.5, true));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Place {
    name: String,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Boxes(Vec<Region>),
    Mask(GrayImage),
}

/// How much of a map lies in a [`Place`].
///
/// # Source
/// The pointing game: Zhang et al., *Top-down Neural Attention by Excitation Backprop*, 2016.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The share of the attribution inside; of a signed map, of what speaks for the class. Zero
    /// where there is none.
    pub share: f64,
    /// The share inside of the part of the photo that the model was shown: what an even map would
    /// have as `share`.
    pub area: f64,
    /// Whether the largest value lies inside: the pointing game. False where the map is zero.
    pub peak: bool,
}

impl Place {
    /// One or more boxes, in pixels of the photo; where they overlap, they count once.
    pub fn boxes(name: impl Into<String>, boxes: impl IntoIterator<Item = Region>) -> Self {
        Self { name: name.into(), shape: Shape::Boxes(boxes.into_iter().collect()) }
    }

    /// The pixels of a mask that are not black. It has the size of the photo.
    pub fn mask(name: impl Into<String>, mask: GrayImage) -> Self {
        Self { name: name.into(), shape: Shape::Mask(mask) }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much of `map`, which lies over the region `seen` of a photo of the given size, is inside.
    ///
    /// A pixel of the map counts as far as it is covered.
    ///
    /// # Errors
    /// [`Error::Region`] where `seen` or a box is empty or reaches out of the photo, [`Error::Mask`]
    /// where a mask has another size, [`Error::Aspect`] where `seen` has another aspect than the map.
    pub fn found(&self, map: &Map, seen: Region, photo: (u32, u32)) -> Result<Found> {
        let coverage = self.coverage(map, seen, photo)?;
        let weights: Vec<f64> = map.weights().collect();
        let (mut total, mut inside, mut peak) = (0.0, 0.0, (0.0, 0.0));
        for (&weight, &covered) in weights.iter().zip(&coverage) {
            total += weight;
            inside += weight * covered;
            if weight > peak.0 {
                peak = (weight, covered);
            }
        }
        let share = if total > 0.0 { inside / total } else { 0.0 };
        let area = coverage.iter().sum::<f64>() / coverage.len() as f64;
        Ok(Found { share, area, peak: peak.1 >= 0.5 })
    }

    /// Its boxes; for a mask the smallest that holds it.
    pub(crate) fn outlines(&self) -> Vec<Region> {
        match &self.shape {
            Shape::Boxes(boxes) => boxes.clone(),
            Shape::Mask(mask) => {
                let set = || mask.enumerate_pixels().filter(|(.., value)| value.0[0] > 0);
                let ends = |values: &mut dyn Iterator<Item = u32>| {
                    values.fold((u32::MAX, 0), |(low, high), at| (low.min(at), high.max(at + 1)))
                };
                let (left, right) = ends(&mut set().map(|(x, ..)| x));
                let (top, bottom) = ends(&mut set().map(|(_, y, _)| y));
                match right {
                    0 => Vec::new(),
                    _ => {
                        vec![Region { x: left, y: top, width: right - left, height: bottom - top }]
                    }
                }
            }
        }
    }

    /// The covered share of every pixel of the map.
    pub(crate) fn coverage(&self, map: &Map, seen: Region, photo: (u32, u32)) -> Result<Vec<f64>> {
        let seen = seen.inside(photo)?.fitting(map)?;
        let (columns, rows) = map.dimensions();
        // The photo's pixels that are inside, column and row counted from the region's corner.
        let inside: Box<dyn Fn(u32, u32) -> bool> = match &self.shape {
            Shape::Boxes(boxes) => {
                for it in boxes {
                    it.inside(photo)?;
                }
                Box::new(|x, y| {
                    let holds = |it: &Region| {
                        (it.x..it.x + it.width).contains(&x)
                            && (it.y..it.y + it.height).contains(&y)
                    };
                    boxes.iter().any(holds)
                })
            }
            Shape::Mask(mask) if mask.dimensions() != photo => {
                return Err(Error::Mask { photo, mask: mask.dimensions() });
            }
            Shape::Mask(mask) => Box::new(|x, y| mask.get_pixel(x, y).0[0] > 0),
        };
        // A pixel of the photo may lie in two of the map, and one of the map in many of the photo.
        let across = overlaps(columns, seen.width);
        let down = overlaps(rows, seen.height);
        let covered = |(row, column): (usize, usize)| {
            let (mut covered, mut all) = (0.0, 0.0);
            for &(y, high) in &down[row] {
                for &(x, wide) in &across[column] {
                    all += wide * high;
                    if inside(seen.x + x, seen.y + y) {
                        covered += wide * high;
                    }
                }
            }
            covered / all
        };
        Ok((0..rows * columns).map(|at| covered((at / columns, at % columns))).collect())
    }
}

/// For each of `cells` along a side of `pixels`, the pixels it lies over and how much of each.
fn overlaps(cells: usize, pixels: u32) -> Vec<Vec<(u32, f64)>> {
    let length = f64::from(pixels) / cells as f64;
    let cell = |cell: usize| {
        let (from, to) = (cell as f64 * length, (cell + 1) as f64 * length);
        let last = (to.ceil() as u32).min(pixels);
        let overlap = |pixel: u32| to.min(f64::from(pixel) + 1.0) - from.max(pixel.into());
        let pixels = (from as u32..last).map(|pixel| (pixel, overlap(pixel)));
        pixels.filter(|(_, overlap)| *overlap > 0.0).collect()
    };
    (0..cells).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reduce;
    use burn::tensor::{Device, Tensor};

    const PHOTO: (u32, u32) = (8, 4);
    const SEEN: Region = Region { x: 4, y: 0, width: 4, height: 4 };

    fn map(reduce: Reduce) -> Map {
        let values = [[[[6.0, -5.0], [1.0, 1.0]]]];
        Map::of_row(&Tensor::<4>::from_data(values, &Device::flex()), 0, reduce).unwrap()
    }

    fn at(x: u32, y: u32, width: u32, height: u32) -> Region {
        Region { x, y, width, height }
    }

    #[test]
    fn shares_are_those_of_what_is_covered() {
        for (boxes, expected) in [
            // The whole photo; one pixel of the map; half of one; outside of what was seen.
            (vec![at(0, 0, 8, 4)], (1.0, 1.0, true)),
            (vec![at(4, 0, 2, 2)], (0.75, 0.25, true)),
            (vec![at(4, 0, 1, 2)], (0.375, 0.125, true)),
            (vec![at(0, 0, 4, 4)], (0.0, 0.0, false)),
            // Overlapping boxes count once, and none is nothing.
            (vec![at(4, 0, 2, 2), at(4, 0, 2, 2)], (0.75, 0.25, true)),
            (vec![], (0.0, 0.0, false)),
        ] {
            let found = Place::boxes("it", boxes).found(&map(Reduce::Sum), SEEN, PHOTO).unwrap();
            assert_eq!((found.share, found.area, found.peak), expected);
        }
    }

    #[test]
    fn a_mask_is_as_good_as_a_box() {
        let mask = GrayImage::from_fn(8, 4, |x, y| [u8::from((4..6).contains(&x) && y < 2)].into());
        let boxes = Place::boxes("box", [at(4, 0, 2, 2)]);
        let mask = Place::mask("mask", mask);
        assert_eq!(mask.outlines(), boxes.outlines());
        let [mask, boxes] =
            [mask, boxes].map(|place| place.found(&map(Reduce::AbsoluteSum), SEEN, PHOTO).unwrap());
        assert_eq!(mask, boxes);
        assert_eq!(mask.share, 6.0 / 13.0);
        let black = Place::mask("black", GrayImage::new(8, 4));
        assert_eq!(black.outlines(), []);
        assert_eq!(black.found(&map(Reduce::Max), SEEN, PHOTO).unwrap().area, 0.0);
    }

    #[test]
    fn a_map_finer_than_the_photo_is_covered_too() {
        let seen = at(0, 0, 1, 1);
        let found = Place::boxes("dot", [seen]).found(&map(Reduce::Max), seen, (1, 1)).unwrap();
        assert!((found.share - 1.0).abs() < 1e-12 && (found.area - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_lie_in_the_photo_is_an_error() {
        for wrong in [at(7, 0, 2, 1), at(0, 0, 0, 1), at(u32::MAX, 0, 1, 1), at(0, 4, 1, 1)] {
            let found = Place::boxes("it", [wrong]).found(&map(Reduce::Sum), SEEN, PHOTO);
            assert!(matches!(found, Err(Error::Region { region, .. }) if region == wrong));
        }
        let mask = Place::mask("it", GrayImage::new(4, 4)).found(&map(Reduce::Sum), SEEN, PHOTO);
        assert!(matches!(mask, Err(Error::Mask { photo: PHOTO, mask: (4, 4) })));
    }
}
