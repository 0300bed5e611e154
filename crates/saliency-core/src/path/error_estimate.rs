//! Estimates the error of an integral from what is known at the points of a path.
//!
//! Between two points the gradient changes from one value to the other, but it is not known where.
//! If the gradient jumps at a distance of ξ h from the middle of a gap of width h, the trapezoid
//! misses the integral by ξ h d, where d is the difference between the contributions at the ends.
//! All values jump at the same place. The estimate draws ξ for every gap, adds up the errors, and
//! takes their L1 norm. The result is the 90 % quantile over the draws.
//!
//! Rules with one point at an end of each gap let that end stand for all of it: their ξ is from 0 to 1.
//! Their errors do not cancel.
//!
//! The scores at the points give more information: the contributions of a gap must sum to its
//! change of score. If the sum is wrong by more than the differences can explain, the gradient
//! changed between the points in a way that no point shows.
//!
//! The error of a share of the map is estimated from the same draws: the share of the drawn values,
//! against the share of the values.

use std::sync::LazyLock;

use crate::path::observation::Observation;
use crate::path::score_change::ScoreChange;
use crate::share::Share;

/// The quantile of the drawn errors that is reported.
const QUANTILE: f64 = 0.9;

/// The mean of |z| for a standard normal z is √(2/π). With many values the L1 norm of independent
/// errors hardly varies, and a quantile of the norm leaves no margin. This factor adds a margin.
const MARGIN: f64 = 1.25 * 0.797_884_560_802_865_4;

/// 90 % of the values of a normal distribution are within this many standard deviations. Few draws
/// show the quantile less well than the standard deviation.
const DEVIATIONS: f64 = 1.645;

/// The number of points at which the estimated error of a share is doubled.
const FEW: f64 = 6.0;

/// If the error of the map is larger than this share of its size, shares of it are unknown: its few
/// points may all be unlike the rest of the path.
const UNKNOWN: f64 = 0.75;

/// A part of the map that is smaller than this share of its size is as good as nothing.
const LITTLE: f64 = 0.01;

/// The square root of Σ (missing · rough)², over all gaps, is multiplied by this factor.
const MISSING: f64 = 1.25;

/// The steepest power with which a gradient is assumed to grow toward an end of the path.
const STEEPEST: f64 = 0.9;

/// The gap between two points of a path.
pub(crate) struct Gap<'a> {
    /// The width of the gap. If the gap is cut into equal parts, the width of one part.
    pub width: f64,
    /// The difference between the sampled contributions at its ends.
    pub difference: &'a [f64],
    /// The L1 norm of the difference, over all values.
    pub size: f64,
    /// The sum of its contributions minus its change of score.
    pub missing: f64,
    /// The share of the difference that could not be predicted from points nearby; 1 for a rule
    /// that makes no such predictions.
    pub rough: f64,
    /// The share of the gap by which its ends stand for too much or too little of it: 0 if each
    /// stands for half of the gap, ±1/2 if one of them stands for all of it.
    pub lean: f64,
}

/// The error of an integral, gathered gap by gap.
#[derive(Clone)]
pub(crate) struct ErrorEstimate {
    draws: usize,
    /// The errors of each sampled value in every draw.
    drawn: Vec<f64>,
    /// The variance of each sampled value's error.
    variances: Vec<f64>,
    gaps: u64,
    /// Σ (missing · rough)², over all gaps.
    squares: f64,
    /// The sum of the errors that the differences between points cannot explain.
    unseen: f64,
    /// The errors of the ends of the path.
    ends: f64,
}

/// The integral that the error belongs to.
pub(crate) struct Estimated<'a> {
    /// The integrals of the sampled values.
    pub values: &'a [f64],
    /// The number of values that each sampled one stands for.
    pub each: f64,
    /// The change of score.
    pub change: &'a ScoreChange,
    /// The completeness gap, reduced by the part that may be rounding. If the path has places, the
    /// sum over all gaps.
    pub missing: f64,
    /// The number of points.
    pub points: usize,
}

impl ErrorEstimate {
    /// Starts with no gaps, for a number of sampled values.
    pub fn new(values: usize) -> Self {
        let mut estimate = Self {
            draws: 0,
            drawn: Vec::new(),
            variances: Vec::new(),
            gaps: 0,
            squares: 0.0,
            unseen: 0.0,
            ends: 0.0,
        };
        estimate.restart(values);
        estimate
    }

