//! The error of an integral by a rule with fixed points.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::path::error_estimate::{End, ErrorEstimate, Estimated, Gap};
use crate::path::observation::Observation;
use crate::path::quadrature::WeightedPosition;
use crate::path::score_change::{Part, ScoreChange};
use crate::share::Share;

/// The number of neighbouring points, one of which is predicted from the others.
const STENCIL: usize = 5;

/// The most observations that are looked at together: two overlapping stencils.
const KEPT: usize = STENCIL + 1;

/// The most rules that are kept.
const MOST_RULES: usize = 8;

/// A rule, and what follows from it for every row.
pub(crate) struct FixedRule {
    points: Vec<WeightedPosition>,
    /// The ends of the cells: cell `k` is the part of the path that point `k` stands for.
    cells: Vec<f64>,
    /// For each point, the stencil that predicts it from its neighbours; `None` if the rule gains
    /// nothing from smooth gradients.
    stencils: Option<Vec<Stencil>>,
    /// The [`lean`](Gap::lean) of every gap: not 0 if all points are at the starts of their cells, or
    /// all at the ends.
    lean: f64,
}

/// The weights of the difference between the value at one point and the polynomial through its
/// neighbours.
struct Stencil {
    /// The first of the points that have a weight.
    first: usize,
    weights: [f64; STENCIL],
}

impl FixedRule {
    /// Prepares a rule of one or more points.
    pub fn new(points: &[WeightedPosition]) -> Self {
        let mut end = 0.0;
        let cells = points.iter().map(|at| {
            end += at.weight;
            end
        });
        let cells: Vec<f64> = cells.collect();
        // Gauss-Legendre points integrate the fourth power exactly; equal intervals do not.
        let fourth: f64 = points.iter().map(|at| at.weight * at.position.powi(4)).sum();
        let smooth = points.len() >= STENCIL && (fourth - 0.2).abs() < 1e-10;
        let stencils =
            smooth.then(|| (0..points.len()).map(|point| Stencil::new(points, point)).collect());
        let lean = lean(points, &cells);
        Self { points: points.to_vec(), cells, stencils, lean }
    }

    /// Prepares a rule, or returns what was prepared for the same points before: a small network's
    /// gradients take less time.
    pub fn known(points: &[WeightedPosition]) -> Arc<Self> {
        static KNOWN: Mutex<VecDeque<Arc<FixedRule>>> = Mutex::new(VecDeque::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().iter().find(|rule| rule.points == points).cloned();
        found.unwrap_or_else(|| {
            let rule = Arc::new(Self::new(points));
            let mut known = known();
            known.push_front(rule.clone());
            known.truncate(MOST_RULES);
            rule
        })
    }

    /// Returns the points with their weights.
    pub fn points(&self) -> &[WeightedPosition] {
        &self.points
    }
}

/// Returns the lean of a rule with the given cells.
fn lean(points: &[WeightedPosition], cells: &[f64]) -> f64 {
    let meet = |points: &[WeightedPosition]| {
        cells.iter().zip(points).all(|(cell, point)| (cell - point.position).abs() < 1e-12)
    };
    if meet(points) {
        -0.5
    } else if meet(&points[1..]) {
        0.5
    } else {
        0.0
    }
}

impl Stencil {
    fn new(points: &[WeightedPosition], point: usize) -> Self {
        let first = point.saturating_sub(STENCIL / 2).min(points.len() - STENCIL);
        let at = |j: usize| points[first + j].position;
        let own = point - first;
        // The Lagrange polynomials of the others, evaluated at the point.
        let weights = std::array::from_fn(|j| {
            let others = (0..STENCIL).filter(|&m| m != own && m != j);
            let product: f64 = others.map(|m| (at(own) - at(m)) / (at(j) - at(m))).product();
            if j == own { 1.0 } else { -product }
        });
        Self { first, weights }
    }
}

/// The points of one row on a path, observed in order, and the error of their integral.
///
/// Only the last few observations are kept.
pub(crate) struct FixedPath {
    change: ScoreChange,
    /// The last observations. `before` others came earlier.
    last: VecDeque<Observation>,
    before: usize,
    /// The number of gaps that are in the estimate.
    judged: usize,
    estimate: Option<ErrorEstimate>,
    integral: Observation,
    /// The integral of the L1 norm of the sampled contributions.
    sampled: f64,
    /// The sum of the contributions of all gaps minus their changes of score.
    missing: f64,
    /// The difference across the gap that is judged. The buffer is reused, because rows of tables
    /// have many gaps.
    difference: Vec<f64>,
}

impl FixedPath {
    /// Starts with no points.
    pub fn new(change: ScoreChange) -> Self {
        Self {
            change,
            last: VecDeque::with_capacity(KEPT),
            before: 0,
            judged: 0,
            estimate: None,
            integral: Observation::default(),
            sampled: 0.0,
            missing: 0.0,
            difference: Vec::new(),
        }
    }

