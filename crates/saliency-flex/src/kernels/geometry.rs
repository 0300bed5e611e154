//! The geometry of a convolution: which weight multiplies which position.
//!
//! With a stride of s, the positions of the input along an axis are split into s phases. Every s-th
//! position belongs to the same phase. All positions of the output read a phase with the same
//! weights and the same offsets. So a convolution is a sum of shifted copies of phases, and needs
//! no copy of the whole input for each weight. For the gradient, the positions of the input are
//! computed. Each of their phases is a sum of other shifted copies of the gradient.

use burn::tensor::ops::ConvOptions;

/// The two axes of a picture.
pub(super) struct Axes {
    pub y: Axis,
    pub x: Axis,
}

/// One axis of a picture: how wanted positions are computed from given ones.
pub(super) struct Axis {
    /// The size of the kernel.
    pub kernel: usize,
    /// The positions that are read.
    pub given: Positions,
    /// The positions that are computed.
    pub wanted: Positions,
    /// The number of zeros before the first position of a given phase, so that no sum reads before
    /// them.
    pub before: usize,
    /// The distance from the first position of a given phase, or of a zero before it, to the first
    /// one of the next line. The zeros before that line are also those behind this one.
    pub span: usize,
    taps: Vec<Tap>,
}

/// Positions along an axis.
#[derive(Clone, Copy)]
pub(super) struct Positions {
    pub count: usize,
    /// The number of phases that the positions are split into. The position p belongs to the phase
    /// `p % phases`.
    pub phases: usize,
}

/// One kernel weight applied to an input phase: output phase `wanted` reads input phase `given` at
/// offset `ahead`.
struct Tap {
    weight: usize,
    given: usize,
    wanted: usize,
    ahead: isize,
}

impl Axis {
    /// Lists the taps of an axis. `reach` returns how far ahead of the first wanted position a
    /// weight reads, in positions of the network's input.
    pub fn new(
        stride: usize,
        kernel: usize,
        given: Positions,
        wanted: Positions,
        reach: impl Fn(usize) -> isize,
    ) -> Self {
        let pairs = (0..wanted.phases).flat_map(|phase| (0..kernel).map(move |tap| (phase, tap)));
        let taps = pairs.filter_map(|(phase, tap)| {
            let reach = phase as isize + reach(tap);
            let from = reach.rem_euclid(stride as isize) as usize;
            let ahead = reach.div_euclid(stride as isize);
            (from < given.phases).then_some(Tap { weight: tap, given: from, wanted: phase, ahead })
        });
        let taps: Vec<Tap> = taps.collect();
        let before = taps.iter().map(|tap| -tap.ahead).max().unwrap_or(0).max(0) as usize;
        let ahead = taps.iter().map(|tap| tap.ahead).max().unwrap_or(0).max(0) as usize;
        let span = (before + given.per_phase()).max(wanted.per_phase() + ahead);
        Self { kernel, given, wanted, before, span, taps }
    }

    /// Returns the taps that a wanted phase reads with.
    fn taps_of(&self, phase: usize) -> impl Iterator<Item = &Tap> {
        self.taps.iter().filter(move |tap| tap.wanted == phase)
    }

    /// Returns the position, in a padded phase, that the first wanted position reads.
    fn first(&self, tap: &Tap) -> usize {
        (self.before as isize + tap.ahead) as usize
    }
}

impl Positions {
    /// Returns the number of positions in the longest phase.
    pub fn per_phase(self) -> usize {
        self.count.div_ceil(self.phases)
    }
}

/// A wanted phase in both axes, with the weights for computing it.
pub(super) struct Phase {
    pub y: usize,
    pub x: usize,
    pub taps: Vec<PhaseTap>,
}

/// A weight, and what the first wanted position reads.
pub(super) struct PhaseTap {
    pub weight: usize,
    pub read: Read,
}

/// A given phase, and a place in it with its padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Read {
    pub phase: usize,
    line: usize,
    column: usize,
    /// The index of the place.
    pub start: usize,
}