    /// Starts again with no gaps, in the same memory: a table has many rows, and each is judged
    /// several times.
    pub fn restart(&mut self, values: usize) {
        self.draws = ((1 << 15) / values.max(1)).clamp(MOST_DRAWS / 2, MOST_DRAWS);
        self.drawn.clear();
        self.drawn.resize(values * self.draws, 0.0);
        self.variances.clear();
        self.variances.resize(values, 0.0);
        self.gaps = 0;
        (self.squares, self.unseen, self.ends) = (0.0, 0.0, 0.0);
    }

    /// Adds a gap between two points.
    pub fn add(&mut self, gap: &Gap) {
        let places = places(self.gaps).map(|place| place + gap.lean);
        self.gaps += 1;
        let errors = gap.difference.iter().map(|difference| difference * gap.width * gap.rough);
        let errors = errors.zip(&mut self.variances).map(|(error, variance)| {
            *variance += error * error / 12.0;
            error
        });
        // A row of a table has few values, and the most draws: their number is known to the compiler.
        if self.draws == MOST_DRAWS {
            let (drawn, _) = self.drawn.as_chunks_mut::<MOST_DRAWS>();
            for (error, drawn) in errors.zip(drawn) {
                drawn.iter_mut().zip(&places).for_each(|(sum, place)| *sum += place * error);
            }
        } else {
            for (error, drawn) in errors.zip(self.drawn.chunks_mut(self.draws)) {
                drawn.iter_mut().zip(&places).for_each(|(sum, place)| *sum += place * error);
            }
        }
        self.squares += (gap.missing * gap.rough).powi(2);
        let explained = (0.5 + gap.lean.abs()) * gap.width * gap.size;
        self.unseen += (gap.missing.abs() - explained).max(0.0);
    }

    /// Adds the error of an end of the path.
    pub fn add_end(&mut self, error: f64) {
        self.ends += error;
    }

    /// Returns the estimated relative L1 error.
    pub fn relative(&self, of: &Estimated) -> f64 {
        let error = self.error(of);
        let size = of.size();
        // The true size is unknown: take the smaller candidate.
        let true_size = of.change.least_size().max(size - error).max(0.01 * size);
        let relative = if error == 0.0 { 0.0 } else { error / true_size };
        if of.change.without_path {
            return relative;
        }
        relative.max(of.least())
    }

    /// Returns the estimated L1 error.
    fn error(&self, of: &Estimated) -> f64 {
        // The error that the differences explain, and the errors that the scores show.
        let error = (of.each * self.seen()).max(MISSING * self.squares.sqrt());
        let error = error + self.unseen + self.ends;
        error.max(of.missing.abs()) + of.change.epsilon * of.size()
    }

    /// Returns the L1 error of the sampled values that the differences explain: the quantile of the
    /// drawn norms.
    fn seen(&self) -> f64 {
        let mut norms = [0.0; MOST_DRAWS];
        let norms = &mut norms[..self.draws];
        for drawn in self.drawn.chunks_exact(self.draws) {
            norms.iter_mut().zip(drawn).for_each(|(norm, error)| *norm += error.abs());
        }
        let deviations: f64 = self.variances.iter().map(|variance| variance.sqrt()).sum();
        quantile(norms).max(MARGIN * deviations)
    }

