//! Integrals along the paths of all rows to a tolerance.

use crate::error::{Error, Result};
use crate::execution::chunks::Chunks;
use crate::execution::work::Work;
use crate::input::batch::{Batch, add, from_host};
use crate::path::adaptive::{AdaptivePath, Judged, Received};
use crate::path::error_estimate::ErrorEstimate;
use crate::path::integral::{Integrals, PathEvaluation, PathIntegral, stage_of};
use crate::path::kept_row::KeptRow;
use crate::path::observation::{Observation, Observer};
use crate::path::score_change::ScoreChange;
use crate::path::shape::PathScore;
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

/// A kept point takes as much memory as this many numbers, beside its contributions.
const OVERHEAD: usize = 32;

/// A worker takes as many rows of a table at a time as have this many values. Fewer would be too few
/// for the last points, which only some rows need.
const SEGMENT_VALUES: usize = 1 << 14;

/// Paths are judged in groups of about this many values on one thread.
const JUDGED_TOGETHER: usize = 1 << 10;

impl PathIntegral<'_> {
    /// The least number of gradients that [`to_tolerance`](Self::to_tolerance) takes for a row.
    pub const LEAST: usize = AdaptivePath::LEAST;

    /// Integrates each row until its estimated error is small enough, or `limit` gradients (at least
    /// [`LEAST`](Self::LEAST)) are taken.
    ///
    /// Rows are taken in blocks, so that memory does not grow with their number, except for the
    /// integrals themselves. A row's points do not depend on the other rows.
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
        let observer = Observer::new(self.input);
        // Integrate several rows together if there is room to keep enough points of each.
        let of_point = numbers_of_point(&observer, width).max(2 * width);
        let together = (KEPT_VALUES / (of_point * KEPT_POINTS)).clamp(1, rows);
        let expected = limit.min(EXPECTED);
        let work = Work::start(self.schedule, self.input, rows * expected)?;
        let goal = Goal { tolerance, limit };
        let segment = (SEGMENT_VALUES / width).max(1);
        if observer.is_whole() && work.is_on_cpu() && rows > segment {
            return self.in_segments(&work, &observer, &goal, segment);
        }
        let mut gathered = Gathered::new(self);
        for start in (0..rows).step_by(together) {
            let end = rows.min(start + together);
            let open = (start..end).map(|row| self.open_path(&observer, row)).collect();
            gathered.add(self.settle(&work, &observer, &goal, open, (rows - end) * expected)?);
        }
        work.finish();
        Ok(gathered.finish())
    }

    /// Integrates the rows of a table: a worker takes some rows at a time, from the first point to the
    /// last.
    fn in_segments(
        &self,
        work: &Work,
        observer: &Observer,
        goal: &Goal,
        segment: usize,
    ) -> Result<Integrals> {
        let rows = self.input.rows();
        let expected = goal.limit.min(EXPECTED);
        let silent = self.schedule.silent();
        let mut gathered = Gathered::new(self);
        work.run_counted(
            &Chunks::new(rows, 0..1, segment),
            |chunk| {
                let open = chunk.rows.clone().map(|row| self.open_path(observer, row)).collect();
                let inside = Work::start(&silent, self.input, 0)?;
                let finished = self.settle(&inside, observer, goal, open, 0);
                let mut of_segment = Gathered::new(self);
                // Errors number rows within the chunk.
                of_segment
                    .add(finished.map_err(|error| error.with_rows(|row| row - chunk.rows.start))?);
                Ok(of_segment)
            },
            |chunk, of_segment| {
                let taken = of_segment.evaluations.iter().sum();
                work.expect_more(taken + (rows - chunk.rows.end) * expected);
                gathered.append(of_segment);
                Ok(taken)
            },
        )?;
        work.finish();
        Ok(gathered.finish())
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
        let of_point = numbers_of_point(observer, self.input.width());
        let group = (JUDGED_TOGETHER / self.input.width()).max(1);
        while !open.is_empty() {
            // The first paths take more points, as many paths as there is room for.
            let active = active_paths(&open, of_point);
            self.receive_asked(work, observer, &mut open[..active])?;
            // A table has many rows, and each takes a while to judge.
            let scratch = || ErrorEstimate::new(0);
            work.for_each(&mut open[..active], group, scratch, |path, scratch| {
                path.advance(goal, self.keep_scores, scratch);
            })?;
            open.retain_mut(|path| match path.finished() {
                Some(finished) => {
                    done.push(finished);
                    false
                }
                None => true,
            });
            let forecast: usize = open.iter().map(|open| open.forecast).sum();
            work.expect_more(forecast + later);
        }
        done.sort_by_key(|result| result.row);
        Ok(done)
    }

    /// Returns the path of a row, on which nothing is known yet.
    fn open_path(&self, observer: &Observer, row: usize) -> OpenPath {
        let most_nodes = (KEPT_VALUES / (2 * self.input.width())).max(LEAST_KEPT);
        let path = AdaptivePath::new(self.change(row), most_nodes);
        OpenPath::new(row, path, Vec::new(), self.shares_of(observer, row))
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
                let PathEvaluation { contributions, observed } =
                    self.evaluate(observer, &rows, &positions)?;
                // What is observed of a small row is the whole row.
                let contributions = (!observer.is_whole()).then_some(contributions);
                Ok((contributions, observed))
            },
            |chunk, (contributions, observed)| {
                for (at, observed) in observed.into_iter().enumerate() {
                    let point = chunk.rows.start + at;
                    // Copied by a multiplication, because a slice of a tensor would keep the whole
                    // tensor in memory.
                    let contribution = contributions.as_ref().map(|contributions: &Batch| {
                        contributions.narrow(at, 1).map(|part| part.mul_scalar(1.0))
                    });
                    open[asked[point].open].receive(contribution, observed, point)?;
                }
                Ok(())
            },
        );
        received.map_err(|error: Error| error.with_rows(|point| asked[point].row))
    }
}