    /// Takes what was observed at the next point of the rule.
    pub fn receive(&mut self, rule: &FixedRule, observed: Observation) {
        let point = self.before + self.last.len();
        let weight = rule.points[point].weight;
        self.integral.add(&observed, weight);
        self.sampled += weight * observed.sampled_size();
        self.last.push_back(observed);
        // A gap can be judged once the points that predict its ends have been received.
        let received = point + 1;
        let ready = match &rule.stencils {
            _ if received == rule.points.len() => point,
            Some(_) if received < STENCIL => 0,
            Some(_) => received - (STENCIL / 2 + 1),
            None => point,
        };
        while self.judged < ready {
            self.judge_gap(rule);
        }
        while self.last.len() >= KEPT {
            self.last.pop_front();
            self.before += 1;
        }
    }

    /// Returns the estimated relative L1 error, after all points of the rule.
    pub fn error(&self) -> Option<f64> {
        Some(self.estimate.as_ref()?.relative(&self.estimated()))
    }

    /// Returns the estimated error of shares, after all points of the rule. Their weights are those
    /// of the sampled values.
    pub fn share_errors(&self, shares: &[Share]) -> Option<Vec<f64>> {
        let (estimate, estimated) = (self.estimate.as_ref()?, self.estimated());
        Some(shares.iter().map(|share| estimate.of_share(&estimated, share)).collect())
    }

    fn estimated(&self) -> Estimated<'_> {
        Estimated {
            values: &self.integral.sample,
            each: self.each(),
            change: &self.change,
            missing: if self.change.is_complete() {
                self.change.missing(self.integral.sum, self.change.from, self.change.to)
            } else {
                self.missing
            },
            points: self.judged + 1,
        }
    }

    /// Returns the number of values that each sampled one stands for.
    fn each(&self) -> f64 {
        if self.sampled > 0.0 { self.integral.size / self.sampled } else { 1.0 }
    }

    fn at(&self, point: usize) -> &Observation {
        &self.last[point - self.before]
    }

    /// Adds the next gap to the estimate. The first and the last gap also give the errors between
    /// them and the ends of the path.
    fn judge_gap(&mut self, rule: &FixedRule) {
        let k = self.judged;
        let mut difference = std::mem::take(&mut self.difference);
        let estimate = self.estimate.take();
        let [from, to] = [self.at(k), self.at(k + 1)];
        let [start, end] = [rule.points[k].position, rule.points[k + 1].position];
        let width = end - start;
        // The difference, and the share of it that could not be predicted.
        let values = to.sample.iter().zip(&from.sample);
        difference.clear();
        difference.extend(values.map(|(to, from)| to - from));
        let sampled: f64 = difference.iter().map(|value| value.abs()).sum();
        let rough = self.rough(rule, k, sampled);
        // For the gap and for the ends of the path, the contributions minus the change of score.
        let change = &self.change;
        let sum = (rule.cells[k] - start) * from.sum + (end - rule.cells[k]) * to.sum;
        let missing = change.missing_in(&Part { from: from.mark(), to: to.mark(), width, sum });
        let (size, lean) = (self.each() * sampled, rule.lean);
        let mut estimate = estimate.unwrap_or_else(|| ErrorEstimate::new(difference.len()));
        let mut all_missing = 0.0;
        let mut add = |width: f64, missing: f64| {
            all_missing += missing;
            estimate.add(&Gap { width, difference: &difference, size, missing, rough, lean });
        };
        // Brownian motion that is known only at one end varies this much more.
        let beyond = |length: f64| 2.0 * (length.powi(3) / width).sqrt();
        add(width, missing);
        let mut ends = 0.0;
        if k == 0 {
            let sum = start * from.sum;
            let before = Part { from: change.start(), to: from.mark(), width: start, sum };
            let missing = change.missing_in(&before);
            add(beyond(start), missing);
            ends += End { points: [from, to], distances: [start, end], missing }.error();
        }
        if k + 2 == rule.points.len() {
            let distances = [1.0 - end, 1.0 - start];
            let [width, sum] = [distances[0], distances[0] * to.sum];
            let after = Part { from: to.mark(), to: change.end(), width, sum };
            let missing = change.missing_in(&after);
            add(beyond(distances[0]), missing);
            ends += End { points: [to, from], distances, missing }.error();
        }
        estimate.add_end(ends);
        self.missing += all_missing;
        self.estimate = Some(estimate);
        self.difference = difference;
        self.judged += 1;
    }