    /// Returns the estimated error of a share of the map, whose weights are those of the sampled
    /// values.
    ///
    /// The differences between points explain an error of the map, and show how the share errs with
    /// it. If the scores show a larger error, the share's error is scaled up in proportion. Nothing
    /// is known about where the rest of the error lies: it may all be inside, or all outside.
    pub fn of_share(&self, of: &Estimated, share: &Share) -> f64 {
        let (counted, size) = (of.each * share.counted(of.values), of.size());
        if of.change.without_path {
            return 0.0;
        }
        // Nearly nothing is known about the values.
        let error = self.error(of);
        if error > 0.0 && error >= UNKNOWN * size {
            return 1.0;
        }
        if size == 0.0 {
            return of.least();
        }
        // If nothing counts, the share is 0, unless an error makes something count.
        let counted = if counted > 0.0 { counted } else { LITTLE * size };
        let estimated = share.of(of.values.iter().copied());
        let mut errors: Vec<f64> = (0..self.draws)
            .map(|draw| {
                let values = of.values.iter().zip(self.drawn[draw..].iter().step_by(self.draws));
                (share.of(values.map(|(value, error)| value + error)) - estimated).abs()
            })
            .collect();
        let squares: f64 = errors.iter().map(|error| error * error).sum();
        let deviation = (squares / self.draws as f64).sqrt();
        let drawn = quantile(&mut errors).max(DEVIATIONS * deviation) * few(of.points);
        let largest_part = estimated.max(1.0 - estimated);
        let anywhere = |error: f64| largest_part * error / counted;
        // The errors that the scores show.
        let shown = (MISSING * self.squares.sqrt()).max(of.missing.abs());
        let seen = of.each * self.seen();
        let scaled = if seen > 0.0 { drawn * (shown / seen).max(1.0) } else { anywhere(shown) };
        let rest = self.unseen + self.ends + of.change.epsilon * size;
        (scaled + anywhere(rest)).max(largest_part * of.least()).min(1.0)
    }
}

impl Estimated<'_> {
    /// Returns the L1 norm of all values.
    fn size(&self) -> f64 {
        self.each * self.values.iter().map(|value| value.abs()).sum::<f64>()
    }

    /// Returns the least relative error that so few points can prove, even if their gradients are
    /// all equal.
    fn least(&self) -> f64 {
        (1.0 - self.points as f64).exp2()
    }
}

/// Returns by how much the error of a share is raised because it was learned from few points. On photo
/// networks, intervals from 8 to 12 points without it held in 77 % of 48 shares.
fn few(points: usize) -> f64 {
    1.0 + FEW / points.max(1) as f64
}

/// Returns the [`QUANTILE`] of drawn errors.
fn quantile(errors: &mut [f64]) -> f64 {
    let rank = ((QUANTILE * errors.len() as f64).ceil() as usize).clamp(1, errors.len()) - 1;
    *errors.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// The most draws of the places of jumps.
const MOST_DRAWS: usize = 32;

/// The places of jumps in the first gaps, which every row of a table needs again.
static FIRST_PLACES: LazyLock<Vec<[f64; MOST_DRAWS]>> =
    LazyLock::new(|| (0..1024).map(draw_places).collect());

/// Returns the places of jumps in a gap.
fn places(gap: u64) -> [f64; MOST_DRAWS] {
    let first = usize::try_from(gap).ok().and_then(|gap| FIRST_PLACES.get(gap));
    first.copied().unwrap_or_else(|| draw_places(gap))
}

fn draw_places(gap: u64) -> [f64; MOST_DRAWS] {
    std::array::from_fn(|draw| place(gap, draw as u64))
}

/// Draws the place of a jump in a gap, uniformly from (-1/2, 1/2): the same for every row.
fn place(gap: u64, draw: u64) -> f64 {
    // SplitMix64 (Steele, Lea and Flood, 2014).
    let mut bits = (gap << 8 | draw).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

/// The part of a path between one of its ends and the first point.
pub(crate) struct End<'a> {
    /// The first point and the one after it, counted from this end.
    pub points: [&'a Observation; 2],
    /// Their distances from the end.
    pub distances: [f64; 2],
    /// The contribution of this part minus its change of score.
    pub missing: f64,
}

impl End<'_> {
    /// Estimates the L1 error of this part of the path, if the gradient at the first point stands
    /// for the whole part.
    ///
    /// A gradient that grows toward the end like a power is extrapolated. The change of score
    /// limits the extrapolation, as far as the contributions have one sign.
    pub fn error(&self) -> f64 {
        let [near, far] = self.points;
        let growth = (near.size / far.size).ln() / (self.distances[1] / self.distances[0]).ln();
        let power = if growth.is_finite() { growth.clamp(0.0, STEEPEST) } else { 0.0 };
        let extrapolated = self.distances[0] * near.size * power / (1.0 - power);
        let missing = self.missing.abs();
        let one_sign = near.sum.abs() / near.size;
        let scaled = if one_sign > 0.0 { 1.5 * missing / one_sign } else { f64::INFINITY };
        missing.max(extrapolated.min(scaled))
    }
}