/// Returns the numbers in single precision that a kept point of a row takes.
fn numbers_of_point(observer: &Observer, width: usize) -> usize {
    let on_device = if observer.is_whole() { 0 } else { width };
    // Observations are in double precision.
    on_device + 2 * observer.sampled(width) + OVERHEAD
}

/// Returns how many of the first paths there is room for to take the points that they ask for, at
/// least one. The others keep what they have, and wait.
fn active_paths(open: &[OpenPath], of_point: usize) -> usize {
    let kept: usize = open.iter().map(|open| open.path.kept()).sum();
    let mut room = (KEPT_VALUES / of_point).saturating_sub(kept);
    let fits = |open: &&OpenPath| {
        let asked = open.path.asked().count();
        let fits = asked <= room;
        room = room.saturating_sub(asked);
        fits
    };
    open.iter().take_while(fits).count().max(1)
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

/// The path of a row that needs more points, or is finished.
pub(super) struct OpenPath {
    row: usize,
    path: AdaptivePath,
    /// The shares whose errors are estimated, with the weights of the sampled values.
    shares: Vec<Share>,
    /// The contributions, added up as the path says; empty if what is observed is the whole row.
    slots: Vec<Option<Batch>>,
    /// The gradients that are still expected.
    forecast: usize,
    /// The integral, if no more points are asked for. Contributions on the device are not in it yet.
    finished: Option<Finished>,
}

/// The integral of a row that is done.
pub(super) struct Finished {
    row: usize,
    values: RowValues,
    error: f64,
    share_errors: Vec<f64>,
    converged: bool,
    evaluations: usize,
    scores: Vec<PathScore>,
}

/// The integrals of a row's values.
enum RowValues {
    /// On the host, for a small row.
    Host(Vec<f64>),
    Device(Batch),
}

impl OpenPath {
    fn new(row: usize, path: AdaptivePath, slots: Vec<Option<Batch>>, shares: Vec<Share>) -> Self {
        Self { row, path, shares, slots, forecast: 0, finished: None }
    }

    /// Returns the path of a row that was walked, with the contributions at its corners.
    pub fn walked(row: usize, change: ScoreChange, kept: KeptRow, shares: Vec<Share>) -> Self {
        let path = AdaptivePath::walked(change, kept.observed);
        Self::new(row, path, kept.slots, shares)
    }

    /// Takes the contributions at the first position that the path asks for. Those of a small row
    /// are in the observation.
    fn receive(
        &mut self,
        contribution: Option<Batch>,
        observed: Observation,
        point: usize,
    ) -> Result<()> {
        let finite = observed.is_finite();
        let refused = (!finite).then(|| Error::not_finite(stage_of(&observed), point));
        match self.path.receive(observed) {
            Received::Add(slot) => {
                if let Some(contribution) = contribution {
                    self.slots.resize(self.slots.len().max(slot + 1), None);
                    add(&mut self.slots[slot], contribution);
                }
                Ok(())
            }
            Received::Leave => Ok(()),
            Received::Refuse => Err(refused.expect("a point that is not finite")),
        }
    }

    /// Estimates the error so far, and asks for more points if it is too large. Otherwise the path is
    /// finished. `scratch` is memory to use again.
    fn advance(&mut self, goal: &Goal, keep_scores: bool, scratch: &mut ErrorEstimate) {
        let judged = self.path.judge(&self.shares, scratch);
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
            return;
        }
        self.finished = Some(Finished {
            row: self.row,
            values: RowValues::Host(judged.values),
            error: judged.error,
            share_errors: judged.share_errors,
            converged: error <= tolerance,
            evaluations: taken,
            scores: if keep_scores { self.path.scores() } else { Vec::new() },
        });
        if self.slots.is_empty() {
            // Freed by the thread that has the row.
            self.path.clear();
        }
    }

    /// Returns the integral, if the path is finished.
    fn finished(&mut self) -> Option<Finished> {
        let finished = self.finished.take()?;
        let mut values = None;
        if !self.slots.is_empty() {
            for (slot, weight) in self.slots.iter().flatten().zip(self.path.weights()) {
                add(&mut values, slot.map(|part| part.mul_scalar(weight)));
            }
        }
        let values = values.map_or(finished.values, RowValues::Device);
        Some(Finished { values, ..finished })
    }
}

