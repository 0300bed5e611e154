//! Max-pooling.

use burn::nn::PaddingConfig2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::module::max_pool2d_with_indices;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Int, Tensor};

use super::Rules;
use super::constant::{change, constant};
use super::pairs::{closeness, counterpart};

/// Takes the largest value of each window, with a layer of Burn.
///
/// Under [`Rules::Libra`] the gradient is the plain one, which is complete. Under
/// [`Rules::Rescale`] the difference between a window's maximum m and that of its baseline m' goes to
/// one of two values: to the place of m if m is the larger one or if m' is there too, and otherwise
/// to the place of m'.
///
/// # Shapes
/// `x` is `[rows, channels, height, width]`.
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Example
/// ```
/// use burn::nn::pool::MaxPool2dConfig;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Rules};
///
/// let pool = MaxPool2dConfig::new([2, 2]).init();
/// let x = Tensor::<4>::ones([1, 1, 4, 4], &Device::flex());
/// assert_eq!(rules::max_pool2d(&pool, x, Rules::Plain).dims(), [1, 1, 2, 2]);
/// ```
///
/// # Source
/// Shrikumar, Greenside and Kundaje, 2017, <https://arxiv.org/abs/1704.02685>; the larger of both
/// maxima: Lundberg and Lee's `shap`, in its explainer of deep networks. The authors of DeepLIFT take
/// the plain gradient, which is not complete.
pub fn max_pool2d(pool: &MaxPool2d, x: Tensor<4>, rules: Rules) -> Tensor<4> {
    if rules.on(&x) != Rules::Rescale {
        return pool.forward(x);
    }
    let [rows, channels, height, width] = x.dims();
    let options = MaxPoolOptions::new(pool.kernel_size)
        .with_stride(pool.stride)
        .with_padding_pairs(padding(pool, [height, width]))
        .with_dilation(pool.dilation)
        .with_ceil_mode(pool.ceil_mode);
    let fixed = constant(x.clone());
    let (value, places) = max_pool2d_with_indices(fixed.clone(), options);
    let pooled = value.dims();
    // Planes are flattened, as their indices are.
    let plane = |x: Tensor<4>| x.reshape([rows, channels, height * width]);
    let (fixed, change) = (plane(fixed), plane(change(x)));
    let places: Tensor<3, Int> = places.reshape([rows, channels, pooled[2] * pooled[3]]);
    let other_places = counterpart(places.clone());
    let largest = value.clone().reshape([rows, channels, pooled[2] * pooled[3]]);
    let other_largest = counterpart(largest.clone());
    let top = largest.clone().max_pair(other_largest.clone());

    // Where the window has its maximum, its own baseline is no larger than the baseline's maximum:
    // slopes are between 0 and 1.
    let at_own = counterpart(fixed.clone()).gather(2, places.clone());
    let close = other_largest.clone().abs() * closeness(value.dtype());
    let shared = (other_largest.clone() - at_own.clone()).lower_equal(close.clone());
    let risen = (top.clone() - other_largest.clone())
        .mask_where(shared.clone(), largest.clone() - other_largest.clone());
    let run = largest.clone() - at_own;
    let flat = run.clone().abs().lower_equal(close);
    let own = (risen / run.mask_fill(flat.clone(), 1.0)).mask_fill(flat, 1.0);
    let fallen = (largest - top).mask_fill(shared, 0.0);
    // This divisor is zero only if the rise is.
    let run = fixed.gather(2, other_places.clone()) - other_largest;
    let other = fallen / run.clone().mask_fill(run.equal_elem(0.0), 1.0);
    let change = change.clone().gather(2, places) * own + change.gather(2, other_places) * other;
    value + change.reshape(pooled)
}

/// Returns the padding of a layer before and after each axis. Burn keeps its own calculation private.
fn padding(pool: &MaxPool2d, size: [usize; 2]) -> [(usize, usize); 2] {
    match pool.padding {
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
        // As many windows as fit if every stride starts one; the odd pixel is added at the end.
        PaddingConfig2d::Same => std::array::from_fn(|axis| {
            let stride = pool.stride[axis];
            let windows = size[axis].div_ceil(stride);
            let needed = windows.saturating_sub(1) * stride + pool.kernel_size[axis];
            let total = needed.saturating_sub(size[axis]);
            (total / 2, total - total / 2)
        }),
    }
}
