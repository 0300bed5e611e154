use burn::backend::Dispatch;
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
/// use saliency_flex::relu;
///
/// let x = Tensor::<4>::from_data([[[[-1.0, 2.0]]]], &Device::flex());
/// assert_eq!(relu(x).try_into_vec_as::<f32>().unwrap(), [0.0, 2.0]);
/// ```
pub fn relu(x: Tensor<4>) -> Tensor<4> {
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
/// use saliency_flex::relu6;
///
/// let x = Tensor::<4>::from_data([[[[-1.0, 2.0, 7.0]]]], &Device::flex());
/// assert_eq!(relu6(x).try_into_vec_as::<f32>().unwrap(), [0.0, 2.0, 6.0]);
/// ```
pub fn relu6(x: Tensor<4>) -> Tensor<4> {
    if is_flex(&x) {
        rectified(x, 6.0)
    } else {
        activation::relu(x.clone()) - activation::relu(x - 6.0)
    }
}

fn rectified(x: Tensor<4>, ceiling: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::rectify(x.into_dispatch(), ceiling))
}
