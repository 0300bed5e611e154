//! From a method and its options to an explainer: the only place that makes explainers by name.

use std::fmt;
use std::sync::Arc;

use saliency::{
    Baseline, ExpectedGradients, Explainer, Gradient, InputTimesGradient, Inputs,
    IntegratedGradients, Model, Schedule, SmoothGrad, SmoothGradSquared, VarGrad,
};

use crate::method::Method;

/// An explainer, whatever its method is.
pub type BoxedExplainer<M, I> = Box<dyn Explainer<M, I>>;

type Sampler = dyn Fn(u64) -> Baseline + Send + Sync;

/// The options of all methods. A method ignores those that it does not have, and those that are not
/// set are the method's own defaults.
#[derive(Clone, Default)]
pub struct MethodOptions {
    schedule: Schedule,
    baseline: Option<Baseline>,
    steps: Option<usize>,
    samples: Option<usize>,
    tolerance: Option<f64>,
    max_evaluations: Option<usize>,
    baseline_sampler: Option<Arc<Sampler>>,
}

impl MethodOptions {
    /// Sets nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how the work is split, and how it reports its progress.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Sets where the path of Integrated Gradients starts.
    #[must_use]
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Sets the number of points on the path of Integrated Gradients.
    #[must_use]
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Sets the number of samples of the methods that draw them.
    #[must_use]
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = Some(samples);
        self
    }

    /// Sets the relative error at which to stop, instead of a number of points or samples.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the most gradients that are taken to reach the tolerance.
    #[must_use]
    pub fn with_max_evaluations(mut self, gradients: usize) -> Self {
        self.max_evaluations = Some(gradients);
        self
    }

    /// Sets how Expected Gradients draw a baseline, given a seed. Default: uniform noise from -1 to
    /// 1.
    #[must_use]
    pub fn with_baseline_sampler(
        mut self,
        sampler: impl Fn(u64) -> Baseline + Send + Sync + 'static,
    ) -> Self {
        self.baseline_sampler = Some(Arc::new(sampler));
        self
    }
}

impl fmt::Debug for MethodOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodOptions")
            .field("schedule", &self.schedule)
            .field("baseline", &self.baseline)
            .field("steps", &self.steps)
            .field("samples", &self.samples)
            .field("tolerance", &self.tolerance)
            .field("max_evaluations", &self.max_evaluations)
            .finish_non_exhaustive()
    }
}

/// Makes the explainer of a method.
pub fn explainer<M: Model<I>, I: Inputs>(
    method: Method,
    options: &MethodOptions,
) -> BoxedExplainer<M, I> {
    // The methods that draw samples have their options in common.
    macro_rules! with_samples {
        ($explainer:expr) => {{
            let mut explainer = $explainer.with_schedule(options.schedule.clone());
            if let Some(samples) = options.samples {
                explainer = explainer.with_samples(samples);
            }
            if let Some(tolerance) = options.tolerance {
                explainer = explainer.to_tolerance(tolerance);
            }
            if let Some(limit) = options.max_evaluations {
                explainer = explainer.with_limit(limit);
            }
            Box::new(explainer)
        }};
    }
    let schedule = options.schedule.clone();
    match method {
        Method::Gradient => Box::new(Gradient::new().with_schedule(schedule)),
        Method::InputXGradient => Box::new(InputTimesGradient::new().with_schedule(schedule)),
        Method::IntegratedGradients => Box::new(integrated_gradients(options)),
        Method::ExpectedGradients => {
            let noise = || -> Arc<Sampler> { Arc::new(|seed| Baseline::uniform(-1.0, 1.0, seed)) };
            let sampler = options.baseline_sampler.clone().unwrap_or_else(noise);
            with_samples!(ExpectedGradients::from_sampler(move |seed| sampler(seed)))
        }
        Method::SmoothGrad => with_samples!(SmoothGrad::default()),
        Method::SmoothGradSquared => with_samples!(SmoothGradSquared::default()),
        Method::VarGrad => with_samples!(VarGrad::default()),
    }
}

fn integrated_gradients(options: &MethodOptions) -> IntegratedGradients {
    let mut explainer = IntegratedGradients::new().with_schedule(options.schedule.clone());
    if let Some(baseline) = &options.baseline {
        explainer = explainer.with_baseline(baseline.clone());
    }
    if let Some(steps) = options.steps {
        explainer = explainer.with_steps(steps);
    }
    if let Some(tolerance) = options.tolerance {
        explainer = explainer.to_tolerance(tolerance);
    }
    if let Some(limit) = options.max_evaluations {
        explainer = explainer.with_limit(limit);
    }
    explainer
}

/// An explainer with its method's title.
pub struct TitledExplainer<M, I: Inputs> {
    /// The method's name in titles.
    pub title: &'static str,
    /// The explainer.
    pub explainer: BoxedExplainer<M, I>,
}

impl<M, I: Inputs> fmt::Debug for TitledExplainer<M, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TitledExplainer").field("title", &self.title).finish_non_exhaustive()
    }
}

/// Makes the explainers of all methods with their defaults. Expected Gradients have none for their
/// baselines, and are given.
pub fn every_method<M: Model<I>, I: Inputs>(
    expected: ExpectedGradients,
) -> Vec<TitledExplainer<M, I>> {
    let options = MethodOptions::new();
    let titled = |method: Method| {
        let explainer: BoxedExplainer<M, I> = if method == Method::ExpectedGradients {
            Box::new(expected.clone())
        } else {
            explainer(method, &options)
        };
        TitledExplainer { title: method.title(), explainer }
    };
    Method::ALL.into_iter().map(titled).collect()
}
