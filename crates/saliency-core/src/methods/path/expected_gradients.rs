//! Integrated Gradients averaged over many baselines.

use std::sync::Arc;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::model::resolved_target::ResolvedTarget;
use crate::path::shape::{PathShape as _, StraightPath};
use crate::random::key::{Key, Stream};
use crate::random::noise::{Noise, NoiseScale};
use crate::random::valid_range::ValidRange;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::samples::{Averaged, SampleMaps, Samples};

/// Integrated Gradients averaged over many baselines, with standard errors. Each sample is a point on
/// the path from one of the baselines. With noise on the input the method is GradientSHAP.
///
/// ```text
///            1   n
/// A(x)   =  ---  Σ  (x - x'_k) · ∂f/∂x (x'_k + α_k (x - x'_k)),   x'_k ~ baselines, α_k ~ U(0, 1)
///            n  k=1
/// ```
///
/// The values sum to `f(x)` minus the mean score of the baselines, up to the sampling error. With
/// noise, the mean of `f` over the noise takes the place of `f(x)`. The
/// [`completeness_gap`](Attribution::completeness_gap) is the sum of the values minus this
/// difference of scores. It is reported for a batch of baselines, if there is no noise and no input
/// is [`Fixed`](crate::Fixed).
///
/// # How points are drawn
/// The paths from all baselines of a batch are laid end to end and cut into equal parts. Each part gets
/// its share of the samples: at least 2, and up to 16 as long as there are as many parts as baselines.
/// So every baseline has its share of the samples, and every part of its path too. The standard errors
/// come from the differences within parts. Fewer than four samples are independent draws. The
/// baselines of a sampler are independent too: then only the positions on the paths are spread evenly.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - baselines: a batch of them, over which the samples are spread; or a function of a seed
///   ([`from_sampler`](Self::from_sampler))
/// - samples: 50, or as many as a tolerance needs ([`with_tolerance`](Self::with_tolerance))
/// - at most 1,000 samples, if there is a tolerance
/// - noise on the input: none; GradientSHAP has some
/// - seed: 0. Random numbers depend only on seed, row and sample.
///
/// # Cost
/// `samples` gradients per row, and a forward pass for the input. If there is a completeness gap,
/// also a forward pass for each baseline of the batch.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to); [`Error::InvalidOption`]
/// for an option outside its range; [`Error::BaselineShape`] and [`Error::BaselineCount`] if the
/// baselines do not fit.
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

/// The source of the baselines.
#[derive(Clone)]
enum Baselines {
    /// A batch to draw from, or the reason why the tensors are no batch. It is reported on use.
    Batch(Result<Batch>),
    /// A function of a seed.
    Sampler(Arc<Sampler>),
}

type Sampler = dyn Fn(u64) -> Baseline + Send + Sync;

impl ExpectedGradients {
    /// Draws from a batch of baselines, with the defaults above. If `baselines` is not a batch,
    /// [`check`](Self::check) and every call report why.
    pub fn new(baselines: impl Inputs) -> Self {
        Self::with_baselines(Baselines::Batch(Batch::new(baselines)))
    }

    /// Draws baselines by calling `sampler` with a seed of its own for each row and sample. The
    /// sampler must return the same baseline for the same seed, and the baseline must fit one row.
    ///
    /// ```
    /// use saliency_core::{Baseline, ExpectedGradients};
    ///
    /// let explainer = ExpectedGradients::from_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    /// ```
    pub fn from_sampler(sampler: impl Fn(u64) -> Baseline + Send + Sync + 'static) -> Self {
        Self::with_baselines(Baselines::Sampler(Arc::new(sampler)))
    }

    fn with_baselines(baselines: Baselines) -> Self {
        let noise = Noise::new(NoiseScale::Absolute(0.0));
        Self { baselines, samples: Samples::default(), noise, schedule: Schedule::default() }
    }

    /// Sets the number of samples, whether fixed or to a tolerance.
    pub(crate) fn with_sampling(mut self, samples: Samples) -> Self {
        self.samples = samples;
        self
    }

