//! The limits of noise that keeps an input in its valid range.

use crate::error::Result;
use crate::input::batch::{Batch, to_host};
use crate::random::valid_range::ValidRange;

/// The limits of the noise of each value, in units of its standard deviation: one list for each
/// tensor of the input, row by row.
pub(super) struct Limits(Vec<Vec<[f64; 2]>>);

impl Limits {
    /// Computes the limits that keep an input in its range.
    pub fn new(range: &ValidRange, input: &Batch, deviations: &Batch) -> Result<Self> {
        let ends = range.of(input)?;
        let parts = input.parts.iter().enumerate().map(|(tensor, part)| {
            let width = part.dims()[1];
            let values = to_host(part.clone())?;
            let (low, high) = (
                to_host(ends.low.parts[tensor].clone())?,
                to_host(ends.high.parts[tensor].clone())?,
            );
            // One for each row, or one for each value.
            let deviation = &deviations.parts[tensor];
            let per_row = deviation.dims()[1];
            let deviation = to_host(deviation.clone())?;
            let limits = values.into_iter().enumerate().map(|(at, value)| {
                let deviation = deviation[at / width * per_row + at % width % per_row];
                if deviation == 0.0 {
                    return [f64::NEG_INFINITY, f64::INFINITY];
                }
                // The value may be outside by rounding.
                [
                    ((low[at] - value) / deviation).min(0.0),
                    ((high[at] - value) / deviation).max(0.0),
                ]
            });
            Ok(limits.collect())
        });
        Ok(Self(parts.collect::<Result<_>>()?))
    }

    /// Returns the limits of the values of a row of a tensor.
    pub fn of(&self, tensor: usize, row: usize, width: usize) -> &[[f64; 2]] {
        &self.0[tensor][row * width..(row + 1) * width]
    }
}
