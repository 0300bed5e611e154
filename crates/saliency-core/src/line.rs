//! Where on a path to look closer: points are placed where the gradient varies.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use crate::error::Result;
use crate::estimate::{Change, RelativeError, relative_errors};
use crate::inputs::{Flat, add};

/// Where the first point lies: as near to the baseline as single precision tells, but not on it,
/// where gradients may be infinite, or those of ties.
const FIRST: f64 = 1.0 / (1 << 20) as f64;

/// Gaps of this width are not cut: single precision would not tell the points apart.
const NARROWEST: f64 = 1e-7;

/// About quarters of the path: enough to see where to go on. Not quite, lest a gradient that swings
/// evenly is met at the same phase everywhere and taken for constant.
const START: [f64; 5] = [FIRST, 0.24, 0.47, 0.73, 1.0];

/// The path of one row, on which points are placed where the gradient varies.
///
/// Points are [asked](Self::asked) for, their contributions [received](Self::receive), and the
/// [integral](Self::integral) taken; then more are [asked for](Self::refine).
pub(crate) struct Line {
    /// Points that are kept, ascending.
    nodes: Vec<Node>,
    /// What lies between each two of them.
    gaps: Vec<Gap>,
    /// The most points that are kept; beyond, only sums are, and gaps are cut into equal parts.
    most_nodes: usize,
    asked: VecDeque<Point>,
    received: usize,
    /// Points received that are to be kept, ascending.
    fresh: Vec<Node>,
}

/// A point, and what the gradient there contributes to each value.
struct Node {
    at: f64,
    contribution: Flat,
}

/// A point that is asked for.
struct Point {
    at: f64,
    /// The gap whose sum it is added to; none if it is kept.
    gap: Option<usize>,
}

/// Equal parts between two kept points, and the sum of the contributions at the points between.
struct Gap {
    parts: usize,
    inside: Option<Flat>,
}

/// The integral along a line, as far as it is known.
pub(crate) struct Integral {
    pub values: Flat,
    /// The estimated relative L1 error of the values.
    pub error: RelativeError,
    /// The L1 norm of the difference of contributions over each gap.
    differences: Vec<f64>,
}

impl Line {
    /// The least number of points.
    pub const LEAST: usize = START.len();

    /// A path on which nothing is known.
    pub fn new(most_nodes: usize) -> Self {
        let asked = START.map(|at| Point { at, gap: None }).into();
        let (nodes, gaps, fresh) = (Vec::new(), Vec::new(), Vec::new());
        Self { nodes, gaps, most_nodes, asked, received: 0, fresh }
    }

    /// Where contributions are to be received from, in this order.
    pub fn asked(&self) -> impl Iterator<Item = f64> {
        self.asked.iter().map(|point| point.at)
    }

    /// How many contributions have been received.
    pub fn received(&self) -> usize {
        self.received
    }

    /// Takes the contribution of the first point that is asked for.
    pub fn receive(&mut self, contribution: Flat) {
        let Point { at, gap } = self.asked.pop_front().expect("a point that was asked for");
        self.received += 1;
        match gap {
            None => self.fresh.push(Node { at, contribution }),
            Some(gap) => add(&mut self.gaps[gap].inside, contribution),
        }
    }

    /// The integral by trapezoids through all points received.
    pub fn integral(&mut self, change: Change) -> Result<Integral> {
        self.keep_fresh();
        // The gradient at the first point stands for the little that lies before it.
        let first = &self.nodes[0];
        let mut sum = Some(first.contribution.map(|part| part.mul_scalar(first.at)));
        let mut variances = None;
        let mut sizes = Vec::new();
        for (ends, gap) in self.nodes.windows(2).zip(&self.gaps) {
            let [from, to] = [&ends[0], &ends[1]];
            let part = (to.at - from.at) / gap.parts as f64;
            let mean = from.contribution.zip(&to.contribution, |a, b| (a + b).mul_scalar(0.5));
            let inner = match &gap.inside {
                Some(inside) => mean.zip(inside, |mean, inside| mean + inside),
                None => mean,
            };
            add(&mut sum, inner.map(|inner| inner.mul_scalar(part)));
            let difference = to.contribution.zip(&from.contribution, |a, b| a - b);
            sizes.push(difference.map(|part| part.abs().sum_dim(1)));
            let deviation = difference.map(|of| of.mul_scalar(part / 12f64.sqrt()));
            add(&mut variances, deviation.zip(&deviation, |a, b| a * b));
        }
        let (values, variances) = (sum.expect("a gap"), variances.expect("a gap"));
        let error = relative_errors(&values, &variances, &[change])?[0];
        let differences = Flat::stack(&sizes).row_sums()?;
        Ok(Integral { values, error, differences })
    }

