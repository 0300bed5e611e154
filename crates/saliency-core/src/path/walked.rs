//! Integrals of gradients along paths that are found on the way.

use std::ops::Range;

use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::work::Work;
use crate::input::batch::{Batch, add};
use crate::path::error_estimate::{ErrorEstimate, Estimated, Gap};
use crate::path::integral::{Integrals, PathIntegral, stage_of};
use crate::path::kept_row::KeptRow;
use crate::path::observation::{Observation, Observer};
use crate::path::polyline::Polyline;
use crate::path::score_change::ScoreChange;
use crate::path::shape::PathScore;
use crate::path::to_tolerance::{EXPECTED, Gathered, Goal, KEPT_VALUES, OpenPath};
use crate::path::walk::Walk;
use crate::share::{Share, Tolerance};

/// Some rows on their way.
struct Walker {
    rows: Range<usize>,
    /// The corner that they have reached.
    at: Batch,
    /// The last move times the number of moves: the tangent of the path there.
    tangents: Option<Batch>,
}

/// The contributions at one corner of some rows, and the way from there.
struct Corner {
    walker: Walker,
    scores: Vec<f64>,
    /// The contributions at the end of the move to this corner.
    arrived: Option<Contributions>,
    /// The contributions at the start of the move from this corner.
    leaving: Option<Contributions>,
}

/// Contributions on a device, and what was observed of them.
struct Contributions {
    values: Batch,
    observed: Vec<Observation>,
}

/// The sum along the path of one row.
struct WalkedRow {
    change: ScoreChange,
    /// What was observed at the start of the last move.
    left: Option<Observation>,
    estimate: Option<ErrorEstimate>,
    integral: Observation,
    /// The integral of the L1 norm of the sampled contributions.
    sampled: f64,
    scores: Vec<PathScore>,
}

