//! The number of points on a path, and the answer that they give.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage, check_count};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::methods::path::laid::{Course, Laid};
use crate::path::contribution::Contribution;
use crate::path::integral::{Integrals, PathIntegral};
use crate::path::quadrature::{Rule, placed};
use crate::path::score_change::ScoreChange;
use crate::path::shape::{PathPoints, PathShape, StraightPath};
use crate::path::walk::Walk;
use crate::share::Tolerance;
use crate::warning::Warning;

/// The way in which gradients along a path are integrated: with a fixed number of points, or to a
/// tolerance.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Integration {
    /// A fixed number of points; by default [`STEPS`].
    pub steps: Option<usize>,
    pub rule: Rule,
    pub tolerance: Option<Tolerance>,
    pub max_gradients: usize,
}

impl Default for Integration {
    fn default() -> Self {
        Self { steps: None, rule: Rule::default(), tolerance: None, max_gradients: 1000 }
    }
}

/// The number of points by default.
const STEPS: usize = 50;

/// More points than this make no map better, and Gauss-Legendre points take long to compute.
pub(crate) const MOST_STEPS: usize = 20_000;

impl Integration {
    /// Refuses options outside their range, for a path that has this many moves if it is found on
    /// the way.
    pub fn check(&self, moves: Option<usize>) -> Result<()> {
        let Some(tolerance) = self.tolerance else {
            return match (self.steps, moves) {
                (Some(steps), Some(_)) => {
                    let expected = "to be left out for a path that is found on the way; set the \
                                    number of its moves instead (`with_moves`)";
                    Err(Error::invalid_option("steps", expected, steps))
                }
                _ => check_count("steps", self.steps(), MOST_STEPS),
            };
        };
        tolerance.check_range()?;
        // A path that is found on the way takes a gradient at each corner.
        let least = moves.map_or(PathIntegral::LEAST, |moves| moves + 1);
        if (least..=MOST_STEPS).contains(&self.max_gradients) {
            return Ok(());
        }
        let expected = format!("from {least} to {MOST_STEPS}");
        Err(Error::invalid_option("limit", expected, self.max_gradients))
    }

    fn steps(&self) -> usize {
        self.steps.unwrap_or(STEPS)
    }

    /// Refuses a tolerance for shares if none are asked for.
    pub fn check_shares(&self, question: &Question) -> Result<()> {
        let shares = question.rows.shares();
        self.tolerance.map_or(Ok(()), |tolerance| tolerance.check(shares))
    }

    /// Returns the most gradients that a row can take, on a path that has this many moves if it is
    /// found on the way.
    pub fn calls(&self, moves: Option<usize>) -> usize {
        let fixed = moves.map_or(self.steps(), |moves| moves + 1);
        self.tolerance.map_or(fixed, |_| self.max_gradients)
    }

