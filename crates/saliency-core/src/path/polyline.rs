//! A path through corners.

use crate::error::Result;
use crate::input::batch::Batch;
use crate::path::shape::{PathPoints, PathShape};

/// A path through corners, straight between them. Each segment takes the same part of the positions.
///
/// ```text
/// γ(α) = c_k + (n α - k) (c_{k+1} - c_k),     γ'(α) = n (c_{k+1} - c_k)     for k = ⌊n α⌋
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Polyline {
    /// All corners, each with all rows.
    corners: Batch,
    rows: usize,
    segments: usize,
}

/// Positions that are computed as k / n may lie this far before the corner.
const ROUNDING: f64 = 1e-9;

impl Polyline {
    /// Makes a path through two or more corners, each with the same rows. The first is the start.
    pub fn new(corners: &[Batch]) -> Self {
        let (rows, segments) = (corners[0].rows(), corners.len() - 1);
        Self { corners: Batch::stack(corners), rows, segments }
    }
}

impl PathShape for Polyline {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let count = self.segments as f64;
        let segment =
            |at: &f64| ((at * count + ROUNDING).floor().max(0.0) as usize).min(self.segments - 1);
        let segments: Vec<usize> = positions.iter().map(segment).collect();
        let corners = |after: usize| -> Batch {
            let places = segments.iter().zip(rows);
            let places = places.map(|(segment, row)| (segment + after) * self.rows + row);
            self.corners.select(&places.collect::<Vec<_>>())
        };
        let [from, to] = [corners(0), corners(1)];
        let moves = to.zip(&from, |to, from| to - from).without_fixed();
        let within = positions.iter().zip(&segments);
        let within: Vec<f64> =
            within.map(|(at, segment)| (at * count - *segment as f64).max(0.0)).collect();
        let points = from.zip(&moves.scale_rows(&within), |from, step| from + step);
        Ok(PathPoints { points, tangents: moves.map(|part| part.mul_scalar(count)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    #[test]
    fn the_path_leads_through_its_corners() {
        let corner = |values: [[f64; 2]; 2]| {
            Batch::new(Tensor::<2>::from_data(values, &Device::flex())).unwrap()
        };
        let path = Polyline::new(&[
            corner([[0.0, 0.0], [1.0, 1.0]]),
            corner([[3.0, 0.0], [1.0, 2.0]]),
            corner([[3.0, 4.0], [2.0, 2.0]]),
        ]);
        let found = path.at(&[0, 0, 1, 0, 1], &[0.0, 0.25, 0.5, 1.0, 0.75]).unwrap();
        let points = [[0.0, 0.0], [1.5, 0.0], [1.0, 2.0], [3.0, 4.0], [1.5, 2.0]];
        assert_eq!(found.points.host_rows().unwrap(), points);
        let tangents = [[6.0, 0.0], [6.0, 0.0], [2.0, 0.0], [0.0, 8.0], [2.0, 0.0]];
        assert_eq!(found.tangents.host_rows().unwrap(), tangents);
    }
}
