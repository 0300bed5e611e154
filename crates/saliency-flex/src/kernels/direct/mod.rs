//! Convolutions of any stride, dilation, padding and number of groups, as products of matrices.
//!
//! The input is copied once, [phase](super::geometry) by phase with zeros around each plane. Then
//! every weight reads a plane from a fixed offset on, so that a product reads the copy as if it
//! were the matrix of all patches (im2col), which is never written out. The rows of a batch follow
//! one another in the copy and share the product.

mod output;
mod pass;
mod weights;

use std::sync::{Arc, OnceLock};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::TensorData;
use burn::tensor::ops::ConvOptions;
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelIterator as _, IntoParallelRefIterator as _,
    ParallelIterator as _,
};
use rayon::slice::ParallelSliceMut as _;

use super::geometry::{Axes, Phase};
use super::product::{LANES, Multiply, SIDE, STRIP, Strip, blocks_of_starts, dispatch, strips};
use super::size::Size;
use output::{Planes, Writer};
use pass::{Matrices, Pass};
use weights::Weights;

/// About the number of values of the input that are copied at a time.
const COPY: usize = 1 << 18;

/// The packed weights of a convolution and of its gradient, filled by the first call of each. They are
/// for one weight and one set of options, and for pictures of any size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed(Arc<Both>);

#[derive(Debug, Default)]
struct Both {
    convolution: OnceLock<Vec<Matrices>>,
    gradient: OnceLock<Vec<Matrices>>,
}

/// Convolves `[rows, channels, height, width]`.
pub(super) fn convolve(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
    packed: &Packed,
) -> FloatTensor<Flex> {
    let [_, _, size @ ..] = input.shape().dims::<4>();
    let [_, _, kernel @ ..] = weight.shape().dims::<4>();
    let axes = Axes::of_convolution(options, kernel, size);
    let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
    let weights = Weights::of_convolution(&weight, options.groups);
    Job::new(axes, &weights, &packed.0.convolution).run(input, Some(bias.storage()))
}

/// Returns the gradient with respect to an input of the given size; `gradient` is the one with
/// respect to the output.
pub(super) fn gradient(
    gradient: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
    size: Size,
    packed: &Packed,
) -> FloatTensor<Flex> {
    let [_, _, outputs @ ..] = gradient.shape().dims::<4>();
    let [_, _, kernel @ ..] = weight.shape().dims::<4>();
    let axes = Axes::of_gradient(options, kernel, outputs, [size.height, size.width]);
    let weight = weight.to_contiguous();
    let weights = Weights::of_gradient(&weight, options.groups);
    Job::new(axes, &weights, &packed.0.gradient).run(gradient, None)
}

/// A convolution or its gradient.
struct Job<'a> {
    axes: Axes,
    passes: Vec<Pass>,
    /// One for each pass.
    matrices: &'a [Matrices],
    groups: usize,
    /// The numbers of channels in a group that are computed, and that are read.
    wanted: usize,
    given: usize,
}

impl<'a> Job<'a> {
    fn new(axes: Axes, weights: &Weights, packed: &'a OnceLock<Vec<Matrices>>) -> Self {
        let passes = Pass::all(Phase::all(&axes), weights);
        // This runs on one thread. If it waited for others of rayon's, one of them could begin the
        // same layer and wait here.
        let matrices =
            packed.get_or_init(|| passes.iter().map(|pass| pass.pack(weights)).collect());
        let Weights { groups, wanted, given, .. } = *weights;
        Self { axes, passes, matrices, groups, wanted, given }
    }

    fn run(&self, given: &FloatTensor<Flex>, bias: Option<&[f32]>) -> FloatTensor<Flex> {
        let [rows, channels, ..] = given.shape().dims::<4>();
        let [height, width] = [self.axes.y.wanted.count, self.axes.x.wanted.count];
        let outputs = self.wanted * self.groups;
        let given = given.to_contiguous();
        let mut output = vec![0.0; rows * outputs * height * width];
        if !output.is_empty() {
            // Work through the rows in groups whose copies stay in a near cache.
            let copy = channels * self.axes.given_phases() * self.axes.area();
            let group = (COPY / copy.max(1)).max(1);
            let given: &[f32] = given.storage();
            let (per_row, per_output) = (given.len() / rows, output.len() / rows);
            for (index, output) in output.chunks_mut(group * per_output).enumerate() {
                let rows = output.len() / per_output;
                let given = &given[index * group * per_row..][..rows * per_row];
                self.compute_rows(&Padded::new(&self.axes, given, rows, channels), output, bias);
            }
        }
        let shape = [rows, outputs, height, width];
        FloatTensor::<Flex>::from_data(TensorData::new(output, shape))
    }

