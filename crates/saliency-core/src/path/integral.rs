//! Integrals of gradients along the paths of all rows.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::evaluator::Evaluator;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::{Batch, add};
use crate::model::resolved_target::ResolvedTarget;
use crate::path::adaptive::{AdaptivePath, Judged, Received};
use crate::path::contribution::Contribution;
use crate::path::fixed::{FixedPath, FixedRule};
use crate::path::kept_row::KeptRow;
use crate::path::observation::{Observation, Observer};
use crate::path::quadrature::{PILOT, WeightedPosition};
use crate::path::score_change::ScoreChange;
use crate::path::shape::{PathScore, PathShape};
use crate::share::{Share, Tolerance};

/// The maximum of numbers that are kept on the way to a tolerance: the contributions at kept
/// points, between which more points can be placed, and the sums of all other contributions.
pub(super) const KEPT_VALUES: usize = 1 << 25;

/// The number of gradients that a row is expected to take before anything is known about it.
pub(super) const EXPECTED: usize = 30;

/// The number of points that are kept even if the input is very large: the points that a path
/// starts with, and one between each two neighbours.
const LEAST_KEPT: usize = 9;

/// Several rows are integrated at once only if this many points of each row fit.
const KEPT_POINTS: usize = 64;

/// The integral of gradients along a path, for every row of a batch.
///
/// ```text
///        1
/// A  =   ∫  ∂f/∂x (γ(α)) · γ'(α) dα
///        0
/// ```
///
/// The path γ is any [`PathShape`]. If the path's tangent is its derivative, the values of a row
/// sum to its change of score, up to the error of the quadrature. Another [`Contribution`] may take
/// the place of the product of gradient and tangent.
#[derive(Clone, Copy)]
pub struct PathIntegral<'a> {
    /// The model.
    pub evaluator: &'a Evaluator<'a>,
    /// The target whose score is differentiated.
    pub target: &'a ResolvedTarget,
    /// The end of the path of every row.
    pub input: &'a Batch,
    /// The path.
    pub shape: &'a dyn PathShape,
    /// The contribution of a gradient on the path; usually [`Product`](crate::kit::Product).
    pub contribution: &'a dyn Contribution,
    /// The change of score along the path of every row.
    pub changes: &'a [ScoreChange],
    /// Shares of each row's integral whose errors are to be estimated too.
    pub shares: Option<&'a [Vec<Share>]>,
    /// Chunks, workers, progress and cancellation.
    pub schedule: &'a Schedule,
}

/// The integrals along the paths of all rows.
#[derive(Clone, Debug)]
pub struct Integrals {
    /// The integral of every value.
    pub values: Batch,
    /// The estimated relative L1 error of each row; `None` for a single point.
    pub errors: Option<Vec<f64>>,
    /// The estimated errors of the shares that are asked for; `None` for a single point, or if none
    /// are asked for.
    pub share_errors: Option<Vec<Vec<f64>>>,
    /// Whether the error of each row met the tolerance, if there is one.
    pub converged: Option<Vec<bool>>,
    /// The number of gradients of each row.
    pub evaluations: Vec<usize>,
    /// The scores at the points of each row. If a row has too many points to keep them all, only
    /// the scores at the kept points.
    pub scores: Vec<Vec<PathScore>>,
}

/// The contributions at points of a path, with the scores at these points.
struct PathEvaluation {
    contributions: Batch,
    observed: Vec<Observation>,
}

/// The sum over the points of a chunk, and the observation at each point.
struct Summed {
    total: Batch,
    observed: Vec<Observation>,
}

/// A block of rows whose points are still being received.
struct Block {
    rows: Range<usize>,
    total: Option<Batch>,
    paths: Vec<FixedPath>,
    scores: Vec<Vec<PathScore>>,
}

