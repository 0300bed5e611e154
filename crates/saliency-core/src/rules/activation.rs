//! Functions of one value: GELU, SiLU, tanh, ReLU and the like.

use burn::tensor::Tensor;

use super::Rules;
use super::constant::{change, constant};
use super::pairs::{closeness, counterpart};

/// Applies a function to each value. Under a rule, its gradient is the slope of a chord:
///
/// ```text
/// Libra:   (f(x) - f(0)) / x              Rescale:  (f(x) - f(x')) / (x - x')
/// ```
///
/// For GELU and SiLU, Libra's slope is the gate: Φ(x) and σ(x). For ReLU and LeakyReLU it is the
/// plain gradient. If both ends of the chord are nearly the same, the gradient is f'(x).
///
/// # Shapes
/// `x` has any shape, and `f` treats every value by itself.
///
/// # Cost
/// Under a rule, two or three calls of `f`.
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Example
/// ```
/// use burn::tensor::activation::silu;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Rules};
/// use saliency_core::{Explainer, InputTimesGradient, pure_function};
///
/// // The input times the gradient is the score.
/// let model = pure_function(|x: Tensor<2>| rules::activation(x, silu, Rules::Libra));
/// let x = Tensor::<2>::from_data([[1.5]], &Device::flex());
/// let map = InputTimesGradient::new().attribute(&model, x)?;
/// assert!((f64::from(map.values.into_scalar::<f32>()) - map.scores[0]).abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Mehri, Baghshah and Pilehvar, 2024, <https://arxiv.org/abs/2411.16760>; Shrikumar, Greenside and
/// Kundaje, 2017, <https://arxiv.org/abs/1704.02685>.
pub fn activation<const D: usize>(
    x: Tensor<D>,
    f: impl Fn(Tensor<D>) -> Tensor<D>,
    rules: Rules,
) -> Tensor<D> {
    let rules = rules.on(&x);
    if rules == Rules::Plain {
        return f(x);
    }
    let fixed = constant(x.clone());
    let value = f(fixed.clone());
    // The other end of the chord.
    let (start, start_value) = match rules {
        Rules::Rescale => (counterpart(fixed.clone()), counterpart(value.clone())),
        _ => {
            let zero = fixed.zeros_like();
            (zero.clone(), f(zero))
        }
    };
    let run = fixed.clone() - start.clone();
    let size = fixed.clone().abs().max_pair(start.abs());
    let close = run.clone().abs().lower_equal(size * closeness(fixed.dtype()));
    let slope = (value - start_value) / run.mask_fill(close.clone(), 1.0);
    let slope = slope.mask_fill(close.clone(), 0.0);
    // Values that are close to their start keep the gradient of `f`, and all others are constants
    // for it.
    let tangent = f(fixed.mask_where(close, x.clone()));
    tangent + change(x) * slope
}
