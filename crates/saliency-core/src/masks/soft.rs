//! Soft masks: random numbers on a grid, interpolated between its nodes.

use crate::error::{Error, Result};
use crate::input::batch::Batch;
use crate::input::groups::spatial;
use crate::random::key::{Key, Stream};

/// The number of cells along each dimension, if the user sets none.
const CELLS: usize = 7;

/// Grids over the dimensions of an input's rows, the channels left out.
#[derive(Debug)]
pub(crate) struct SoftMasks {
    /// `None` for a fixed tensor.
    tensors: Vec<Option<Grid>>,
}

/// The grid over the rows of a tensor.
#[derive(Debug)]
struct Grid {
    channels: usize,
    axes: Vec<Axis>,
}

/// The grid along one dimension.
#[derive(Clone, Copy, Debug)]
struct Axis {
    size: usize,
    /// The distance of two nodes.
    spacing: usize,
    /// One node more than the shifted dimension reaches.
    nodes: usize,
}

impl SoftMasks {
    /// Lays grids of `cells` over rows of `[channels, ...]`: as many along each of the dimensions
    /// after the channels. Rows of one dimension have no channels.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there are more cells than values along a dimension, or none.
    pub fn new(cells: Option<&[usize]>, input: &Batch) -> Result<Self> {
        let mut tensors = Vec::with_capacity(input.shapes.len());
        for (shape, fixed) in input.shapes.iter().zip(&input.fixed) {
            tensors.push(if *fixed { None } else { Some(Grid::new(cells, &shape[1..])?) });
        }
        Ok(Self { tensors })
    }

    /// Draws a mask for each key. Each value of a mask is from 0 to 1, and its mean over all masks
    /// is `keep`.
    pub fn draw(&self, keys: &[Key], keep: f64) -> Vec<Vec<f64>> {
        let numbers: usize = self.tensors.iter().flatten().map(Grid::numbers).sum();
        let mut masks = vec![Vec::new(); self.tensors.len()];
        for key in keys {
            let numbers = key.uniform(Stream::Cover, numbers);
            let mut rest = &numbers[..];
            for (mask, grid) in self.tensors.iter().enumerate() {
                let Some(grid) = grid else { continue };
                let (own, others) = rest.split_at(grid.numbers());
                grid.add_to(&mut masks[mask], own, keep);
                rest = others;
            }
        }
        masks
    }
}

impl Grid {
    fn new(cells: Option<&[usize]>, row: &[usize]) -> Result<Self> {
        let sizes = spatial(row);
        let channels = if row.len() > 1 { row[0] } else { 1 };
        let most: Vec<usize> = sizes.iter().map(|&size| size.min(CELLS)).collect();
        let cells = cells.unwrap_or(&most);
        let fits = cells.len() == sizes.len()
            && cells.iter().zip(sizes).all(|(cells, size)| (1..=*size).contains(cells));
        if !fits {
            let expected = format!("of 1 cell to as many as there are values along {sizes:?}");
            return Err(Error::invalid_option("grid", expected, format!("{cells:?}")));
        }
        let axis = |(&size, &cells): (&usize, &usize)| {
            let spacing = size.div_ceil(cells);
            // The grid is shifted by less than one cell.
            Axis { size, spacing, nodes: (size + spacing - 2) / spacing + 2 }
        };
        Ok(Self { channels, axes: sizes.iter().zip(cells).map(axis).collect() })
    }

    /// Returns the random numbers that a mask takes: the shift along each dimension, and the nodes.
    fn numbers(&self) -> usize {
        self.axes.len() + self.axes.iter().map(|axis| axis.nodes).product::<usize>()
    }

    /// Adds a mask, the same for all channels.
    fn add_to(&self, masks: &mut Vec<f64>, numbers: &[f64], keep: f64) {
        let (shifts, nodes) = numbers.split_at(self.axes.len());
        let mut values: Vec<f64> =
            nodes.iter().map(|&number| f64::from(u8::from(number < keep))).collect();
        // Interpolates along one dimension after the other, from the last to the first.
        let mut inner = 1;
        for (axis, shift) in self.axes.iter().zip(shifts).rev() {
            values = axis.interpolate(&values, inner, *shift);
            inner *= axis.size;
        }
        (0..self.channels).for_each(|_| masks.extend(&values));
    }
}

impl Axis {
    /// Replaces the nodes along a dimension by its values; `inner` values follow each node.
    fn interpolate(&self, nodes: &[f64], inner: usize, shift: f64) -> Vec<f64> {
        let shift = (shift * self.spacing as f64) as usize;
        let outer = nodes.len() / (self.nodes * inner);
        let mut values = Vec::with_capacity(outer * self.size * inner);
        for block in nodes.chunks(self.nodes * inner) {
            for at in 0..self.size {
                let (node, part) = ((at + shift) / self.spacing, (at + shift) % self.spacing);
                let part = part as f64 / self.spacing as f64;
                let before = &block[node * inner..(node + 1) * inner];
                let after = &block[(node + 1) * inner..(node + 2) * inner];
                let pairs = before.iter().zip(after);
                values.extend(pairs.map(|(before, after)| before * (1.0 - part) + after * part));
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    fn keys(count: u64) -> Vec<Key> {
        (0..count).map(|sample| Key { seed: 1, row: 0, sample }).collect()
    }

    #[test]
    fn every_value_is_kept_as_often_as_asked_and_channels_share_a_mask() {
        let input = Batch::new(Tensor::<4>::zeros([1, 2, 5, 9], &Device::flex())).unwrap();
        let masks = SoftMasks::new(Some(&[2, 3]), &input).unwrap();
        let found = masks.draw(&keys(4000), 0.3).remove(0);
        assert!(found.iter().all(|value| (0.0..=1.0).contains(value)));
        for mask in found.chunks(90) {
            assert_eq!(mask[..45], mask[45..]);
        }
        for value in 0..45 {
            let mean = found.iter().skip(value).step_by(90).sum::<f64>() / 4000.0;
            assert!((mean - 0.3).abs() < 0.035, "{mean}");
        }
    }

    #[test]
    fn masks_are_soft_between_nodes_and_hard_if_every_value_is_a_node() {
        let input = Batch::new(Tensor::<2>::zeros([1, 6], &Device::flex())).unwrap();
        let hard = SoftMasks::new(Some(&[6]), &input).unwrap().draw(&keys(50), 0.5).remove(0);
        assert!(hard.iter().all(|value| *value == 0.0 || *value == 1.0));
        let soft = SoftMasks::new(Some(&[2]), &input).unwrap().draw(&keys(50), 0.5).remove(0);
        assert!(soft.iter().any(|value| *value > 0.0 && *value < 1.0));
        // Next to each other, values of one mask differ by at most one step between two nodes.
        let steps = soft.chunks(6).flat_map(|mask| mask.windows(2).map(|pair| pair[1] - pair[0]));
        assert!(steps.into_iter().all(|step| step.abs() < 1.0 / 3.0 + 1e-12));
    }

    #[test]
    fn grids_that_do_not_fit_are_refused() {
        let input = Batch::new(Tensor::<3>::zeros([1, 2, 5], &Device::flex())).unwrap();
        for cells in [&[6][..], &[0], &[2, 2], &[]] {
            let error = SoftMasks::new(Some(cells), &input).unwrap_err().to_string();
            assert!(error.contains("as there are values along [5], found"), "{error}");
        }
        assert!(SoftMasks::new(None, &input).is_ok());
    }
}
