use burn::tensor::Tensor;

use crate::attribution::{Attribution, Warning};
use crate::baseline::Baseline;
use crate::error::{Error, Place, Result, check_count, check_share};
use crate::explainer::{Explainer, Rows};
use crate::gradient::Probe;
use crate::inputs::{Flat, Inputs};
use crate::model::Model;
use crate::path::{Change, Line, RelativeError, add, relative_errors, variance_of_gap};
use crate::quadrature::{PILOT, Rule, placed};
use crate::schedule::Schedule;
use crate::target::Target;

/// The difference of score between input and baseline, shared out over the values of the input.
///
/// ```text
///                    1
/// A(x) = (x - x') ·  ∫  ∂f/∂x (x' + α (x - x')) dα
///                    0
/// ```
///
/// The values sum to `f(x) - f(x')` (completeness), up to the error of the quadrature. By how much
/// they miss it is the [`completeness_gap`](Attribution::completeness_gap); how far they are from
/// those of infinitely many points is the [`error_estimate`](Attribution::error_estimate).
///
/// # How many points
/// Either a fixed number ([`with_steps`](Self::with_steps)), or as many as are needed to get the
/// relative L1 error of a row's values below a tolerance ([`to_tolerance`](Self::to_tolerance)):
/// points are placed where the gradient changes, every gradient is used, and
/// [`converged`](Attribution::converged) tells whether the limit came first.
///
/// The estimate takes gradients along the path for Brownian motion, as those of deep ReLU networks
/// nearly are; where they are smooth it is too large. It is never below what the completeness gap
/// says. There is none for a single point.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - steps: 50 points on the path
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`]
/// - tolerance: none
/// - limit: 1,000 gradients per row, where there is a tolerance
/// - baseline: zeros
///
/// # Cost
/// A gradient for each point of each row, and two forward passes; [`Rule::Placed`] takes seven more.
///
/// # Memory
/// With a fixed number of points that of the chunks under way. With a tolerance, gradients are kept
/// to place more points between them, and beyond a limit their sums: 33 million numbers at most, or
/// 18 copies of one row where that is more.
///
/// # Errors
/// Those of [`Explainer::attribute_to`]; [`Error::InvalidOption`](crate::Error::InvalidOption) for
/// an option outside its range; [`Error::BaselineShape`](crate::Error::BaselineShape) and
/// [`Error::BaselineCount`](crate::Error::BaselineCount) for a baseline that does not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, IntegratedGradients, pure_function};
///
/// // A linear model: each input contributes its weight times its value, from any number of steps.
/// let device = Device::flex();
/// let weights = Tensor::<2>::from_data([[2.0, -1.0]], &device);
/// let model = pure_function(move |x: Tensor<2>| (x * weights.clone()).sum_dim(1));
/// let x = Tensor::<2>::from_data([[3.0, 4.0]], &device);
/// let map = IntegratedGradients::new().with_steps(3).attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [6.0, -4.0]);
/// assert!(map.completeness_gap.unwrap()[0].abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks*, 2017,
/// <https://arxiv.org/abs/1703.01365>.
#[derive(Clone, Debug)]
pub struct IntegratedGradients {
    steps: usize,
    rule: Rule,
    tolerance: Option<f64>,
    limit: usize,
    baseline: Baseline,
    schedule: Schedule,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self {
            steps: 50,
            rule: Rule::default(),
            tolerance: None,
            limit: 1000,
            baseline: Baseline::default(),
            schedule: Schedule::default(),
        }
    }
}

impl IntegratedGradients {
    /// Integrated Gradients with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of points on the path: from 1 to 20,000. It takes the place of a tolerance.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self.tolerance = None;
        self
    }

    /// Takes as many gradients as are needed for a relative L1 error of `tolerance`, in (0, 1].
    ///
    /// 0.05 is enough for a picture. It takes the place of a number of steps and a rule.
    pub fn to_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the most gradients that are taken for a row to reach a tolerance: from 5 to 20,000.
    pub fn with_limit(mut self, gradients: usize) -> Self {
        self.limit = gradients;
        self
    }

    /// Sets where a fixed number of points lie.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets where the path starts.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    fn check(&self) -> Result<()> {
        let Some(tolerance) = self.tolerance else {
            return check_count("steps", self.steps, MOST_STEPS);
        };
        check_share("tolerance", tolerance)?;
        if (Line::LEAST..=MOST_STEPS).contains(&self.limit) {
            return Ok(());
        }
        let expected = format!("from {} to {MOST_STEPS}", Line::LEAST);
        Err(Error::InvalidOption { option: "limit", expected, found: self.limit.to_string() })
    }

    fn explain<M: Model<I>, I: Inputs>(
        &self,
        (model, input, target): (&M, I, Target),
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>> {
        self.check()?;
        let input = Flat::new(input)?;
        let baseline = self.baseline.like(&input, &Rows::or_all(rows, &input)?)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;
        let scores_at = |at: &Flat, place: Place| {
            let scored = probe.scores(&self.schedule, at, &scored.target);
            Ok(scored.map_err(|error| error.relocated(Place::Score, place))?.scores)
        };
        let baseline_scores = scores_at(&baseline, Place::BaselineScore)?;
        let difference = input.zip(&baseline, |input, baseline| input - baseline).without_fixed();
        let sizes = difference.map(Tensor::abs).row_sums()?.into_iter().enumerate();
        let same = sizes.filter(|(_, size)| *size == 0.0);
        let warnings = same.map(|(row, _)| Warning::BaselineIsInput { row }).collect();
        let precision = input.parts[0].dtype();
        let changes = baseline_scores.iter().zip(&scored.scores);
        let path = Path {
            baseline,
            difference,
            changes: changes.map(|(&from, &to)| Change::new(from, to, precision)).collect(),
            // What a gradient at a point of the path contributes to each value.
            contribution: |point: Flat, step: Flat, rows: &[usize]| {
                let (gradient, ..) = probe.gradient(point, &scored.target.select(rows))?;
                gradient.check_finite(Place::Gradient)?;
                Ok(gradient.widened().zip(&step.widened(), |gradient, step| gradient * step))
            },
        };
        let integrals = match self.tolerance {
            Some(tolerance) => path.to_tolerance(tolerance, self.limit, &self.schedule)?,
            None if self.rule == Rule::Placed => {
                let scores_at = |at: &Flat| scores_at(at, Place::PathScore);
                let pilot = path.pilot(&scored.scores, &baseline_scores, scores_at)?;
                let placed = |scores: &Vec<f64>| placed(self.steps, scores);
                path.fixed(&pilot.iter().map(placed).collect::<Vec<_>>(), &self.schedule)?
            }
            None => path.fixed(&[self.rule.points(self.steps)], &self.schedule)?,
        };
        integrals.values.check_finite(Place::Attribution)?;
        let attribution = Attribution {
            error_estimate: integrals.errors,
            converged: integrals.converged,
            gradients: integrals.gradients,
            warnings,
            ..Attribution::of(integrals.values.clone(), scored, 0)
        };
        attribution.with_baseline(&integrals.values, baseline_scores)
    }
}

/// More points than this make no map better, and Gauss-Legendre points take long to find.
const MOST_STEPS: usize = 20_000;

/// Contributions that are kept to place more points between them, and sums of those that are not, in
/// numbers.
const KEPT_VALUES: usize = 1 << 25;

/// Points that are kept however large the input is: those a path starts with, and some between.
const LEAST_KEPT: usize = 9;

/// Points for which there is room where several rows are integrated at once.
const KEPT_POINTS: usize = 64;

impl<M: Model<I>, I: Inputs> Explainer<M, I> for IntegratedGradients {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.explain((model, input, target), None)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.explain((model, input, target), Some(rows))
    }
}

/// The straight paths of all rows.
struct Path<F> {
    baseline: Flat,
    difference: Flat,
    changes: Vec<Change>,
    contribution: F,
}

/// The integrals along the paths of all rows.
struct Integrals {
    values: Flat,
    errors: Option<Vec<f64>>,
    converged: Option<Vec<bool>>,
    gradients: Vec<usize>,
}

impl<F: Fn(Flat, Flat, &[usize]) -> Result<Flat> + Sync> Path<F> {
    /// The contributions at points of the paths of `rows`.
    fn contributions(&self, rows: &[usize], along: &[f64]) -> Result<Flat> {
        let step = self.difference.select(rows);
        (self.contribution)(self.at(rows, along), step, rows)
    }

    fn at(&self, rows: &[usize], along: &[f64]) -> Flat {
        let steps = self.difference.select(rows).scale_rows(along);
        self.baseline.select(rows).zip(&steps, |baseline, step| baseline + step)
    }

    /// The scores at equal distances on the path of each row, ends included.
    fn pilot(
        &self,
        scores: &[f64],
        baseline_scores: &[f64],
        scores_at: impl Fn(&Flat) -> Result<Vec<f64>>,
    ) -> Result<Vec<Vec<f64>>> {
        let mut pilot: Vec<Vec<f64>> = baseline_scores.iter().map(|&score| vec![score]).collect();
        let rows: Vec<usize> = (0..scores.len()).collect();
        for k in 1..PILOT {
            let along = vec![k as f64 / PILOT as f64; rows.len()];
            for (pilot, score) in pilot.iter_mut().zip(scores_at(&self.at(&rows, &along))?) {
                pilot.push(score);
            }
        }
        pilot.iter_mut().zip(scores).for_each(|(pilot, &score)| pilot.push(score));
        Ok(pilot)
    }

    /// Integrates with given points and weights: the same for all rows, or one list for each.
    fn fixed(&self, points: &[Vec<(f64, f64)>], schedule: &Schedule) -> Result<Integrals> {
        let steps = points[0].len();
        let points = |row: usize| &points[row.min(points.len() - 1)];
        let of_gaps = |rows: &[usize], from: usize| -> Vec<f64> {
            rows.iter().map(|&row| variance_of_gap(points(row), from)).collect()
        };
        let mut blocks: Vec<Option<Segment>> = Vec::new();
        schedule.run(
            &self.difference,
            steps,
            |unit| {
                let rows: Vec<usize> = unit.rows.clone().collect();
                let each = unit.repeats.clone().flat_map(|k| rows.iter().map(move |&row| (row, k)));
                let point = |(row, k): (usize, usize)| points(row)[k];
                let (along, weights): (Vec<f64>, Vec<f64>) = each.map(point).unzip();
                let contributions = self.contributions(&unit.row_of_each(), &along)?;
                let gaps = unit.repeats.clone().skip(1).flat_map(|k| of_gaps(&rows, k - 1));
                Ok(Segment::new(&contributions, &weights, &gaps.collect::<Vec<_>>(), rows.len()))
            },
            |unit, segment: Segment| {
                if blocks.len() == unit.block {
                    blocks.push(Some(segment));
                    return Ok(());
                }
                let rows: Vec<usize> = unit.rows.clone().collect();
                let before = blocks[unit.block].take().expect("a segment before");
                let gap = of_gaps(&rows, unit.repeats.start - 1);
                blocks[unit.block] = Some(before.join(segment, &gap));
                Ok(())
            },
        )?;
        let blocks: Vec<Segment> = blocks.into_iter().flatten().collect();
        let totals: Vec<Flat> = blocks.iter().map(|block| block.total.clone()).collect();
        let values = Flat::stack(&totals);
        let variances: Option<Vec<Flat>> =
            blocks.into_iter().map(|block| block.variances).collect();
        let errors = match variances {
            Some(variances) => {
                let errors = relative_errors(&values, &Flat::stack(&variances), &self.changes)?;
                Some(errors.into_iter().map(RelativeError::estimate).collect())
            }
            None => None,
        };
        let gradients = vec![steps; values.rows()];
        Ok(Integrals { values, errors, converged: None, gradients })
    }

    /// Integrates each row until its error is small enough, or `limit` gradients are taken.
    fn to_tolerance(&self, tolerance: f64, limit: usize, schedule: &Schedule) -> Result<Integrals> {
        let (rows, width) = (self.difference.rows(), self.difference.width());
        let together = (KEPT_VALUES / (2 * width * KEPT_POINTS)).clamp(1, rows);
        let most_nodes = (KEPT_VALUES / (2 * width * together)).max(LEAST_KEPT);
        let work = schedule.start(&self.difference, rows * Line::LEAST)?;
        let mut values = vec![None; rows];
        let mut errors = vec![0.0; rows];
        let mut gradients = vec![0; rows];
        for start in (0..rows).step_by(together) {
            let mut open: Vec<(usize, Line)> = (start..rows.min(start + together))
                .map(|row| (row, Line::new(most_nodes)))
                .collect();
            while !open.is_empty() {
                let asked = |(at, (row, line)): (usize, &(usize, Line))| {
                    let row = *row;
                    line.asked().map(move |along| (at, row, along)).collect::<Vec<_>>()
                };
                let points: Vec<_> = open.iter().enumerate().flat_map(asked).collect();
                let row_of = |point: usize| points[point].1;
                let received = work.run(
                    &work.units(points.len(), 0..1),
                    |unit| {
                        let points = &points[unit.rows.clone()];
                        let (rows, along): (Vec<usize>, Vec<f64>) =
                            points.iter().map(|&(_, row, along)| (row, along)).unzip();
                        self.contributions(&rows, &along)
                    },
                    |unit, contributions| {
                        for (index, point) in unit.rows.clone().enumerate() {
                            open[points[point].0].1.receive(contributions.narrow(index, 1));
                        }
                        Ok(())
                    },
                );
                received.map_err(|error| error.with_rows(row_of))?;
                let mut unfinished = Vec::new();
                for (row, mut line) in open {
                    let integral = line.integral(self.changes[row])?;
                    let (taken, error) = (line.received(), integral.error.estimate());
                    if error > tolerance {
                        // Errors fall with the number of points.
                        let needed = taken as f64 * error / tolerance;
                        let next = needed.min(taken as f64 * growth(taken)).round() as usize;
                        let next = next.max(taken + 1 + taken / 16).min(limit);
                        line.refine(&integral, next - taken);
                    }
                    if line.asked().next().is_some() {
                        unfinished.push((row, line));
                        continue;
                    }
                    errors[row] = error;
                    gradients[row] = taken;
                    values[row] = Some(integral.values);
                }
                open = unfinished;
                let asked: usize = open.iter().map(|(_, line)| line.asked().count()).sum();
                let later = rows.saturating_sub(start + together) * Line::LEAST;
                work.expect_more(asked + later);
            }
        }
        let values: Vec<Flat> = values.into_iter().flatten().collect();
        let converged = errors.iter().map(|&error| error <= tolerance).collect();
        let (errors, converged) = (Some(errors), Some(converged));
        Ok(Integrals { values: Flat::stack(&values), errors, converged, gradients })
    }
}

/// By how much the points on a path may grow before it is looked at again. The first few tell
/// little of where more are needed; later, many at once can be spread more evenly.
fn growth(points: usize) -> f64 {
    if points < 20 { 2f64.sqrt() } else { 3.0 }
}

/// Consecutive points on the paths of a block of rows.
struct Segment {
    /// The weighted sum of their contributions.
    total: Flat,
    /// The variance of each value's integral, from the gaps between the points; none without gaps.
    variances: Option<Flat>,
    first: Flat,
    last: Flat,
}

impl Segment {
    /// Contributions point by point, all `rows` rows of each; `gaps` has the factors of the
    /// variances in the same order.
    fn new(contributions: &Flat, weights: &[f64], gaps: &[f64], rows: usize) -> Self {
        let all = contributions.rows();
        let total = contributions.scale_rows(weights).sum_repeats(all / rows);
        let variances = (!gaps.is_empty()).then(|| {
            let (from, to) =
                (contributions.narrow(0, gaps.len()), contributions.narrow(rows, gaps.len()));
            squared(&from, &to, gaps).sum_repeats(gaps.len() / rows)
        });
        let (first, last) = (contributions.narrow(0, rows), contributions.narrow(all - rows, rows));
        Self { total, variances, first, last }
    }

    /// These points and those of the segment that follows, with the gap in between.
    fn join(self, next: Self, gap: &[f64]) -> Self {
        let mut variances = Some(squared(&self.last, &next.first, gap));
        for more in self.variances.into_iter().chain(next.variances) {
            add(&mut variances, more);
        }
        let total = self.total.zip(&next.total, |sum, more| sum + more);
        Self { total, variances, first: self.first, last: next.last }
    }
}

/// The squared difference of each value, times a factor for its row.
fn squared(from: &Flat, to: &Flat, factors: &[f64]) -> Flat {
    let difference = to.zip(from, |to, from| to - from);
    difference.zip(&difference, |a, b| a * b).scale_rows(factors)
}
