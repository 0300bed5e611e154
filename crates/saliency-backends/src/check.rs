//! Whether a device computes what it should.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

const INPUTS: [[f32; 4]; 2] = [[1.0, 2.0, -3.0, 0.5], [0.5, -1.0, 8.0, -1.0]];
const HIDDEN: [[f32; 3]; 4] =
    [[1.0, -2.0, 0.5], [0.5, 1.0, 1.0], [-1.0, 0.25, 2.0], [3.0, 0.0, -1.0]];
const OUTPUT: [f32; 3] = [2.0, -1.0, 0.5];
const BIAS: f32 = 4.0;
/// Values in a row that is added up: as many as a photo network's largest layer has, and more.
const LONG: usize = 1 << 20;

/// What is wrong with a device.
pub(crate) enum Fault {
    /// It computes something else than it should.
    Wrong(String),
    /// It does not compute.
    Failed(String),
}

/// Computes scores and gradients of a network with one hidden layer and two long sums on the device,
/// and by hand.
///
/// Drivers that imitate a GPU have been met that added nothing up where a sum was fused with what
/// follows it (SwiftShader), or left the second of two rows of 2^18 values out (llvmpipe through
/// OpenGL), and said nothing.
pub(crate) fn check(device: &Device) -> Result<(), Fault> {
    let found = attempt(|| on_device(device), |reason| reason).map_err(Fault::Failed)?;
    let expected = by_hand();
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * b.abs().max(1.0);
    match found.len() == expected.len() && found.iter().zip(&expected).all(close) {
        true => Ok(()),
        false => Err(Fault::Wrong(format!("{found:?} where {expected:?} is right"))),
    }
}

/// A call that may panic: what Burn does where a device cannot be opened or does not answer.
pub(crate) fn attempt<T, E>(
    call: impl FnOnce() -> Result<T, E>,
    panicked: impl FnOnce(String) -> E,
) -> Result<T, E> {
    // What a panic leaves half done is not looked at again.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(panicked(text.unwrap_or("a panic without a message").to_owned()))
    })
}

/// Both scores, then the gradient of each, then the long sums.
fn on_device(device: &Device) -> Result<Vec<f32>, String> {
    let x = Tensor::<2>::from_data(INPUTS, device).autodiff().require_grad();
    let hidden = relu(x.clone().matmul(Tensor::from_data(HIDDEN, device)));
    let scores = (hidden * Tensor::<2>::from_data([OUTPUT], device)).sum_dim(1) + BIAS;
    let gradient = x.grad(&scores.clone().sum().backward()).ok_or("no gradient")?;
    let mut found = Vec::new();
    let long = Tensor::<2>::ones([2, LONG], device).sum_dim(1);
    for tensor in [scores.inner(), gradient, long] {
        let read = tensor.try_into_vec_as::<f32>();
        found.extend(read.map_err(|error| error.to_string())?);
    }
    Ok(found)
}

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
        // Not every unit is active, so that a device that forgets relu is found out.
        let units = by_hand();
        assert!(units.iter().any(|value| *value < 0.0), "{units:?}");
    }
}