    /// Returns the share of the difference across gap `k` that cannot be predicted from the points
    /// around it. It compares two numbers: how much the points at the ends of the gap differ from a
    /// polynomial through their neighbours, and how much they would differ if all of the difference
    /// were a jump in the gap.
    fn rough(&self, rule: &FixedRule, k: usize, difference: f64) -> f64 {
        let Some(stencils) = rule.stencils.as_ref().filter(|_| difference > 0.0) else {
            return 1.0;
        };
        let mut largest = 0f64;
        for Stencil { first, weights } in &stencils[k..k + 2] {
            let points: [&[f64]; STENCIL] = std::array::from_fn(|j| &self.at(first + j).sample[..]);
            let surprise = |value: usize| -> f64 {
                weights.iter().zip(&points).map(|(weight, point)| weight * point[value]).sum()
            };
            let size: f64 = (0..points[0].len()).map(|value| surprise(value).abs()).sum();
            let jump: f64 = weights[k + 1 - first..].iter().sum();
            largest = largest.max(size / jump.abs());
        }
        (largest / difference).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::quadrature::Rule;
    use burn::tensor::DType;

    /// Returns the estimated and the true error of the integral of one value.
    fn errors(rule: Rule, count: usize, slope: fn(f64) -> f64, value: fn(f64) -> f64) -> [f64; 2] {
        let rule = FixedRule::new(&rule.positions(count));
        let mut path = FixedPath::new(ScoreChange::new(value(0.0), value(1.0), DType::F64));
        let mut sum = 0.0;
        for at in rule.points() {
            let slope = slope(at.position);
            sum += at.weight * slope;
            let (sample, size, score) = (vec![slope], slope.abs(), value(at.position));
            path.receive(&rule, Observation { sample, sum: slope, size, score, place: None });
        }
        let right = value(1.0) - value(0.0);
        [path.error().expect("an estimate"), (sum - right).abs() / right.abs()]
    }

    #[test]
    fn gauss_points_are_known_to_be_better_on_smooth_gradients() {
        let (slope, value) = (|at: f64| (3.0 * at).cos(), |at: f64| (3.0 * at).sin() / 3.0);
        for count in [20, 50] {
            let [gauss, wrong] = errors(Rule::GaussLegendre, count, slope, value);
            let [midpoint, worse] = errors(Rule::Midpoint, count, slope, value);
            assert!(wrong <= gauss && worse <= midpoint, "{gauss} {wrong} {midpoint} {worse}");
            assert!(100.0 * gauss < midpoint, "{gauss} {midpoint}");
        }
    }

    #[test]
    fn a_jump_is_not_smooth_wherever_it_is() {
        for rule in [Rule::GaussLegendre, Rule::Midpoint] {
            for count in [5, 10, 50] {
                let [estimate, wrong] = errors(
                    rule,
                    count,
                    |at| 1.0 + f64::from(u8::from(at > 0.4321)),
                    |at| at + (at - 0.4321).max(0.0),
                );
                assert!(
                    wrong <= estimate && estimate < 0.5,
                    "{rule:?} {count}: {estimate} {wrong}"
                );
            }
        }
    }

    #[test]
    fn rules_that_err_to_one_side_say_so() {
        for rule in [Rule::Left, Rule::Right] {
            for count in [2, 5, 50, 500] {
                for (slope, value) in [
                    ((|at| at.exp()) as fn(f64) -> f64, (|at| at.exp()) as fn(f64) -> f64),
                    (|at| 3.0 * at * at, |at| at.powi(3)),
                    (|at| (3.0 * at).cos(), |at| (3.0 * at).sin() / 3.0),
                ] {
                    let [estimate, wrong] = errors(rule, count, slope, value);
                    assert!(wrong <= estimate, "{rule:?} {count}: {estimate} {wrong}");
                    // The error of a smooth gradient is nearly known.
                    let most = if count < 50 { f64::INFINITY } else { 2.0 * wrong };
                    assert!(estimate < most, "{rule:?} {count}: {estimate} {wrong}");
                }
            }
        }
    }

    #[test]
    fn a_singular_start_is_seen() {
        for rule in [Rule::GaussLegendre, Rule::Midpoint] {
            let [estimate, wrong] = errors(rule, 50, |at| 1.0 / (at + 1e-6), |at| (at + 1e-6).ln());
            assert!(wrong > 0.2 && wrong <= estimate, "{rule:?}: {estimate} {wrong}");
        }
    }

    #[test]
    fn a_single_point_has_no_estimate() {
        let rule = FixedRule::new(&Rule::Midpoint.positions(1));
        let mut path = FixedPath::new(ScoreChange::new(0.0, 1.0, DType::F64));
        let (sample, place) = (vec![1.0], None);
        path.receive(&rule, Observation { sample, sum: 1.0, size: 1.0, score: 0.5, place });
        assert_eq!(path.error(), None);
    }
}
