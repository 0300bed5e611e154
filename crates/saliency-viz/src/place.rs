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

    /// Whether it lies in a photo of the given size.
    ///
    /// # Errors
    /// [`Error::Region`] where a box is empty or reaches out of the photo, [`Error::Mask`] where a mask
    /// has another size.
    pub fn check(&self, photo: (u32, u32)) -> Result<()> {
        match &self.shape {
            Shape::Boxes(boxes) => boxes.iter().try_for_each(|it| it.inside(photo).map(drop)),
            Shape::Mask(mask) if mask.dimensions() == photo => Ok(()),
            Shape::Mask(mask) => Err(Error::Mask { photo, mask: mask.dimensions() }),
        }
    }

    /// How much of `map`, which lies over the region `seen` of a photo of the given size, is inside.
    ///
    /// A pixel of the map counts as far as it is covered.
    ///
    /// # Errors
    /// [`Error::Region`] where `seen` or a box is empty or reaches out of the photo, [`Error::Mask`]
    /// where a mask has another size, [`Error::Aspect`] where `seen` has another aspect than the map.
    pub fn found(&self, map: &Map, seen: Region, photo: (u32, u32)) -> Result<Found> {
        seen.fitting(map)?;
        Ok(Found::of(map, &self.coverage(map.dimensions(), seen, photo)?))
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

    /// The covered share of every pixel of a map of the given size.
    pub(crate) fn coverage(
        &self,
        (columns, rows): (usize, usize),
        seen: Region,
        photo: (u32, u32),
    ) -> Result<Vec<f64>> {
        seen.inside(photo)?;
        self.check(photo)?;
        // A pixel of the photo may lie in two of the map, and one of the map in many of the photo.
        let across = overlaps(columns, seen.width);
        let down = overlaps(rows, seen.height);
        let mut covered = vec![0.0; columns * rows];
        match &self.shape {
            Shape::Boxes(boxes) => {
                for it in disjoint(boxes) {
                    // How much of each column and row the box covers.
                    let part = |side: &[Vec<(u32, f64)>], start: u32, from: u32, length: u32| {
                        let part = |cell: &Vec<(u32, f64)>| {
                            let inside = |at: u32| (from..from + length).contains(&(start + at));
                            cell.iter().filter(|(at, _)| inside(*at)).map(|(_, it)| it).sum::<f64>()
                        };
                        side.iter().map(part).collect::<Vec<f64>>()
                    };
                    let wide = part(&across, seen.x, it.x, it.width);
                    let high = part(&down, seen.y, it.y, it.height);
                    for (row, high) in covered.chunks_exact_mut(columns).zip(&high) {
                        row.iter_mut()
                            .zip(&wide)
                            .for_each(|(covered, wide)| *covered += wide * high);
                    }
                }
            }
            Shape::Mask(mask) => {
                for (row, down) in covered.chunks_exact_mut(columns).zip(&down) {
                    for (covered, across) in row.iter_mut().zip(&across) {
                        for &(y, high) in down {
                            let set = |x: u32| mask.get_pixel(seen.x + x, seen.y + y).0[0] > 0;
                            let wide = across.iter().filter(|(x, _)| set(*x)).map(|(_, it)| it);
                            *covered += high * wide.sum::<f64>();
                        }
                    }
                }
            }
        }
        let whole = f64::from(seen.width) * f64::from(seen.height);
        covered.iter_mut().for_each(|covered| *covered = (*covered / whole).min(1.0));
        Ok(covered)
    }
}

impl Found {
    /// What is found of a map whose pixels are covered as given.
    pub(crate) fn of(map: &Map, coverage: &[f64]) -> Self {
        let (mut total, mut inside, mut peak) = (0.0, 0.0, (0.0, 0.0));
        for (weight, &covered) in map.weights().zip(coverage) {
            total += weight;
            inside += weight * covered;
            if weight > peak.0 {
                peak = (weight, covered);
            }
        }
        let share = if total > 0.0 { inside / total } else { 0.0 };
        let area = coverage.iter().sum::<f64>() / coverage.len() as f64;
        Self { share, area, peak: peak.1 >= 0.5 }
    }
}

/// The same pixels by boxes that do not overlap.
fn disjoint(boxes: &[Region]) -> Vec<Region> {
    let mut done: Vec<Region> = Vec::new();
    for &it in boxes {
        let mut new = vec![it];
        for other in &done {
            new = new.into_iter().flat_map(|it| without(it, *other)).collect();
        }
        done.extend(new);
    }
    done
}

/// What is left of a box without another one: above, below, left and right of it.
fn without(it: Region, other: Region) -> Vec<Region> {
    let (right, bottom) = (it.x + it.width, it.y + it.height);
    // The overlap, which may be empty.
    let [x0, x1] = [other.x, other.x + other.width].map(|x| x.clamp(it.x, right));
    let [y0, y1] = [other.y, other.y + other.height].map(|y| y.clamp(it.y, bottom));
    if x0 == x1 || y0 == y1 {
        return vec![it];
    }
    let between = |x: u32, y: u32, right: u32, bottom: u32| Region {
        x,
        y,
        width: right - x,
        height: bottom - y,
    };
    let parts = [
        between(it.x, it.y, right, y0),
        between(it.x, y1, right, bottom),
        between(it.x, y0, x0, y1),
        between(x1, y0, right, y1),
    ];
    parts.into_iter().filter(|part| part.width > 0 && part.height > 0).collect()
}

/// For each of `cells` along a side of `pixels`, the pixels it lies over and how much of each: in parts of which
/// a pixel has `cells` and a cell has `pixels`, so that they are whole numbers and add up without rounding.
pub(crate) fn overlaps(cells: usize, pixels: u32) -> Vec<Vec<(u32, f64)>> {
    let (cells, pixels) = (cells as u64, u64::from(pixels));
    let cell = |cell: u64| {
        let (from, to) = (cell * pixels, (cell + 1) * pixels);
        let overlap = |pixel: u64| to.min((pixel + 1) * cells) - from.max(pixel * cells);
        let pixels = from / cells..to.div_ceil(cells);
        pixels.map(|pixel| (pixel as u32, overlap(pixel) as f64)).collect()
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
            (vec![at(4, 0, 1, 2), at(4, 0, 2, 1), at(4, 0, 2, 2)], (0.75, 0.25, true)),
            (vec![at(4, 0, 4, 1), at(5, 0, 1, 4)], (0.625, 0.4375, true)),
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
        assert_eq!((found.share, found.area), (1.0, 1.0));
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
