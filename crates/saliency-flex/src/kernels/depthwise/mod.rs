//! Depthwise convolutions, and their gradients with respect to the input. Each plane is a sum of
//! shifted copies of the [phases](super::geometry) of another one.

mod plane;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, TensorData};
use macerator::AutoArch;
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::geometry::{Axes, Phase};
use super::size::Size;
use plane::{Plane, Scratch};

/// Returns whether this module can compute the convolution.
pub(super) fn fits(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
) -> bool {
    let [_, channels, ..] = input.shape().dims::<4>();
    let [outputs, inputs, ..] = weight.shape().dims::<4>();
    input.dtype() == DType::F32 && options.groups == channels && [outputs, inputs] == [channels, 1]
}

/// Convolves `[rows, channels, height, width]`.
pub(super) fn convolve(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
) -> FloatTensor<Flex> {
    let [_, _, size @ ..] = input.shape().dims::<4>();
    let [_, _, kernel @ ..] = weight.shape().dims::<4>();
    sum_planes(input, weight, Some(bias), &Axes::of_convolution(options, kernel, size))
}

/// Returns the gradient with respect to an input of the given size; `gradient` is the one with
/// respect to the output.
pub(super) fn gradient(
    gradient: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
    size: Size,
) -> FloatTensor<Flex> {
    let [_, _, outputs @ ..] = gradient.shape().dims::<4>();
    let [_, _, kernel @ ..] = weight.shape().dims::<4>();
    let size = [size.height, size.width];
    sum_planes(gradient, weight, None, &Axes::of_gradient(options, kernel, outputs, size))
}

/// Computes each wanted plane from the same plane of `given`.
fn sum_planes(
    given: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: Option<&FloatTensor<Flex>>,
    axes: &Axes,
) -> FloatTensor<Flex> {
    let [rows, channels, ..] = given.shape().dims::<4>();
    let Axes { y, x } = axes;
    let [height, width] = [y.wanted.count, x.wanted.count];

    // Lay everything out as plain slices.
    let (given, weight) = (given.to_contiguous(), weight.to_contiguous());
    let (given, weight) = (given.storage::<f32>(), weight.storage::<f32>());
    let bias = bias.map(FloatTensor::<Flex>::to_contiguous);
    let bias = bias.as_ref().map(FloatTensor::<Flex>::storage::<f32>);
    let mut output = vec![0.0_f32; rows * channels * height * width];

    // Distribute the planes over the threads. Each thread has its own scratch memory.
    let phases = Phase::all(axes);
    let planes = output.par_chunks_mut((height * width).max(1)).enumerate();
    planes.for_each_init(
        || Scratch::new(axes),
        |scratch, (plane, output)| {
            let channel = plane % channels;
            AutoArch::new().dispatch(Plane {
                axes,
                phases: &phases,
                given: &given[plane * y.given.count * x.given.count..],
                weight: &weight[channel * y.kernel * x.kernel..],
                bias: bias.map_or(0.0, |bias| bias[channel]),
                output,
                scratch,
            });
        },
    );
    FloatTensor::<Flex>::from_data(TensorData::new(output, [rows, channels, height, width]))
}
