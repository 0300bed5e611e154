//! What the input is compared with: the start of a path.

use burn::tensor::Tensor;

use crate::error::{Error, Place, Result};
use crate::explainer::Rows;
use crate::inputs::{Flat, Inputs, select};
use crate::noise::Key;

/// The input that stands for "nothing there", from which Integrated Gradients starts its path.
///
/// The default is zeros. What zero means depends on how inputs are normalised: for photos scaled
/// to -1..1 it is mid-grey, not black.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Baseline, IntegratedGradients};
///
/// let black = Baseline::constant(-1.0);
/// let average = Baseline::tensor(Tensor::<2>::from_data([[0.2, 0.7]], &Device::flex()));
/// // For a model with two inputs:
/// let both = Baseline::each([Baseline::zeros(), average]);
/// let explainer = IntegratedGradients::new().with_baseline(both);
/// ```
#[derive(Clone, Debug)]
pub struct Baseline(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Constant(f64),
    Uniform { low: f64, high: f64, seed: u64 },
    Tensor(Vec<Tensor<2>>, Vec<Vec<usize>>),
    Each(Vec<Baseline>),
}

impl Default for Baseline {
    fn default() -> Self {
        Self::zeros()
    }
}

impl Baseline {
    /// Zero everywhere, in every input.
    pub fn zeros() -> Self {
        Self::constant(0.0)
    }

    /// The same value everywhere, in every input.
    pub fn constant(value: f64) -> Self {
        Self(Kind::Constant(value))
    }

    /// Random values, equally likely from `low` to `high` and different for each value of each row.
    /// They depend on the seed alone.
    pub fn uniform(low: f64, high: f64, seed: u64) -> Self {
        Self(Kind::Uniform { low, high, seed })
    }

    /// A tensor of the input's shape, or with one row that serves for all; for several inputs a
    /// tuple of tensors.
    pub fn tensor(baseline: impl Inputs) -> Self {
        let shapes = baseline.shapes();
        Self(Kind::Tensor(baseline.into_rows(), shapes))
    }

    /// One baseline for each tensor of a tuple; what is given for a [`Fixed`](crate::Fixed) one is
    /// not used.
    pub fn each(baselines: impl IntoIterator<Item = Self>) -> Self {
        Self(Kind::Each(baselines.into_iter().collect()))
    }

    /// The baseline in the shape of `input`, whose rows were made from `rows` of the batch.
    pub(crate) fn like(&self, input: &Flat, rows: &Rows) -> Result<Flat> {
        let baseline = self.of_tensors(input, rows, 0)?.with_fixed_of(input);
        baseline.check_finite(Place::Baseline)?;
        Ok(baseline)
    }

    /// The baseline of tensors of which `first` of the model's come before.
    fn of_tensors(&self, input: &Flat, rows: &Rows, first: usize) -> Result<Flat> {
        let count = input.parts.len();
        let fits = |found| match found == count {
            true => Ok(()),
            false => Err(Error::BaselineCount { expected: count, found }),
        };
        let tensors = 0..count;
        let parts: Result<Vec<_>> = match &self.0 {
            Kind::Constant(value) => return Ok(input.map(|part| part.full_like(*value))),
            &Kind::Uniform { low, high, seed } => {
                if !(low.is_finite() && high.is_finite() && low <= high) {
                    let (expected, found) = ("finite and ascending", format!("{low} to {high}"));
                    let option = "range of the baseline";
                    let expected = expected.to_owned();
                    return Err(Error::InvalidOption { option, expected, found });
                }
                let random = |tensor: usize| {
                    let part = &input.parts[tensor];
                    let (width, tensor) = (part.dims()[1], first + tensor);
                    let draw = |&row| Key { seed, row, sample: 0, tensor }.uniform(width);
                    let values = rows.of().iter().flat_map(draw).map(|x| low + (high - low) * x);
                    let values: Vec<f64> = values.collect();
                    let options = (&part.device(), part.dtype());
                    Tensor::<1>::from_data(&values[..], options).reshape(part.dims())
                };
                Ok(tensors.map(random).collect())
            }
            Kind::Tensor(parts, shapes) => {
                fits(parts.len())?;
                let made = |tensor: usize| {
                    let (part, shape) = (parts[tensor].clone(), &shapes[tensor]);
                    let (like, expected) = (&input.parts[tensor], &input.shapes[tensor]);
                    let part = rows_of(part, shape, expected, rows, first + tensor)?;
                    Ok(part.inner().to_device(&like.device()).cast(like.dtype()))
                };
                tensors.map(made).collect()
            }
            Kind::Each(baselines) => {
                fits(baselines.len())?;
                let made = |tensor: usize| {
                    let alone = Flat {
                        parts: vec![input.parts[tensor].clone()],
                        shapes: vec![input.shapes[tensor].clone()],
                        fixed: vec![input.fixed[tensor]],
                    };
                    let made = baselines[tensor].of_tensors(&alone, rows, first + tensor)?;
                    Ok(made.parts[0].clone())
                };
                tensors.map(made).collect()
            }
        };
        Ok(Flat { parts: parts?, shapes: input.shapes.clone(), fixed: input.fixed.clone() })
    }
}

