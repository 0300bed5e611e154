//! One plane: all work that is done value by value, with the vectors of the machine.

use macerator::{Simd, WithSimd};

use crate::kernels::geometry::{Axes, Phase};

/// The number of values that are summed at a time, so that they stay in the nearest cache.
const BLOCK: usize = 2048;
/// The number of values in the widest vectors.
const LANES: usize = 16;

/// A plane to compute.
pub(super) struct Plane<'a> {
    pub axes: &'a Axes,
    pub phases: &'a [Phase],
    pub given: &'a [f32],
    pub weight: &'a [f32],
    pub bias: f32,
    pub output: &'a mut [f32],
    pub scratch: &'a mut Scratch,
}

/// Memory that a thread uses again for each plane.
pub(super) struct Scratch {
    /// The given phases with zeros around them.
    padded: Vec<f32>,
    sums: Vec<f32>,
    taps: Vec<Tap>,
}

impl Scratch {
    /// Allocates memory for planes of this geometry.
    pub fn new(axes: &Axes) -> Self {
        let Axes { y, x } = axes;
        let padded = axes.given_phases() * axes.area() + axes.slack(LANES);
        let sums = (y.wanted.per_phase() * x.span).next_multiple_of(LANES);
        Self { padded: vec![0.0; padded], sums: vec![0.0; sums], taps: Vec::new() }
    }
}

/// A weight, and the index of the first value that it multiplies.
#[derive(Clone, Copy)]
struct Tap {
    weight: f32,
    start: usize,
}

impl WithSimd for Plane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Scratch { padded, sums, taps } = self.scratch;
        let area = self.axes.area();
        self.axes.spread(self.given, padded, area);
        for phase in self.phases {
            taps.clear();
            taps.extend(phase.taps.iter().map(|tap| Tap {
                weight: self.weight[tap.weight],
                start: tap.read.phase * area + tap.read.start,
            }));
            sum_up(sums, padded, taps, self.bias);
            gather(sums, self.output, self.axes, phase);
        }
    }
}

/// Writes the sums of a phase to their positions in the output.
#[inline(always)]
fn gather(sums: &[f32], output: &mut [f32], axes: &Axes, phase: &Phase) {
    let Axes { y, x } = axes;
    let lines = output.chunks_exact_mut(x.wanted.count.max(1));
    let lines = lines.skip(phase.y).step_by(y.wanted.phases);
    for (line, sums) in lines.zip(sums.chunks(x.span)) {
        if x.wanted.phases == 1 {
            line.copy_from_slice(&sums[..line.len()]);
            continue;
        }
        let positions = line.iter_mut().skip(phase.x).step_by(x.wanted.phases);
        for (position, sum) in positions.zip(sums) {
            *position = *sum;
        }
    }
}

/// Computes `sums[i] = bias + sum over taps of weight * values[start + i]`.
#[inline(always)]
fn sum_up(sums: &mut [f32], values: &[f32], taps: &[Tap], bias: f32) {
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

/// Adds a few taps at a time, so that sums are read and written less often.
#[inline(always)]
fn add<const TAPS: usize>(sums: &mut [f32], values: &[f32], taps: [Tap; TAPS]) {
    let count = sums.len();
    let taps = taps.map(|tap| (tap.weight, &values[tap.start..][..count]));
    for (at, sum) in sums.iter_mut().enumerate() {
        *sum = taps.iter().fold(*sum, |sum, (weight, values)| sum + weight * values[at]);
    }
}
