//! Integrals of gradients along the paths of all rows.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::evaluator::Evaluator;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::{Batch, add};
use crate::model::resolved_target::ResolvedTarget;
use crate::path::contribution::Contribution;
use crate::path::fixed::{FixedPath, FixedRule};
use crate::path::observation::{Observation, Observer};
use crate::path::quadrature::{PILOT, WeightedPosition};
use crate::path::score_change::ScoreChange;
use crate::path::shape::{PathScore, PathShape};
use crate::share::Share;

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
    /// Whether the scores at the points are returned. For many rows they take more memory than the
    /// integrals.
    pub keep_scores: bool,
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
    /// The scores at the points of each row, if they are asked for; otherwise empty lists. If a row
    /// has too many points to keep them all, only the scores at the kept points.
    pub scores: Vec<Vec<PathScore>>,
}

/// The contributions at points of a path, with the scores at these points.
pub(super) struct PathEvaluation {
    pub contributions: Batch,
    pub observed: Vec<Observation>,
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
    /// The scores at the points of each row; `None` if they are not asked for.
    scores: Option<Vec<Vec<PathScore>>>,
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
        let scores = || rows.clone().map(|_| Vec::with_capacity(steps)).collect();
        let scores = integral.keep_scores.then(scores);
        Self { rows, total: None, paths, scores }
    }

    /// Takes the points of a chunk. They come in order: first those of all rows at one position,
    /// then at the next.
    fn receive(&mut self, rules: &Rules, chunk: &Chunk, summed: Summed) {
        add(&mut self.total, summed.total);
        let mut observed = summed.observed.into_iter();
        for k in chunk.repeats.clone() {
            for (at, (row, observed)) in self.rows.clone().zip(observed.by_ref()).enumerate() {
                let rule = rules.of(row);
                if let Some(scores) = &mut self.scores {
                    let (position, score) = (rule.points()[k].position, observed.score);
                    scores[at].push(PathScore { position, score });
                }
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
            scores: self.scores.unwrap_or_else(|| vec![Vec::new(); self.rows.len()]),
        }
    }
}

impl PathIntegral<'_> {
    /// Computes each value's contribution, given the rows and the positions on their paths.
    /// Contributions may be infinite.
    pub(super) fn evaluate(
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

    /// Returns the change of score of a row, with the places of the path's ends.
    pub(super) fn change(&self, row: usize) -> ScoreChange {
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
    rules: Vec<Arc<FixedRule>>,
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
        let prepared = match rules {
            [alone] => vec![FixedRule::known(alone)],
            rules => rules.iter().map(|rule| Arc::new(FixedRule::new(rule))).collect(),
        };
        Ok(Self { rules: prepared, steps })
    }

    fn of(&self, row: usize) -> &FixedRule {
        &self.rules[row.min(self.rules.len() - 1)]
    }
}

/// Returns the stage at which a point's contributions or its score became infinite or NaN.
pub(super) fn stage_of(observed: &Observation) -> Stage {
    if observed.size.is_finite() { Stage::PathScore } else { Stage::Gradient }
}
