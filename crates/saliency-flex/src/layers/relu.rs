use burn::backend::Dispatch;
use burn::module::Module;
use burn::tensor::{Tensor, activation};

use super::device::is_flex;
use crate::operations::FlexOps;

/// Computes ReLU, `max(x, 0)`. At zero its gradient is zero.
///
/// On Flex it keeps one bit for each value instead of the value itself.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::tensor::activation::relu;
///
/// let x = Tensor::<1>::from_data([-1.0, 2.0], &Device::flex());
/// assert_eq!(relu(x).try_into_vec_as::<f32>().unwrap(), [0.0, 2.0]);
/// ```
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_flex(&x) { rectified(x, f32::INFINITY) } else { activation::relu(x) }
}

/// Computes ReLU6, `min(max(x, 0), 6)`. At 0 and at 6 its gradient is zero.
///
/// On Flex it keeps one bit for each value. On other backends it is computed as the difference of
/// two ReLUs, because their gradient costs less than that of `clamp`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::tensor::activation::relu6;
///
/// let x = Tensor::<1>::from_data([-1.0, 2.0, 7.0], &Device::flex());
/// assert_eq!(relu6(x).try_into_vec_as::<f32>().unwrap(), [0.0, 2.0, 6.0]);
/// ```
pub fn relu6<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_flex(&x) {
        rectified(x, 6.0)
    } else {
        activation::relu(x.clone()) - activation::relu(x - 6.0)
    }
}

fn rectified<const D: usize>(x: Tensor<D>, ceiling: f32) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::rectify(x.into_dispatch(), ceiling))
}

/// The layer of [`relu`], as Burn's `Relu`.
#[derive(Module, Debug, Default)]
pub struct Relu;

impl Relu {
    /// Builds the layer.
    pub fn new() -> Self {
        Self
    }

    /// Computes `max(x, 0)`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        relu(input)
    }
}

/// The layer of [`relu6`], as Burn's `Relu6`.
#[derive(Module, Debug, Default)]
pub struct Relu6;

impl Relu6 {
    /// Builds the layer.
    pub fn new() -> Self {
        Self
    }

    /// Computes `min(max(x, 0), 6)`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        relu6(input)
    }
}
