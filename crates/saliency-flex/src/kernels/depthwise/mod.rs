//! Depthwise convolutions, and their gradients with respect to the input.
//!
//! With a stride of s, the positions of the input along an axis are split into s phases. Every s-th
//! position belongs to the same phase. All positions of the output read a phase with the same
//! weights and the same offsets. So a convolution is a sum of shifted copies of phases, and needs
//! no copy of the whole input with its padding. For the gradient, the positions of the input are
//! computed. Each of their phases is a sum of other shifted copies of the gradient.

mod geometry;
mod plane;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, TensorData};
use macerator::AutoArch;
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::size::Size;
use geometry::{Axes, Axis, Phase, Positions};
use plane::{Plane, Scratch};

/// Returns whether this module can compute the convolution.
pub(super) fn fits(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
) -> bool {
    let [_, channels, ..] = input.shape().dims::<4>();
    let [outputs, inputs, ..] = weight.shape().dims::<4>();
    input.dtype() == DType::F32
        && options.groups == channels
        && [outputs, inputs] == [channels, 1]
        && options.dilation == [1; 2]
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
    let [y, x] = [0, 1].map(|axis| {
        let (stride, (before, behind)) = (options.stride[axis], options.padding[axis]);
        let outputs = (size[axis] + before + behind - kernel[axis]) / stride + 1;
        let given = Positions { count: size[axis], phases: stride };
        let wanted = Positions { count: outputs, phases: 1 };
        let reach = |tap| tap as isize - before as isize;
        Axis::new(stride, kernel[axis], given, wanted, reach)
    });
    sum_planes(input, weight, Some(bias), &Axes { y, x })
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
    let [y, x] = [0, 1].map(|axis| {
        let (stride, (before, _)) = (options.stride[axis], options.padding[axis]);
        let given = Positions { count: outputs[axis], phases: 1 };
        let wanted = Positions { count: size[axis], phases: stride };
        let reach = |tap| before as isize - tap as isize;
        Axis::new(stride, kernel[axis], given, wanted, reach)
    });
    sum_planes(gradient, weight, None, &Axes { y, x })
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