/// A block of rows whose points have all been received.
struct DoneBlock {
    total: Batch,
    errors: Vec<Option<f64>>,
    share_errors: Vec<Option<Vec<f64>>>,
    scores: Vec<Vec<PathScore>>,
}

/// The result of a worker for a chunk: a whole block, or some of its points.
enum Evaluated {
    Done(DoneBlock),
    Part(Summed),
}

impl Block {
    /// Starts the block of rows that a chunk begins.
    fn new(integral: &PathIntegral, chunk: &Chunk, steps: usize) -> Self {
        let rows = chunk.rows.clone();
        let paths = rows.clone().map(|row| FixedPath::new(integral.change(row))).collect();
        Self {
            scores: (0..rows.len()).map(|_| Vec::with_capacity(steps)).collect(),
            rows,
            total: None,
            paths,
        }
    }

    /// Takes the points of a chunk. They come in order: first those of all rows at one position,
    /// then at the next.
    fn receive(&mut self, rules: &Rules, chunk: &Chunk, summed: Summed) {
        add(&mut self.total, summed.total);
        let mut observed = summed.observed.into_iter();
        for k in chunk.repeats.clone() {
            for (at, (row, observed)) in self.rows.clone().zip(observed.by_ref()).enumerate() {
                let rule = rules.of(row);
                let (position, score) = (rule.points()[k].position, observed.score);
                self.scores[at].push(PathScore { position, score });
                self.paths[at].receive(rule, observed);
            }
        }
    }

    /// Estimates the errors; `shares` returns the shares of a row.
    fn finish(self, shares: impl Fn(usize) -> Vec<Share>) -> DoneBlock {
        let paths = || self.rows.clone().zip(&self.paths);
        DoneBlock {
            total: self.total.expect("at least one point"),
            errors: self.paths.iter().map(FixedPath::error).collect(),
            share_errors: paths().map(|(row, path)| path.share_errors(&shares(row))).collect(),
            scores: self.scores,
        }
    }
}

