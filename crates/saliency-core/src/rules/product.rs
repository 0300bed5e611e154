//! Products of two tensors that both depend on the input.

use burn::tensor::Tensor;

use super::Rules;
use super::constant::{change, constant};
use super::pairs::pair_mean;

/// Multiplies two tensors value by value, such as a value and its gate.
///
/// The gradient of a product counts it twice, once for each factor. Under [`Rules::Libra`] each
/// factor gets half. Under [`Rules::Rescale`] the slope of a factor is the mean of the other one at
/// the row and at its baseline: Δ(a b) = mean(b) Δa + mean(a) Δb. A product with a constant is not
/// changed.
///
/// # Shapes
/// `a` and `b` have the same shape, or shapes that broadcast.
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Rules};
/// use saliency_core::{Explainer, InputTimesGradient, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| {
///     rules::product(x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1), Rules::Libra)
/// });
/// let x = Tensor::<2>::from_data([[2.0, 3.0]], &Device::flex());
/// let map = InputTimesGradient::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [3.0, 3.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Mehri, Baghshah and Pilehvar, 2024, <https://arxiv.org/abs/2411.16760>.
pub fn product<const D: usize>(a: Tensor<D>, b: Tensor<D>, rules: Rules) -> Tensor<D> {
    bilinear(a, b, rules, |a, b| a * b)
}

/// Multiplies matrices, such as attention weights and values. The rules are those of [`product`].
///
/// # Shapes
/// - `a`: `[..., rows, inner]`
/// - `b`: `[..., inner, columns]`
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Rules};
///
/// let device = Device::flex();
/// let (a, b) = (Tensor::<2>::ones([1, 2], &device), Tensor::<2>::ones([2, 1], &device));
/// assert_eq!(rules::matmul(a, b, Rules::Libra).into_scalar::<f32>(), 2.0);
/// ```
pub fn matmul<const D: usize>(a: Tensor<D>, b: Tensor<D>, rules: Rules) -> Tensor<D> {
    bilinear(a, b, rules, Tensor::matmul)
}

/// Applies a function that is linear in both of its arguments.
fn bilinear<const D: usize>(
    a: Tensor<D>,
    b: Tensor<D>,
    rules: Rules,
    multiply: impl Fn(Tensor<D>, Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    if !a.is_tracked() || !b.is_tracked() {
        return multiply(a, b);
    }
    match rules {
        Rules::Plain => multiply(a, b),
        Rules::Libra => half(multiply(a, b)),
        Rules::Rescale => {
            let (left, right) = (constant(a.clone()), constant(b.clone()));
            let value = multiply(left.clone(), right.clone());
            let of_left = multiply(change(a), pair_mean(right));
            let of_right = multiply(pair_mean(left), change(b));
            value + of_left + of_right
        }
    }
}

/// Returns the same values with half of their gradient: the rule for the result of a product whose
/// two factors both depend on the input.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, pure_function, rules};
///
/// let model = pure_function(|x: Tensor<2>| rules::half(x.clone() * x));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = Gradient::new().attribute(&model, x)?;
/// assert_eq!(map.scores, [9.0]);
/// assert_eq!(map.values.into_scalar::<f32>(), 3.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn half<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    constant(x.clone()) + change(x) * 0.5
}
