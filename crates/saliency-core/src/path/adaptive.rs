//! Adaptive placement: points on a path are placed where the gradient varies.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use crate::path::error_estimate::{End, ErrorEstimate, Estimated, Gap};
use crate::path::observation::Observation;
use crate::path::score_change::{Part, ScoreChange};
use crate::path::shape::PathScore;
use crate::share::Share;

/// The distance of the outermost points from the ends of the path. It is as small as single
/// precision allows, but not zero, because a gradient exactly at an end may be infinite or that of
/// a tie.
const OUTERMOST: f64 = 1.0 / (1 << 20) as f64;

/// Intervals of this width, relative to the position of their end, are not cut, because their
/// points would be equal in single precision.
const NARROWEST: f64 = 1e-7;

/// Roughly quarter points: enough to see where to place more. Deliberately uneven, so that a
/// periodic gradient is not sampled at the same phase each time.
const START: [f64; 5] = [OUTERMOST, 0.24, 0.47, 0.73, 1.0 - OUTERMOST];

/// If the gradient grows toward the start or the end of the path, the distance of the next point
/// from it is multiplied by this factor.
const NEARER: [f64; 2] = [1.0 / 1024.0, 1.0 / 8.0];

/// The path of one row, on which points are placed where the gradient varies.
///
/// The path [asks](Self::asked) for positions, [receives](Self::receive) the observations there,
/// and [judges](Self::judge) the integral; [`refine`](Self::refine) asks for more positions. The
/// contributions themselves stay with the caller, who adds up those of each [`Slot`].
pub(crate) struct AdaptivePath {
    change: ScoreChange,
    /// The points that are kept, ascending.
    nodes: Vec<Node>,
    /// The intervals between them.
    intervals: Vec<Interval>,
    /// The maximum number of kept points. Beyond it, only sums are kept, and intervals are cut into
    /// equal parts.
    most_nodes: usize,
    asked: VecDeque<Point>,
    received: usize,
    slots: usize,
    /// Received points that will be kept, ascending.
    fresh: Vec<Node>,
    /// For the start and the end of the path, whether a gradient next to it is not finite. No more
    /// points are then placed there.
    closed: [bool; 2],
}

/// The index of a sum. All contributions in it have the same weight.
pub(crate) type Slot = usize;

/// What to do with the contributions at a point.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Add them to this slot. Slots are numbered in the order in which they are first used.
    Add(Slot),
    /// Leave them out: the gradient next to an end of the path is not finite.
    Leave,
    /// Report that the gradient is not finite.
    Refuse,
}

struct Node {
    at: f64,
    slot: Slot,
    observed: Observation,
}

/// A point that is asked for.
struct Point {
    at: f64,
    /// The interval whose sum it is added to; `None` if the point is kept.
    interval: Option<usize>,
}

/// The path between two kept points, cut into equal parts, with the sums over the points between.
struct Interval {
    parts: usize,
    inside: Option<Inside>,
}

struct Inside {
    slot: Slot,
    sums: Observation,
}

/// An interval, measured.
struct Measured {
    /// The width of one of its parts.
    part: f64,
    /// The sum of its contributions minus its change of score.
    missing: f64,
}

/// The integral along a path, as judged from the points received so far.
pub(crate) struct Judged {
    /// The integrals of the sampled values.
    pub values: Vec<f64>,
    /// The estimated relative L1 error of the values.
    pub error: f64,
    /// The estimated errors of the shares that are asked for.
    pub share_errors: Vec<f64>,
    /// For each interval, the L1 norm of the difference between the contributions at its ends.
    differences: Vec<f64>,
    /// For each interval, the sum of its contributions minus its change of score.
    missing: Vec<f64>,
    /// The errors before the first point and after the last.
    ends: [f64; 2],
}

impl AdaptivePath {
    /// The least number of points that an integral takes.
    pub const LEAST: usize = START.len();

    /// Returns a path on which nothing is known yet.
    pub fn new(change: ScoreChange, most_nodes: usize) -> Self {
        let asked = START.map(|at| Point { at, interval: None }).into();
        Self {
            change,
            nodes: Vec::new(),
            intervals: Vec::new(),
            most_nodes,
            asked,
            received: 0,
            slots: 0,
            fresh: Vec::new(),
            closed: [false; 2],
        }
    }