impl Phase {
    /// Lists all wanted phases.
    pub fn all(axes: &Axes) -> Vec<Self> {
        let Axes { y, x } = axes;
        let phases = (0..y.wanted.phases).flat_map(|y| (0..x.wanted.phases).map(move |x| (y, x)));
        phases.map(|(y, x)| Self { y, x, taps: axes.taps(y, x) }).collect()
    }
}

impl Axes {
    /// Lists how a convolution reads its input, of the given height and width.
    pub fn of_convolution(options: &ConvOptions<2>, kernel: [usize; 2], size: [usize; 2]) -> Self {
        let [y, x] = [0, 1].map(|axis| {
            let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
            let (before, behind) = options.padding[axis];
            let reached = dilation * (kernel[axis] - 1) + 1;
            let outputs = (size[axis] + before + behind - reached) / stride + 1;
            let given = Positions { count: size[axis], phases: stride };
            let wanted = Positions { count: outputs, phases: 1 };
            let reach = |tap| (tap * dilation) as isize - before as isize;
            Axis::new(stride, kernel[axis], given, wanted, reach)
        });
        Self { y, x }
    }

    /// Lists how the gradient with respect to the input is computed from the gradient with respect
    /// to the output. Both sizes are a height and a width.
    pub fn of_gradient(
        options: &ConvOptions<2>,
        kernel: [usize; 2],
        outputs: [usize; 2],
        size: [usize; 2],
    ) -> Self {
        let [y, x] = [0, 1].map(|axis| {
            let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
            let (before, _) = options.padding[axis];
            let given = Positions { count: outputs[axis], phases: 1 };
            let wanted = Positions { count: size[axis], phases: stride };
            let reach = |tap| before as isize - (tap * dilation) as isize;
            Axis::new(stride, kernel[axis], given, wanted, reach)
        });
        Self { y, x }
    }

    /// Returns the number of positions of a given phase, including the zeros around it.
    pub fn area(&self) -> usize {
        self.y.span * self.x.span
    }

    /// Returns the number of given phases.
    pub fn given_phases(&self) -> usize {
        self.y.given.phases * self.x.given.phases
    }

    /// Returns the number of zeros behind the last phase, so that no sum of `lanes` values reads
    /// beyond them.
    pub fn slack(&self, lanes: usize) -> usize {
        (self.y.before + 2) * self.x.span + lanes
    }

    /// Copies a plane phase by phase. The places of the zeros around each phase keep their values.
    /// Phases are `distance` values apart.
    #[inline(always)]
    pub fn spread(&self, plane: &[f32], padded: &mut [f32], distance: usize) {
        let Self { y, x } = self;
        let lines = plane.chunks_exact(x.given.count.max(1)).take(y.given.count);
        for (line, values) in lines.enumerate() {
            let (phase_y, position) = (line % y.given.phases, y.before + line / y.given.phases);
            for phase_x in 0..x.given.phases {
                let phase = (phase_y * x.given.phases + phase_x) * distance;
                let padded = &mut padded[phase + position * x.span + x.before..];
                if x.given.phases == 1 {
                    padded[..values.len()].copy_from_slice(values);
                    continue;
                }
                let values = values.iter().skip(phase_x).step_by(x.given.phases);
                for (to, value) in padded.iter_mut().zip(values) {
                    *to = *value;
                }
            }
        }
    }

    /// Combines the taps of both axes for a wanted phase.
    fn taps(&self, phase_y: usize, phase_x: usize) -> Vec<PhaseTap> {
        let Self { y, x } = self;
        let mut taps = Vec::new();
        for tap_y in y.taps_of(phase_y) {
            for tap_x in x.taps_of(phase_x) {
                let (line, column) = (y.first(tap_y), x.first(tap_x));
                let phase = tap_y.given * x.given.phases + tap_x.given;
                let read = Read { phase, line, column, start: line * x.span + column };
                taps.push(PhaseTap { weight: tap_y.weight * x.kernel + tap_x.weight, read });
            }
        }
        taps
    }
}