impl PathIntegral<'_> {
    /// Walks along the paths of all rows, and adds up the gradient at the start of each move times
    /// the move. The path of this integral itself is not used.
    pub(crate) fn walked(&self, walk: &dyn Walk) -> Result<Integrals> {
        self.check_changes()?;
        let rows = self.input.rows();
        let observer = Observer::new(self.input);
        let work = Work::start(self.schedule, self.input, rows * (walk.moves() + 1))?;
        let part = 1.0 / walk.moves() as f64;
        let mut sums: Vec<WalkedRow> = self.changes.iter().map(WalkedRow::new).collect();
        let mut totals: Vec<Option<Batch>> = Vec::new();
        self.walk(&work, &observer, walk, 0..rows, |taken, chunk, corner| {
            totals.resize(totals.len().max(chunk.block + 1), None);
            if let Some(leaving) = &corner.leaving {
                let step = leaving.values.map(|values| values.mul_scalar(part));
                add(&mut totals[chunk.block], step);
            }
            let position = taken as f64 * part;
            for (at, row) in corner.walker.rows.clone().enumerate() {
                let score = PathScore { position, score: corner.scores[at] };
                let of_row = |found: &Option<Contributions>| {
                    found.as_ref().map(|found| found.observed[at].clone())
                };
                sums[row].receive(score, of_row(&corner.arrived), of_row(&corner.leaving), part);
            }
            Ok(())
        })?;
        let totals: Option<Vec<Batch>> = totals.into_iter().collect();
        let shares =
            |row: usize, sum: &WalkedRow| sum.share_errors(&self.shares_of(&observer, row));
        Ok(Integrals {
            values: Batch::stack(&totals.expect("at least one move")),
            errors: sums.iter().map(WalkedRow::error).collect(),
            share_errors: self
                .shares
                .and_then(|_| sums.iter().enumerate().map(|(row, sum)| shares(row, sum)).collect()),
            converged: None,
            evaluations: vec![walk.moves() + 1; rows],
            scores: sums.into_iter().map(|sum| sum.scores).collect(),
        })
    }

    /// Walks along the path of each row, and takes gradients between its corners until the estimated
    /// error of the integral along this path is small enough, or `limit` gradients are taken.
    pub(crate) fn walked_to_tolerance(
        &self,
        walk: &dyn Walk,
        tolerance: Tolerance,
        limit: usize,
    ) -> Result<Integrals> {
        tolerance.check(self.shares)?;
        self.check_changes()?;
        let (rows, width, moves) = (self.input.rows(), self.input.width(), walk.moves());
        // The corners are kept, and two contributions at each.
        let together = (KEPT_VALUES / (3 * width * (moves + 1))).clamp(1, rows);
        let expected = limit.min(moves + EXPECTED);
        let work = Work::start(self.schedule, self.input, rows * expected)?;
        let observer = Observer::new(self.input);
        let goal = Goal { tolerance, limit };
        let mut gathered = Gathered::new(self);
        for start in (0..rows).step_by(together) {
            let block = start..rows.min(start + together);
            let later = (rows - block.end) * expected;
            let kept = self.keep_walk(&work, &observer, walk, block.clone())?;
            let along = PathIntegral { shape: &kept.path, ..*self };
            let open = kept.rows.into_iter().zip(block);
            let open = open.map(|(kept, row)| along.open_walked(&observer, kept, row)).collect();
            gathered.add(along.settle(&work, &observer, &goal, open, later)?);
        }
        work.finish();
        Ok(gathered.finish())
    }

    /// Walks along the paths of some rows, and keeps all that is found on the way.
    fn keep_walk(
        &self,
        work: &Work,
        observer: &Observer,
        walk: &dyn Walk,
        rows: Range<usize>,
    ) -> Result<KeptWalk> {
        let first = rows.start;
        let mut kept: Vec<KeptRow> = rows.clone().map(|_| KeptRow::default()).collect();
        let mut corners: Vec<Vec<Batch>> = Vec::with_capacity(walk.moves() + 1);
        self.walk(work, observer, walk, rows, |taken, _, corner| {
            corners.resize_with(taken + 1, Vec::new);
            corners[taken].push(corner.walker.at.clone());
            for found in [corner.arrived, corner.leaving].into_iter().flatten() {
                for (at, observed) in found.observed.into_iter().enumerate() {
                    let row = &mut kept[corner.walker.rows.start + at - first];
                    if !observer.is_whole() {
                        // A copy, because a slice of a tensor would keep the whole tensor in memory.
                        let values = found.values.narrow(at, 1).map(|part| part.mul_scalar(1.0));
                        row.slots.push(Some(values));
                    }
                    row.observed.push(observed);
                }
            }
            Ok(())
        })?;
        let corners = corners.iter().map(|chunks| Batch::stack(chunks)).collect();
        Ok(KeptWalk { path: Polyline { first, corners }, rows: kept })
    }

    /// Walks from corner to corner, all rows at a time, and hands each corner of each chunk of rows
    /// to `receive`, in order.
    fn walk(
        &self,
        work: &Work,
        observer: &Observer,
        walk: &dyn Walk,
        rows: Range<usize>,
        mut receive: impl FnMut(usize, &Chunk, Corner) -> Result<()> + Send,
    ) -> Result<()> {
        let chunks = work.chunks(rows.len(), 0..1);
        let mut walkers: Vec<Walker> = Vec::with_capacity(chunks.count());
        for chunk in (0..chunks.count()).map(|at| chunks.get(at)) {
            let rows = rows.start + chunk.rows.start..rows.start + chunk.rows.end;
            let at = walk.start(&rows.clone().collect::<Vec<_>>())?;
            walkers.push(Walker { rows, at, tangents: None });
        }
        for taken in 0..=walk.moves() {
            let mut next = Vec::with_capacity(walkers.len());
            let stepped = work.run(
                &chunks,
                |chunk| self.step(observer, walk, taken, &walkers[chunk.block]),
                |chunk, (corner, walker): (Corner, Option<Walker>)| {
                    next.extend(walker);
                    receive(taken, chunk, corner)
                },
            );
            stepped.map_err(|error: Error| error.with_rows(|row| rows.start + row))?;
            walkers = next;
        }
        Ok(())
    }

    /// Takes the gradients at a corner, and returns what they contribute and where they lead.
    fn step(
        &self,
        observer: &Observer,
        walk: &dyn Walk,
        taken: usize,
        walker: &Walker,
    ) -> Result<(Corner, Option<Walker>)> {
        let rows: Vec<usize> = walker.rows.clone().collect();
        let found = self.evaluator.gradient(walker.at.clone(), &self.target.select(&rows))?;
        let scores = found.scores()?;
        let gradients = found.gradients.widened();
        gradients.check_finite(Stage::Gradient)?;
        let positions = vec![taken as f64 / walk.moves() as f64; rows.len()];
        let contribute = |tangents: &Batch| -> Result<Contributions> {
            let tangents = tangents.widened();
            let values = self.contribution.at(gradients.clone(), &tangents, &positions)?;
            let observed = observer.observe(&values, &scores)?;
            let bad = observed.iter().enumerate().filter(|(_, observed)| !observed.is_finite());
            let bad: Vec<usize> = bad.map(|(row, _)| row).collect();
            match bad.first().map(|&row| stage_of(&observed[row])) {
                Some(stage) => Err(Error::not_finite_rows(stage, bad).expect("a row")),
                None => Ok(Contributions { values, observed }),
            }
        };
        let arrived = walker.tangents.as_ref().map(&contribute).transpose()?;
        let mut next = None;
        if taken < walk.moves() {
            // The last move leads to the input, whatever was lost to rounding on the way.
            let end = self.input.narrow(walker.rows.start, rows.len());
            let at = if taken + 1 == walk.moves() {
                end
            } else {
                walk.next(&rows, taken, &walker.at, &gradients)?.with_fixed_of(&end)
            };
            let moves = walk.moves() as f64;
            let tangents = at.zip(&walker.at, |to, from| (to - from).mul_scalar(moves));
            let tangents = Some(tangents.without_fixed());
            next = Some(Walker { rows: walker.rows.clone(), at, tangents });
        }
        let tangents = next.as_ref().and_then(|next| next.tangents.as_ref());
        let leaving = tangents.map(&contribute).transpose()?;
        let walker = Walker { rows: walker.rows.clone(), at: walker.at.clone(), tangents: None };
        Ok((Corner { walker, scores, arrived, leaving }, next))
    }

    /// Returns the path of a row along which gradients are known at the corners.
    fn open_walked(&self, observer: &Observer, kept: KeptRow, row: usize) -> OpenPath {
        OpenPath::walked(row, self.changes[row], kept, self.shares_of(observer, row))
    }
}

