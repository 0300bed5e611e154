//! An average over copies of the input, random parts of which are covered.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::evaluator::Scored;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::groups::{Groups, Partition};
use crate::masks::copies::Copies;
use crate::methods::perturbation::coalitions::Game;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::samples::{Averaged, Draw, Samples};

/// The parts that are covered at random in an [`OverCovers`], and the values that their scores make.
pub trait Covers: Send + Sync {
    /// Returns the number of samples if nothing else is asked for.
    fn samples() -> Samples;

    /// Sets the groups of values that are covered together.
    fn set_groups(&mut self, groups: Groups);

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Explains the input of a question.
    ///
    /// # Errors
    /// Those of the method.
    fn explain(&self, question: &Question, sampling: &Sampling) -> Result<Attribution<Batch>>;
}

/// The options of every [`OverCovers`]: how many samples, from which seed, with which values, and on
/// which schedule.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sampling {
    pub(super) samples: Samples,
    pub(super) baseline: Baseline,
    pub(super) seed: u64,
    pub(super) schedule: Schedule,
}

impl Sampling {
    /// Scores input and baseline, and explains by the game of coalitions of these groups.
    pub(super) fn play(
        &self,
        question: &Question,
        groups: &Partition,
        explain: impl FnOnce(&Game, &Scored) -> Result<Attribution<Batch>>,
    ) -> Result<Attribution<Batch>> {
        let baseline = self.baseline.like(&question.input, &question.rows)?;
        let calls = self.samples.most().saturating_add(groups.count());
        let scored = question.resolve_for(&self.schedule, calls)?;
        let copies = Copies { question, target: &scored.target, baseline: &baseline };
        let baseline_scores = copies.baseline_scores(&self.schedule)?;
        let game = Game {
            copies: &copies,
            groups,
            scores: &scored.scores,
            baseline_scores: &baseline_scores,
            schedule: &self.schedule,
        };
        explain(&game, &scored)
    }

    /// Averages the maps that `draw` returns.
    pub(super) fn average(
        &self,
        copies: &Copies,
        scored: &Scored,
        draw: &Draw,
    ) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = copies.question;
        let (samples, shares) = (self.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, draw)?;
        let warnings = copies.warnings()?;
        let mut attribution = averaged.into_attribution(scored.clone(), rows)?;
        warnings.into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        Ok(attribution)
    }
}

/// An average over copies of the input, of which the covers `C` hide random parts.
///
/// Usually named by one of its aliases, which document the defaults: [`Rise`](crate::Rise),
/// [`ShapleySampling`](crate::ShapleySampling), [`KernelShap`](crate::KernelShap) and
/// [`Lime`](crate::Lime).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OverCovers<C> {
    pub(super) covers: C,
    pub(super) sampling: Sampling,
}

impl<C: Covers + Default> Default for OverCovers<C> {
    fn default() -> Self {
        let sampling = Sampling {
            samples: C::samples(),
            baseline: Baseline::default(),
            seed: 0,
            schedule: Schedule::default(),
        };
        Self { covers: C::default(), sampling }
    }
}

impl<C: Covers> OverCovers<C> {
    /// Returns the method with the defaults above.
    pub fn new() -> Self
    where
        C: Default,
    {
        Self::default()
    }

    /// Sets the groups of values that are covered together.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.covers.set_groups(groups);
        self
    }

    /// Sets a fixed number of samples, up to 1,000,000, instead of a tolerance.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.sampling.samples = self.sampling.samples.with_count(samples);
        self
    }

    /// Draws samples until the estimated relative L1 error of a row is at most `tolerance`, in
    /// (0, 1], or until the limit is reached.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.sampling.samples = self.sampling.samples.with_tolerance(tolerance);
        self
    }

    /// Sets the most samples that are drawn to reach a tolerance: up to 1,000,000.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.sampling.samples = self.sampling.samples.with_limit(samples);
        self
    }

    /// Sets the number of samples, whether fixed or to a tolerance.
    pub fn with_sampling(mut self, samples: Samples) -> Self {
        self.sampling.samples = samples;
        self
    }

    /// Sets the values that covered values are replaced by.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.sampling.baseline = baseline;
        self
    }

    /// Sets the seed of all random numbers.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.sampling.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in samples of rows.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.sampling.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    pub fn check(&self) -> Result<()> {
        self.sampling.schedule.check()?;
        self.sampling.samples.check(Aggregate::Mean)?;
        self.covers.check()
    }

    /// Returns the number of samples.
    pub(crate) fn samples(&self) -> Samples {
        self.sampling.samples
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        self.covers.explain(question, &self.sampling)?.warned_of_zeros()
    }
}

answers_questions!(OverCovers<C>, C: Covers);