    /// Returns a path of straight moves, each the same part of it, whose corners are known. `observed`
    /// holds the observations at both ends of each move. Each is in a slot of its own, in this order.
    ///
    /// At a corner the contributions jump, because the tangent does. The path therefore has two points
    /// there: the interval between them has no width, and no error. All further points are between
    /// corners.
    pub fn walked(change: ScoreChange, observed: Vec<Observation>) -> Self {
        let (ends, moves) = (observed.len(), observed.len() / 2);
        let at = |slot: usize| slot.div_ceil(2) as f64 / moves as f64;
        let nodes = observed.into_iter().enumerate();
        let nodes = nodes.map(|(slot, observed)| Node { at: at(slot), slot, observed }).collect();
        Self {
            change,
            nodes,
            intervals: (1..ends).map(|_| Interval { parts: 1, inside: None }).collect(),
            most_nodes: ends,
            asked: VecDeque::new(),
            received: moves + 1,
            slots: ends,
            fresh: Vec::new(),
            closed: [true; 2],
        }
    }

    /// Returns the positions that are asked for, in the order in which they must be received.
    pub fn asked(&self) -> impl Iterator<Item = f64> {
        self.asked.iter().map(|point| point.at)
    }

    /// Returns the number of points received.
    pub fn received(&self) -> usize {
        self.received
    }

    /// Returns the number of sums that are kept, at points and between them.
    pub fn kept(&self) -> usize {
        self.slots
    }

    /// Frees what was observed, when nothing more is asked of the path.
    pub fn clear(&mut self) {
        (self.nodes, self.intervals, self.fresh) = (Vec::new(), Vec::new(), Vec::new());
    }

    /// Returns the scores at the points that are kept.
    pub fn scores(&self) -> Vec<PathScore> {
        let score = |node: &Node| PathScore { position: node.at, score: node.observed.score };
        let mut scores: Vec<PathScore> = self.nodes.iter().map(score).collect();
        scores.dedup_by_key(|score| score.position);
        scores
    }

    /// Takes the observation at the first position that is asked for, and returns what to do with
    /// its contributions.
    pub fn receive(&mut self, observed: Observation) -> Received {
        let Point { at, interval } = self.asked.pop_front().expect("a point that was asked for");
        self.received += 1;
        if !observed.is_finite() {
            return self.do_without(at);
        }
        let Some(interval) = interval else {
            let slot = self.new_slot();
            self.fresh.push(Node { at, slot, observed });
            return Received::Add(slot);
        };
        if let Some(inside) = &mut self.intervals[interval].inside {
            inside.sums.add(&observed, 1.0);
            return Received::Add(inside.slot);
        }
        let slot = self.new_slot();
        self.intervals[interval].inside = Some(Inside { slot, sums: observed });
        Received::Add(slot)
    }

    /// Leaves out a point whose gradient is not finite if it is next to an end of the path, and
    /// refuses it elsewhere.
    fn do_without(&mut self, at: f64) -> Received {
        let (Some(first), Some(last)) = (self.nodes.first(), self.nodes.last()) else {
            let outermost = at == START[0] || at == START[START.len() - 1];
            return if outermost { Received::Leave } else { Received::Refuse };
        };
        if first.at < at && at < last.at {
            return Received::Refuse;
        }
        self.closed[usize::from(at > last.at)] = true;
        Received::Leave
    }

    fn new_slot(&mut self) -> Slot {
        self.slots += 1;
        self.slots - 1
    }

