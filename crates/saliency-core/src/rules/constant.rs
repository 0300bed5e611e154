//! Tensors without a gradient, and gradients without a value.

use burn::tensor::Tensor;

/// Returns the same values as a constant: the gradient stops here.
///
/// # Cost
/// Nothing is copied.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, pure_function, rules};
///
/// // The gradient of x · x, if one of the factors is a constant.
/// let model = pure_function(|x: Tensor<2>| rules::constant(x.clone()) * x);
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = Gradient::new().attribute(&model, x)?;
/// assert_eq!(map.scores, [9.0]);
/// assert_eq!(map.values.into_scalar::<f32>(), 3.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn constant<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    // A detached input of the model would still ask for a gradient of its own.
    x.detach().set_require_grad(false)
}

/// Returns zeros whose gradient is that of `x`.
///
/// A rule adds a linear function of them to the values of an operation. The values stay the same,
/// and the gradient is that of the linear function.
pub(super) fn change<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let values = constant(x.clone());
    x - values
}
