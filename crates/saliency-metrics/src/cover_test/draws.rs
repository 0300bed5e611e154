//! Regions of the same number and shape at other places.

use saliency_core::kit::{Key, Stream};

use crate::units::{Units, ranking};

/// Moves a region: on a grid by a random shift around the edges and a random reflection, which keeps
/// its shape; without a grid to other units.
pub(super) fn moved(
    region: &[usize],
    units: &Units,
    seed: u64,
    [row, draw]: [usize; 2],
) -> Vec<usize> {
    let key = Key { seed, row: row as u64, sample: draw as u64 };
    let Some([down, across]) = units.grid() else {
        let order: Vec<f64> = key.uniform(Stream::Own(0), units.count());
        return ranking(&order)[..region.len()].to_vec();
    };
    let random = key.uniform(Stream::Own(0), 4);
    let below = |at: usize, most: usize| ((random[at] * most as f64) as usize).min(most - 1);
    let (shift, flips) = ([below(0, down), below(1, across)], [below(2, 2) == 1, below(3, 2) == 1]);
    let place = |&unit: &usize| {
        let (y, x) = (unit / across, unit % across);
        let y = if flips[0] { down - 1 - y } else { y };
        let x = if flips[1] { across - 1 - x } else { x };
        (y + shift[0]) % down * across + (x + shift[1]) % across
    };
    region.iter().map(place).collect()
}

/// Returns the units nearest to the middle of a grid.
pub(super) fn central([down, across]: [usize; 2], units: usize) -> Vec<usize> {
    let distance = |unit: usize| {
        let (y, x) = ((unit / across) as f64 + 0.5, (unit % across) as f64 + 0.5);
        let (y, x) = (y / down as f64 - 0.5, x / across as f64 - 0.5);
        -(y * y + x * x)
    };
    let near: Vec<f64> = (0..down * across).map(distance).collect();
    ranking(&near)[..units].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_keeps_its_shape_on_a_grid() {
        let units = Units::cells([1, 6, 8], [6, 8]).unwrap();
        let region = [0, 1, 8];
        let mut places = Vec::new();
        for draw in 0..200 {
            let mut moved = moved(&region, &units, 3, [0, draw]);
            assert_eq!(moved.len(), 3);
            // The first is the corner: one neighbour beside it, one above or below.
            let [corner, beside, below] = moved[..] else { panic!("three units") };
            assert_eq!(corner / 8, beside / 8);
            assert_eq!(corner % 8, below % 8);
            moved.sort_unstable();
            places.push(moved);
        }
        places.sort();
        places.dedup();
        // Of 6 x 8 x 4 places nearly all differ.
        assert!(places.len() > 100, "{}", places.len());
    }

    #[test]
    fn units_without_a_grid_are_drawn_once_each() {
        let units = Units::values(5);
        let mut drawn = [0; 5];
        for draw in 0..500 {
            let mut moved = moved(&[0, 1], &units, 0, [7, draw]);
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
