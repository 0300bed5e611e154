//! The geometry: which weight multiplies which position.

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
    /// The number of positions of a given phase, including the zeros on both sides.
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
        let span = given.per_phase().max(wanted.per_phase() + ahead);
        Self { kernel, given, wanted, before, span: before + span, taps }
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

/// A weight, and the index in the padded phases that the first wanted position reads.
pub(super) struct PhaseTap {
    pub weight: usize,
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
    /// Combines the taps of both axes for a wanted phase.
    fn taps(&self, phase_y: usize, phase_x: usize) -> Vec<PhaseTap> {
        let Self { y, x } = self;
        let mut taps = Vec::new();
        for tap_y in y.taps_of(phase_y) {
            for tap_x in x.taps_of(phase_x) {
                let phase = (tap_y.given * x.given.phases + tap_x.given) * y.span * x.span;
                let start = phase + y.first(tap_y) * x.span + x.first(tap_x);
                taps.push(PhaseTap { weight: tap_y.weight * x.kernel + tap_x.weight, start });
            }
        }
        taps
    }
}
