//! The operations, and their implementations on Flex.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};

use crate::kernels::batch_norm::Statistics;
use crate::kernels::direct::Packed;
use crate::kernels::{batch_norm, convolution, max_pool, rectify, winograd};

/// The operations. Their gradients are those with respect to the first tensor alone.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FlexOps: Backend {
    /// Convolves by the fastest kernel that fits. The packed weights are those of this weight and
    /// these options.
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
        packed: Packed,
    ) -> FloatTensor<Self>;

    /// Convolves with kernels that [`winograd::transform`] has transformed.
    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Computes `min(max(x, 0), ceiling)`.
    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self>;

    /// Computes `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with a number for each
    /// channel.
    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;

    /// Computes the largest value of each window, if [`max_pool::fits`].
    fn pool(input: FloatTensor<Self>, options: MaxPoolOptions<2>) -> FloatTensor<Self>;
}

impl FlexOps for Flex {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
        packed: Packed,
    ) -> FloatTensor<Self> {
        convolution::convolve(input, weight, bias, options, &packed)
    }

    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        winograd::convolve(&input, &kernels, &bias)
    }

    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        rectify::rectify(input, ceiling).0
    }
    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        batch_norm::normalise(input, Statistics { gamma, beta, mean, variance, epsilon }).0
    }

    fn pool(input: FloatTensor<Self>, options: MaxPoolOptions<2>) -> FloatTensor<Self> {
        max_pool::pool(&input, &options).0
    }
}
