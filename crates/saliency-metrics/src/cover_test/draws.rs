//! Regions of the same number and shape at other places.

use saliency_core::kit::{Key, Stream};

use crate::units::{Units, ranking};

/// Of so many random places, the one that is most nearly as far from the middle is a draw.
const PLACES: usize = 20;

/// Moves a region: on a grid by a random shift around the edges and a random reflection, which keeps
/// its shape; without a grid to other units.
///
/// Photos have their subjects near the middle, and so do maps, even those of another photo. Places
/// drawn from the whole picture are farther out, so that a map which knows nothing of the photo
/// would win too often. So a place is chosen that is about as far from the middle as the region:
/// of `like`, the largest region of its row, so that regions of all sizes move together.
pub(super) fn moved(
    region: &[usize],
    like: &[usize],
    units: &Units,
    seed: u64,
    [row, draw]: [usize; 2],
) -> Vec<usize> {
    let key = Key { seed, row: row as u64, sample: draw as u64 };
    let Some(grid) = units.grid() else {
        let order: Vec<f64> = key.uniform(Stream::Own(0), units.count());
        return ranking(&order)[..region.len()].to_vec();
    };
    let distance = from_middle(like, grid);
    let random = key.uniform(Stream::Own(0), 4 * PLACES);
    let off = |random: &[f64]| {
        let place = Place::new(random, grid);
        let moved = place.of(like);
        // The region itself is no other place.
        let off = if is_same(&moved, like) {
            f64::INFINITY
        } else {
            (from_middle(&moved, grid) - distance).abs()
        };
        (off, place)
    };
    let nearest = random.chunks(4).map(off).min_by(|(a, _), (b, _)| a.total_cmp(b));
    let (_, place) = nearest.expect("at least one place");
    place.of(region)
}

/// A shift around the edges of a grid, and reflections before it.
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

/// Returns whether two regions hold the same units.
fn is_same(region: &[usize], other: &[usize]) -> bool {
    region.iter().all(|unit| other.contains(unit))
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

    #[test]
    fn a_region_keeps_its_shape_on_a_grid() {
        let units = Units::cells([1, 12, 16], [12, 16]).unwrap();
        let region = [35, 36, 51];
        let mut places = Vec::new();
        for draw in 0..200 {
            let mut moved = moved(&region, &region, &units, 3, [0, draw]);
            assert_eq!(moved.len(), 3);
            // The first is the corner: one neighbour beside it, one above or below.
            let [corner, beside, below] = moved[..] else { panic!("three units") };
            assert_eq!(corner / 16, beside / 16);
            assert_eq!(corner % 16, below % 16);
            moved.sort_unstable();
            places.push(moved);
        }
        places.sort();
        places.dedup();
        assert!(places.len() > 100, "{}", places.len());
    }

    #[test]
    fn places_are_as_far_from_the_middle_as_the_region_but_not_the_region_itself() {
        let grid = [14, 14];
        let units = Units::cells([1, 14, 14], grid).unwrap();
        // Near the middle, at an edge, and a square that reflections leave where it is.
        for region in [vec![75, 76, 89, 90], vec![3, 4, 17, 18], vec![90, 91, 104, 105]] {
            let distance = from_middle(&region, grid);
            let mut off = Vec::new();
            for draw in 0..200 {
                let moved = moved(&region, &region, &units, 0, [0, draw]);
                assert!(!is_same(&moved, &region));
                off.push((from_middle(&moved, grid) - distance).abs());
            }
            let mean = off.iter().sum::<f64>() / 200.0;
            // Places from the whole picture are off by 0.07 on average, and by 0.16 from the middle.
            assert!(mean < 0.02, "{region:?}: {mean}");
        }
        // A smaller region moves with the larger one.
        let (large, small) = ([75, 76, 89, 90], [89]);
        for draw in 0..20 {
            let all = moved(&large, &large, &units, 0, [0, draw]);
            assert_eq!(moved(&small, &large, &units, 0, [0, draw]), all[2..3]);
        }
    }

    #[test]
    fn units_without_a_grid_are_drawn_once_each() {
        let units = Units::values(5);
        let mut drawn = [0; 5];
        for draw in 0..500 {
            let mut moved = moved(&[0, 1], &[0, 1], &units, 0, [7, draw]);
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