    /// Sets a fixed number of samples, up to 1,000,000, instead of a tolerance.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_count(samples);
        self
    }

    /// Draws samples until the estimated relative L1 error of a row, Σ standard error / Σ |value|,
    /// is at most `tolerance`, or until the limit is reached. `tolerance` must be in (0, 1]. The
    /// error is estimated after 50 to 60 samples, and then after at least a quarter more each time.
    /// [`converged`](Attribution::converged) shows for each row whether the tolerance was met.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_tolerance(tolerance);
        self
    }

    /// Draws samples until the estimated error of each [`Share`](crate::Share) that is asked for by
    /// [`Rows::with_shares`](crate::Rows::with_shares) is at most `tolerance`, in (0, 1], or until
    /// the limit is reached: 0.01 is one point of a percent.
    pub fn with_share_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_share_tolerance(tolerance);
        self
    }

    /// Sets the most samples that are drawn to reach a tolerance: up to 1,000,000.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_limit(samples);
        self
    }

    /// Adds Gaussian noise to the input in every sample, as GradientSHAP does; not negative.
    pub fn with_noise(mut self, noise: NoiseScale) -> Self {
        self.noise.scale = noise;
        self
    }

    /// Keeps the noisy input in the range in which inputs are valid, by truncated noise. The input
    /// must be in the range. Without noise it has no effect.
    pub fn with_valid_range(mut self, range: ValidRange) -> Self {
        self.noise.range = Some(range);
        self
    }

    /// Sets the seed of all random numbers.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.noise.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in gradients.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, and baselines that are no batch, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; [`Error::EmptyInput`] and [`Error::UnequalRows`] of the baselines.
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.samples.check(Aggregate::Mean)?;
        self.noise.check()?;
        match &self.baselines {
            Baselines::Batch(Err(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        let scored = question.resolve_for(&self.schedule, self.samples.most())?;
        let baselines = self.baselines.like(input)?;
        let draws = Draws {
            question,
            target: &scored.target,
            noise: &self.noise,
            deviations: self.noise.deviations(input)?,
            samples: self.samples.with_strata(baselines.count()),
            baselines,
        };
        let draw = |rows: &[usize], samples: &[usize]| draws.draw(rows, samples);
        let (samples, shares) = (draws.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, &draw)?;
        evaluator.check_dependence(&self.schedule, &averaged.values, input, &scored.target)?;
        // With noise the scores are not those of the inputs; fixed values differ from row to row.
        let comparable = self.noise.is_none() && !input.fixed.contains(&true);
        let baseline_scores = match &draws.baselines {
            FittingBaselines::Batch(batch) if comparable => {
                let (target, rows) = (&scored.target, input.rows());
                Some(evaluator.mean_scores(&self.schedule, batch, target, rows)?)
            }
            _ => None,
        };
        let without_noise = self.noise.warnings(input, &draws.deviations)?;
        let mut attribution = averaged.into_attribution(scored, rows)?;
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        attribution.warnings.extend(without_noise);
        match baseline_scores {
            Some(scores) => attribution.with_baseline(scores),
            None => Ok(attribution),
        }
    }
}

/// Everything that a sample is drawn from.
struct Draws<'a> {
    question: &'a Question<'a>,
    target: &'a ResolvedTarget,
    noise: &'a Noise,
    deviations: Batch,
    baselines: FittingBaselines<'a>,
    samples: Samples,
}

