//! Adaptive placement: points on a path are placed where the gradient varies.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use crate::error::Result;
use crate::input::batch::{Batch, add};
use crate::path::error_estimate::{RelativeError, ScoreChange, relative_errors};
use crate::path::shape::PathScore;

/// The first position: as near to the baseline as single precision can express, but not on it,
/// because gradients there may be infinite, or those of ties.
const FIRST: f64 = 1.0 / (1 << 20) as f64;

/// Intervals of this width are not cut, because the points would be equal in single precision.
const NARROWEST: f64 = 1e-7;

/// Roughly quarter points: enough to see where to go on. Deliberately uneven, so that a periodic
/// gradient is not sampled at the same phase each time.
const START: [f64; 5] = [FIRST, 0.24, 0.47, 0.73, 1.0];

/// The path of one row, on which points are placed where the gradient varies.
///
/// The path [asks](Self::asked) for positions, [receives](Self::receive) the contributions there,
/// and computes the [integral](Self::integral); [`refine`](Self::refine) asks for more positions.
pub(crate) struct AdaptivePath {
    /// The points that are kept, ascending.
    nodes: Vec<Node>,
    /// The intervals between them.
    intervals: Vec<Interval>,
    /// The most points that are kept. Beyond, only sums are kept, and intervals are cut into equal
    /// parts.
    most_nodes: usize,
    asked: VecDeque<Point>,
    received: usize,
    /// Points received that are to be kept, ascending.
    fresh: Vec<Node>,
}

/// A point that is kept: its position, each value's contribution there, and the score.
struct Node {
    at: f64,
    contribution: Batch,
    score: f64,
}

/// A point that is asked for.
struct Point {
    at: f64,
    /// The interval whose sum it is added to; `None` if the point is kept.
    interval: Option<usize>,
}

/// Equal parts between two kept points, and the sum of the contributions at the points between.
struct Interval {
    parts: usize,
    inside: Option<Batch>,
}

/// The integral along a path, as estimated from the points received so far.
pub(crate) struct Integral {
    pub values: Batch,
    /// The estimated relative L1 error of the values.
    pub error: RelativeError,
    /// For each interval, the L1 norm of the difference between the contributions at its ends.
    differences: Vec<f64>,
}

impl AdaptivePath {
    /// The least number of points that an integral takes.
    pub const LEAST: usize = START.len();

    /// Returns a path on which nothing is known yet.
    pub fn new(most_nodes: usize) -> Self {
        let asked = START.map(|at| Point { at, interval: None }).into();
        let (nodes, intervals, fresh) = (Vec::new(), Vec::new(), Vec::new());
        Self { nodes, intervals, most_nodes, asked, received: 0, fresh }
    }

    /// Returns the positions that are asked for, in the order in which they must be received.
    pub fn asked(&self) -> impl Iterator<Item = f64> {
        self.asked.iter().map(|point| point.at)
    }

    /// Returns the number of contributions received.
    pub fn received(&self) -> usize {
        self.received
    }

    /// Returns the scores at the points that are kept.
    pub fn scores(&self) -> Vec<PathScore> {
        self.nodes.iter().map(|node| PathScore { position: node.at, score: node.score }).collect()
    }

    /// Takes the contribution and the score at the first position that is asked for.
    pub fn receive(&mut self, contribution: Batch, score: f64) {
        let Point { at, interval } = self.asked.pop_front().expect("a point that was asked for");
        self.received += 1;
        match interval {
            None => self.fresh.push(Node { at, contribution, score }),
            Some(interval) => add(&mut self.intervals[interval].inside, contribution),
        }
    }

    /// Computes the integral by trapezoids through all points received.
    pub fn integral(&mut self, change: ScoreChange) -> Result<Integral> {
        self.keep_fresh();
        // The gradient at the first point stands for the little of the path before it.
        let first = &self.nodes[0];
        let mut sum = Some(first.contribution.map(|part| part.mul_scalar(first.at)));
        let mut variances = None;
        let mut sizes = Vec::new();
        for (ends, interval) in self.nodes.windows(2).zip(&self.intervals) {
            let [from, to] = [&ends[0], &ends[1]];
            let part = (to.at - from.at) / interval.parts as f64;
            let mean = from.contribution.zip(&to.contribution, |a, b| (a + b).mul_scalar(0.5));
            let inner = match &interval.inside {
                Some(inside) => mean.zip(inside, |mean, inside| mean + inside),
                None => mean,
            };
            add(&mut sum, inner.map(|inner| inner.mul_scalar(part)));
            let difference = to.contribution.zip(&from.contribution, |a, b| a - b);
            sizes.push(difference.map(|part| part.abs().sum_dim(1)));
            let deviation = difference.map(|of| of.mul_scalar(part / 12f64.sqrt()));
            add(&mut variances, deviation.zip(&deviation, |a, b| a * b));
        }
        let (values, variances) = (sum.expect("an interval"), variances.expect("an interval"));
        let error = relative_errors(&values, &variances, &[change])?[0];
        let differences = Batch::stack(&sizes).row_sums()?;
        Ok(Integral { values, error, differences })
    }

