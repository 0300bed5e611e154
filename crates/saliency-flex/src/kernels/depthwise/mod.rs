//! Depthwise convolutions, and their gradients by the input.
//!
//! With a stride of s, every s-th place of the input along an axis belongs to the same phase, of which there are
//! s. All places of the output take the same weights from a phase, at distances that are the same for all. So a
//! convolution is a sum of shifted copies of phases, and needs no copy of the whole input with its padding. For
//! the gradient the places of the input are what is summed up, each phase from other copies of the gradient.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, TensorData};
use macerator::{AutoArch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

/// Values that are summed up at a time, so that they stay in the nearest cache.
const BLOCK: usize = 2048;
/// The width of the widest vectors.
const LANES: usize = 16;

/// Whether this is what can be computed here.
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

/// The convolution of `[rows, channels, height, width]`.
pub(super) fn convolve(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
) -> FloatTensor<Flex> {
    let given = input.shape().dims::<4>();
    let kernel = weight.shape().dims::<4>();
    let axes = [0, 1].map(|axis| {
        let (stride, (before, behind)) = (options.stride[axis], options.padding[axis]);
        let (size, kernel) = (given[axis + 2], kernel[axis + 2]);
        let wanted = (size + before + behind - kernel) / stride + 1;
        let reach = |tap| tap as isize - before as isize;
        Axis::new(stride, (kernel, &reach), [(size, stride), (wanted, 1)])
    });
    sums(input, weight, Some(bias), &axes)
}

/// The gradient by an input of the given height and width; `gradient` is that by the output.
pub(super) fn gradient(
    gradient: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    options: &ConvOptions<2>,
    size: [usize; 2],
) -> FloatTensor<Flex> {
    let given = gradient.shape().dims::<4>();
    let kernel = weight.shape().dims::<4>();
    let axes = [0, 1].map(|axis| {
        let (stride, (before, _)) = (options.stride[axis], options.padding[axis]);
        let reach = |tap| before as isize - tap as isize;
        Axis::new(stride, (kernel[axis + 2], &reach), [(given[axis + 2], 1), (size[axis], stride)])
    });
    sums(gradient, weight, None, &axes)
}

/// One of the two axes of the picture: how places of what is wanted come from places of what is given.
struct Axis {
    kernel: usize,
    taps: Vec<Tap>,
    /// How many phases the given places fall into, and the wanted ones.
    phases: [usize; 2],
    /// How many given places there are, and wanted ones.
    counts: [usize; 2],
    /// Zeros before the first place of a given phase, so that no sum reaches below it.
    before: usize,
    /// Places of a given phase with zeros on both sides.
    span: usize,
}

/// A place of a wanted phase takes a weight from the place of a given phase that lies ahead by so many.
struct Tap {
    weight: usize,
    given: usize,
    wanted: usize,
    ahead: isize,
}

impl Axis {
    /// `reach` tells, in places of the input, how far ahead of the first wanted place a weight takes its value.
    fn new(
        stride: usize,
        (kernel, reach): (usize, &dyn Fn(usize) -> isize),
        [(given, given_phases), (wanted, wanted_phases)]: [(usize, usize); 2],
    ) -> Self {
        let pairs = (0..wanted_phases).flat_map(|phase| (0..kernel).map(move |tap| (phase, tap)));
        let taps = pairs.filter_map(|(phase, tap)| {
            let reach = phase as isize + reach(tap);
            let from = reach.rem_euclid(stride as isize) as usize;
            let ahead = reach.div_euclid(stride as isize);
            (from < given_phases).then_some(Tap { weight: tap, given: from, wanted: phase, ahead })
        });
        let taps: Vec<Tap> = taps.collect();
        let before = taps.iter().map(|tap| -tap.ahead).max().unwrap_or(0).max(0) as usize;
        let ahead = taps.iter().map(|tap| tap.ahead).max().unwrap_or(0).max(0) as usize;
        let span = given.div_ceil(given_phases).max(wanted.div_ceil(wanted_phases) + ahead);
        Self {
            kernel,
            taps,
            phases: [given_phases, wanted_phases],
            counts: [given, wanted],
            before,
            span: before + span,
        }
    }

    /// The most places of a wanted phase.
    fn places(&self) -> usize {
        self.counts[1].div_ceil(self.phases[1])
    }
}

/// Each plane of what is wanted from the same plane of what is given.
fn sums(
    given: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: Option<&FloatTensor<Flex>>,
    [y, x]: &[Axis; 2],
) -> FloatTensor<Flex> {
    let [rows, channels, ..] = given.shape().dims::<4>();
    let [height, width] = [y.counts[1], x.counts[1]];
    let (given, weight) = (given.to_contiguous(), weight.to_contiguous());
    let (given, weight) = (given.storage::<f32>(), weight.storage::<f32>());
    let bias = bias.map(FloatTensor::<Flex>::to_contiguous);
    let bias = bias.as_ref().map(FloatTensor::<Flex>::storage::<f32>);
    let mut output = vec![0.0_f32; rows * channels * height * width];

    let phases = Phase::all([y, x]);
    let planes = output.par_chunks_mut((height * width).max(1)).enumerate();
    planes.for_each_init(
        || Scratch::new([y, x]),
        |scratch, (plane, output)| {
            let channel = plane % channels;
            AutoArch::new().dispatch(Plane {
                axes: [y, x],
                phases: &phases,
                given: &given[plane * y.counts[0] * x.counts[0]..],
                weight: &weight[channel * y.kernel * x.kernel..],
                bias: bias.map_or(0.0, |bias| bias[channel]),
                output,
                scratch,
            });
        },
    );
    FloatTensor::<Flex>::from_data(TensorData::new(output, [rows, channels, height, width]))
}

/// A wanted phase: which weights it takes, and where in the given phases its first place finds its value.
struct Phase {
    y: usize,
    x: usize,
    taps: Vec<(usize, usize)>,
}

impl Phase {
    fn all([y, x]: [&Axis; 2]) -> Vec<Self> {
        let first = |axis: &Axis, tap: &Tap| (axis.before as isize + tap.ahead) as usize;
        let taps = |phase_y, phase_x| {
            y.taps.iter().filter(move |tap| tap.wanted == phase_y).flat_map(move |tap_y| {
                x.taps.iter().filter(move |tap| tap.wanted == phase_x).map(move |tap_x| {
                    let phase = (tap_y.given * x.phases[0] + tap_x.given) * y.span * x.span;
                    let start = phase + first(y, tap_y) * x.span + first(x, tap_x);
                    (tap_y.weight * x.kernel + tap_x.weight, start)
                })
            })
        };
        let phases = (0..y.phases[1]).flat_map(|y| (0..x.phases[1]).map(move |x| (y, x)));
        phases.map(|(y, x)| Self { y, x, taps: taps(y, x).collect() }).collect()
    }
}

/// What a thread writes to, plane after plane.
struct Scratch {
    /// The given phases with zeros around them.
    padded: Vec<f32>,
    sums: Vec<f32>,
    taps: Vec<(f32, usize)>,
}

impl Scratch {
    fn new([y, x]: [&Axis; 2]) -> Self {
        let padded = y.phases[0] * x.phases[0] * y.span * x.span + x.span + LANES;
        let sums = (y.places() * x.span).next_multiple_of(LANES);
        Self { padded: vec![0.0; padded], sums: vec![0.0; sums], taps: Vec::new() }
    }
}

struct Plane<'a> {
    axes: [&'a Axis; 2],
    phases: &'a [Phase],
    given: &'a [f32],
    weight: &'a [f32],
    bias: f32,
    output: &'a mut [f32],
    scratch: &'a mut Scratch,
}

/// All that is done value by value, with the vectors that the machine has.
impl WithSimd for Plane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Scratch { padded, sums, taps } = self.scratch;
        spread(self.given, padded, self.axes);
        for phase in self.phases {
            taps.clear();
            taps.extend(phase.taps.iter().map(|(at, start)| (self.weight[*at], *start)));
            sum_up(sums, padded, taps, self.bias);
            gather(sums, self.output, self.axes, [phase.y, phase.x]);
        }
    }
}