impl PathIntegral<'_> {
    /// Computes each value's contribution, given the rows and the positions on their paths.
    /// Contributions may be infinite.
    fn evaluate(
        &self,
        observer: &Observer,
        rows: &[usize],
        positions: &[f64],
    ) -> Result<PathEvaluation> {
        let path = self.shape.at(rows, positions)?;
        path.check(self.input, rows.len())?;
        let found = self.evaluator.gradient(path.points, &self.target.select(rows))?;
        let (gradients, tangents) = (found.gradients.widened(), path.tangents.widened());
        let contributions = self.contribution.at(gradients, &tangents, positions)?;
        let mut observed = observer.observe(&contributions, &found.scores()?)?;
        for (observed, &position) in observed.iter_mut().zip(positions) {
            observed.place = self.shape.place(position);
        }
        Ok(PathEvaluation { contributions, observed })
    }

    /// Returns the scores at equal distances on the path of each row, ends included, by forward
    /// passes alone.
    ///
    /// # Errors
    /// Those of the path and of [`Evaluator::scores`].
    pub fn pilot(&self, from: &[f64], to: &[f64]) -> Result<Vec<Vec<f64>>> {
        let rows: Vec<usize> = (0..self.input.rows()).collect();
        let mut pilot: Vec<Vec<f64>> = from.iter().map(|&score| vec![score]).collect();
        for k in 1..PILOT {
            let positions = vec![k as f64 / PILOT as f64; rows.len()];
            let points = self.shape.at(&rows, &positions)?.points;
            let scores = self.evaluator.scores(self.schedule, &points, self.target);
            let scores =
                scores.map_err(|error| error.with_stage(Stage::Score, Stage::PathScore))?;
            pilot.iter_mut().zip(scores).for_each(|(pilot, score)| pilot.push(score));
        }
        pilot.iter_mut().zip(to).for_each(|(pilot, &score)| pilot.push(score));
        Ok(pilot)
    }

    /// Integrates with given positions and weights: one rule for all rows, or one for each.
    ///
    /// # Errors
    /// Those of the path, of [`Evaluator::gradient`] and of [`Work::run`]; [`Error::NotFinite`] for
    /// a gradient that is not finite; [`Error::InvalidOption`] if there is neither one rule nor one
    /// for each row, if the rules have no positions or different numbers of them, or if there is
    /// not one change of score for each row.
    pub fn fixed(&self, rules: &[Vec<WeightedPosition>]) -> Result<Integrals> {
        let rows = self.input.rows();
        let rules = Rules::new(rules, rows)?;
        self.check_changes()?;
        let observer = Observer::new(self.input);
        let mut totals: Vec<Batch> = Vec::new();
        let mut errors: Vec<Option<f64>> = Vec::with_capacity(rows);
        let mut share_errors: Vec<Option<Vec<f64>>> = Vec::with_capacity(rows);
        let mut scores = Vec::with_capacity(rows);
        let mut block: Option<Block> = None;
        let work = Work::start(self.schedule, self.input, rows * rules.steps)?;
        let is_whole = |chunk: &Chunk| chunk.repeats.len() == rules.steps;
        work.run(
            &work.chunks_of_rows(rows, 0..rules.steps),
            |chunk| {
                let summed = self.sum_up(&rules, &observer, chunk)?;
                if !is_whole(chunk) {
                    return Ok(Evaluated::Part(summed));
                }
                // Rows of a table are judged on the workers too.
                let mut block = Block::new(self, chunk, rules.steps);
                block.receive(&rules, chunk, summed);
                Ok(Evaluated::Done(block.finish(|row| self.shares_of(&observer, row))))
            },
            |chunk, evaluated| {
                let done = match evaluated {
                    Evaluated::Done(done) => done,
                    Evaluated::Part(summed) => {
                        let open =
                            block.get_or_insert_with(|| Block::new(self, chunk, rules.steps));
                        open.receive(&rules, chunk, summed);
                        if chunk.repeats.end < rules.steps {
                            return Ok(());
                        }
                        let whole = block.take().expect("an open block");
                        whole.finish(|row| self.shares_of(&observer, row))
                    }
                };
                totals.push(done.total);
                errors.extend(done.errors);
                share_errors.extend(done.share_errors);
                scores.extend(done.scores);
                Ok(())
            },
        )?;
        let evaluations = vec![rules.steps; rows];
        let (values, errors) = (Batch::stack(&totals), errors.into_iter().collect());
        let share_errors = self.shares.and_then(|_| share_errors.into_iter().collect());
        Ok(Integrals { values, errors, share_errors, converged: None, evaluations, scores })
    }

    /// Returns the weights of the sampled values in the shares of a row.
    pub(super) fn shares_of(&self, observer: &Observer, row: usize) -> Vec<Share> {
        self.shares.map_or_else(Vec::new, |shares| observer.shares(&shares[row]))
    }

    /// Evaluates a chunk of consecutive points, and sums them up.
    fn sum_up(&self, rules: &Rules, observer: &Observer, chunk: &Chunk) -> Result<Summed> {
        let mut positions = Vec::with_capacity(chunk.items());
        let mut weights = Vec::with_capacity(chunk.items());
        for k in chunk.repeats.clone() {
            for row in chunk.rows.clone() {
                let at = rules.of(row).points()[k];
                positions.push(at.position);
                weights.push(at.weight);
            }
        }
        let found = self.evaluate(observer, &chunk.row_of_each(), &positions)?;
        let bad = |(_, observed): &(usize, &Observation)| !observed.is_finite();
        let mut bad_points = found.observed.iter().enumerate().filter(bad);
        if let Some((first, observed)) = bad_points.next() {
            let points = std::iter::once(first).chain(bad_points.map(|(point, _)| point));
            let error = Error::not_finite_rows(stage_of(observed), points);
            return Err(error.expect("at least one point"));
        }
        let total = found.contributions.scale_rows(&weights).sum_repeats(chunk.repeats.len());
        Ok(Summed { total, observed: found.observed })
    }

    /// Integrates each row until its estimated error is small enough, or `limit` gradients (at least
    /// [`LEAST`](Self::LEAST)) are taken.
    ///
    /// # Errors
    /// Those of [`fixed`](Self::fixed); [`Error::InvalidOption`] if the tolerance is not in (0, 1],
    /// if it is for shares and none are asked for, or if the limit is too small.
    pub fn to_tolerance(&self, tolerance: Tolerance, limit: usize) -> Result<Integrals> {
        tolerance.check(self.shares)?;
        if limit < Self::LEAST {
            let expected = format!("at least {}", Self::LEAST);
            return Err(Error::invalid_option("limit", expected, limit));
        }
        self.check_changes()?;
        let (rows, width) = (self.input.rows(), self.input.width());
        // Integrate several rows together if there is room to keep enough points of each.
        let together = (KEPT_VALUES / (2 * width * KEPT_POINTS)).clamp(1, rows);
        let most_nodes = (KEPT_VALUES / (2 * width * together)).max(LEAST_KEPT);
        let expected = limit.min(EXPECTED);
        let work = Work::start(self.schedule, self.input, rows * expected)?;
        let observer = Observer::new(self.input);
        let goal = Goal { tolerance, limit };
        let mut finished: Vec<Finished> = Vec::with_capacity(rows);
        for start in (0..rows).step_by(together) {
            let end = rows.min(start + together);
            let open = (start..end).map(|row| self.open_path(&observer, row, most_nodes)).collect();
            finished.extend(self.settle(&work, &observer, &goal, open, (rows - end) * expected)?);
        }
        work.finish();
        Ok(self.collect(finished))
    }

    /// Takes points on some paths until each of them is done, and returns their integrals in the
    /// order of rows. `later` more gradients are expected for other rows.
    pub(super) fn settle(
        &self,
        work: &Work,
        observer: &Observer,
        goal: &Goal,
        mut open: Vec<OpenPath>,
        later: usize,
    ) -> Result<Vec<Finished>> {
        let mut done = Vec::with_capacity(open.len());
        while !open.is_empty() {
            self.receive_asked(work, observer, &mut open)?;
            // A table has many rows, and each takes a while to judge.
            let advanced: Result<Vec<Advanced>> = open
                .into_par_iter()
                .map(|path| work.check_cancelled().map(|()| path.advance(goal)))
                .collect();
            let mut unfinished = Vec::new();
            for path in advanced? {
                match path {
                    Advanced::Open(path) => unfinished.push(path),
                    Advanced::Finished(result) => done.push(result),
                }
            }
            open = unfinished;
            let forecast: usize = open.iter().map(|open| open.forecast).sum();
            work.expect_more(forecast + later);
        }
        done.sort_by_key(|result| result.row);
        Ok(done)
    }

    /// Puts the integrals of all rows together.
    pub(super) fn collect(&self, finished: Vec<Finished>) -> Integrals {
        let values: Vec<Batch> = finished.iter().map(|result| result.values.clone()).collect();
        Integrals {
            values: Batch::stack(&values),
            converged: Some(finished.iter().map(|result| result.converged).collect()),
            share_errors: self
                .shares
                .map(|_| finished.iter().map(|result| result.share_errors.clone()).collect()),
            errors: Some(finished.iter().map(|result| result.error).collect()),
            evaluations: finished.iter().map(|result| result.evaluations).collect(),
            scores: finished.into_iter().map(|result| result.scores).collect(),
        }
    }

    /// The least number of gradients that [`to_tolerance`](Self::to_tolerance) takes for a row.
    pub const LEAST: usize = AdaptivePath::LEAST;

    /// Returns the path of a row, on which nothing is known yet.
    fn open_path(&self, observer: &Observer, row: usize, most_nodes: usize) -> OpenPath {
        OpenPath {
            row,
            path: AdaptivePath::new(self.change(row), most_nodes),
            shares: self.shares_of(observer, row),
            slots: Vec::new(),
            forecast: 0,
        }
    }

    /// Returns the change of score of a row, with the places of the path's ends.
    fn change(&self, row: usize) -> ScoreChange {
        self.changes[row].with_places(self.shape.place(0.0), self.shape.place(1.0))
    }

    /// Refuses the changes of score unless there is one for each row.
    pub(super) fn check_changes(&self) -> Result<()> {
        let (rows, found) = (self.input.rows(), self.changes.len());
        if found == rows {
            return Ok(());
        }
        Err(Error::invalid_option(
            "changes of score",
            format!("one for each of {rows} rows"),
            found,
        ))
    }

    /// Evaluates all positions that the open paths ask for, and hands them the contributions.
    fn receive_asked(&self, work: &Work, observer: &Observer, open: &mut [OpenPath]) -> Result<()> {
        let mut asked = Vec::new();
        for (at, open) in open.iter().enumerate() {
            let row = open.row;
            asked.extend(open.path.asked().map(|position| Asked { open: at, row, position }));
        }
        if asked.is_empty() {
            return Ok(());
        }
        let received = work.run(
            &work.chunks(asked.len(), 0..1),
            |chunk| {
                let (rows, positions): (Vec<usize>, Vec<f64>) = asked[chunk.rows.clone()]
                    .iter()
                    .map(|asked| (asked.row, asked.position))
                    .unzip();
                self.evaluate(observer, &rows, &positions)
            },
            |chunk, found: PathEvaluation| {
                for (at, observed) in found.observed.into_iter().enumerate() {
                    let point = chunk.rows.start + at;
                    // Copied by a multiplication, because a slice of a tensor would keep the whole
                    // tensor in memory.
                    let contribution = found.contributions.narrow(at, 1);
                    let contribution = contribution.map(|part| part.mul_scalar(1.0));
                    open[asked[point].open].receive(contribution, observed, point)?;
                }
                Ok(())
            },
        );
        received.map_err(|error: Error| error.with_rows(|point| asked[point].row))
    }
}