impl Draws<'_> {
    /// Draws a noisy input, a baseline and a point between them for each of the given rows, and
    /// returns gradient times difference there.
    fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let Question { evaluator, input, rows: all, .. } = self.question;
        let keys = all.select(rows).keys(self.noise.seed, samples);
        let input = self.noise.add(&input.select(rows), &self.deviations.select(rows), &keys)?;
        input.check_finite(Stage::NoisyInput)?;
        let within = keys.iter().map(|key| key.uniform(Stream::Position, 1)[0]);
        let places: Vec<f64> = samples
            .iter()
            .zip(within)
            .map(|(sample, within)| self.samples.place(*sample, within))
            .collect();
        let Starts { baseline, positions } = self.baselines.draw(&input, &keys, &places)?;
        let baseline = baseline.with_fixed_of(&input);
        let every: Vec<usize> = (0..rows.len()).collect();
        let path = StraightPath::new(baseline, &input).at(&every, &positions)?;
        let found = evaluator.gradient(path.points, &self.target.select(rows))?;
        found.gradients.check_finite(Stage::Gradient)?;
        let gradients = found.gradients.widened();
        let maps = path.tangents.widened().zip(&gradients, |x, gradient| x * gradient);
        maps.check_finite(Stage::Attribution)?;
        Ok(SampleMaps::new(maps))
    }
}

/// The start of the path of each row, and a position on the path.
struct Starts {
    baseline: Batch,
    positions: Vec<f64>,
}

/// Baselines that fit the input.
enum FittingBaselines<'a> {
    Batch(Batch),
    Sampler(&'a Sampler),
}

impl Baselines {
    /// Checks that the baselines fit the input, and moves them to its device.
    fn like(&self, input: &Batch) -> Result<FittingBaselines<'_>> {
        let batch = match self {
            Self::Sampler(sampler) => return Ok(FittingBaselines::Sampler(&**sampler)),
            Self::Batch(batch) => batch.as_ref().map_err(Clone::clone)?,
        };
        let (expected, found) = (input.parts.len(), batch.parts.len());
        if found != expected {
            return Err(Error::BaselineCount { expected, found });
        }
        for (tensor, (expected, found)) in input.shapes.iter().zip(&batch.shapes).enumerate() {
            if found[1..] != expected[1..] {
                let (expected, found) = (expected.clone(), found.clone());
                return Err(Error::BaselineShape { tensor, expected, found });
            }
        }
        let fixed = input.fixed.clone();
        let batch = Batch { fixed, ..batch.to_kind_of(input) };
        batch.check_finite(Stage::Baseline)?;
        Ok(FittingBaselines::Batch(batch))
    }
}

impl FittingBaselines<'_> {
    /// Returns the number of paths over which samples are spread.
    fn count(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.rows(),
            Self::Sampler(_) => 1,
        }
    }

    /// Draws a baseline for each row of `input`, and a position on the path from there. The place of
    /// a row, in 0..1, is a place on the paths from all baselines of a batch, laid end to end. If a
    /// sampler draws the baselines by the keys, it is the place on the only path.
    fn draw(&self, input: &Batch, keys: &[Key], places: &[f64]) -> Result<Starts> {
        match self {
            Self::Batch(batch) => {
                let count = batch.rows();
                let along = |place: &f64| place * count as f64;
                let chosen = |place: &f64| (along(place) as usize).min(count - 1);
                let chosen: Vec<usize> = places.iter().map(chosen).collect();
                let position = |(place, chosen): (&f64, &usize)| along(place) - *chosen as f64;
                let positions = places.iter().zip(&chosen).map(position).collect();
                Ok(Starts { baseline: batch.select(&chosen), positions })
            }
            Self::Sampler(sampler) => {
                let mut drawn = Vec::with_capacity(keys.len());
                for (at, key) in keys.iter().enumerate() {
                    let mut row = input.narrow(at, 1);
                    row.shapes = row.shapes();
                    let baseline = sampler(key.bits(Stream::Baseline)).like(&row, &Rows::all(1));
                    drawn.push(baseline.map_err(|error| error.with_rows(|_| at))?);
                }
                Ok(Starts { baseline: Batch::stack(&drawn), positions: places.to_vec() })
            }
        }
    }
}

answers_questions!(ExpectedGradients);

impl std::fmt::Debug for ExpectedGradients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let baselines = match &self.baselines {
            Baselines::Batch(Ok(batch)) => format!("{:?}", batch.shapes),
            Baselines::Batch(Err(error)) => error.to_string(),
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
