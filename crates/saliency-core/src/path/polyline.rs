//! A path through corners.

use crate::error::Result;
use crate::input::batch::Batch;
use crate::path::shape::{PathPoints, PathShape};

/// A path through corners, straight between them, for some consecutive rows of a batch. Each segment
/// takes the same part of the positions.
///
/// ```text
/// γ(α) = c_k + (n α - k) (c_{k+1} - c_k),     γ'(α) = n (c_{k+1} - c_k)     for k = ⌊n α⌋
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Polyline {
    /// The first of the rows.
    pub first: usize,
    /// Two or more corners, each of all rows. The first is the start.
    pub corners: Vec<Batch>,
}

/// Positions that are computed as k / n may lie this far before the corner.
const ROUNDING: f64 = 1e-9;

impl PathShape for Polyline {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let segments = self.corners.len() - 1;
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut within = Vec::with_capacity(rows.len());
        for (row, position) in rows.iter().zip(positions) {
            let scaled = position * segments as f64;
            let segment = ((scaled + ROUNDING).max(0.0) as usize).min(segments - 1);
            within.push((scaled - segment as f64).max(0.0));
            starts.push(self.corners[segment].narrow(row - self.first, 1));
            ends.push(self.corners[segment + 1].narrow(row - self.first, 1));
        }
        let starts = Batch::stack(&starts);
        let moves = Batch::stack(&ends).zip_into(starts.clone(), |end, start| end - start);
        let moves = moves.without_fixed();
        let points = starts.zip_into(moves.scale_rows(&within), |start, step| start + step);
        Ok(PathPoints { points, tangents: moves.map(|part| part.mul_scalar(segments as f64)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    fn corner<const N: usize>(rows: [[f64; 2]; N]) -> Batch {
        Batch::new(Tensor::<2>::from_data(rows, &Device::flex())).unwrap()
    }

    #[test]
    fn the_path_leads_through_its_corners() {
        let path = Polyline {
            first: 0,
            corners: vec![
                corner([[0.0, 0.0], [1.0, 1.0]]),
                corner([[3.0, 0.0], [1.0, 2.0]]),
                corner([[3.0, 4.0], [2.0, 2.0]]),
            ],
        };
        let found = path.at(&[0, 0, 1, 0, 1], &[0.0, 0.25, 0.5, 1.0, 0.75]).unwrap();
        let points = [[0.0, 0.0], [1.5, 0.0], [1.0, 2.0], [3.0, 4.0], [1.5, 2.0]];
        assert_eq!(found.points.host_rows().unwrap(), points);
        let tangents = [[6.0, 0.0], [6.0, 0.0], [2.0, 0.0], [0.0, 8.0], [2.0, 0.0]];
        assert_eq!(found.tangents.host_rows().unwrap(), tangents);
    }

    #[test]
    fn the_rows_may_be_in_the_middle_of_a_batch() {
        let corners = vec![
            corner([[0.0, 0.0], [1.0, 1.0]]),
            corner([[2.0, 0.0], [1.0, 1.0]]),
            corner([[2.0, 4.0], [3.0, 1.0]]),
        ];
        let path = Polyline { first: 5, corners };
        let found = path.at(&[5, 5, 6, 6, 5], &[0.25, 0.75, 0.25, 0.75, 1.0]).unwrap();
        let points = found.points.host_rows().unwrap();
        assert_eq!(points, [[1.0, 0.0], [2.0, 2.0], [1.0, 1.0], [2.0, 1.0], [2.0, 4.0]]);
        let tangents = found.tangents.host_rows().unwrap();
        assert_eq!(tangents, [[4.0, 0.0], [0.0, 8.0], [0.0, 0.0], [4.0, 0.0], [0.0, 8.0]]);
    }
}