    /// Integrates along the paths, and makes the answer.
    pub fn answer(
        &self,
        question: &Question,
        scored: Scored,
        laid: &Laid,
        contribution: &dyn Contribution,
        schedule: &Schedule,
    ) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        let every: Vec<usize> = (0..input.rows()).collect();
        let start = match &laid.course {
            Course::Known(shape) => shape.at(&every, &vec![0.0; input.rows()])?,
            Course::Walked(walk) => {
                let points = walk.start(&every)?;
                PathPoints { tangents: points.clone(), points }
            }
        };
        start.check(input, input.rows())?;
        // Of a path that is found on the way only the ends are known.
        let straight;
        let shape = match &laid.course {
            Course::Known(shape) => &**shape,
            Course::Walked(_) => {
                straight = StraightPath::new(start.points.clone(), input);
                &straight
            }
        };
        // If the contributions are complete, they sum to the difference between the scores at both
        // ends.
        let start_scores = evaluator
            .scores(schedule, &start.points, &scored.target)
            .map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))?;
        let precision = input.parts[0].dtype();
        let end_scores = self.end_scores(question, &scored, laid, schedule)?;
        let ends = start_scores.iter().zip(&end_scores);
        let mut changes: Vec<ScoreChange> =
            ends.map(|(&from, &to)| ScoreChange::new(from, to, precision)).collect();
        let without_path = rows_without_path(shape, &start.points, input)?;
        for &row in &without_path {
            changes[row] = changes[row].without_path();
        }
        let integral = PathIntegral {
            evaluator,
            target: &scored.target,
            input,
            shape,
            contribution,
            changes: &changes,
            shares: rows.shares(),
            keep_scores: false,
            schedule,
        };
        let integrals = match &laid.course {
            Course::Known(_) => self.integrate(&integral, &start_scores, &end_scores)?,
            Course::Walked(walk) => self.walk(&integral, &**walk)?,
        };
        integrals.values.check_finite(Stage::Attribution)?;
        evaluator.check_dependence(schedule, &integrals.values, input, &scored.target)?;
        let mut attribution = attributed(question, scored, integrals)?;
        attribution.evaluations.iter_mut().for_each(|count| *count += laid.gradients);
        let no_path = without_path.into_iter().map(|row| Warning::BaselineIsInput { row });
        attribution.warnings.splice(0..0, no_path);
        if laid.is_measured() {
            // The values do not sum to a change of score.
            return Ok(attribution);
        }
        attribution.with_ends(start_scores, &end_scores)
    }

    /// Returns the scores at the ends of the paths.
    fn end_scores(
        &self,
        question: &Question,
        scored: &Scored,
        laid: &Laid,
        schedule: &Schedule,
    ) -> Result<Vec<f64>> {
        if laid.reaches_input {
            return Ok(scored.scores.clone());
        }
        let every: Vec<usize> = (0..question.input.rows()).collect();
        let ends = laid.known()?.at(&every, &vec![1.0; every.len()])?.points;
        let scores = question.evaluator.scores(schedule, &ends, &scored.target);
        scores.map_err(|error| error.with_stage(Stage::Score, Stage::PathScore))
    }

    /// Integrates along a path that is found on the way: to a tolerance, or with the gradients on the
    /// way alone.
    fn walk(&self, path: &PathIntegral, walk: &dyn Walk) -> Result<Integrals> {
        match self.tolerance {
            Some(tolerance) => path.walked_to_tolerance(walk, tolerance, self.max_gradients),
            None => path.walked(walk),
        }
    }

    /// Integrates to a tolerance, or with a fixed number of points; `from` and `to` are the scores
    /// at the ends of each row's path.
    pub fn integrate(&self, path: &PathIntegral, from: &[f64], to: &[f64]) -> Result<Integrals> {
        if let Some(tolerance) = self.tolerance {
            return path.to_tolerance(tolerance, self.max_gradients);
        }
        if self.rule == Rule::Placed {
            let pilot = path.pilot(from, to)?;
            let rules: Vec<_> = pilot.iter().map(|scores| placed(self.steps(), scores)).collect();
            return path.fixed(&rules);
        }
        path.fixed(&[self.rule.positions(self.steps())])
    }
}

/// Returns the answer that integrals give, without the scores at the ends of the paths.
fn attributed(
    question: &Question,
    scored: Scored,
    integrals: Integrals,
) -> Result<Attribution<Batch>> {
    let Question { evaluator, rows, .. } = question;
    let mut attribution = Attribution::of(integrals.values, scored);
    attribution.error_estimate = integrals.errors;
    attribution.converged = integrals.converged;
    attribution.evaluations = integrals.evaluations;
    evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
    attribution.with_shares(rows, integrals.share_errors.as_deref())
}

/// Returns the rows whose path starts at the input itself and does not move.
fn rows_without_path(shape: &dyn PathShape, start: &Batch, input: &Batch) -> Result<Vec<usize>> {
    let at_the_input = zero_rows(&input.zip(start, |input, start| input - start).without_fixed())?;
    if at_the_input.is_empty() {
        return Ok(at_the_input);
    }
    let middle = shape.at(&at_the_input, &vec![0.5; at_the_input.len()])?;
    let still = zero_rows(&middle.tangents)?;
    Ok(still.into_iter().map(|at| at_the_input[at]).collect())
}

/// Returns the rows that are zero everywhere.
fn zero_rows(batch: &Batch) -> Result<Vec<usize>> {
    let sizes = batch.map(Tensor::abs).row_sums()?.into_iter().enumerate();
    Ok(sizes.filter(|(_, size)| *size == 0.0).map(|(row, _)| row).collect())
}
