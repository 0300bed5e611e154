//! Options that several methods have in common.

use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::groups::Groups;
use crate::input::inputs::Inputs;
use crate::methods::noise::OverNoise;
use crate::methods::path::{
    AlongPath, ExpectedGradients, FromBaseline, GuidedIg, RevealIg, SequentialIg, Timing,
};
use crate::methods::perturbation::{Covers, FeatureAblation, Occlusion, OverCovers};
use crate::sampling::samples::Samples;
use crate::share::Tolerance;

/// Options that several methods have in common. An option that is not set keeps the method's
/// default.
///
/// # Defaults
/// - baselines of Expected Gradients: uniform from -1 to 1
/// - groups of values that are covered together: [about](Groups::about) 49
/// - all others: those of the method
#[derive(Clone, Debug)]
pub struct MethodOptions {
    pub(super) schedule: Schedule,
    pub(super) baseline: Baseline,
    expected: ExpectedGradients,
    groups: Groups,
    steps: Option<usize>,
    samples: Option<usize>,
    tolerance: Option<Tolerance>,
    max_evaluations: Option<usize>,
    pub(super) seed: u64,
}

/// As many groups as a person can tell apart on a photo.
const GROUPS: usize = 49;

impl Default for MethodOptions {
    fn default() -> Self {
        let uniform = |seed| Baseline::uniform(-1.0, 1.0, seed);
        Self {
            schedule: Schedule::default(),
            baseline: Baseline::default(),
            expected: ExpectedGradients::from_sampler(uniform),
            groups: Groups::about(GROUPS),
            steps: None,
            samples: None,
            tolerance: None,
            max_evaluations: None,
            seed: 0,
        }
    }
}