    /// Asks for up to `more` points, placed so that they lower the error most. Asks for none if
    /// every interval is cut into equal parts already and would need more points than that.
    pub fn refine(&mut self, integral: &Integral, more: usize) {
        let mut roughness = self.roughness(&integral.differences);
        let parts = self.nodes.windows(2).zip(&self.intervals);
        let parts = parts.map(|(ends, interval)| (ends[1].at - ends[0].at) / interval.parts as f64);
        // A trapezoid is off by half the difference between its sides at most, if what lies between
        // them goes from one to the other.
        let known: f64 = parts.zip(&integral.differences).map(|(part, by)| 0.5 * part * by).sum();
        if integral.error.missing > known {
            // Something was missed between points that looked alike: it may be anywhere.
            let widths = self.nodes.windows(2).map(|ends| ends[1].at - ends[0].at);
            let mean: f64 = widths.zip(&roughness).map(|(width, rough)| width * rough).sum();
            let anywhere = if mean > 0.0 { mean } else { 1.0 };
            roughness.iter_mut().for_each(|rough| *rough += anywhere);
        }
        let shares = self.shares(&roughness, more);
        let mut kept = self.nodes.len();
        for (index, (ends, parts)) in self.nodes.windows(2).zip(shares).enumerate() {
            let skew = skew(&roughness, index, |at| self.nodes[at].at);
            let interval = &mut self.intervals[index];
            let keep = interval.parts == 1 && kept + parts - 1 <= self.most_nodes;
            let all = interval.parts * parts;
            for step in (1..all).filter(|step| step % parts != 0) {
                let share = step as f64 / all as f64;
                let share = if keep { skewed(share, skew) } else { share };
                let at = ends[0].at + (ends[1].at - ends[0].at) * share;
                self.asked.push_back(Point { at, interval: (!keep).then_some(index) });
            }
            if keep {
                kept += parts - 1;
            } else {
                interval.parts = all;
            }
        }
    }

    /// Estimates how much the contributions vary in each interval, as expected squared differences
    /// per unit of length. Half comes from the interval itself and half from the interval with its
    /// neighbours, because a single difference says little.
    fn roughness(&self, differences: &[f64]) -> Vec<f64> {
        let width = |interval: usize| self.nodes[interval + 1].at - self.nodes[interval].at;
        let last = differences.len() - 1;
        let smooth = |interval: usize| {
            if differences[interval] == 0.0 {
                // The very same contributions at both ends: nothing has changed in between.
                return 0.0;
            }
            // At the ends an interval is its own neighbour.
            let near = [interval.saturating_sub(1), interval, (interval + 1).min(last)];
            let squares: f64 = near.iter().map(|&interval| differences[interval].powi(2)).sum();
            let widths: f64 = near.iter().map(|&interval| width(interval)).sum();
            0.5 * differences[interval].powi(2) / width(interval) + 0.5 * squares / widths
        };
        (0..=last).map(smooth).collect()
    }

    /// Returns how many times finer each interval must be cut, so that up to `more` points lower
    /// the error most: the variance of an interval falls with the square of its parts.
    fn shares(&self, roughness: &[f64], more: usize) -> Vec<usize> {
        // The gain of another cut of an interval, per point that it takes.
        let gain = |interval: usize, parts: usize| {
            let width = self.nodes[interval + 1].at - self.nodes[interval].at;
            let cuts = self.intervals[interval].parts;
            let variance = |parts: usize| {
                roughness[interval] * width.powi(3) / ((parts * cuts) as f64).powi(2)
            };
            (variance(parts) - variance(parts + 1)) / cuts as f64
        };
        let wide =
            |interval: &usize| self.nodes[interval + 1].at - self.nodes[*interval].at > NARROWEST;
        let intervals = (0..roughness.len()).filter(wide);
        let mut parts = vec![1; roughness.len()];
        let mut queue: BinaryHeap<Gain> =
            intervals.map(|interval| Gain { gain: gain(interval, 1), interval }).collect();
        let mut placed = 0;
        while let Some(Gain { interval, .. }) = queue.pop() {
            let cost = self.intervals[interval].parts;
            if placed + cost <= more {
                placed += cost;
                parts[interval] += 1;
                queue.push(Gain { gain: gain(interval, parts[interval]), interval });
            }
        }
        parts
    }

    /// Merges the points that were received into those that are kept.
    fn keep_fresh(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh).into_iter().peekable();
        if self.nodes.is_empty() {
            self.nodes.extend(fresh.by_ref());
            self.intervals
                .extend(self.nodes.windows(2).map(|_| Interval { parts: 1, inside: None }));
            return;
        }
        let nodes = std::mem::take(&mut self.nodes);
        let mut intervals = std::mem::take(&mut self.intervals).into_iter();
        for node in nodes {
            let mut cut = false;
            while let Some(before) = fresh.next_if(|fresh| fresh.at < node.at) {
                self.nodes.push(before);
                self.intervals.push(Interval { parts: 1, inside: None });
                cut = true;
            }
            if !self.nodes.is_empty() {
                let interval =
                    intervals.next().expect("an interval before every point but the first");
                self.intervals.push(if cut {
                    Interval { parts: 1, inside: None }
                } else {
                    interval
                });
            }
            self.nodes.push(node);
        }
    }
}

