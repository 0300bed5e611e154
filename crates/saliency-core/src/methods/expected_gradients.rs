use std::sync::Arc;

use crate::attribution::Attribution;
use crate::baseline::Baseline;
use crate::error::{Error, Place, Result};
use crate::explainer::{Explainer, Rows, explained_by_rows};
use crate::gradient::Probe;
use crate::inputs::{Flat, Inputs};
use crate::model::Model;
use crate::moments::Statistic;
use crate::noise::{Distribution, Key, Noise, NoiseScale};
use crate::sampling::{Draw, Sampled, Samples, sample_setters};
use crate::schedule::Schedule;
use crate::target::Target;

/// Integrated Gradients averaged over many baselines, by drawing a baseline and a point on its path
/// for each sample, with standard errors. With noise on the input it is GradientSHAP.
///
/// ```text
///            1   n
/// A(x)   =  ---  Σ  (x - x'_k) · ∂f/∂x (x'_k + α_k (x - x'_k)),   x'_k ~ baselines, α_k ~ U(0, 1)
///            n  k=1
/// ```
///
/// The values sum to `f(x)` minus the mean score of the baselines, up to the sampling error; with
/// noise, to the mean of `f` over the noise instead of `f(x)`. By how much they miss it is the
/// [`completeness_gap`](Attribution::completeness_gap), which is told for a batch of baselines, without
/// noise, and where no input is [`Fixed`](crate::Fixed).
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - baselines: a batch of them, from which each sample draws one; or a function of a seed
///   ([`from_sampler`](Self::from_sampler))
/// - samples: 50, or as many as a tolerance needs ([`to_tolerance`](Self::to_tolerance))
/// - limit: 1,000 samples, where there is a tolerance
/// - noise on the input: none; GradientSHAP has some
/// - seed: 0. What is drawn depends on seed, row and sample alone.
///
/// # Cost
/// `samples` gradients per row; a forward pass for the input, and one for each baseline of the batch
/// where there is a completeness gap.
///
/// # Errors
/// Those of [`Explainer::attribute_to`]; [`Error::InvalidOption`] for an option outside its range;
/// [`Error::BaselineShape`] and [`Error::BaselineCount`] for baselines that do not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{ExpectedGradients, Explainer, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let device = Device::flex();
/// let baselines = Tensor::<2>::from_data([[0.0, 0.0], [1.0, -1.0]], &device);
/// let x = Tensor::<2>::from_data([[1.0, 2.0]], &device);
/// let map = ExpectedGradients::new(baselines).with_samples(500).attribute(&model, x)?;
///
/// // x² less the mean of the baselines' squares.
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// let errors = map.standard_error.unwrap().try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 0.5).abs() < 4.0 * errors[0]);
/// assert!((values[1] - 3.5).abs() < 4.0 * errors[1]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Erion, Janizek, Sturmfels, Lundberg and Lee, *Improving performance of deep learning models with
/// axiomatic attribution priors and expected gradients*, 2019, <https://arxiv.org/abs/1906.10670>;
/// Lundberg and Lee, *A Unified Approach to Interpreting Model Predictions*, 2017,
/// <https://arxiv.org/abs/1705.07874>.
#[derive(Clone)]
pub struct ExpectedGradients {
    baselines: Baselines,
    samples: Samples,
    noise: Noise,
    schedule: Schedule,
}

#[derive(Clone)]
enum Baselines {
    /// Flattened to a batch.
    Set(Flat),
    /// None but the error they were refused with.
    Refused(Error),
    Sampler(Arc<dyn Fn(u64) -> Baseline + Send + Sync>),
}

impl ExpectedGradients {
    /// Draws from a batch of baselines, with the defaults above.
    pub fn new(baselines: impl Inputs) -> Self {
        Self::of(Flat::new(baselines).map_or_else(Baselines::Refused, Baselines::Set))
    }

    /// Draws baselines by calling `sampler` with a seed of its own for each row and sample. The
    /// sampler must return the same baseline for the same seed; it fits one row.
    ///
    /// ```
    /// use saliency_core::{Baseline, ExpectedGradients};
    ///
    /// let explainer = ExpectedGradients::from_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    /// ```
    pub fn from_sampler(sampler: impl Fn(u64) -> Baseline + Send + Sync + 'static) -> Self {
        Self::of(Baselines::Sampler(Arc::new(sampler)))
    }

    fn of(baselines: Baselines) -> Self {
        let (scale, distribution) = (NoiseScale::Absolute(0.0), Distribution::default());
        let noise = Noise { scale, distribution, seed: 0 };
        Self { baselines, samples: Samples::default(), noise, schedule: Schedule::default() }
    }

    sample_setters!(samples);

    /// Adds Gaussian noise to the input in every sample, as GradientSHAP does; not negative.
    pub fn with_noise(mut self, noise: NoiseScale) -> Self {
        self.noise.scale = noise;
        self
    }