impl MethodOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets chunks, workers, progress and cancellation.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Returns chunks, workers, progress and cancellation.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Sets the start of paths.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets the groups of values that are covered together.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.groups = groups;
        self
    }

    /// Sets the batch that Expected Gradients draws its baselines from.
    pub fn with_baselines(mut self, baselines: impl Inputs) -> Self {
        self.expected = ExpectedGradients::new(baselines);
        self
    }

    /// Sets the function that Expected Gradients draws its baselines with.
    pub fn with_baseline_sampler(
        mut self,
        sampler: impl Fn(u64) -> Baseline + Send + Sync + 'static,
    ) -> Self {
        self.expected = ExpectedGradients::from_sampler(sampler);
        self
    }

    /// Sets a fixed number of points on paths.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Sets a fixed number of samples.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = Some(samples);
        self
    }

    /// Sets the tolerance, which takes precedence over a fixed number of points or samples.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Map(tolerance));
        self
    }

    /// Sets the tolerance for each [`Share`](crate::Share) of a map that is asked for by
    /// [`Rows::with_shares`](crate::Rows::with_shares), instead of one for the whole map.
    pub fn with_share_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Shares(tolerance));
        self
    }

    /// Sets the most points or samples that are taken to reach the tolerance.
    pub fn with_max_evaluations(mut self, evaluations: usize) -> Self {
        self.max_evaluations = Some(evaluations);
        self
    }

    /// Sets the seed of all random numbers.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the options of a path that starts at a baseline.
    pub(super) fn path_from<P: FromBaseline, C>(&self, path: AlongPath<P, C>) -> AlongPath<P, C> {
        self.along(path.with_baseline(self.baseline.clone()))
    }

    /// Sets the options of a path.
    pub(super) fn along<P, C>(&self, path: AlongPath<P, C>) -> AlongPath<P, C> {
        self.to_tolerance(match self.steps {
            Some(steps) => path.with_steps(steps),
            None => path,
        })
    }

    /// Sets the schedule and the tolerance of a path.
    fn to_tolerance<P, C>(&self, path: AlongPath<P, C>) -> AlongPath<P, C> {
        let mut explainer = path.with_schedule(self.schedule.clone());
        explainer = match self.tolerance {
            Some(Tolerance::Map(error)) => explainer.with_tolerance(error),
            Some(Tolerance::Shares(error)) => explainer.with_share_tolerance(error),
            None => explainer,
        };
        if let Some(gradients) = self.max_evaluations {
            explainer = explainer.with_max_gradients(gradients);
        }
        explainer
    }

    /// Returns Guided IG, which moves along its path rather than placing points on it.
    pub(super) fn guided_ig(&self) -> GuidedIg {
        let explainer = self.to_tolerance(GuidedIg::new().with_baseline(self.baseline.clone()));
        match self.steps {
            Some(steps) => explainer.with_moves(steps),
            None => explainer,
        }
    }

    pub(super) fn expected_gradients(&self) -> ExpectedGradients {
        let explainer = self.expected.clone().with_sampling(self.sampling(Samples::new()));
        explainer.with_schedule(self.schedule.clone()).with_seed(self.seed)
    }

    pub(super) fn reveal_ig(&self) -> RevealIg {
        let explainer = RevealIg::new().with_baseline(self.baseline.clone());
        let explainer = explainer.with_sampling(self.sampling(Samples::new()));
        explainer.with_schedule(self.schedule.clone()).with_seed(self.seed)
    }

    pub(super) fn sequential_ig(&self) -> SequentialIg {
        let mut explainer = SequentialIg::new()
            .with_baseline(self.baseline.clone())
            .with_schedule(self.schedule.clone());
        if let Some(steps) = self.steps {
            explainer = explainer.with_steps(steps);
        }
        if let Some(Tolerance::Map(error)) = self.tolerance {
            explainer = explainer.with_tolerance(error);
        }
        match self.max_evaluations {
            Some(gradients) => explainer.with_max_gradients(gradients),
            None => explainer,
        }
    }

    pub(super) fn occlusion(&self) -> Occlusion {
        let explainer = Occlusion::default().with_baseline(self.baseline.clone());
        explainer.with_schedule(self.schedule.clone())
    }

    pub(super) fn feature_ablation(&self) -> FeatureAblation {
        let explainer = FeatureAblation::new().with_groups(self.groups.clone());
        explainer.with_baseline(self.baseline.clone()).with_schedule(self.schedule.clone())
    }

    /// Sets the options of a method that covers random parts, and the groups that it covers.
    pub(super) fn over_groups<C: Covers>(&self, explainer: OverCovers<C>) -> OverCovers<C> {
        self.over_covers(explainer.with_groups(self.groups.clone()))
    }

    /// Sets the options of a method that covers random parts.
    pub(super) fn over_covers<C: Covers>(&self, explainer: OverCovers<C>) -> OverCovers<C> {
        let samples = self.sampling(explainer.samples());
        explainer
            .with_sampling(samples)
            .with_baseline(self.baseline.clone())
            .with_schedule(self.schedule.clone())
            .with_seed(self.seed)
    }

    pub(super) fn timing(&self) -> Timing {
        let explainer = Timing::new().with_baseline(self.baseline.clone());
        let explainer = explainer.with_sampling(self.sampling(Samples::new()));
        explainer.with_schedule(self.schedule.clone()).with_seed(self.seed)
    }

    pub(super) fn over_noise<E, S>(&self, explainer: OverNoise<E, S>) -> OverNoise<E, S> {
        let explainer = explainer.with_sampling(self.sampling(Samples::new()));
        explainer.with_schedule(self.schedule.clone()).with_seed(self.seed)
    }

    /// Returns the number of samples for a method that draws `samples` if nothing else is asked for.
    fn sampling(&self, mut samples: Samples) -> Samples {
        if let Some(count) = self.samples {
            samples = samples.with_count(count);
        }
        samples = match self.tolerance {
            Some(Tolerance::Map(error)) => samples.with_tolerance(error),
            Some(Tolerance::Shares(error)) => samples.with_share_tolerance(error),
            None => samples,
        };
        if let Some(limit) = self.max_evaluations {
            samples = samples.with_limit(limit);
        }
        samples
    }
}
