//! Gradients along a path, added up: the explainer that every path method is.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::methods::path::integration::Integration;
use crate::methods::path::laid::{FromBaseline, Path};
use crate::path::contribution::{Contribution, Product};
use crate::path::quadrature::Rule;
use crate::share::Tolerance;

/// The contributions `C` of the gradients along a path `P`, integrated over the path.
///
/// Usually named by an alias, which documents the path and the defaults:
/// [`IntegratedGradients`](crate::IntegratedGradients).
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlongPath<P, C = Product> {
    path: P,
    contribution: C,
    integration: Integration,
    schedule: Schedule,
}

impl<P: Default, C: Default> AlongPath<P, C> {
    /// Returns the method with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<P: Path> AlongPath<P> {
    /// Follows a path of your own.
    pub fn of(path: P) -> Self {
        let (integration, schedule) = (Integration::default(), Schedule::default());
        Self { path, contribution: Product, integration, schedule }
    }
}

impl<P: FromBaseline, C> AlongPath<P, C> {
    /// Sets the start of the path.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.path.set_baseline(baseline);
        self
    }
}

impl<P, C> AlongPath<P, C> {
    /// Sets a fixed number of points on the path, from 1 to 20,000, instead of a tolerance. A path
    /// that is found on the way, as in [`GuidedIg`](crate::GuidedIg), has a number of moves instead.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.integration.steps = Some(steps);
        self.integration.tolerance = None;
        self
    }

    /// Takes as many gradients as are needed for a relative L1 error of `tolerance`, in (0, 1],
    /// instead of a fixed number of points placed by a rule.
    ///
    /// 0.05 is enough for a picture.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.integration.tolerance = Some(Tolerance::Map(tolerance));
        self
    }

    /// Takes as many gradients as are needed for an error of at most `tolerance`, in (0, 1], in each
    /// [`Share`](crate::Share) of the map that is asked for by
    /// [`Rows::with_shares`](crate::Rows::with_shares): 0.01 is one point of a percent. The error of
    /// the map as a whole may then be much larger.
    ///
    /// One point takes at least seven gradients.
    pub fn with_share_tolerance(mut self, tolerance: f64) -> Self {
        self.integration.tolerance = Some(Tolerance::Shares(tolerance));
        self
    }

    /// Sets the most gradients that are taken for a row to reach a tolerance: from 5 to 20,000.
    pub fn with_max_gradients(mut self, gradients: usize) -> Self {
        self.integration.max_gradients = gradients;
        self
    }

    /// Sets the rule that places a fixed number of points.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.integration.rule = rule;
        self
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Sets the contribution of a gradient.
    pub fn with_contribution<D: Contribution>(self, contribution: D) -> AlongPath<P, D> {
        let Self { path, integration, schedule, .. } = self;
        AlongPath { path, contribution, integration, schedule }
    }

    /// Changes the options of the path, for the setters of its own alias.
    pub(crate) fn with_path(mut self, change: impl FnOnce(&mut P)) -> Self {
        change(&mut self.path);
        self
    }
}

impl<P: Path, C: Contribution> AlongPath<P, C> {
    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.path.check()?;
        self.integration.check(self.path.moves())
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        self.integration.check_shares(question)?;
        let calls = self.integration.calls(self.path.moves()) + self.path.gradients();
        let scored = question.resolve_for(&self.schedule, calls)?;
        let laid = self.path.lay(question, &scored, &self.schedule)?;
        self.integration.answer(question, scored, &laid, &self.contribution, &self.schedule)
    }
}

answers_questions!(AlongPath<P, C>, P: Path, C: Contribution);
