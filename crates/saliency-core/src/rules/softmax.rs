//! Softmax.

use burn::tensor::{Tensor, activation};

use super::Rules;
use super::constant::{change, constant};
use super::pairs::{closeness, counterpart, pair_mean};

/// Computes a softmax over one axis.
///
/// Under [`Rules::Libra`] the result is a constant: attention weights pass on values, and get no
/// share themselves. Under [`Rules::Rescale`] the differences between a row y and its baseline y'
/// are exact, with the logarithmic means L = (y - y') / (log y - log y'):
///
/// ```text
/// Δyₖ = Lₖ (Δxₖ - Σⱼ Lⱼ Δxⱼ / Σⱼ Lⱼ)
/// ```
///
/// # Shapes
/// `x` has any shape; `dim` is an axis of it. Minus infinities, as masks have them, are allowed.
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Rules};
///
/// let x = Tensor::<2>::from_data([[0.0, 0.0]], &Device::flex());
/// let weights = rules::softmax(x, 1, Rules::Libra);
/// assert_eq!(weights.try_into_vec_as::<f32>().unwrap(), [0.5, 0.5]);
/// ```
///
/// # Source
/// Libra: Mehri, Baghshah and Pilehvar, 2024, <https://arxiv.org/abs/2411.16760>. The differences
/// follow from those of log y = x - log Σ exp(x), and from Σ Δy = 0.
pub fn softmax<const D: usize>(x: Tensor<D>, dim: usize, rules: Rules) -> Tensor<D> {
    match rules.on(&x) {
        Rules::Plain => activation::softmax(x, dim),
        Rules::Libra => activation::softmax(constant(x), dim),
        Rules::Rescale => rescaled(x, dim),
    }
}

fn rescaled<const D: usize>(x: Tensor<D>, dim: usize) -> Tensor<D> {
    let fixed = constant(x.clone());
    let value = activation::softmax(fixed.clone(), dim);
    // The logarithm of a weight that is zero is minus infinity.
    let log = activation::log_softmax(fixed.clone(), dim).clamp_min(LEAST_LOGARITHM);
    let run = log.clone() - counterpart(log);
    let rise = value.clone() - counterpart(value.clone());
    let close = run.clone().abs().lower_equal_elem(closeness(value.dtype()));
    let mean = rise / run.mask_fill(close.clone(), 1.0);
    let mean = mean.mask_where(close, pair_mean(value.clone()));
    // Infinities have no difference.
    let change = change(x).mask_fill(fixed.is_finite().bool_not(), 0.0);
    let weights = mean.clone() / mean.clone().sum_dim(dim);
    let common = (change.clone() * weights).sum_dim(dim);
    value + (change - common) * mean
}

/// Fits into half precision. A weight with this logarithm is zero in every precision.
const LEAST_LOGARITHM: f32 = -1e4;
