//! The list of all methods: programs, benches, tests and tables read it.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::execution::schedule::Schedule;
use crate::explainer::Explainer;
use crate::input::baseline::Baseline;
use crate::input::inputs::Inputs;
use crate::input::tokens::TokenReduction;
use crate::methods::gradient::{Gradient, InputTimesGradient};
use crate::methods::noise::{OverNoise, SmoothGrad, SmoothGradSquared, VarGrad};
use crate::methods::path::{ExpectedGradients, IntegratedGradients};
use crate::model::model::Model;
use crate::sampling::samples::Samples;
use crate::share::Tolerance;

/// A method by name, with all that a program needs to offer it.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Method, MethodOptions, pure_function};
///
/// let method: Method = "integrated-gradients".parse()?;
/// let explainer = method.explainer(&MethodOptions::new().with_steps(3));
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let map = explainer.attribute(&model, Tensor::ones([1, 1], &Device::flex()))?;
/// assert!((map.values.into_scalar::<f32>() - 1.0).abs() < 1e-6);
///
/// for method in Method::ALL {
///     println!("{:<20} {}", method.name(), method.question());
/// }
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// [`Gradient`].
    Gradient,
    /// [`InputTimesGradient`].
    InputTimesGradient,
    /// [`IntegratedGradients`].
    IntegratedGradients,
    /// [`ExpectedGradients`].
    ExpectedGradients,
    /// [`SmoothGrad`] around the gradient.
    SmoothGrad,
    /// [`SmoothGradSquared`] around the gradient.
    SmoothGradSquared,
    /// [`VarGrad`] around the gradient.
    VarGrad,
}

/// The kind of computation that a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// A single gradient.
    Gradient,
    /// Gradients along a path.
    Path,
    /// A statistic over noisy copies of the input.
    Noise,
}

/// The error bar that a method gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorBar {
    /// None.
    None,
    /// An estimate of the relative error of the whole map, and the completeness gap.
    Map,
    /// A standard error of every value.
    Values,
}

/// Everything that is known of a method without running it.
struct Description {
    name: &'static str,
    title: &'static str,
    question: &'static str,
    family: Family,
    error_bar: ErrorBar,
}

