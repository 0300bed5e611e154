//! A statistic of an explainer's maps over noisy copies of the input.

use std::marker::PhantomData;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::explainer::Explainer;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::methods::gradient::Gradient;
use crate::model::model::Model;
use crate::model::resolved_target::ResolvedTarget;
use crate::model::target::Target;
use crate::random::distribution::Distribution;
use crate::random::noise::{Noise, NoiseScale};
use crate::random::valid_range::ValidRange;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::draws::Draws;
use crate::sampling::samples::{Averaged, SampleMaps, Samples};

/// The statistic that an [`OverNoise`] computes: [`Mean`](crate::methods::Mean),
/// [`MeanOfSquares`](crate::methods::MeanOfSquares) or [`Variance`](crate::methods::Variance).
pub trait Statistic: Send + Sync {
    /// The number that summarises the samples of a value.
    const AGGREGATE: Aggregate;

    /// How the noise of samples belongs together, if nothing else is asked for. Samples that depend
    /// on each other suit a mean only.
    const DRAWS: Draws = Draws::Independent;
}

/// A statistic `S` of the maps of explainer `E` over noisy copies of the input.
///
/// Usually named by one of its aliases, which document the defaults:
/// [`SmoothGrad`](crate::SmoothGrad), [`SmoothGradSquared`](crate::SmoothGradSquared) and
/// [`VarGrad`](crate::VarGrad).
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OverNoise<E, S> {
    explainer: E,
    samples: Samples,
    /// How the noise of samples belongs together; `None` for the default of the statistic.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) draws: Option<Draws>,
    noise: Noise,
    schedule: Schedule,
    #[cfg_attr(feature = "serde", serde(skip))]
    statistic: PhantomData<S>,
}

impl<S> Default for OverNoise<Gradient, S> {
    fn default() -> Self {
        Self::new(Gradient::new())
    }
}

impl<E, S> OverNoise<E, S> {
    /// Puts noise around `explainer`, with the defaults above.
    pub fn new(explainer: E) -> Self {
        Self {
            explainer,
            samples: Samples::default(),
            draws: None,
            noise: Noise::new(NoiseScale::OfRange(0.15)),
            schedule: Schedule::default(),
            statistic: PhantomData,
        }
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
    /// error is estimated after 50 samples, and then after a quarter more each time.
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

    /// Sets the strength of the noise; not negative.
    pub fn with_noise(mut self, noise: NoiseScale) -> Self {
        self.noise.scale = noise;
        self
    }

    /// Sets the distribution of the noise.
    pub fn with_distribution(mut self, distribution: Distribution) -> Self {
        self.noise.distribution = distribution;
        self
    }

    /// Keeps the noisy copies in the range in which inputs are valid: noise is drawn from the part
    /// of its distribution that stays there (truncated, not clipped). The input must be in the range.
    ///
    /// Near an end of the range the noise leads away from that end: its mean is not zero.
    pub fn with_valid_range(mut self, range: ValidRange) -> Self {
        self.noise.range = Some(range);
        self
    }

    /// Sets the seed of the noise.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.noise.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in samples of rows.
    ///
    /// The explainer inside gets a whole chunk of noisy copies at once. It has a schedule of its
    /// own. The chunks of that schedule bound the number of inputs that the model gets. All its
    /// workers are used if there is a single chunk of copies. Otherwise each chunk of copies that is
    /// under way has a share of the workers of this schedule.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

/// Explains noisy rows: given their values, their targets, and the rows that they were made from.
type Inside<'a> = dyn Fn(Batch, ResolvedTarget, &Rows) -> Result<SampleMaps> + Sync + 'a;

impl<E, S: Statistic> OverNoise<E, S> {
    /// Refuses options outside their range, before any work. Does not check the options of the
    /// explainer inside.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.samples.check(S::AGGREGATE)?;
        if S::AGGREGATE != Aggregate::Mean {
            self.draws().check_independent()?;
        }
        self.noise.check()
    }

    /// Returns how the noise of samples belongs together.
    fn draws(&self) -> Draws {
        self.draws.unwrap_or(S::DRAWS)
    }

    /// Averages the maps that `inside` returns for noisy copies of the input.
    fn explain(&self, question: &Question, inside: &Inside) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        // Copied, so that the explainer does not have to be shared between threads for this.
        let noise = self.noise.clone();
        let deviations = noise.deviations(input)?;
        let scored = question.resolve_for(&self.schedule, self.samples.most())?;
        let plan = self.draws().plan(self.samples, input.width());
        let draw = |at: &[usize], samples: &[usize]| {
            let rows = rows.select(at);
            let draws = plan.draws(&rows, noise.seed, samples);
            let noisy = noise.add_drawn(&input.select(at), &deviations.select(at), &draws)?;
            let rows = rows.in_samples(noise.seed, samples);
            let maps = inside(noisy, scored.target.select(at), &rows);
            // The clean input is finite, so that a value that is not finite comes from the noise.
            let maps = maps.map_err(|error| error.with_stage(Stage::Input, Stage::NoisyInput))?;
            maps.values.check_finite(Stage::Attribution)?;
            Ok(maps)
        };
        let (samples, shares) = (plan.samples(), rows.shares());
        let averaged = Averaged::over(samples, S::AGGREGATE, &self.schedule, input, shares, &draw)?;
        let evaluator = &question.evaluator;
        evaluator.check_dependence(&self.schedule, &averaged.values, input, &scored.target)?;
        let mut attribution = averaged.into_attribution(scored, rows)?;
        attribution.warnings.extend(noise.warnings(input, &deviations)?);
        Ok(attribution)
    }

    fn attribute_with<M: Model<I>, I: Inputs>(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>>
    where
        E: Explainer<M, I>,
    {
        self.check()?;
        let question = Question::new(model, input, target, rows)?;
        let inside = |noisy: Batch, target: ResolvedTarget, rows: &Rows| {
            let expected = noisy.shapes();
            let noisy = noisy.into_inputs();
            let map = self.explainer.attribute_rows(model, noisy, target.into(), rows)?;
            let found = map.values.shapes();
            if found != expected {
                return Err(Error::ExplainerShape { expected, found });
            }
            let values = Batch::new(map.values)?;
            let (evaluations, converged) = (map.evaluations, map.converged);
            Ok(SampleMaps { values, evaluations, converged, warnings: map.warnings })
        };
        Ok(self.explain(&question, &inside)?.into_inputs())
    }
}

impl<M: Model<I>, I: Inputs, E: Explainer<M, I>, S: Statistic> Explainer<M, I> for OverNoise<E, S> {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.attribute_with(model, input, target, None)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.attribute_with(model, input, target, Some(rows))
    }
}

// Written by hand, because a derive would require the same trait of the statistic.
impl<E: Clone, S> Clone for OverNoise<E, S> {
    fn clone(&self) -> Self {
        Self {
            explainer: self.explainer.clone(),
            samples: self.samples,
            draws: self.draws,
            noise: self.noise.clone(),
            schedule: self.schedule.clone(),
            statistic: PhantomData,
        }
    }
}

impl<E: std::fmt::Debug, S> std::fmt::Debug for OverNoise<E, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OverNoise")
            .field("statistic", &std::any::type_name::<S>())
            .field("explainer", &self.explainer)
            .field("samples", &self.samples)
            .field("draws", &self.draws)
            .field("noise", &self.noise)
            .field("schedule", &self.schedule)
            .finish()
    }
}