/// Returns by how much the best density of points, the cube root of the roughness, rises from the
/// start of an interval to its end: the logarithm of the quotient, from the intervals on both
/// sides.
fn skew(roughness: &[f64], interval: usize, at: impl Fn(usize) -> f64) -> f64 {
    let (before, after) = (interval.saturating_sub(1), (interval + 1).min(roughness.len() - 1));
    let middle = |interval: usize| 0.5 * (at(interval) + at(interval + 1));
    let slope = (roughness[after] / roughness[before]).ln() / (middle(after) - middle(before));
    let skew = slope / 3.0 * (at(interval + 1) - at(interval));
    // Nothing can be said if nothing varies.
    if skew.is_finite() { skew.clamp(-3.0, 3.0) } else { 0.0 }
}

/// Returns the position below which the given share of the points is, if their density rises by the
/// factor `exp(skew)` from 0 to 1.
fn skewed(share: f64, skew: f64) -> f64 {
    if skew.abs() < 1e-3 {
        return share;
    }
    (share * skew.exp_m1()).ln_1p() / skew
}

/// The gain of cutting an interval once more. Of equal gains that of the earlier interval comes
/// first.
struct Gain {
    gain: f64,
    interval: usize,
}

impl Ord for Gain {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.interval.cmp(&self.interval))
    }
}

impl PartialOrd for Gain {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Gain {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Gain {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::batch::to_host;
    use burn::tensor::{DType, Device, Tensor};

    /// Integrates a function of one value, and returns the path, its last integral, and the value.
    fn integrate(
        function: impl Fn(f64) -> f64,
        right: f64,
        most_nodes: usize,
        rounds: &[usize],
    ) -> (AdaptivePath, Integral, f64) {
        let change = ScoreChange::new(0.0, right, DType::F32);
        let mut path = AdaptivePath::new(most_nodes);
        let receive = |path: &mut AdaptivePath| {
            for at in path.asked().collect::<Vec<_>>() {
                let options = (&Device::flex(), DType::F64);
                let value = Tensor::<2>::from_data([[function(at)]], options);
                path.receive(Batch::new(value).unwrap(), at);
            }
            path.integral(change).unwrap()
        };
        let mut integral = receive(&mut path);
        for &more in rounds {
            path.refine(&integral, more);
            integral = receive(&mut path);
        }
        let value = to_host(integral.values.parts[0].clone()).unwrap()[0];
        (path, integral, value)
    }

    #[test]
    fn points_gather_at_a_step() {
        let step = |at: f64| f64::from(u8::from(at > 0.3));
        let (path, integral, value) = integrate(step, 0.7, 100, &[3, 3, 3, 3, 3, 3]);
        assert_eq!(path.received(), 5 + 18);
        let near = path.nodes.iter().filter(|node| (node.at - 0.3).abs() < 0.01).count();
        assert!(near > 10, "{near} points near the step");
        assert!((value - 0.7).abs() < 1e-4, "{value}");
        assert!(integral.error.estimate() < 1e-4, "{:?}", integral.error);
    }

    #[test]
    fn smooth_functions_converge_and_the_estimate_is_a_bound() {
        for (most_nodes, rounds) in [(100, vec![4, 8, 16, 32]), (9, vec![4, 8, 16, 32])] {
            let (path, integral, value) = integrate(|at| 3.0 * at * at, 1.0, most_nodes, &rounds);
            assert!(path.nodes.len() <= most_nodes, "{} points kept", path.nodes.len());
            assert!(path.received() >= 65);
            let error = (value - 1.0).abs();
            assert!(
                error < 2e-3 && error <= integral.error.estimate(),
                "{error} {:?}",
                integral.error
            );
        }
    }

    #[test]
    fn where_nothing_varies_nothing_is_uncertain() {
        let (_, integral, value) = integrate(|_| 2.0, 2.0, 100, &[4]);
        assert!((value - 2.0).abs() < 1e-5);
        assert_eq!(integral.error.estimate(), 0.0);
        let (_, integral, value) = integrate(|_| 0.0, 0.0, 100, &[4]);
        assert_eq!((integral.error.estimate(), value), (0.0, 0.0));
    }

    #[test]
    fn what_no_point_has_seen_is_missed_and_looked_for() {
        // All of the five first points lie outside the bump.
        let bump = |at: f64| f64::from(u8::from((0.55..0.6).contains(&at)));
        let (_, first, value) = integrate(bump, 0.05, 100, &[]);
        assert_eq!((value, first.error.estimate()), (0.0, 1.0 - 2e-5 / 2.0));
        let (_, last, value) = integrate(bump, 0.05, 100, &[20, 20, 20]);
        assert!((value - 0.05).abs() < 0.002, "{value}");
        assert!(last.error.estimate() < 0.1, "{:?}", last.error);
    }
}
