//! Covers parts of photos, and asks the model again.

use burn::tensor::{Device, Tensor};
use image::{Rgb, RgbImage};
use saliency_core::{Model, Schedule, Target};
use saliency_metrics::{CoverTest, Experiment, Fill, Units, Verdict};
use saliency_photo::{Footprint, Size, blurred};

use crate::border;
use crate::error::Result;
use crate::grid::{CELLS, Grid};
use crate::groups::{Place, WINDOW};
use crate::shown::Shown;
use crate::subject::PhotoInput;
use crate::tested::{PlaceTested, Tested, is_finite};

/// The blur of the photo that cells are covered with, as a share of the photo's side.
const BLUR: f64 = 0.04;
/// A cell belongs to an area that covers at least this share of it.
const MOSTLY: f64 = 0.5;
const NOT_FINITE: &str = "the model's answer about a covered photo is not finite";

/// A model, ready to be asked about covered photos.
pub(crate) struct Coverer<'a, M> {
    pub model: &'a M,
    pub input: &'a dyn PhotoInput,
    pub device: &'a Device,
    pub schedule: &'a Schedule,
}

/// A photo that is covered: its answer, and its map in cells.
pub(crate) struct Coverable<'a> {
    pub pixels: &'a RgbImage,
    pub shown: &'a Shown,
    pub class: usize,
    pub grid: &'a Grid,
    /// The seed of the other places that are covered. If it differs between photos, the verdicts of
    /// photos are independent of each other.
    pub seed: u64,
}

impl<M: Model<Tensor<4>> + 'static> Coverer<'_, M> {
    /// Covers the brightest cells of a photo, its boxes, and its border. The boxes and the border
    /// are left out if they are nowhere or everywhere.
    ///
    /// Returns the reason if the model's answers say nothing.
    pub fn test(&self, photo: &Coverable) -> Result<Result<Tested, String>> {
        if photo.grid.shares.len() < 2 {
            return Ok(Err("the map has a single value".to_owned()));
        }
        let asked = self.ask(photo)?;
        let map = photo.grid.shares.iter().map(|share| f64::from(*share)).collect();
        let brightest = asked.test.brightest(&asked.experiment, &asked.fills, &[map])?.remove(0);
        let size = asked.cells();
        let marked = photo.shown.marked.footprint(size, photo.shown.frame)?;
        let tested = Tested {
            brightest,
            marked: asked.cover(cells_in(&marked))?,
            border: asked.cover(cells_in(&border::footprint(size, photo.shown.frame)?))?,
            place: None,
        };
        let others = tested.marked.iter().chain(&tested.border);
        let all_finite = others.chain([&tested.brightest]).all(is_finite);
        Ok(if all_finite { Ok(tested) } else { Err(NOT_FINITE.to_owned()) })
    }

    /// Covers one place of a photo.
    pub fn test_place(
        &self,
        photo: &Coverable,
        place: Place,
    ) -> Result<Result<PlaceTested, String>> {
        let asked = self.ask(photo)?;
        let Some(verdict) = asked.cover(place_cells(place, asked.cells()))? else {
            return Ok(Err("the map has too few values".to_owned()));
        };
        if !is_finite(&verdict) {
            return Ok(Err(NOT_FINITE.to_owned()));
        }
        Ok(Ok(PlaceTested { place: place.start(), verdict }))
    }

    /// Prepares a photo, and what its cells are covered with: the photo blurred, grey, and its mean
    /// colour.
    fn ask(&self, photo: &Coverable) -> Result<Asked<'static>> {
        let input = photo.shown.input.clone();
        let [_, channels, height, width] = input.dims();
        let units = Units::cells([channels, height, width], [photo.grid.down, photo.grid.across])?;
        let target = Target::Class(photo.class);
        let experiment =
            Experiment::new(self.model, input.clone(), target, units, self.schedule.clone())?;
        // The model's own preparation knows which numbers grey has.
        let (columns, rows) = photo.pixels.dimensions();
        let grey =
            self.input.tensor(&RgbImage::from_pixel(columns, rows, Rgb([128; 3])), self.device);
        let mean = input.zeros_like() + input.clone().mean_dim(3).mean_dim(2);
        let fill = |(name, values): (&str, Tensor<4>)| Ok(experiment.fill(values)?.with_name(name));
        let fills = [
            ("blur", blurred(&input, BLUR * width as f64)?),
            ("grey", grey),
            ("the mean colour", mean),
        ];
        let fills = fills.into_iter().map(fill).collect::<Result<Vec<_>>>()?;
        Ok(Asked { experiment, fills, test: CoverTest::new().with_seed(photo.seed) })
    }
}

