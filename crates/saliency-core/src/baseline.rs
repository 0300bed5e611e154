//! What the input is compared with: the start of a path.

use burn::tensor::Tensor;

use crate::error::{Error, Place, Result};
use crate::inputs::{Flat, Inputs};

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

    /// A tensor of the input's shape, or with one row that serves for all; for several inputs a
    /// tuple of tensors.
    pub fn tensor(baseline: impl Inputs) -> Self {
        let shapes = baseline.shapes();
        Self(Kind::Tensor(baseline.into_rows(), shapes))
    }

    /// One baseline for each tensor of a tuple.
    pub fn each(baselines: impl IntoIterator<Item = Self>) -> Self {
        Self(Kind::Each(baselines.into_iter().collect()))
    }

    /// The baseline in the shape of `input`, with as many rows.
    pub(crate) fn like(&self, input: &Flat) -> Result<Flat> {
        let count = input.parts.len();
        let baseline = match &self.0 {
            Kind::Constant(value) => input.map(|part| part.full_like(*value)),
            Kind::Tensor(parts, shapes) if parts.len() == count => {
                let pairs = parts.iter().zip(shapes).enumerate();
                let parts = pairs.map(|(tensor, (part, shape))| {
                    let like = &input.parts[tensor];
                    broadcast(part.clone(), shape, &input.shapes[tensor], tensor)
                        .map(|part| part.inner().to_device(&like.device()).cast(like.dtype()))
                });
                let parts = parts.collect::<Result<_>>()?;
                Flat { parts, shapes: input.shapes.clone() }
            }
            Kind::Tensor(parts, _) => {
                return Err(Error::BaselineCount { expected: count, found: parts.len() });
            }
            Kind::Each(baselines) if baselines.len() == count => {
                let mut all = input.clone();
                for (tensor, baseline) in baselines.iter().enumerate() {
                    let part = vec![input.parts[tensor].clone()];
                    let alone = Flat { parts: part, shapes: vec![input.shapes[tensor].clone()] };
                    let made = baseline.like(&alone).map_err(|error| error.of_tensor(tensor))?;
                    all.parts[tensor] = made.parts[0].clone();
                }
                all
            }
            Kind::Each(baselines) => {
                return Err(Error::BaselineCount { expected: count, found: baselines.len() });
            }
        };
        baseline.check_finite(Place::Baseline)?;
        Ok(baseline)
    }
}

/// Gives a flattened baseline of one row as many rows as the input has.
fn broadcast(
    part: Tensor<2>,
    found: &[usize],
    expected: &[usize],
    tensor: usize,
) -> Result<Tensor<2>> {
    let fits = found.len() == expected.len() && found[1..] == expected[1..];
    match found[0] {
        rows if fits && rows == expected[0] => Ok(part),
        1 if fits => Ok(part.repeat_dim(0, expected[0])),
        _ => {
            let (expected, found) = (expected.to_vec(), found.to_vec());
            Err(Error::BaselineShape { tensor, expected, found })
        }
    }
}

impl Error {
    /// Names the tensor of the whole input that an error about a part of it is about.
    fn of_tensor(self, tensor: usize) -> Self {
        match self {
            Self::BaselineShape { expected, found, .. } => {
                Self::BaselineShape { tensor, expected, found }
            }
            other => other,
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
        let made = baseline.like(&two_inputs()).unwrap();
        assert_eq!(made.row_sums().unwrap(), [18.0, 18.0]);
        assert_eq!(Baseline::zeros().like(&two_inputs()).unwrap().row_sums().unwrap(), [0.0, 0.0]);
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
        let error = Baseline::tensor(pair).like(&two_inputs()).unwrap_err();
        assert_eq!(error, shape(0, &[2, 3], &[2, 4]));

        let second = Baseline::each([Baseline::zeros(), Baseline::tensor(wrong.clone())]);
        assert_eq!(second.like(&two_inputs()).unwrap_err(), shape(1, &[2, 1, 2], &[2, 4]));

        let error = Baseline::tensor(wrong).like(&two_inputs()).unwrap_err();
        assert_eq!(error, Error::BaselineCount { expected: 2, found: 1 });
        let error = Baseline::each([Baseline::zeros()]).like(&two_inputs()).unwrap_err();
        assert_eq!(error, Error::BaselineCount { expected: 2, found: 1 });
    }

    #[test]
    fn a_baseline_that_is_not_finite_is_refused() {
        let error = Baseline::constant(f64::NAN).like(&two_inputs()).unwrap_err();
        assert_eq!(error, Error::NotFinite { place: Place::Baseline, row: 0 });
    }
}