/// The rows of a flattened baseline that belong to `rows` of the batch; a single one serves all.
fn rows_of(
    part: Tensor<2>,
    found: &[usize],
    expected: &[usize],
    rows: &Rows,
    tensor: usize,
) -> Result<Tensor<2>> {
    let fits = found.len() == expected.len() && found[1..] == expected[1..];
    match found[0] {
        count if fits && count == rows.total() => Ok(select(part, rows.of())),
        1 if fits => Ok(part.repeat_dim(0, rows.of().len())),
        _ => {
            let (mut expected, found) = (expected.to_vec(), found.to_vec());
            expected[0] = rows.total();
            Err(Error::BaselineShape { tensor, expected, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn two_inputs() -> Flat {
        let device = Device::flex();
        Flat::new((Tensor::<2>::ones([2, 3], &device), Tensor::<3>::ones([2, 1, 2], &device)))
            .unwrap()
    }

    #[test]
    fn one_row_serves_all_and_each_input_has_its_own() {
        let row = Tensor::<3>::from_data([[[1.0, 2.0]]], &Device::flex());
        let baseline = Baseline::each([Baseline::constant(5.0), Baseline::tensor(row)]);
        let made = baseline.like(&two_inputs(), &Rows::all(2)).unwrap();
        assert_eq!(made.row_sums().unwrap(), [18.0, 18.0]);
        assert_eq!(
            Baseline::zeros().like(&two_inputs(), &Rows::all(2)).unwrap().row_sums().unwrap(),
            [0.0, 0.0]
        );
    }

    #[test]
    fn a_selection_of_rows_gets_their_baselines() {
        let device = Device::flex();
        let rows = Rows::all(3).select(&[2, 0, 2]);
        let input = Flat::new(Tensor::<2>::ones([3, 1], &device)).unwrap();
        let values = |baseline: Baseline| baseline.like(&input, &rows).unwrap().row_sums().unwrap();
        let each = Tensor::<2>::from_data([[1.0], [2.0], [3.0]], &device);
        assert_eq!(values(Baseline::tensor(each)), [3.0, 1.0, 3.0]);
        let random = values(Baseline::uniform(-1.0, 1.0, 7));
        assert!(random.iter().all(|value| value.abs() <= 1.0));
        assert_eq!(random[0], random[2]);
        assert_ne!(random[0], random[1]);
    }

    #[test]
    fn a_baseline_of_another_shape_is_named() {
        let device = Device::flex();
        let wrong = Tensor::<2>::zeros([2, 4], &device);
        let pair = (wrong.clone(), Tensor::<3>::zeros([1, 1, 2], &device));
        let shape = |tensor, expected: &[usize], found: &[usize]| Error::BaselineShape {
            tensor,
            expected: expected.to_vec(),
            found: found.to_vec(),
        };
        let error = Baseline::tensor(pair).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, shape(0, &[2, 3], &[2, 4]));

        let second = Baseline::each([Baseline::zeros(), Baseline::tensor(wrong.clone())]);
        assert_eq!(
            second.like(&two_inputs(), &Rows::all(2)).unwrap_err(),
            shape(1, &[2, 1, 2], &[2, 4])
        );

        let error = Baseline::tensor(wrong).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, Error::BaselineCount { expected: 2, found: 1 });
        let error =
            Baseline::each([Baseline::zeros()]).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, Error::BaselineCount { expected: 2, found: 1 });
    }

    #[test]
    fn a_baseline_that_is_not_finite_is_refused() {
        let error = Baseline::constant(f64::NAN).like(&two_inputs(), &Rows::all(2)).unwrap_err();
        assert_eq!(error, Error::NotFinite { place: Place::Baseline, row: 0 });
    }
}