impl std::fmt::Debug for PathIntegral<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PathIntegral")
            .field("target", self.target)
            .field("changes", &self.changes)
            .field("schedule", self.schedule)
            .finish_non_exhaustive()
    }
}

/// The rules of all rows: one for all, or one for each.
struct Rules {
    rules: Vec<FixedRule>,
    steps: usize,
}

impl Rules {
    /// Checks that there is one rule, or one for each row, and that all have as many positions.
    fn new(rules: &[Vec<WeightedPosition>], rows: usize) -> Result<Self> {
        if rules.len() != 1 && rules.len() != rows {
            let expected = format!("one, or one for each of {rows} rows");
            return Err(Error::invalid_option("rules", expected, rules.len()));
        }
        let steps = rules[0].len();
        let other = rules.iter().map(Vec::len).find(|len| *len != steps || *len == 0);
        if let Some(other) = other {
            let expected = format!("of {} positions like the first", steps.max(1));
            return Err(Error::invalid_option("rules", expected, other));
        }
        Ok(Self { rules: rules.iter().map(|rule| FixedRule::new(rule)).collect(), steps })
    }

    fn of(&self, row: usize) -> &FixedRule {
        &self.rules[row.min(self.rules.len() - 1)]
    }
}

/// Returns the stage at which a point's contributions or its score became infinite or NaN.
pub(super) fn stage_of(observed: &Observation) -> Stage {
    if observed.size.is_finite() { Stage::PathScore } else { Stage::Gradient }
}