    /// Asks for up to `more` points, where they lower the error most. None are left to ask for
    /// where a gap that is cut into equal parts needs more than that.
    pub fn refine(&mut self, integral: &Integral, more: usize) {
        let mut roughness = self.roughness(&integral.differences);
        let parts = self.nodes.windows(2).zip(&self.gaps);
        let parts = parts.map(|(ends, gap)| (ends[1].at - ends[0].at) / gap.parts as f64);
        // A trapezoid is off by half the difference between its sides at most, if what lies between
        // them goes from one to the other.
        let known: f64 = parts.zip(&integral.differences).map(|(part, by)| 0.5 * part * by).sum();
        if integral.error.missing > known {
            // Something lies where nothing was seen to vary: it may be anywhere.
            let widths = self.nodes.windows(2).map(|ends| ends[1].at - ends[0].at);
            let mean: f64 = widths.zip(&roughness).map(|(width, rough)| width * rough).sum();
            let anywhere = if mean > 0.0 { mean } else { 1.0 };
            roughness.iter_mut().for_each(|rough| *rough += anywhere);
        }
        let shares = self.shares(&roughness, more);
        let mut kept = self.nodes.len();
        for (index, (ends, parts)) in self.nodes.windows(2).zip(shares).enumerate() {
            let skew = skew(&roughness, index, |at| self.nodes[at].at);
            let gap = &mut self.gaps[index];
            let keep = gap.parts == 1 && kept + parts - 1 <= self.most_nodes;
            let all = gap.parts * parts;
            for step in (1..all).filter(|step| step % parts != 0) {
                let share = step as f64 / all as f64;
                let share = if keep { skewed(share, skew) } else { share };
                let at = ends[0].at + (ends[1].at - ends[0].at) * share;
                self.asked.push_back(Point { at, gap: (!keep).then_some(index) });
            }
            match keep {
                true => kept += parts - 1,
                false => gap.parts = all,
            }
        }
    }

    /// How much the contributions vary in each gap, as expected squares of differences for each
    /// unit of length: half what the gap itself says, half what it says with its neighbours, for a
    /// single difference tells little.
    fn roughness(&self, differences: &[f64]) -> Vec<f64> {
        let width = |gap: usize| self.nodes[gap + 1].at - self.nodes[gap].at;
        let last = differences.len() - 1;
        let smooth = |gap: usize| {
            if differences[gap] == 0.0 {
                // The very same contributions at both ends: nothing has changed in between.
                return 0.0;
            }
            // At the ends a gap is its own neighbour.
            let near = [gap.saturating_sub(1), gap, (gap + 1).min(last)];
            let squares: f64 = near.iter().map(|&gap| differences[gap].powi(2)).sum();
            let widths: f64 = near.iter().map(|&gap| width(gap)).sum();
            0.5 * differences[gap].powi(2) / width(gap) + 0.5 * squares / widths
        };
        (0..=last).map(smooth).collect()
    }

    /// How many times finer each gap is to be cut, so that up to `more` points lower the error
    /// most: the variance of a gap falls with the square of its parts.
    fn shares(&self, roughness: &[f64], more: usize) -> Vec<usize> {
        // What another cut of a gap gains for each point that it takes.
        let gain = |gap: usize, parts: usize| {
            let width = self.nodes[gap + 1].at - self.nodes[gap].at;
            let cuts = self.gaps[gap].parts;
            let variance =
                |parts: usize| roughness[gap] * width.powi(3) / ((parts * cuts) as f64).powi(2);
            (variance(parts) - variance(parts + 1)) / cuts as f64
        };
        let wide = |gap: &usize| self.nodes[gap + 1].at - self.nodes[*gap].at > NARROWEST;
        let gaps = (0..roughness.len()).filter(wide);
        let mut parts = vec![1; roughness.len()];
        let mut queue: BinaryHeap<Gain> =
            gaps.map(|gap| Gain { gain: gain(gap, 1), gap }).collect();
        let mut placed = 0;
        while let Some(Gain { gap, .. }) = queue.pop() {
            let cost = self.gaps[gap].parts;
            if placed + cost <= more {
                placed += cost;
                parts[gap] += 1;
                queue.push(Gain { gain: gain(gap, parts[gap]), gap });
            }
        }
        parts
    }

