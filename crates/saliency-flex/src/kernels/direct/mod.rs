//! Convolutions of any stride, dilation, padding and number of groups, as products of matrices.
//!
//! The input is copied once, [phase](super::geometry) by phase with zeros around each plane. Then
//! every weight reads a plane from a fixed offset on, so that a product reads the copy as if it
//! were the matrix of all patches (im2col), which is never written out. The rows of a batch follow
//! one another in the copy and share the product.

mod matrices;
mod output;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::TensorData;
use burn::tensor::ops::ConvOptions;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::geometry::{Axes, Phase, PhaseTap};
use super::product::{
    BlockSize, LANES, Left, Multiply, SIDE, STRIP, blocks_of_starts, dispatch, strips,
};
use super::size::Size;
use matrices::Matrices;
use output::{Planes, Writer};

/// Convolves `[rows, channels, height, width]`.
pub(super) fn convolve(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
) -> FloatTensor<Flex> {
    let [_, _, size @ ..] = input.shape().dims::<4>();
    let [outputs, _, kernel @ ..] = weight.shape().dims::<4>();
    let axes = Axes::of_convolution(options, kernel, size);
    let weight = weight.to_contiguous();
    let phases = Phase::all(&axes);
    let matrices = Matrices::of_convolution(&weight, options.groups);
    let bias = bias.to_contiguous();
    let job = Job { axes, phases, matrices, groups: options.groups, outputs };
    job.run(input, Some(bias.storage::<f32>()))
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
    let [_, inputs, kernel @ ..] = weight.shape().dims::<4>();
    let size = [size.height, size.width];
    let axes = Axes::of_gradient(options, kernel, outputs, size);
    let weight = weight.to_contiguous();
    let phases = Phase::all(&axes);
    let matrices = Matrices::of_gradient(&weight, options.groups, &phases);
    let outputs = inputs * options.groups;
    let job = Job { axes, phases, matrices, groups: options.groups, outputs };
    job.run(gradient, None)
}

/// A convolution or its gradient.
struct Job {
    axes: Axes,
    phases: Vec<Phase>,
    /// The weights of each wanted phase and group.
    matrices: Matrices,
    groups: usize,
    /// The number of channels that are computed.
    outputs: usize,
}

impl Job {
    fn run(&self, given: &FloatTensor<Flex>, bias: Option<&[f32]>) -> FloatTensor<Flex> {
        let [rows, channels, ..] = given.shape().dims::<4>();
        let [height, width] = [self.axes.y.wanted.count, self.axes.x.wanted.count];
        let given = given.to_contiguous();
        let mut output = vec![0.0; rows * self.outputs * height * width];
        if !output.is_empty() {
            let padded = Padded::new(&self.axes, given.storage::<f32>(), rows, channels);
            let threads = rayon::current_num_threads();
            let parts = Planes::split(&mut output, self.outputs, self.groups, rows, threads);
            let compute = |planes: Planes| self.compute(&padded, planes, bias);
            if threads == 1 {
                parts.into_iter().for_each(compute);
            } else {
                parts.into_par_iter().for_each(compute);
            }
        }
        let shape = [rows, self.outputs, height, width];
        FloatTensor::<Flex>::from_data(TensorData::new(output, shape))
    }

    /// Computes some planes of one group: all their phases.
    fn compute(&self, padded: &Padded, mut planes: Planes, bias: Option<&[f32]>) {
        let channels = padded.channels / self.groups;
        let first = planes.group * channels;
        let blocks = planes.first / SIDE..planes.end.div_ceil(SIDE);
        let mut sums = vec![0.0; blocks.len() * SIDE * STRIP];
        for (index, phase) in self.phases.iter().enumerate() {
            // The terms are in the order of the matrices: channel by channel, tap by tap.
            let starts = (first..first + channels).flat_map(|channel| {
                let start = move |tap: &PhaseTap| padded.start(channel, tap.phase) + tap.start;
                phase.taps.iter().map(start)
            });
            let starts = blocks_of_starts(starts, padded.zeros);
            let left = self.matrices.left(index, planes.group);
            let writer = Writer::new(&self.axes, phase, padded.rows);
            for strip in strips(writer.columns()) {
                // Begin with the bias.
                let sums = &mut sums[..blocks.len() * SIDE * strip.width];
                for (channel, sums) in sums.chunks_exact_mut(strip.width).enumerate() {
                    let channel = planes.group * planes.per_group + planes.first + channel;
                    sums.fill(bias.and_then(|bias| bias.get(channel)).copied().unwrap_or(0.0));
                }
                dispatch(Multiply {
                    left,
                    rows: blocks.clone(),
                    values: &padded.values,
                    starts: &starts,
                    column: strip.start,
                    columns: strip.width,
                    sums,
                    pitch: strip.width,
                });
                writer.write(&mut planes, sums, strip);
            }
        }
    }
}

/// The given planes with zeros around them: channel by channel, phase by phase, row by row.
struct Padded {
    values: Vec<f32>,
    rows: usize,
    channels: usize,
    phases: usize,
    area: usize,
    /// The start of zeros: as many as a product reads.
    zeros: usize,
}

impl Padded {
    fn new(axes: &Axes, given: &[f32], rows: usize, channels: usize) -> Self {
        let (phases, area) = (axes.given_phases(), axes.area());
        let zeros = channels * phases * rows * area;
        let mut values = vec![0.0; zeros + rows * area + axes.slack(LANES)];
        let plane = axes.y.given.count * axes.x.given.count;
        let spread = |channel: usize, padded: &mut [f32]| {
            for row in 0..rows {
                let given = &given[(row * channels + channel) * plane..][..plane];
                axes.spread(given, &mut padded[row * area..], rows * area);
            }
        };
        let chunk = phases * rows * area;
        let padded = &mut values[..zeros];
        if rayon::current_num_threads() == 1 {
            padded.chunks_exact_mut(chunk).enumerate().for_each(|(at, padded)| spread(at, padded));
        } else {
            let chunks = padded.par_chunks_exact_mut(chunk).enumerate();
            chunks.for_each(|(at, padded)| spread(at, padded));
        }
        Self { values, rows, channels, phases, area, zeros }
    }

    /// Returns the position of a phase of a channel, in the first row.
    fn start(&self, channel: usize, phase: usize) -> usize {
        (channel * self.phases + phase) * self.rows * self.area
    }
}
