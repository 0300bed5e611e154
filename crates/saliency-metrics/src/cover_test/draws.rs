//! Regions of the same number and shape at other places.

use saliency_core::kit::{Key, Stream};

use crate::experiment::Cover;
use crate::units::{Units, ranking};

/// For each draw so many random places are tried.
const TRIED: usize = 20;

/// The largest share of a known area that another place may have. A place that covers the same mark
/// says nothing about the rest of the picture: it is taken only if there are no others.
pub(super) const APART: f64 = 0.34;
/// A map's place may be any other one: a map that knows nothing must not win because the places
/// beside it are left out.
pub(super) const ANYWHERE: f64 = 1.0;

/// Regions of the same number of units at other places, all different.
///
/// On a grid a region is moved by a random shift around the edges and a random reflection, which
/// keeps its shape; without a grid, units are drawn one by one.
///
/// Photos have their subjects near the middle, and so do maps, even those of another photo. Places
/// drawn from the whole picture are farther out, so that a map which knows nothing of the photo
/// would win too often. So of all places that are tried, those are taken that are most nearly as far
/// from the middle as the region.
pub(super) struct Elsewhere<'a> {
    units: &'a Units,
    seed: u64,
    row: usize,
    /// A place for each draw, on a grid.
    places: Vec<Place>,
}

impl<'a> Elsewhere<'a> {
    /// Chooses a place for each draw: for `like`, the largest region of its row, so that regions of
    /// all sizes move together.
    ///
    /// If a grid has fewer other places, the region itself takes the rest, so that it is not
    /// confirmed by a few places that are counted again and again.
    pub fn new(
        like: &[usize],
        units: &'a Units,
        seed: u64,
        [row, draws]: [usize; 2],
        most_overlap: f64,
    ) -> Self {
        let mut found = Self { units, seed, row, places: Vec::new() };
        let Some(grid) = units.grid() else { return found };
        let distance = from_middle(like, grid);
        let own = Cover::of(row, units.count(), like).covered;
        let off = |place: Place| {
            let moved = place.of(like);
            let overlap = moved.iter().filter(|&&unit| own[unit]).count() as f64;
            let is_same = if overlap > most_overlap * like.len() as f64 { 1.0 } else { 0.0 };
            (is_same + (from_middle(&moved, grid) - distance).abs(), place)
        };
        let key = Key { seed, row: row as u64, sample: 0 };
        let random = key.uniform(Stream::Own(0), 4 * TRIED * draws);
        let mut tried: Vec<(f64, Place)> =
            random.chunks(4).map(|random| off(Place::new(random, grid))).collect();
        tried.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        // The places that are taken, each as the cover of the region; the first is its own.
        let cover = |region: &[usize]| Cover::of(row, units.count(), region).covered;
        let mut taken = vec![own.clone()];
        for (_, place) in tried {
            let moved = cover(&place.of(like));
            if found.places.len() < draws && !taken.contains(&moved) {
                taken.push(moved);
                found.places.push(place);
            }
        }
        found.places.resize(draws, Place { grid, shift: [0; 2], is_reflected: [false; 2] });
        found
    }

    /// Returns a region at the place of a draw.
    pub fn region(&self, region: &[usize], draw: usize) -> Vec<usize> {
        if let Some(place) = self.places.get(draw) {
            return place.of(region);
        }
        let key = Key { seed: self.seed, row: self.row as u64, sample: draw as u64 };
        let order: Vec<f64> = key.uniform(Stream::Own(0), self.units.count());
        ranking(&order)[..region.len()].to_vec()
    }
}

/// A shift around the edges of a grid, and reflections before it.
#[derive(Clone, Copy)]
struct Place {
    grid: [usize; 2],
    shift: [usize; 2],
    is_reflected: [bool; 2],
}

impl Place {
    /// Makes a place of four random numbers from 0 to 1.
    fn new(random: &[f64], grid: [usize; 2]) -> Self {
        let below = |at: usize, most: usize| ((random[at] * most as f64) as usize).min(most - 1);
        let shift = [below(0, grid[0]), below(1, grid[1])];
        Self { grid, shift, is_reflected: [random[2] >= 0.5, random[3] >= 0.5] }
    }