/// Returns the factor by which the number of points may grow before the error is estimated again.
/// It is small at first, because a few points do not show well where more are needed. It is larger
/// later, because many points that are placed at once can be spread more evenly.
fn growth(points: usize) -> f64 {
    if points < 20 { 2f64.sqrt() } else { 3.0 }
}

/// The integrals of all rows so far, block by block.
pub(super) struct Gathered {
    /// A row in the form of the integrals.
    like: Batch,
    values: Vec<Batch>,
    errors: Vec<f64>,
    share_errors: Option<Vec<Vec<f64>>>,
    converged: Vec<bool>,
    evaluations: Vec<usize>,
    scores: Vec<Vec<PathScore>>,
}

impl Gathered {
    /// Starts with no rows.
    pub fn new(integral: &PathIntegral) -> Self {
        Self {
            like: integral.input.narrow(0, 1).widened(),
            values: Vec::new(),
            errors: Vec::new(),
            share_errors: integral.shares.map(|_| Vec::new()),
            converged: Vec::new(),
            evaluations: Vec::new(),
            scores: Vec::new(),
        }
    }

    /// Adds the rows of a block, which follow those before.
    pub fn add(&mut self, block: Vec<Finished>) {
        let (mut on_host, mut on_device) = (Vec::new(), Vec::new());
        for row in block {
            match row.values {
                RowValues::Host(values) => on_host.push(values),
                RowValues::Device(values) => on_device.push(values),
            }
            self.errors.push(row.error);
            self.share_errors.iter_mut().for_each(|all| all.push(row.share_errors.clone()));
            self.converged.push(row.converged);
            self.evaluations.push(row.evaluations);
            self.scores.push(row.scores);
        }
        self.values.push(if on_device.is_empty() {
            from_host(&on_host, &self.like)
        } else {
            Batch::stack(&on_device)
        });
    }

    /// Adds rows that follow those before.
    fn append(&mut self, mut more: Self) {
        self.values.append(&mut more.values);
        self.errors.append(&mut more.errors);
        if let Some((all, more)) = self.share_errors.as_mut().zip(more.share_errors) {
            all.extend(more);
        }
        self.converged.append(&mut more.converged);
        self.evaluations.append(&mut more.evaluations);
        self.scores.append(&mut more.scores);
    }

    /// Returns the integrals of all rows.
    pub fn finish(self) -> Integrals {
        Integrals {
            values: Batch::stack(&self.values),
            errors: Some(self.errors),
            share_errors: self.share_errors,
            converged: Some(self.converged),
            evaluations: self.evaluations,
            scores: self.scores,
        }
    }
}