/// The condition under which a row is done.
pub(super) struct Goal {
    pub tolerance: Tolerance,
    pub limit: usize,
}

impl Goal {
    /// Returns the error that must meet the tolerance.
    fn error_of(&self, judged: &Judged) -> f64 {
        match self.tolerance {
            Tolerance::Map(_) => judged.error,
            Tolerance::Shares(_) => judged.share_errors.iter().copied().fold(0.0, f64::max),
        }
    }
}

/// A position that a path asks for.
struct Asked {
    /// The path's place among those that are open.
    open: usize,
    row: usize,
    position: f64,
}

/// The path of a row that needs more points.
pub(super) struct OpenPath {
    row: usize,
    path: AdaptivePath,
    /// The shares whose errors are estimated, with the weights of the sampled values.
    shares: Vec<Share>,
    /// The contributions, added up as the path says.
    slots: Vec<Option<Batch>>,
    /// The gradients that are still expected.
    forecast: usize,
}

/// The integral of a row that is done.
pub(super) struct Finished {
    row: usize,
    values: Batch,
    error: f64,
    share_errors: Vec<f64>,
    converged: bool,
    evaluations: usize,
    scores: Vec<PathScore>,
}

/// A path after one more round of points.
enum Advanced {
    Open(OpenPath),
    Finished(Finished),
}