    /// Puts the points that were received among those that are kept.
    fn keep_fresh(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh).into_iter().peekable();
        if self.nodes.is_empty() {
            self.nodes.extend(fresh.by_ref());
            self.gaps.extend(self.nodes.windows(2).map(|_| Gap { parts: 1, inside: None }));
            return;
        }
        let nodes = std::mem::take(&mut self.nodes);
        let mut gaps = std::mem::take(&mut self.gaps).into_iter();
        for node in nodes {
            let mut cut = false;
            while let Some(before) = fresh.next_if(|fresh| fresh.at < node.at) {
                self.nodes.push(before);
                self.gaps.push(Gap { parts: 1, inside: None });
                cut = true;
            }
            if !self.nodes.is_empty() {
                let gap = gaps.next().expect("a gap before every point but the first");
                self.gaps.push(if cut { Gap { parts: 1, inside: None } } else { gap });
            }
            self.nodes.push(node);
        }
    }
}

/// By how much the best density of points, the cube root of the roughness, rises from the start of
/// a gap to its end: the logarithm of the quotient, from the gaps on both sides.
fn skew(roughness: &[f64], gap: usize, at: impl Fn(usize) -> f64) -> f64 {
    let (before, after) = (gap.saturating_sub(1), (gap + 1).min(roughness.len() - 1));
    let middle = |gap: usize| 0.5 * (at(gap) + at(gap + 1));
    let slope = (roughness[after] / roughness[before]).ln() / (middle(after) - middle(before));
    let skew = slope / 3.0 * (at(gap + 1) - at(gap));
    // Nothing can be said where nothing varies.
    if skew.is_finite() { skew.clamp(-3.0, 3.0) } else { 0.0 }
}

/// Where a share of the points lies whose density rises by the factor `exp(skew)` from 0 to 1.
fn skewed(share: f64, skew: f64) -> f64 {
    if skew.abs() < 1e-3 {
        return share;
    }
    (share * skew.exp_m1()).ln_1p() / skew
}

/// What is gained by cutting a gap once more; of equal gains the earlier gap's comes first.
struct Gain {
    gain: f64,
    gap: usize,
}

impl Ord for Gain {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.gap.cmp(&self.gap))
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
    use crate::inputs::to_host;
    use burn::tensor::{DType, Device, Tensor};

    /// Integrates a function of one value; returns the line, its last integral, and the value.
    fn integrate(
        function: impl Fn(f64) -> f64,
        right: f64,
        most_nodes: usize,
        rounds: &[usize],
    ) -> (Line, Integral, f64) {
        let change = Change::new(0.0, right, DType::F32);
        let mut line = Line::new(most_nodes);
        let receive = |line: &mut Line| {
            for at in line.asked().collect::<Vec<_>>() {
                let options = (&Device::flex(), DType::F64);
                let value = Tensor::<2>::from_data([[function(at)]], options);
                line.receive(Flat::new(value).unwrap());
            }
            line.integral(change).unwrap()
        };
        let mut integral = receive(&mut line);
        for &more in rounds {
            line.refine(&integral, more);
            integral = receive(&mut line);
        }
        let value = to_host(integral.values.parts[0].clone()).unwrap()[0];
        (line, integral, value)
    }

    #[test]
    fn points_gather_at_a_step() {
        let step = |at: f64| f64::from(u8::from(at > 0.3));
        let (line, integral, value) = integrate(step, 0.7, 100, &[3, 3, 3, 3, 3, 3]);
        assert_eq!(line.received(), 5 + 18);
        let near = line.nodes.iter().filter(|node| (node.at - 0.3).abs() < 0.01).count();
        assert!(near > 10, "{near} points near the step");
        assert!((value - 0.7).abs() < 1e-4, "{value}");
        assert!(integral.error.estimate() < 1e-4, "{:?}", integral.error);
    }

    #[test]
    fn smooth_functions_converge_and_the_estimate_is_a_bound() {
        for (most_nodes, rounds) in [(100, vec![4, 8, 16, 32]), (9, vec![4, 8, 16, 32])] {
            let (line, integral, value) = integrate(|at| 3.0 * at * at, 1.0, most_nodes, &rounds);
            assert!(line.nodes.len() <= most_nodes, "{} points kept", line.nodes.len());
            assert!(line.received() >= 65);
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