    /// Returns the weight of each slot in the integral: trapezoids through all points received. The
    /// outermost points also stand for the short parts of the path beyond them.
    pub fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.slots];
        for (ends, interval) in self.nodes.windows(2).zip(&self.intervals) {
            let part = (ends[1].at - ends[0].at) / interval.parts as f64;
            weights[ends[0].slot] += 0.5 * part;
            weights[ends[1].slot] += 0.5 * part;
            if let Some(inside) = &interval.inside {
                weights[inside.slot] += part;
            }
        }
        if let [first, .., last] = &self.nodes[..] {
            weights[first.slot] += first.at;
            weights[last.slot] += 1.0 - last.at;
        }
        weights
    }

    /// Estimates the error of the integral, and of shares of it. Their weights are those of the
    /// sampled values. `estimate` is memory to use again.
    pub fn judge(&mut self, shares: &[Share], estimate: &mut ErrorEstimate) -> Judged {
        self.keep_fresh();
        let gaps = self.gaps();
        // The integral of the sampled values, and how many values each of them stands for.
        let mut integral = Observation::default();
        let mut sampled = 0.0;
        let weights = self.weights();
        let mut add = |observed: &Observation, slot: Slot| {
            integral.add(observed, weights[slot]);
            sampled += weights[slot] * observed.sampled_size();
        };
        self.nodes.iter().for_each(|node| add(&node.observed, node.slot));
        let inside = self.intervals.iter().filter_map(|interval| interval.inside.as_ref());
        inside.for_each(|inside| add(&inside.sums, inside.slot));
        let each = if sampled > 0.0 { integral.size / sampled } else { 1.0 };
        // The differences between points, and the errors that the scores show in the gaps between
        // them.
        estimate.restart(integral.sample.len());
        let mut differences = Vec::with_capacity(gaps.len());
        let mut difference = Vec::with_capacity(integral.sample.len());
        for (ends, gap) in self.nodes.windows(2).zip(&gaps) {
            let values = ends[1].observed.sample.iter().zip(&ends[0].observed.sample);
            difference.clear();
            difference.extend(values.map(|(to, from)| to - from));
            let size = each * difference.iter().map(|value| value.abs()).sum::<f64>();
            let difference = &difference[..];
            let (width, missing) = (gap.part, gap.missing);
            estimate.add(&Gap { width, difference, size, missing, rough: 1.0, lean: 0.0 });
            // At a corner of the path nothing is between the two points.
            differences.push(if width > 0.0 { size } else { 0.0 });
        }
        let ends = self.ends();
        ends.iter().for_each(|error| estimate.add_end(*error));
        let estimated = Estimated {
            values: &integral.sample,
            each,
            change: &self.change,
            missing: if self.change.is_complete() {
                self.change.missing(integral.sum, self.change.from, self.change.to)
            } else {
                gaps.iter().map(|gap| gap.missing).sum()
            },
            points: self.received,
        };
        let error = estimate.relative(&estimated);
        let share_errors = shares.iter().map(|share| estimate.of_share(&estimated, share));
        let share_errors = share_errors.collect();
        let missing = gaps.into_iter().map(|gap| gap.missing).collect();
        let values = integral.sample;
        Judged { values, error, share_errors, differences, missing, ends }
    }

    /// Measures each interval: the width of its parts, and the sum of its trapezoids minus its
    /// change of score.
    fn gaps(&self) -> Vec<Measured> {
        let measure = |(ends, interval): (&[Node], &Interval)| {
            let [from, to] = [&ends[0].observed, &ends[1].observed];
            let part = (ends[1].at - ends[0].at) / interval.parts as f64;
            let inside = interval.inside.as_ref().map_or(0.0, |inside| inside.sums.sum);
            let sum = part * (0.5 * (from.sum + to.sum) + inside);
            let width = ends[1].at - ends[0].at;
            let of_gap = Part { from: from.mark(), to: to.mark(), width, sum };
            Measured { part, missing: self.change.missing_in(&of_gap) }
        };
        self.nodes.windows(2).zip(&self.intervals).map(measure).collect()
    }

    /// Estimates the errors of the path before the first point and after the last.
    fn ends(&self) -> [f64; 2] {
        let [first, second, .., last] = &self.nodes[..] else { return [0.0; 2] };
        let before_last = &self.nodes[self.nodes.len() - 2];
        let change = &self.change;
        let start = End {
            points: [&first.observed, &second.observed],
            distances: [first.at, second.at],
            missing: change.missing_in(&Part {
                from: change.start(),
                to: first.observed.mark(),
                width: first.at,
                sum: first.at * first.observed.sum,
            }),
        };
        let rest = 1.0 - last.at;
        let stop = End {
            points: [&last.observed, &before_last.observed],
            distances: [rest, 1.0 - before_last.at],
            missing: change.missing_in(&Part {
                from: last.observed.mark(),
                to: change.end(),
                width: rest,
                sum: rest * last.observed.sum,
            }),
        };
        [start.error(), stop.error()]
    }

    /// Returns the least number of points that lower the error: those that cut one interval once more.
    pub fn least_refinement(&self) -> usize {
        let pairs = self.nodes.windows(2).zip(&self.intervals);
        let wide = pairs.filter(|(ends, _)| ends[1].at > ends[0].at);
        wide.map(|(_, interval)| interval.parts).min().unwrap_or(1)
    }

    /// Asks for up to `more` points, placed so that they lower the error most. Asks for none if all
    /// intervals are cut into equal parts already and each of them needs more than `more` points
    /// for its next cut.
    pub fn refine(&mut self, judged: &Judged, more: usize) {
        let roughness = self.roughness(judged);
        let Shares { parts, nearer } = self.shares(&roughness, &judged.ends, more);
        let first = self.nodes[0].at;
        let last = self.nodes[self.nodes.len() - 1].at;
        if nearer[0] {
            self.asked.push_back(Point { at: first * NEARER[0], interval: None });
        }
        let mut kept = self.nodes.len();
        for (index, (ends, parts)) in self.nodes.windows(2).zip(parts).enumerate() {
            if parts == 1 {
                continue;
            }
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
        if nearer[1] {
            self.asked.push_back(Point { at: 1.0 - (1.0 - last) * NEARER[1], interval: None });
        }
    }

    /// Estimates how much the contributions vary in each interval, as expected squared differences
    /// per unit of length. Half comes from the interval itself and half from the interval with its
    /// neighbours, because a single difference says little. If the contributions of an interval
    /// miss its change of score, the error is taken to be at least as large as this difference.
    fn roughness(&self, judged: &Judged) -> Vec<f64> {
        let differences = &judged.differences;
        let width = |interval: usize| self.nodes[interval + 1].at - self.nodes[interval].at;
        let last = differences.len() - 1;
        let smooth = |interval: usize| {
            if width(interval) == 0.0 {
                return 0.0;
            }
            let unseen = 12.0 * judged.missing[interval].powi(2) / width(interval).powi(3);
            if differences[interval] == 0.0 {
                // Both ends have the same contributions: nothing has changed in between.
                return unseen;
            }
            // The first and the last interval have a neighbour on one side only, and count twice.
            let near = [interval.saturating_sub(1), interval, (interval + 1).min(last)];
            let squares: f64 = near.iter().map(|&interval| differences[interval].powi(2)).sum();
            let widths: f64 = near.iter().map(|&interval| width(interval)).sum();
            let seen =
                0.5 * differences[interval].powi(2) / width(interval) + 0.5 * squares / widths;
            seen.max(unseen)
        };
        let mut roughness: Vec<f64> = (0..=last).map(smooth).collect();
        if roughness.iter().all(|rough| *rough == 0.0) {
            roughness.fill(1.0);
        }
        roughness
    }

    /// Returns how many times finer each interval must be cut, so that up to `more` points lower
    /// the error most. The variance of an interval falls with the square of the number of its
    /// parts.
    fn shares(&self, roughness: &[f64], ends: &[f64; 2], more: usize) -> Shares {
        // The gain of another cut of an interval, per point that it takes.
        let gain = |interval: usize, parts: usize| {
            let width = self.nodes[interval + 1].at - self.nodes[interval].at;
            let cuts = self.intervals[interval].parts;
            let variance = |parts: usize| {
                roughness[interval] * width.powi(3) / ((parts * cuts) as f64).powi(2)
            };
            (variance(parts) - variance(parts + 1)) / cuts as f64
        };
        let wide = |interval: &usize| {
            let [from, to] = [self.nodes[*interval].at, self.nodes[*interval + 1].at];
            to - from > NARROWEST * to
        };
        let intervals = (0..roughness.len()).filter(wide);
        let mut queue: BinaryHeap<Gain> = intervals
            .map(|interval| Gain { gain: gain(interval, 1), place: Place::Interval(interval) })
            .collect();
        let room = self.nodes.len() < self.most_nodes;
        let rest = 1.0 - self.nodes[self.nodes.len() - 1].at;
        let open =
            [room && !self.closed[0], room && !self.closed[1] && rest > NARROWEST / NEARER[1]];
        for end in (0..2).filter(|&end| open[end]) {
            queue.push(Gain { gain: 12.0 * ends[end].powi(2), place: Place::End(end) });
        }
        let mut shares = Shares { parts: vec![1; roughness.len()], nearer: [false; 2] };
        let mut placed = 0;
        while placed < more {
            let Some(Gain { place, .. }) = queue.pop() else { break };
            let interval = match place {
                Place::End(end) => {
                    placed += 1;
                    shares.nearer[end] = true;
                    continue;
                }
                Place::Interval(interval) => interval,
            };
            let cost = self.intervals[interval].parts;
            if placed + cost <= more {
                placed += cost;
                shares.parts[interval] += 1;
                queue.push(Gain { gain: gain(interval, shares.parts[interval]), place });
            }
        }
        shares
    }

    /// Merges the points that were received into those that are kept.
    fn keep_fresh(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh).into_iter().peekable();
        let all = self.nodes.len() + fresh.len();
        let nodes = std::mem::replace(&mut self.nodes, Vec::with_capacity(all));
        let intervals = std::mem::replace(&mut self.intervals, Vec::with_capacity(all));
        let mut intervals = intervals.into_iter();
        for node in nodes {
            let mut cut = self.nodes.is_empty();
            let first = cut;
            while let Some(before) = fresh.next_if(|fresh| fresh.at < node.at) {
                self.push_node(before);
                cut = true;
            }
            let interval = if first { None } else { intervals.next() };
            match interval {
                Some(interval) if !cut => {
                    self.intervals.push(interval);
                    self.nodes.push(node);
                }
                _ => self.push_node(node),
            }
        }
        fresh.for_each(|node| self.push_node(node));
    }

    /// Keeps a point after all others, with an uncut interval before it.
    fn push_node(&mut self, node: Node) {
        if !self.nodes.is_empty() {
            self.intervals.push(Interval { parts: 1, inside: None });
        }
        self.nodes.push(node);
    }
}