    /// Returns the units of a region at this place.
    fn of(&self, region: &[usize]) -> Vec<usize> {
        let [down, across] = self.grid;
        let place = |&unit: &usize| {
            let (y, x) = (unit / across, unit % across);
            let y = if self.is_reflected[0] { down - 1 - y } else { y };
            let x = if self.is_reflected[1] { across - 1 - x } else { x };
            (y + self.shift[0]) % down * across + (x + self.shift[1]) % across
        };
        region.iter().map(place).collect()
    }
}

/// Returns the mean squared distance of a region's units from the middle, in sides of the grid.
fn from_middle(region: &[usize], grid: [usize; 2]) -> f64 {
    region.iter().map(|&unit| squared_distance(unit, grid)).sum::<f64>() / region.len() as f64
}

fn squared_distance(unit: usize, [down, across]: [usize; 2]) -> f64 {
    let (y, x) = ((unit / across) as f64 + 0.5, (unit % across) as f64 + 0.5);
    let (y, x) = (y / down as f64 - 0.5, x / across as f64 - 0.5);
    y * y + x * x
}

/// Returns the units nearest to the middle of a grid.
pub(super) fn central(grid: [usize; 2], units: usize) -> Vec<usize> {
    let near: Vec<f64> = (0..grid[0] * grid[1]).map(|unit| -squared_distance(unit, grid)).collect();
    ranking(&near)[..units].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a region at the places of all draws.
    fn moved(region: &[usize], like: &[usize], units: &Units, draws: usize) -> Vec<Vec<usize>> {
        let elsewhere = Elsewhere::new(like, units, 3, [7, draws], ANYWHERE);
        (0..draws).map(|draw| elsewhere.region(region, draw)).collect()
    }

    #[test]
    fn a_region_keeps_its_shape_on_a_grid_and_all_places_differ() {
        let units = Units::cells([1, 6, 8], [6, 8]).unwrap();
        let region = [0, 1, 8];
        let mut places = moved(&region, &region, &units, 100);
        for moved in &mut places {
            // The first is the corner: one neighbour beside it, one above or below.
            let [corner, beside, below] = moved[..] else { panic!("three units") };
            assert_eq!(corner / 8, beside / 8);
            assert_eq!(corner % 8, below % 8);
            moved.sort_unstable();
        }
        places.push(region.to_vec());
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 101);
    }

    #[test]
    fn places_are_as_far_from_the_middle_as_the_region() {
        let grid = [14, 14];
        let units = Units::cells([1, 14, 14], grid).unwrap();
        // Near the middle, at an edge, and a square that reflections leave where it is.
        for region in [vec![75, 76, 89, 90], vec![3, 4, 17, 18], vec![90, 91, 104, 105]] {
            let distance = from_middle(&region, grid);
            let off = |moved: &Vec<usize>| (from_middle(moved, grid) - distance).abs();
            let places = moved(&region, &region, &units, 20);
            let mean = places.iter().map(off).sum::<f64>() / 20.0;
            // Places from the whole picture are off by about 0.1.
            assert!(mean < 0.02, "{region:?}: {mean}");
        }
        // A smaller region moves with the larger one.
        let (large, small) = ([75, 76, 89, 90], [89]);
        let places = moved(&large, &large, &units, 20).into_iter();
        assert!(places.zip(moved(&small, &large, &units, 20)).all(|(all, one)| all[2..3] == one));
    }

    #[test]
    fn the_region_itself_takes_the_place_of_missing_ones() {
        let units = Units::cells([1, 2, 2], [2, 2]).unwrap();
        let places = moved(&[0], &[0], &units, 20);
        assert_eq!(places.iter().filter(|moved| **moved == [0]).count(), 17);
    }

    #[test]
    fn units_without_a_grid_are_drawn_once_each() {
        let units = Units::values(5);
        let mut drawn = [0; 5];
        for mut moved in moved(&[0, 1], &[0, 1], &units, 500) {
            moved.iter().for_each(|&unit| drawn[unit] += 1);
            moved.dedup();
            assert_eq!(moved.len(), 2);
        }
        assert!(drawn.iter().all(|&times| (150..250).contains(&times)), "{drawn:?}");
    }

    #[test]
    fn the_middle_is_in_the_middle() {
        let mut middle = central([4, 4], 4);
        middle.sort_unstable();
        assert_eq!(middle, [5, 6, 9, 10]);
    }
}