/// A photo whose cells can be covered.
struct Asked<'m> {
    experiment: Experiment<'m>,
    fills: Vec<Fill>,
    test: CoverTest,
}

impl Asked<'_> {
    /// Returns the number of cells across and down.
    fn cells(&self) -> Size {
        let [down, across] = self.experiment.units().grid().expect("the units are cells");
        Size { width: across as u32, height: down as u32 }
    }

    /// Covers an area, unless it has no cell or all of them.
    fn cover(&self, area: Vec<bool>) -> Result<Option<Verdict>> {
        let inside = area.iter().filter(|is_inside| **is_inside).count();
        if inside == 0 || inside == area.len() {
            return Ok(None);
        }
        let mut verdicts = self.test.area(&self.experiment, &self.fills, &area)?;
        Ok(Some(verdicts.remove(0)))
    }
}

/// Returns the cells that belong to an area: those that it mostly covers. If there are none, the one
/// of which it covers the most.
fn cells_in(area: &Footprint) -> Vec<bool> {
    let largest = area.shares().iter().fold(0.0, |largest: f64, share| largest.max(*share));
    let enough = largest.min(MOSTLY);
    let mut cells: Vec<bool> =
        area.shares().iter().map(|share| *share > 0.0 && *share >= enough).collect();
    if largest < MOSTLY {
        // Of equal ones, the first.
        let first = cells.iter().position(|is_inside| *is_inside);
        cells.iter_mut().enumerate().for_each(|(at, cell)| *cell = Some(at) == first);
    }
    cells
}

/// Returns the cells of a place in a grid that may have fewer than 14 x 14 cells.
fn place_cells(place: Place, cells: Size) -> Vec<bool> {
    let [top, left] = place.start();
    let inside = |at: u32, all: u32, start: usize| {
        // The middle of the cell, in cells of 14.
        let middle = (f64::from(at) + 0.5) * CELLS as f64 / f64::from(all);
        (start as f64..(start + WINDOW) as f64).contains(&middle)
    };
    let cell = |at: u32| {
        let (y, x) = (at / cells.width, at % cells.width);
        inside(y, cells.height, top) && inside(x, cells.width, left)
    };
    (0..cells.width * cells.height).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use saliency_photo::{Frame, MarkedArea, Region};

    fn cells(boxes: &[Region]) -> String {
        let region = Region { x: 0, y: 0, width: 40, height: 40 };
        let frame = Frame { photo: region.size(), region };
        let area = MarkedArea::boxes("it", boxes.iter().copied());
        let area = area.footprint(Size { width: 4, height: 4 }, frame).unwrap();
        cells_in(&area).into_iter().map(|is_inside| if is_inside { 'x' } else { '.' }).collect()
    }

    #[test]
    fn a_cell_belongs_to_a_box_that_mostly_covers_it() {
        let at = |x, y, width, height| Region { x, y, width, height };
        assert_eq!(cells(&[at(0, 0, 20, 10)]), "xx..............");
        assert_eq!(cells(&[at(0, 0, 25, 10)]), "xxx.............");
        assert_eq!(cells(&[at(0, 0, 24, 10)]), "xx..............");
        // A small box has the cell that it is in, and one between cells has the first.
        assert_eq!(cells(&[at(33, 33, 2, 2)]), "...............x");
        assert_eq!(cells(&[at(8, 8, 4, 4)]), "x...............");
        assert_eq!(cells(&[]), "................");
        assert_eq!(cells(&[at(0, 0, 40, 40)]), "x".repeat(16));
    }

    #[test]
    fn a_place_has_its_cells_in_a_coarser_grid_too() {
        let count = |cells: Vec<bool>| cells.into_iter().filter(|is_inside| *is_inside).count();
        let place = Place::at(0, 0);
        assert_eq!(count(place_cells(place, Size { width: 14, height: 14 })), 9);
        assert_eq!(count(place_cells(place, Size { width: 7, height: 7 })), 1);
        assert!(place_cells(place, Size { width: 7, height: 7 })[0]);
        assert_eq!(count(place_cells(Place::at(11, 11), Size { width: 14, height: 14 })), 9);
    }
}
