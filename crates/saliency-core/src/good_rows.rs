//! Explains the rows that can be explained, and says what is wrong with the others.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::explainer::Explainer;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::model::target::Target;

/// The answer for the rows of a batch that could be explained, and the errors of the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GoodRows<I> {
    /// The answer for the good rows, one after the other; `None` if there are no good rows. Its
    /// warnings number the good rows from 0.
    pub map: Option<Attribution<I>>,
    /// The positions of the good rows in the input, ascending.
    pub rows: Vec<usize>,
    /// The rows that could not be explained, ascending.
    pub errors: Vec<RowError>,
}

/// A row that could not be explained.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowError {
    /// The row of the input.
    pub row: usize,
    /// The reason.
    pub error: Error,
}

/// Explains the rows of a batch that can be explained. In a call of [`Explainer::attribute_to`],
/// one bad row ends the whole call: a row with NaN, or one on which the model panics or has no
/// finite gradient.
///
/// Bad rows do not change the answers of good rows: random numbers and baselines depend on the
/// position of a row in the whole batch.
///
/// # Cost
/// The cost of one call, if all rows are good. An error ends a call, and names all bad rows that
/// were computed together. The remaining rows are then explained again from the start.
///
/// # Errors
/// An error that is not about single rows, such as an option outside its range or a device that
/// failed.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Gradient, Target, attribute_good_rows, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let x = Tensor::<2>::from_data([[1.0], [f32::NAN], [3.0]], &Device::flex());
/// let found = attribute_good_rows(&Gradient::new(), &model, x, Target::Class(0))?;
/// assert_eq!(found.rows, [0, 2]);
/// let map = found.map.expect("two good rows");
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, 6.0]);
/// assert_eq!(found.errors[0].row, 1);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn attribute_good_rows<M, I: Inputs>(
    explainer: &(impl Explainer<M, I> + ?Sized),
    model: &M,
    input: I,
    target: Target,
) -> Result<GoodRows<I>> {
    let batch = Batch::new(input)?;
    let all = Rows::all(batch.rows());
    target.check_rows(batch.rows())?;
    let ask = |rows: &[usize]| {
        let part = batch.select(rows).into_inputs();
        explainer.attribute_rows(model, part, target.select(rows), &all.select(rows))
    };
    let mut rows: Vec<usize> = (0..batch.rows()).collect();
    let mut errors: Vec<RowError> = Vec::new();
    while !rows.is_empty() {
        let error = match ask(&rows) {
            Ok(map) => {
                errors.sort_by_key(|error| error.row);
                return Ok(GoodRows { map: Some(map), rows, errors });
            }
            Err(error) => error,
        };
        let named: Vec<usize> = error.rows().into_iter().map(|at| rows[at]).collect();
        let before = errors.len();
        match (&named[..], &error) {
            ([], _) => return Err(error),
            // A panic names all rows that the model was given.
            ([_, _, ..], Error::Panicked { .. }) => {
                for &row in &named {
                    if let Err(error) = ask(&[row]) {
                        errors.push(RowError { row, error: error.with_rows(|_| row) });
                    }
                }
                if errors.len() == before {
                    // Each row is fine alone: the fault lies with all of them together.
                    return Err(error.with_rows(|at| rows[at]));
                }
            }
            _ => errors.extend(named.iter().map(|&row| {
                let error = error.clone().with_rows(|at| rows[at]);
                RowError { row, error: error.of_row(row) }
            })),
        }
        rows.retain(|row| errors.iter().all(|error| error.row != *row));
    }
    errors.sort_by_key(|error| error.row);
    Ok(GoodRows { map: None, rows, errors })
}
