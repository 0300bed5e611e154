//! Convolutions that compute each output pixel from one input pixel: products of matrices without a
//! copy of the input, by Burn.

use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::Shape;
use burn::tensor::ops::ConvOptions;

/// Returns whether a convolution of `given` is of this kind. `given` may be the gradient with respect
/// to the output, which has the input's size.
pub(super) fn fits(
    given: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
) -> bool {
    let [rows, ..] = given.shape().dims::<4>();
    let [_, _, kernel @ ..] = weight.shape().dims::<4>();
    let is_plain = options.groups == 1 && options.stride == [1; 2];
    let no_padding = [options.padding_begin(), options.padding_end()] == [[0; 2]; 2];
    // If a factor of a product has no rows, Burn reads beyond its end.
    rows > 0 && kernel == [1; 2] && is_plain && no_padding
}

/// Returns the gradient with respect to the input. A transposed convolution would compute the same
/// product, but first write it out as columns.
pub(super) fn gradient(
    gradient: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let [rows, outputs, height, width] = gradient.shape().dims();
    let [_, inputs, ..] = weight.shape().dims::<4>();
    let weight = Flex::float_reshape(weight, Shape::from([1, outputs, inputs]));
    let gradient = Flex::float_reshape(gradient, Shape::from([rows, outputs, height * width]));
    let product = Flex::float_matmul(Flex::float_swap_dims(weight, 1, 2), gradient);
    Flex::float_reshape(product, Shape::from([rows, inputs, height, width]))
}
