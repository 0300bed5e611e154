//! Batches of rows and their baselines.

use burn::tensor::kind::Basic;
use burn::tensor::{DType, Tensor};

/// Swaps the rows and their baselines: every value is replaced by its counterpart.
///
/// # Panics
/// Panics if the number of rows is odd.
pub(super) fn counterpart<const D: usize, K: Basic>(x: Tensor<D, K>) -> Tensor<D, K> {
    let rows = x.dims()[0];
    assert!(
        rows.is_multiple_of(2),
        "Rules::Rescale needs the rows to explain and then as many baselines, but there are {rows} \
         rows in all: use DeepLift, or put the baselines behind the rows"
    );
    let half = rows / 2;
    Tensor::cat(vec![x.clone().narrow(0, half, half), x.narrow(0, 0, half)], 0)
}

/// Returns the mean of each value and its counterpart.
pub(super) fn pair_mean<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    (x.clone() + counterpart(x)) * 0.5
}

/// Returns the relative difference of two values below which the slope between them is mostly
/// rounding error: the precision to the power of two thirds.
pub(super) fn closeness(precision: DType) -> f64 {
    match precision {
        DType::F64 => 2f64.powi(-35),
        DType::F16 => 2f64.powi(-7),
        DType::BF16 => 2f64.powi(-5),
        _ => 2f64.powi(-15),
    }
}
