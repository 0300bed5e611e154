//! The gradient of a depthwise convolution by its input.
//!
//! With a stride of s, the places of the input fall into s x s phases: all places of a phase take the same
//! weights, from places of the gradient that lie at the same distance. So each phase is a sum of shifted
//! copies of the gradient, which Burn's Flex backend computes through matrices of rank one.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Shape};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

/// Values that are summed up at a time, in registers.
const LANES: usize = 16;

/// One of the two axes of the picture.
struct Axis {
    kernel: usize,
    stride: usize,
    padding: usize,
    /// Zeros before the gradient, so that no sum reaches below it.
    before: usize,
    /// Places of a phase.
    places: usize,
    /// The gradient with zeros on both sides.
    span: usize,
}

impl Axis {
    fn new(
        options: &ConvOptions<2>,
        axis: usize,
        kernel: usize,
        size: usize,
        given: usize,
    ) -> Self {
        let (stride, padding) = (options.stride[axis], options.padding[axis].0);
        let before = (kernel - 1).saturating_sub(padding).div_ceil(stride);
        let places = size.div_ceil(stride);
        let span = before + given.max(places + padding.div_ceil(stride));
        Self { kernel, stride, padding, before, places, span }
    }

    /// The weights that places of a phase take, and from where for the first of them.
    fn taps(&self, phase: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.kernel).filter_map(move |tap| {
            let ahead = self.before * self.stride + phase + self.padding - tap;
            ahead.is_multiple_of(self.stride).then_some((tap, ahead / self.stride))
        })
    }
}

/// Where the places of a phase begin, which weights they take, and from where for the first of them.
struct Phase {
    y: usize,
    x: usize,
    taps: Vec<(usize, usize)>,
}

/// The gradient by an input of the given height and width; `gradient` is that by the output.
pub(super) fn gradient(
    gradient: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
    [height, width]: [usize; 2],
) -> FloatTensor<Flex> {
    let [rows, channels, given_height, given_width] = gradient.shape().dims();
    let [_, _, kernel_height, kernel_width] = weight.shape().dims();
    let y = Axis::new(options, 0, kernel_height, height, given_height);
    let x = Axis::new(options, 1, kernel_width, width, given_width);
    let (gradient, weight) = (gradient.to_contiguous(), weight.to_contiguous());
    let (given, weight) = (gradient.storage::<f32>(), weight.storage::<f32>());
    let shape = Shape::from([rows, channels, height, width]);
    let mut output = FloatTensor::<Flex>::empty(shape, DType::F32);
    let planes = output.storage_mut::<f32>().par_chunks_mut((height * width).max(1)).enumerate();
    let phases = (0..y.stride).flat_map(|phase_y| (0..x.stride).map(move |it| (phase_y, it)));
    let phases = phases.map(|(phase_y, phase_x)| {
        let taps = y.taps(phase_y).flat_map(|(tap_y, start_y)| {
            let (tap_y, start_y) = (tap_y * kernel_width, start_y * x.span);
            x.taps(phase_x).map(move |(tap_x, start_x)| (tap_y + tap_x, start_y + start_x))
        });
        Phase { y: phase_y, x: phase_x, taps: taps.collect() }
    });
    let phases: Vec<Phase> = phases.collect();
    let sums = (y.places * x.span).next_multiple_of(LANES);
    let scratch = || (vec![0.0_f32; (y.span + 1) * x.span + LANES], vec![0.0_f32; sums]);
    planes.for_each_init(scratch, |(padded, sums), (plane, output)| {
        let given = &given[plane * given_height * given_width..];
        for (line, row) in given.chunks_exact(given_width).take(given_height).enumerate() {
            let start = (y.before + line) * x.span + x.before;
            padded[start..start + given_width].copy_from_slice(row);
        }
        let weight = &weight[plane % channels * kernel_height * kernel_width..];
        for phase in &phases {
            sum_up(sums, padded, weight, &phase.taps);
            let lines = output.chunks_exact_mut(width).skip(phase.y).step_by(y.stride);
            for (line, sums) in lines.zip(sums.chunks(x.span)) {
                for (place, sum) in line.iter_mut().skip(phase.x).step_by(x.stride).zip(sums) {
                    *place = *sum;
                }
            }
        }
    });
    output
}

/// `sums[i] = sum over taps of weights[tap] * values[start + i]`.
fn sum_up(sums: &mut [f32], values: &[f32], weights: &[f32], taps: &[(usize, usize)]) {
    for (block, sums) in sums.chunks_exact_mut(LANES).enumerate() {
        let mut sum = [0.0; LANES];
        for (tap, start) in taps {
            let values = values[start + block * LANES..].first_chunk::<LANES>();
            let values = values.expect("zeros behind the last value");
            for lane in 0..LANES {
                sum[lane] += weights[*tap] * values[lane];
            }
        }
        sums.copy_from_slice(&sum);
    }
}
