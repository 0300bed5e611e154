//! The straight paths from baseline to input, and integrals of gradients along them.

use crate::error::Result;
use crate::estimate::{Change, RelativeError, relative_errors, variance_of_gap};
use crate::inputs::{Flat, add};
use crate::line::Line;
use crate::quadrature::PILOT;
use crate::schedule::Schedule;

/// Contributions that are kept to place more points between them, and sums of those that are not, in
/// numbers.
const KEPT_VALUES: usize = 1 << 25;

/// Points that are kept however large the input is: those a path starts with, and some between.
const LEAST_KEPT: usize = 9;

/// Points for which there is room where several rows are integrated at once.
const KEPT_POINTS: usize = 64;

/// The straight paths of all rows.
pub(crate) struct Path<F> {
    pub baseline: Flat,
    pub difference: Flat,
    /// The change of score along each.
    pub changes: Vec<Change>,
    /// What a gradient contributes to each value: of points, steps from the baseline, and rows.
    pub contribution: F,
}

/// The integrals along the paths of all rows.
pub(crate) struct Integrals {
    pub values: Flat,
    pub errors: Option<Vec<f64>>,
    pub converged: Option<Vec<bool>>,
    pub gradients: Vec<usize>,
}

impl<F: Fn(Flat, Flat, &[usize]) -> Result<Flat> + Sync> Path<F> {
    /// The contributions at points of the paths of `rows`.
    fn contributions(&self, rows: &[usize], along: &[f64]) -> Result<Flat> {
        let baseline = self.baseline.select(rows);
        let step = self.difference.select(rows);
        (self.contribution)(Self::at(&baseline, &step, along), step, rows)
    }

    fn at(baseline: &Flat, step: &Flat, along: &[f64]) -> Flat {
        baseline.zip(&step.scale_rows(along), |baseline, step| baseline + step)
    }

    /// The scores at equal distances on the path of each row, ends included.
    pub fn pilot(
        &self,
        scores: &[f64],
        baseline_scores: &[f64],
        scores_at: impl Fn(&Flat) -> Result<Vec<f64>>,
    ) -> Result<Vec<Vec<f64>>> {
        let mut pilot: Vec<Vec<f64>> = baseline_scores.iter().map(|&score| vec![score]).collect();
        for k in 1..PILOT {
            let along = vec![k as f64 / PILOT as f64; scores.len()];
            let at = Self::at(&self.baseline, &self.difference, &along);
            for (pilot, score) in pilot.iter_mut().zip(scores_at(&at)?) {
                pilot.push(score);
            }
        }
        pilot.iter_mut().zip(scores).for_each(|(pilot, &score)| pilot.push(score));
        Ok(pilot)
    }

    /// Integrates with given points and weights: the same for all rows, or one list for each.
    pub fn fixed(&self, points: &[Vec<(f64, f64)>], schedule: &Schedule) -> Result<Integrals> {
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
    pub fn to_tolerance(
        &self,
        tolerance: f64,
        limit: usize,
        schedule: &Schedule,
    ) -> Result<Integrals> {
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
