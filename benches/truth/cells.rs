//! Maps in cells.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use saliency::metrics::{Units, ranking};

use crate::random::Random;

/// Cells down and across.
pub const CELLS: usize = 14;
pub const COUNT: usize = CELLS * CELLS;

/// The value of a map in each cell.
pub type Cells = Vec<f64>;

/// Maps by name. The first three letters of a name sort the table.
pub type Maps = BTreeMap<String, Cells>;

/// Adds values `[1, channels, height, width]` up in cells; the sides are multiples of the cells' or
/// the other way round.
pub fn cells(values: &Tensor<4>, absolute: bool) -> Cells {
    let values = if absolute { values.clone().abs() } else { values.clone() };
    let sum = values.sum_dim(1);
    let [.., height, width] = sum.dims();
    let values: Vec<f64> = sum.into_data().iter().collect();
    let at = |y: usize, x: usize| values[y * width + x];
    if height >= CELLS {
        let cells = Units::cells([1, height, width], [CELLS, CELLS]).expect("cells");
        return cells.sums(&values);
    }
    // Coarser than the cells: linear between the middles of its values.
    let place = |cell: usize, side: usize| {
        let at =
            ((cell as f64 + 0.5) * side as f64 / CELLS as f64 - 0.5).clamp(0.0, (side - 1) as f64);
        let low = at as usize;
        (low, (low + 1).min(side - 1), at - low as f64)
    };
    let mut cells = Vec::with_capacity(COUNT);
    for row in 0..CELLS {
        let (y0, y1, below) = place(row, height);
        for column in 0..CELLS {
            let (x0, x1, right) = place(column, width);
            let above = at(y0, x0) * (1.0 - right) + at(y0, x1) * right;
            let under = at(y1, x0) * (1.0 - right) + at(y1, x1) * right;
            cells.push(above * (1.0 - below) + under * below);
        }
    }
    cells
}

/// Replaces values by their ranks, so that maps of different units can be added.
fn ranks(cells: &Cells) -> Cells {
    let mut ranks = vec![0.0; cells.len()];
    for (place, cell) in ranking(cells).into_iter().enumerate() {
        ranks[cell] = (cells.len() - place) as f64;
    }
    ranks
}

/// Adds up the ranks of maps.
pub fn added(maps: &[&Cells]) -> Cells {
    let mut sum = vec![0.0; COUNT];
    for map in maps {
        for (sum, rank) in sum.iter_mut().zip(ranks(map)) {
            *sum += rank;
        }
    }
    sum
}

/// Averages each cell with its neighbours.
pub fn smoothed(cells: &Cells) -> Cells {
    let near = |at: usize| at.saturating_sub(1)..(at + 2).min(CELLS);
    (0..COUNT)
        .map(|cell| {
            let (y, x) = (cell / CELLS, cell % CELLS);
            let around: Vec<f64> = near(y)
                .flat_map(|y| near(x).map(move |x| y * CELLS + x))
                .map(|at| cells[at])
                .collect();
            around.iter().sum::<f64>() / around.len() as f64
        })
        .collect()
}

/// The nearer to the middle, the larger.
pub fn middle() -> Cells {
    let off = |at: usize| (at as f64 + 0.5) / CELLS as f64 - 0.5;
    (0..COUNT).map(|cell| -(off(cell / CELLS).powi(2) + off(cell % CELLS).powi(2))).collect()
}

/// Moves a map around the edges.
pub fn moved(cells: &Cells, random: &mut Random) -> Cells {
    let (down, across) = (3 + random.below(CELLS - 6), 3 + random.below(CELLS - 6));
    (0..COUNT)
        .map(|cell| {
            let (y, x) = ((cell / CELLS + down) % CELLS, (cell % CELLS + across) % CELLS);
            cells[y * CELLS + x]
        })
        .collect()
}