    fn compute_rows(&self, padded: &Padded, output: &mut [f32], bias: Option<&[f32]>) {
        let threads = rayon::current_num_threads();
        let outputs = self.wanted * self.groups;
        let parts = Planes::split(output, outputs, self.groups, padded.rows, threads);
        // If there are too few channels for all threads, they share the columns.
        let shared = parts.len() < threads;
        let compute = |planes: Planes| self.compute(padded, planes, bias, shared);
        if threads == 1 || shared {
            parts.into_iter().for_each(compute);
        } else {
            parts.into_par_iter().for_each(compute);
        }
    }

    /// Computes some planes of one group.
    fn compute(&self, padded: &Padded, mut planes: Planes, bias: Option<&[f32]>, shared: bool) {
        let first = planes.group * self.given;
        let bias = bias.map(|bias| &bias[planes.group * self.wanted + planes.first..]);
        for (pass, matrices) in self.passes.iter().zip(self.matrices) {
            // The terms are in the order of the matrix: channel by channel, read by read.
            let starts = (first..first + self.given).flat_map(|channel| {
                pass.reads.iter().map(move |read| padded.start(channel, read.phase) + read.start)
            });
            let starts = blocks_of_starts(starts, padded.zeros);
            let left = matrices.left(planes.group);
            // A pass of several phases computes all channels.
            let count = (planes.end - planes.first) * pass.phases.len();
            let rows = planes.first / SIDE..(planes.first + count).div_ceil(SIDE);
            let multiply = |strip: Strip, sums: &mut [f32]| {
                let Strip { start: column, width: columns } = strip;
                // Begin with the bias.
                for (row, sums) in sums.chunks_exact_mut(columns).enumerate() {
                    sums.fill(bias.and_then(|bias| bias.get(row)).copied().unwrap_or(0.0));
                }
                let (rows, values) = (rows.clone(), &padded.values);
                let (starts, pitch, add) = (&starts, columns, true);
                dispatch(Multiply {
                    left,
                    rows,
                    values,
                    starts,
                    column,
                    columns,
                    sums,
                    pitch,
                    add,
                });
            };

            let writers =
                pass.phases.iter().map(|phase| Writer::new(&self.axes, phase, padded.rows));
            let writers: Vec<Writer> = writers.collect();
            let mut write = |strip: Strip, sums: &[f32]| {
                let channels = (planes.end - planes.first) * strip.width;
                for (writer, sums) in writers.iter().zip(sums.chunks_exact(channels)) {
                    writer.write(&mut planes, sums, strip);
                }
            };
            let columns = writers.iter().map(Writer::columns).max().unwrap_or(0);
            let room = rows.len() * SIDE;
            if shared {
                let strips: Vec<Strip> = strips(columns).collect();
                let product = |strip: &Strip| {
                    let mut sums = vec![0.0; room * strip.width];
                    multiply(*strip, &mut sums);
                    sums
                };
                let all: Vec<Vec<f32>> = strips.par_iter().map(product).collect();
                strips.iter().zip(&all).for_each(|(strip, sums)| write(*strip, sums));
            } else {
                let mut sums = vec![0.0; room * STRIP];
                for strip in strips(columns) {
                    let sums = &mut sums[..room * strip.width];
                    multiply(strip, sums);
                    write(strip, sums);
                }
            }
        }
    }
}

/// The given planes with zeros around them: channel by channel, phase by phase, row by row.
struct Padded {
    values: Vec<f32>,
    rows: usize,
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
        Self { values, rows, phases, area, zeros }
    }

    /// Returns the position of a phase of a channel, in the first row.
    fn start(&self, channel: usize, phase: usize) -> usize {
        (channel * self.phases + phase) * self.rows * self.area
    }
}
