//! A map in few cells: small enough to be kept, and alike for all photos, so that maps can be
//! compared.

use saliency_metrics::Units;
use saliency_photo::{Map, Size};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The most cells down, and across.
pub(crate) const CELLS: usize = 14;

/// The shares of a map in equal cells.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Grid {
    pub down: usize,
    pub across: usize,
    /// The share of each cell, row by row from the top. They add up to 1.
    pub shares: Vec<f32>,
}

impl Grid {
    /// Adds up a map in cells: 14 x 14, or fewer if the map is smaller. Of a signed map only values
    /// above zero count. Returns `None` if no value is above zero.
    pub fn of(map: &Map) -> Result<Option<Self>> {
        let Size { width, height } = map.size();
        let [height, width] = [height, width].map(|it| it as usize);
        let [down, across] = [height, width].map(|it| it.min(CELLS));
        let cells = Units::cells([1, height, width], [down, across])?;
        let sums = cells.sums(&map.positive_values().collect::<Vec<_>>());
        let total: f64 = sums.iter().sum();
        let shares = || sums.iter().map(|sum| (sum / total) as f32).collect();
        Ok((total > 0.0).then(|| Self { down, across, shares: shares() }))
    }

    /// Returns the shares in 14 x 14 cells. A larger cell is spread evenly.
    pub fn spread(&self) -> Vec<f64> {
        let (rows, columns) = (overlaps(self.down), overlaps(self.across));
        let mut spread = vec![0.0; CELLS * CELLS];
        for (at, cell) in spread.iter_mut().enumerate() {
            for (y, high) in &rows[at / CELLS] {
                for (x, wide) in &columns[at % CELLS] {
                    *cell += f64::from(self.shares[y * self.across + x]) * high * wide;
                }
            }
        }
        spread
    }
}

/// Returns, for each of 14 equal cells along a side, the cells among `cells` that it overlaps, and
/// how much of each of them it covers.
fn overlaps(cells: usize) -> Vec<Vec<(usize, f64)>> {
    let of = |at: usize| {
        // A unit in which both kinds of cells have whole lengths.
        let (from, to) = (at * cells, (at + 1) * cells);
        let overlap = |cell: usize| {
            let length = to.min((cell + 1) * CELLS) - from.max(cell * CELLS);
            (cell, length as f64 / CELLS as f64)
        };
        (from / CELLS..to.div_ceil(CELLS)).map(overlap).collect()
    };
    (0..CELLS).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};
    use saliency_photo::Reduce;

    fn grid(values: Tensor<4>, reduction: Reduce) -> Option<Grid> {
        Grid::of(&Map::of_row(&values, 0, reduction).unwrap()).unwrap()
    }

    #[test]
    fn shares_add_up_to_one_and_negative_values_do_not_count() {
        let values = Tensor::<4>::from_data([[[[3.0, -5.0], [1.0, 0.0]]]], &Device::flex());
        let grid = grid(values.clone(), Reduce::Sum).unwrap();
        assert_eq!((grid.down, grid.across, &grid.shares[..]), (2, 2, &[0.75, 0.0, 0.25, 0.0][..]));
        assert_eq!(
            super::Grid::of(&Map::of_row(&(values * 0.0), 0, Reduce::Sum).unwrap()).unwrap(),
            None
        );
    }

    #[test]
    fn a_large_map_has_14_x_14_cells_and_a_small_one_is_spread() {
        let device = Device::flex();
        let large = grid(Tensor::ones([1, 1, 28, 42], &device), Reduce::Sum).unwrap();
        assert_eq!((large.down, large.across), (14, 14));
        assert!(large.shares.iter().all(|share| (share - 1.0 / 196.0).abs() < 1e-7));
        let of_large = large.shares.iter().map(|share| f64::from(*share)).collect::<Vec<_>>();
        assert_eq!(large.spread(), of_large);
        // Two cells across: the left half of the picture.
        let halves = Grid { down: 1, across: 2, shares: vec![1.0, 0.0] };
        for (at, share) in halves.spread().into_iter().enumerate() {
            let expected = if at % CELLS < 7 { 1.0 / 98.0 } else { 0.0 };
            assert!((share - expected).abs() < 1e-12, "{at}");
        }
        // Three cells across 14: the fifth cell is shared.
        let thirds = Grid { down: 1, across: 3, shares: vec![1.0, 0.0, 0.0] }.spread();
        assert!((thirds.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((thirds[4] / thirds[3] - 2.0 / 3.0).abs() < 1e-12, "{} {}", thirds[4], thirds[3]);
    }
}