impl Method {
    /// All methods, in the order of the book.
    pub const ALL: &'static [Self] = &[
        Self::Gradient,
        Self::InputTimesGradient,
        Self::IntegratedGradients,
        Self::ExpectedGradients,
        Self::SmoothGrad,
        Self::SmoothGradSquared,
        Self::VarGrad,
    ];

    fn description(self) -> Description {
        let (name, title, question, family, error_bar) = match self {
            Self::Gradient => (
                "gradient",
                "Gradient",
                "Which values would change the score if they changed a little?",
                Family::Gradient,
                ErrorBar::None,
            ),
            Self::InputTimesGradient => (
                "input-x-gradient",
                "Input x Gradient",
                "The same, times the value itself",
                Family::Gradient,
                ErrorBar::None,
            ),
            Self::IntegratedGradients => (
                "integrated-gradients",
                "Integrated Gradients",
                "Which values made the score differ from the baseline's?",
                Family::Path,
                ErrorBar::Map,
            ),
            Self::ExpectedGradients => (
                "expected-gradients",
                "Expected Gradients",
                "The same, averaged over many baselines",
                Family::Path,
                ErrorBar::Values,
            ),
            Self::SmoothGrad => (
                "smooth-grad",
                "SmoothGrad",
                "What is the average of the gradient under noise?",
                Family::Noise,
                ErrorBar::Values,
            ),
            Self::SmoothGradSquared => (
                "smooth-grad-squared",
                "SmoothGrad Squared",
                "Which values have a strong gradient under noise, whatever its sign?",
                Family::Noise,
                ErrorBar::Values,
            ),
            Self::VarGrad => (
                "var-grad",
                "VarGrad",
                "Which values have a gradient that changes under noise?",
                Family::Noise,
                ErrorBar::Values,
            ),
        };
        Description { name, title, question, family, error_bar }
    }

    /// Returns the name by which programs know the method, such as `integrated-gradients`.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// Returns the name as it is written in text, such as `Integrated Gradients`.
    pub fn title(self) -> &'static str {
        self.description().title
    }

    /// Returns the question that the method answers, for people who choose one.
    pub fn question(self) -> &'static str {
        self.description().question
    }

    /// Returns the kind of computation that the method does.
    pub fn family(self) -> Family {
        self.description().family
    }

    /// Returns the number that stands for a token: the length of its vector of values if they are
    /// slopes, the sum of its values if they are shares of a score or squares.
    pub fn token_reduction(self) -> TokenReduction {
        match self {
            Self::Gradient | Self::SmoothGrad => TokenReduction::Norm,
            Self::InputTimesGradient
            | Self::IntegratedGradients
            | Self::ExpectedGradients
            | Self::SmoothGradSquared
            | Self::VarGrad => TokenReduction::Sum,
        }
    }

    /// Returns the kind of error bar that the method gives.
    pub fn error_bar(self) -> ErrorBar {
        self.description().error_bar
    }

    /// Builds the explainer, with the method's own defaults for options that are not set. Options
    /// that the method does not have are ignored.
    pub fn explainer<M: Model<I>, I: Inputs>(
        self,
        options: &MethodOptions,
    ) -> Box<dyn Explainer<M, I>> {
        let schedule = options.schedule.clone();
        match self {
            Self::Gradient => Box::new(Gradient::new().with_schedule(schedule)),
            Self::InputTimesGradient => Box::new(InputTimesGradient::new().with_schedule(schedule)),
            Self::IntegratedGradients => Box::new(options.integrated_gradients()),
            Self::ExpectedGradients => Box::new(options.expected_gradients()),
            Self::SmoothGrad => Box::new(options.over_noise(SmoothGrad::default())),
            Self::SmoothGradSquared => Box::new(options.over_noise(SmoothGradSquared::default())),
            Self::VarGrad => Box::new(options.over_noise(VarGrad::default())),
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|method| method.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|method| method.name()).collect();
            Error::invalid_option("method", format!("one of {}", names.join(", ")), name)
        })
    }
}

/// Options that several methods have in common. An option that is not set keeps the method's
/// default.
///
/// # Defaults
/// - baselines of Expected Gradients: uniform from -1 to 1
/// - all others: those of the method
#[derive(Clone, Debug)]
pub struct MethodOptions {
    schedule: Schedule,
    baseline: Baseline,
    expected: ExpectedGradients,
    steps: Option<usize>,
    samples: Option<usize>,
    tolerance: Option<Tolerance>,
    max_evaluations: Option<usize>,
    seed: u64,
}

impl Default for MethodOptions {
    fn default() -> Self {
        let uniform = |seed| Baseline::uniform(-1.0, 1.0, seed);
        Self {
            schedule: Schedule::default(),
            baseline: Baseline::default(),
            expected: ExpectedGradients::from_sampler(uniform),
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

    /// Sets the start of paths.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
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

    fn integrated_gradients(&self) -> IntegratedGradients {
        let mut explainer = IntegratedGradients::new()
            .with_baseline(self.baseline.clone())
            .with_schedule(self.schedule.clone());
        if let Some(steps) = self.steps {
            explainer = explainer.with_steps(steps);
        }
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

    fn expected_gradients(&self) -> ExpectedGradients {
        let explainer = self.expected.clone().with_sampling(self.sampling());
        explainer.with_schedule(self.schedule.clone()).with_seed(self.seed)
    }

    fn over_noise<E, S>(&self, explainer: OverNoise<E, S>) -> OverNoise<E, S> {
        let explainer = explainer.with_sampling(self.sampling());
        explainer.with_schedule(self.schedule.clone()).with_seed(self.seed)
    }

    /// Returns the number of samples for methods that draw samples.
    fn sampling(&self) -> Samples {
        let mut samples = Samples::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name() {
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), *method);
        }
        let error = "no-such-method".parse::<Method>().unwrap_err().to_string();
        assert!(error.contains("integrated-gradients") && error.contains("no-such-method"));
    }
}
