//! A test of a device before it is used: whether it computes the right numbers.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use crate::backend::Backend;
use crate::error::{Cause, Error};
use crate::panics::attempt;

const INPUTS: [[f32; 4]; 2] = [[1.0, 2.0, -3.0, 0.5], [0.5, -1.0, 8.0, -1.0]];
const HIDDEN: [[f32; 3]; 4] =
    [[1.0, -2.0, 0.5], [0.5, 1.0, 1.0], [-1.0, 0.25, 2.0], [3.0, 0.0, -1.0]];
const OUTPUT: [f32; 3] = [2.0, -1.0, 0.5];
const BIAS: f32 = 4.0;
/// The number of values in a long row to be summed: more than a photo network's largest layer has.
const LONG: usize = 1 << 20;

/// A fault of a device.
pub(crate) enum Fault {
    /// It computes wrong numbers.
    Wrong(String),
    /// It does not compute.
    Failed(Cause),
}

impl Fault {
    /// Returns the error for the device that has the fault.
    pub fn of(self, backend: &Backend, name: &str) -> Error {
        let backend = backend.to_string();
        match self {
            Self::Wrong(reason) => Error::WrongNumbers { backend, name: name.to_owned(), reason },
            Self::Failed(source) => Error::NotOpened { backend, source },
        }
    }
}

/// Computes scores and gradients of a network with one hidden layer, and two long sums, on the
/// device. Compares all of them with numbers computed by hand.
///
/// Two emulated GPUs return wrong numbers without an error. SwiftShader adds nothing up if a sum is
/// fused with the operation after it. llvmpipe through OpenGL leaves out the second of two rows of
/// 2^18 values.
pub(crate) fn check(device: &Device) -> Result<(), Fault> {
    let found = attempt(|| on_device(device), Cause::new).map_err(Fault::Failed)?;
    let expected = by_hand();
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * b.abs().max(1.0);
    if found.len() == expected.len() && found.iter().zip(&expected).all(close) {
        Ok(())
    } else {
        Err(Fault::Wrong(format!("{found:?} instead of {expected:?}")))
    }
}

/// Returns both scores, then the gradient of each, then the long sums.
fn on_device(device: &Device) -> Result<Vec<f32>, Cause> {
    let x = Tensor::<2>::from_data(INPUTS, device).autodiff().require_grad();
    let hidden = relu(x.clone().matmul(Tensor::from_data(HIDDEN, device)));
    let scores = (hidden * Tensor::<2>::from_data([OUTPUT], device)).sum_dim(1) + BIAS;
    let gradient = x.grad(&scores.clone().sum().backward());
    let gradient = gradient.ok_or_else(|| Cause::new("no gradient"))?;
    let mut found = Vec::new();
    let long = Tensor::<2>::ones([2, LONG], device).sum_dim(1);
    for tensor in [scores.inner(), gradient, long] {
        let read = tensor.try_into_vec_as::<f32>();
        found.extend(read.map_err(Cause::new)?);
    }
    Ok(found)
}

/// Returns the same numbers, computed without Burn.
fn by_hand() -> Vec<f32> {
    let (mut scores, mut gradients) = (Vec::new(), Vec::new());
    for x in INPUTS {
        let hidden = |unit: usize| (0..4).map(|at| x[at] * HIDDEN[at][unit]).sum::<f32>();
        let active: Vec<usize> = (0..3).filter(|&unit| hidden(unit) > 0.0).collect();
        scores.push(active.iter().map(|&unit| hidden(unit) * OUTPUT[unit]).sum::<f32>() + BIAS);
        let gradient = |at: usize| active.iter().map(|&unit| HIDDEN[at][unit] * OUTPUT[unit]).sum();
        gradients.extend((0..4).map(gradient).collect::<Vec<f32>>());
    }
    scores.into_iter().chain(gradients).chain([LONG as f32; 2]).collect()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn flex_computes_what_is_computed_by_hand() {
        assert!(check(&Device::flex()).is_ok());
        // Not every unit is active, so that the check finds a device that leaves out relu.
        let units = by_hand();
        assert!(units.iter().any(|value| *value < 0.0), "{units:?}");
    }
}