/// A plane, phase by phase with zeros around it.
#[inline(always)]
fn spread(plane: &[f32], padded: &mut [f32], [y, x]: [&Axis; 2]) {
    let area = y.span * x.span;
    let lines = plane.chunks_exact(x.counts[0].max(1)).take(y.counts[0]);
    for (line, values) in lines.enumerate() {
        let (phase_y, place) = (line % y.phases[0], y.before + line / y.phases[0]);
        for phase_x in 0..x.phases[0] {
            let phase = (phase_y * x.phases[0] + phase_x) * area;
            let padded = &mut padded[phase + place * x.span + x.before..];
            if x.phases[0] == 1 {
                padded[..values.len()].copy_from_slice(values);
                continue;
            }
            let values = values.iter().skip(phase_x).step_by(x.phases[0]);
            for (to, value) in padded.iter_mut().zip(values) {
                *to = *value;
            }
        }
    }
}

/// What was summed up for a phase, to its places.
#[inline(always)]
fn gather(sums: &[f32], output: &mut [f32], [y, x]: [&Axis; 2], [phase_y, phase_x]: [usize; 2]) {
    let lines = output.chunks_exact_mut(x.counts[1].max(1)).skip(phase_y).step_by(y.phases[1]);
    for (line, sums) in lines.zip(sums.chunks(x.span)) {
        if x.phases[1] == 1 {
            line.copy_from_slice(&sums[..line.len()]);
            continue;
        }
        for (place, sum) in line.iter_mut().skip(phase_x).step_by(x.phases[1]).zip(sums) {
            *place = *sum;
        }
    }
}

/// `sums[i] = bias + sum over taps of weight * values[start + i]`.
#[inline(always)]
fn sum_up(sums: &mut [f32], values: &[f32], taps: &[(f32, usize)], bias: f32) {
    for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
        sums.fill(bias);
        let values = &values[block * BLOCK..];
        let (fives, rest) = taps.as_chunks::<5>();
        for taps in fives {
            add(sums, values, *taps);
        }
        match *rest {
            [a] => add(sums, values, [a]),
            [a, b] => add(sums, values, [a, b]),
            [a, b, c] => add(sums, values, [a, b, c]),
            [a, b, c, d] => add(sums, values, [a, b, c, d]),
            _ => {}
        }
    }
}

/// A few at a time, so that sums are read and written seldom.
#[inline(always)]
fn add<const TAPS: usize>(sums: &mut [f32], values: &[f32], taps: [(f32, usize); TAPS]) {
    let count = sums.len();
    let taps = taps.map(|(weight, start)| (weight, &values[start..][..count]));
    for (at, sum) in sums.iter_mut().enumerate() {
        *sum = taps.iter().fold(*sum, |sum, (weight, values)| sum + weight * values[at]);
    }
}