    /// Sets the seed of everything that is drawn.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.noise.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in gradients.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    fn explain<M: Model<I>, I: Inputs>(
        &self,
        (model, input, target): (&M, I, Target),
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>> {
        let input = Flat::new(input)?;
        let rows = &Rows::or_all(rows, &input)?;
        let deviations = self.noise.deviations(&input)?;
        let baselines = self.baselines.like(&input)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;

        let draw = |at: &[usize], samples: &[usize]| {
            let keys = rows.select(at).keys(self.noise.seed, samples);
            let input = self.noise.add(&input.select(at), &deviations.select(at), &keys);
            input.check_finite(Place::NoisyInput)?;
            let baseline = baselines.draw(&input, &keys)?;
            let baseline = baseline.with_fixed_of(&input);
            let along: Vec<f64> = keys.iter().map(|key| key.of(POINT).uniform(1)[0]).collect();
            let difference = input.zip(&baseline, |input, baseline| input - baseline);
            let difference = difference.without_fixed();
            let point =
                baseline.zip(&difference.scale_rows(&along), |baseline, step| baseline + step);
            let (gradient, ..) = probe.gradient(point, &scored.target.select(at))?;
            gradient.check_finite(Place::Gradient)?;
            let maps = difference.widened().zip(&gradient.widened(), |x, gradient| x * gradient);
            maps.check_finite(Place::Attribution)?;
            let gradients = vec![1; at.len()];
            Ok(Draw { maps, gradients, converged: None, warnings: Vec::new() })
        };
        let sampled = Sampled::new(self.samples, Statistic::Mean, &self.schedule, &input, draw)?;
        // With noise the scores are not those of the inputs; what is fixed differs from row to row.
        let comparable = self.noise.is_none() && !input.fixed.contains(&true);
        let baseline_scores = match &baselines {
            Drawn::Set(set) if comparable => {
                let rows = input.rows();
                Some(probe.mean_scores(&self.schedule, set, &scored.target, rows)?)
            }
            _ => None,
        };
        let (values, attribution) = sampled.into_attribution(scored);
        match baseline_scores {
            Some(scores) => attribution.with_baseline(&values, scores),
            None => Ok(attribution),
        }
    }
}

/// Kinds of random numbers; noise is drawn under the number of its tensor.
const BASELINE: usize = usize::MAX;
const POINT: usize = usize::MAX - 1;

/// Baselines that fit the input.
enum Drawn<'a> {
    Set(Flat),
    Sampler(&'a (dyn Fn(u64) -> Baseline + Send + Sync)),
}

impl Baselines {
    fn like(&self, input: &Flat) -> Result<Drawn<'_>> {
        let set = match self {
            Self::Sampler(sampler) => return Ok(Drawn::Sampler(&**sampler)),
            Self::Refused(error) => return Err(error.clone()),
            Self::Set(set) => set,
        };
        let (expected, found) = (input.parts.len(), set.parts.len());
        if found != expected {
            return Err(Error::BaselineCount { expected, found });
        }
        for (tensor, (expected, found)) in input.shapes.iter().zip(&set.shapes).enumerate() {
            if found[1..] != expected[1..] {
                let (expected, found) = (expected.clone(), found.clone());
                return Err(Error::BaselineShape { tensor, expected, found });
            }
        }
        let fixed = input.fixed.clone();
        let set = Flat { fixed, ..set.to_kind_of(input) };
        set.check_finite(Place::Baseline)?;
        Ok(Drawn::Set(set))
    }
}

impl Drawn<'_> {
    /// A baseline for each row of `input`, chosen by its key.
    fn draw(&self, input: &Flat, keys: &[Key]) -> Result<Flat> {
        match self {
            Self::Set(set) => {
                let count = set.rows() as u64;
                let choose = |key: &Key| (key.of(BASELINE).bits() % count) as usize;
                let chosen: Vec<usize> = keys.iter().map(choose).collect();
                Ok(set.select(&chosen))
            }
            Self::Sampler(sampler) => {
                let draw = |(at, key): (usize, &Key)| {
                    let mut row = input.narrow(at, 1);
                    row.shapes = row.shapes_of_rows();
                    let drawn = sampler(key.of(BASELINE).bits()).like(&row, &Rows::all(1));
                    drawn.map_err(|error| error.with_rows(|_| at))
                };
                let drawn: Result<Vec<Flat>> = keys.iter().enumerate().map(draw).collect();
                Ok(Flat::stack(&drawn?))
            }
        }
    }
}

impl<M: Model<I>, I: Inputs> Explainer<M, I> for ExpectedGradients {
    explained_by_rows!();
}

impl std::fmt::Debug for ExpectedGradients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let baselines = match &self.baselines {
            Baselines::Set(set) => format!("{:?}", set.shapes),
            Baselines::Refused(error) => error.to_string(),
            Baselines::Sampler(_) => "sampler".to_owned(),
        };
        f.debug_struct("ExpectedGradients")
            .field("baselines", &baselines)
            .field("samples", &self.samples)
            .field("noise", &self.noise)
            .field("schedule", &self.schedule)
            .finish()
    }
}
