//! Convolutions of every kind, and their gradients with respect to the input.

use burn::backend::ops::{FloatTensorOps as _, ModuleOps as _};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{DType, Slice};

use super::direct::Packed;
use super::size::Size;
use super::{depthwise, direct, pointwise};

/// Convolves `[rows, channels, height, width]`, in single precision with the kernels of this crate.
/// Burn's compute other precisions, and convolutions that are a product of matrices as they are.
pub(crate) fn convolve(
    input: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    bias: FloatTensor<Flex>,
    options: ConvOptions<2>,
    packed: &Packed,
) -> FloatTensor<Flex> {
    if depthwise::fits(&input, &weight, &options) {
        return depthwise::convolve(&input, &weight, &bias, &options);
    }
    if input.dtype() == DType::F32 && !pointwise::fits(&input, &weight, &options) {
        return direct::convolve(&input, &weight, &bias, &options, packed);
    }
    Flex::conv2d(input, weight, Some(bias), options)
}

/// Returns the gradient with respect to an input of the given size. `gradient` is the gradient with
/// respect to the output.
pub(crate) fn gradient(
    gradient: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    options: &ConvOptions<2>,
    size: Size,
    packed: &Packed,
) -> FloatTensor<Flex> {
    if depthwise::fits(&gradient, &weight, options) {
        return depthwise::gradient(&gradient, &weight, options, size);
    }
    if pointwise::fits(&gradient, &weight, options) {
        return pointwise::gradient(gradient, weight);
    }
    if gradient.dtype() == DType::F32 {
        return direct::gradient(&gradient, &weight, options, size, packed);
    }
    transposed(gradient, weight, options, size)
}

/// Computes the gradient as a transposed convolution, cut to the size of the input.
fn transposed(
    gradient: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    options: &ConvOptions<2>,
    size: Size,
) -> FloatTensor<Flex> {
    let [rows, _, height, width] = gradient.shape().dims();
    let [_, inputs, kernel @ ..] = weight.shape().dims::<4>();
    let (stride, padding, dilation) = (options.stride, options.padding_begin(), options.dilation);
    let groups = options.groups;
    let (count, size) = ([height, width], [size.height, size.width]);

    // The transposed convolution removes the padding of the start from both ends. Add back the part
    // that is missing at the end.
    let whole = [0, 1]
        .map(|axis| (count[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1);
    let wanted = [0, 1].map(|axis| size[axis] + 2 * padding[axis]);
    let missing = [0, 1].map(|axis| wanted[axis].saturating_sub(whole[axis]));
    let options = ConvTransposeOptions::new(stride, padding, missing, dilation, groups);
    let output = Flex::conv_transpose2d(gradient, weight, None, options);
    if whole[0] <= wanted[0] && whole[1] <= wanted[1] {
        return output;
    }

    // If there is more padding at the end than at the start, cut off the excess.
    let [height, width] = size;
    let slices = [0..rows, 0..inputs * groups, 0..height, 0..width];
    Flex::float_slice(output, &slices.map(Slice::from))
}