/// The paths of some rows, and the contributions at their corners.
struct KeptWalk {
    path: Polyline,
    rows: Vec<KeptRow>,
}

impl WalkedRow {
    fn new(change: &ScoreChange) -> Self {
        Self {
            change: *change,
            left: None,
            estimate: None,
            integral: Observation::default(),
            sampled: 0.0,
            scores: Vec::new(),
        }
    }

    /// Takes what was observed at the next corner: at the end of the move to it, and at the start of
    /// the move from it. Each move is `part` of the path.
    fn receive(
        &mut self,
        score: PathScore,
        arrived: Option<Observation>,
        leaving: Option<Observation>,
        part: f64,
    ) {
        if let Some((from, to)) = self.left.take().zip(arrived) {
            self.judge(&from, &to, part);
        }
        if let Some(leaving) = &leaving {
            self.integral.add(leaving, part);
            self.sampled += part * leaving.sampled_size();
        }
        self.scores.push(score);
        self.left = leaving;
    }

    /// Adds a move to the estimate. The gradient at its start stands for all of it.
    fn judge(&mut self, from: &Observation, to: &Observation, part: f64) {
        let pairs = to.sample.iter().zip(&from.sample);
        let difference: Vec<f64> = pairs.map(|(to, from)| to - from).collect();
        let sampled: f64 = difference.iter().map(|value| value.abs()).sum();
        let size = self.each() * sampled;
        let missing = self.change.missing(part * from.sum, from.score, to.score);
        let estimate = self.estimate.get_or_insert_with(|| ErrorEstimate::new(difference.len()));
        let difference = &difference[..];
        estimate.add(&Gap { width: part, difference, size, missing, rough: 1.0, lean: 0.5 });
    }

    /// Returns the number of values that each sampled one stands for.
    fn each(&self) -> f64 {
        if self.sampled > 0.0 { self.integral.size / self.sampled } else { 1.0 }
    }

    fn estimated(&self) -> Estimated<'_> {
        Estimated {
            values: &self.integral.sample,
            each: self.each(),
            change: &self.change,
            missing: self.change.missing(self.integral.sum, self.change.from, self.change.to),
            points: self.scores.len(),
        }
    }

    fn error(&self) -> Option<f64> {
        Some(self.estimate.as_ref()?.relative(&self.estimated()))
    }

    fn share_errors(&self, shares: &[Share]) -> Option<Vec<f64>> {
        let (estimate, estimated) = (self.estimate.as_ref()?, self.estimated());
        Some(shares.iter().map(|share| estimate.of_share(&estimated, share)).collect())
    }
}
