//! The operations, and their implementations on Flex.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};
use burn::tensor::ops::ConvOptions;

use crate::kernels::{convolution, rectify, winograd};

/// The operations. Their gradients are those with respect to the first tensor alone.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FlexOps: Backend {
    /// Convolves by the fastest kernel that fits.
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;

    /// Convolves with kernels that [`winograd::transform`] has transformed.
    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Computes `min(max(x, 0), ceiling)`.
    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self>;
}

impl FlexOps for Flex {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        convolution::convolve(input, weight, bias, options)
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
}