/// How many times finer each interval must be cut, and which ends need a point nearer to them.
struct Shares {
    parts: Vec<usize>,
    nearer: [bool; 2],
}

/// Returns how much the best density of points rises from the start of an interval to its end, as
/// the logarithm of the quotient. The best density is the cube root of the roughness, and is
/// estimated from the intervals on both sides.
fn skew(roughness: &[f64], interval: usize, at: impl Fn(usize) -> f64) -> f64 {
    let (before, after) = (interval.saturating_sub(1), (interval + 1).min(roughness.len() - 1));
    let middle = |interval: usize| 0.5 * (at(interval) + at(interval + 1));
    let slope = (roughness[after] / roughness[before]).ln() / (middle(after) - middle(before));
    let skew = slope / 3.0 * (at(interval + 1) - at(interval));
    // If nothing varies, nothing is known about the density.
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

/// A place for more points.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Interval(usize),
    /// The start of the path (0) or its end (1).
    End(usize),
}

/// The gain of cutting an interval once more. If two gains are equal, that of the earlier interval
/// comes first.
struct Gain {
    gain: f64,
    place: Place,
}

impl Ord for Gain {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.place.cmp(&self.place))
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
    use burn::tensor::DType;

    /// A function of one value, and its integral from 0.
    struct Curve {
        slope: fn(f64) -> f64,
        value: fn(f64) -> f64,
    }

    /// A path, its last judgement, and the integral.
    struct Integrated {
        path: AdaptivePath,
        judged: Judged,
        value: f64,
    }

    /// Integrates a function of one value.
    fn integrate(curve: &Curve, most_nodes: usize, rounds: &[usize]) -> Integrated {
        let change = ScoreChange::new((curve.value)(0.0), (curve.value)(1.0), DType::F32);
        let mut path = AdaptivePath::new(change, most_nodes);
        let mut slots: Vec<f64> = Vec::new();
        let mut receive = |path: &mut AdaptivePath| {
            for at in path.asked().collect::<Vec<_>>() {
                let slope = (curve.slope)(at);
                let (sample, size, score) = (vec![slope], slope.abs(), (curve.value)(at));
                let observed = Observation { sample, sum: slope, size, score, place: None };
                match path.receive(observed) {
                    Received::Add(slot) if slot < slots.len() => slots[slot] += slope,
                    Received::Add(_) => slots.push(slope),
                    Received::Leave => {}
                    Received::Refuse => panic!("not finite at {at}"),
                }
            }
            path.judge(&[], &mut ErrorEstimate::new(0))
        };
        let mut judged = receive(&mut path);
        for &more in rounds {
            path.refine(&judged, more);
            judged = receive(&mut path);
        }
        let value = path.weights().iter().zip(&slots).map(|(weight, sum)| weight * sum).sum();
        Integrated { path, judged, value }
    }

    #[test]
    fn points_gather_at_a_step() {
        let step =
            Curve { slope: |at| f64::from(u8::from(at > 0.3)), value: |at| (at - 0.3).max(0.0) };
        let Integrated { path, judged, value } = integrate(&step, 100, &[3, 3, 3, 3, 3, 3]);
        assert_eq!(path.received(), 5 + 18);
        let near = path.nodes.iter().filter(|node| (node.at - 0.3).abs() < 0.01).count();
        assert!(near > 10, "{near} points near the step");
        assert!((value - 0.7).abs() < 1e-4, "{value}");
        assert!(judged.error < 2e-4, "{}", judged.error);
    }

    #[test]
    fn smooth_functions_converge_and_the_estimate_is_a_bound() {
        let cube = Curve { slope: |at| 3.0 * at * at, value: |at| at.powi(3) };
        for most_nodes in [100, 9] {
            let Integrated { path, judged, value } = integrate(&cube, most_nodes, &[4, 8, 16, 32]);
            assert!(path.nodes.len() <= most_nodes, "{} points kept", path.nodes.len());
            assert!(path.received() >= 65);
            let error = (value - 1.0).abs();
            assert!(error < 2e-3 && error <= judged.error, "{error} {}", judged.error);
        }
    }

    #[test]
    fn a_few_equal_gradients_prove_little_and_many_prove_much() {
        for height in [2.0, 0.0] {
            let line = if height > 0.0 {
                Curve { slope: |_| 2.0, value: |at| 2.0 * at }
            } else {
                Curve { slope: |_| 0.0, value: |_| 0.0 }
            };
            let few = integrate(&line, 100, &[]);
            assert!((few.value - height).abs() < 1e-5);
            assert_eq!(few.judged.error, 1.0 / 16.0);
            let more = integrate(&line, 100, &[15]);
            assert!(more.judged.error < 3e-6, "{}", more.judged.error);
        }
    }

    #[test]
    fn what_no_point_has_seen_is_missed_and_looked_for() {
        // All of the five first points lie outside the bump.
        let bump = Curve {
            slope: |at| f64::from(u8::from((0.55..0.6).contains(&at))),
            value: |at| (at - 0.55).clamp(0.0, 0.05),
        };
        let first = integrate(&bump, 100, &[]);
        assert_eq!(first.value, 0.0);
        assert!((1.0..2.5).contains(&first.judged.error), "{}", first.judged.error);
        // The scores show between which points it lies.
        let last = integrate(&bump, 100, &[8, 8, 8]);
        assert!((last.value - 0.05).abs() < 0.002, "{}", last.value);
        assert!(last.judged.error < 0.1, "{}", last.judged.error);
    }

    #[test]
    fn jumps_of_opposite_sign_that_cancel_over_the_path_are_seen() {
        let bumps = Curve {
            slope: |at| match at {
                0.3..0.31 => 10.0,
                0.6..0.61 => -10.0,
                _ => 0.0,
            },
            value: |at| (at - 0.3).clamp(0.0, 0.01) * 10.0 - (at - 0.6).clamp(0.0, 0.01) * 10.0,
        };
        let first = integrate(&bumps, 100, &[]);
        assert_eq!(
            (first.value, first.judged.missing.iter().sum::<f64>().abs() < 1e-9),
            (0.0, true)
        );
        assert!(first.judged.error > 1.0, "{}", first.judged.error);
    }

    #[test]
    fn a_gradient_that_is_infinite_at_an_end_is_approached() {
        let root = Curve { slope: |at| 0.5 / at.sqrt(), value: |at| at.sqrt() };
        let to_root = Curve {
            slope: |at| if at > 0.999_999 { f64::INFINITY } else { 0.5 / (1.0 - at).sqrt() },
            value: |at| 1.0 - (1.0 - at).sqrt(),
        };
        for curve in [root, to_root] {
            let Integrated { judged, value, .. } = integrate(&curve, 200, &[5, 10, 20, 40]);
            let error = (value - 1.0).abs();
            assert!(error < 0.01 && error <= judged.error, "{error} {}", judged.error);
            assert!(judged.error < 0.05, "{}", judged.error);
        }
    }
}