impl OpenPath {
    /// Returns the path of a row that was walked, with the contributions at its corners.
    pub fn walked(row: usize, change: ScoreChange, kept: KeptRow, shares: Vec<Share>) -> Self {
        let path = AdaptivePath::walked(change, kept.observed);
        Self { row, path, shares, slots: kept.slots, forecast: 0 }
    }

    /// Takes the contributions at the first position that the path asks for.
    fn receive(&mut self, contribution: Batch, observed: Observation, point: usize) -> Result<()> {
        let finite = observed.is_finite();
        let refused = (!finite).then(|| Error::not_finite(stage_of(&observed), point));
        match self.path.receive(observed) {
            Received::Add(slot) => {
                self.slots.resize(self.slots.len().max(slot + 1), None);
                add(&mut self.slots[slot], contribution);
                Ok(())
            }
            Received::Leave => Ok(()),
            Received::Refuse => Err(refused.expect("a point that is not finite")),
        }
    }

    /// Estimates the error so far, and asks for more points if it is too large.
    fn advance(mut self, goal: &Goal) -> Advanced {
        let judged = self.path.judge(&self.shares);
        let (taken, error) = (self.path.received(), goal.error_of(&judged));
        let tolerance = goal.tolerance.error();
        if error > tolerance {
            // Errors fall with the number of points.
            let needed = taken as f64 * error / tolerance;
            let next = needed.min(taken as f64 * growth(taken)).round() as usize;
            let least = self.path.least_refinement().max(1 + taken / 16);
            let next = next.max(taken + least).min(goal.limit);
            self.path.refine(&judged, next - taken);
            self.forecast = (needed as usize).clamp(next, goal.limit) - taken;
        }
        if self.path.asked().next().is_some() {
            return Advanced::Open(self);
        }
        Advanced::Finished(self.finish(judged, error <= tolerance))
    }

    /// Adds up the contributions.
    fn finish(self, judged: Judged, converged: bool) -> Finished {
        let mut values = None;
        for (slot, weight) in self.slots.iter().flatten().zip(self.path.weights()) {
            add(&mut values, slot.map(|part| part.mul_scalar(weight)));
        }
        Finished {
            row: self.row,
            values: values.expect("a point on the path"),
            error: judged.error,
            share_errors: judged.share_errors,
            converged,
            evaluations: self.path.received(),
            scores: self.path.scores(),
        }
    }
}

/// Returns the factor by which the number of points may grow before the error is estimated again.
/// It is small at first, because a few points do not show well where more are needed. It is larger
/// later, because many points that are placed at once can be spread more evenly.
fn growth(points: usize) -> f64 {
    if points < 20 { 2f64.sqrt() } else { 3.0 }
}
