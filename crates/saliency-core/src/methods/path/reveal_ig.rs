//! Reveal-IG: gradients along a path of distributions that reveal the input bit by bit.

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage, check_count};
use crate::execution::evaluator::Scored;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::{Batch, add};
use crate::methods::path::integrated_gradients::Straight;
use crate::methods::path::laid::{FromBaseline, Path};
use crate::path::shape::PathShape;
use crate::random::distribution::Distribution;
use crate::random::key::{Key, Stream};
use crate::random::noise::{Noise, NoiseScale};
use crate::sampling::aggregate::Aggregate;
use crate::sampling::samples::{Averaged, SampleMaps, Samples};

/// The change of the expected score, shared out over the values of the input, while noise fades and
/// the input is revealed. With standard errors.
///
/// ```text
///          1
/// A(x)  =  ∫  E [ ∂f/∂x (Z(α)) · Z'(α) ] dα,      Z(α) = γ(α) + (1 - α)^p σ ε,     ε ~ N(0, 1)
///          0
/// ```
///
/// γ is a path from a baseline to the input. At the start the model is asked about a cloud of inputs
/// around the baseline, and at the end about the input alone. The score on the way is the mean over
/// the cloud, so that fine kinks and spikes of the model between baseline and input count less than
/// in [`IntegratedGradients`](crate::IntegratedGradients).
///
/// The values sum to `f(x)` minus the expected score at the start, `E f(x' + σ ε)`, up to the
/// sampling error. The part of a value that comes from `σ ε` is the change of score because less is
/// uncertain, not because the value moved.
///
/// With `p = 1/2`, the default, the cloud at α is what is known of a value with the distribution
/// `N(x', σ²)` after a reading whose noise hides all but the share α of its variance. With `p = 1`
/// and a straight path, the method is [`ExpectedGradients`](crate::ExpectedGradients) with normal
/// baselines. With no noise, it is [`IntegratedGradients`](crate::IntegratedGradients) with random
/// points.
///
/// # What is the paper's, and what is ours
/// The paper has the idea: a path of distributions around the input, from little information to all
/// of it; attributions of the expected score; completeness for it. Ours is everything else: the
/// cloud above, the place of points and pairs, the error bars, and the option to
/// [go along any path](Self::along), for instance one of blurred photos, from coarse to fine. Values
/// are not those of the authors' program.
///
/// # How points are drawn
/// A sample cuts the path into equal parts, and draws a position in each and a noise of its own. Both
/// `ε` and `-ε` are tried, so that the noise cancels as far as the model is linear. The positions of
/// all samples are spread evenly: each part is cut again, and up to 16 samples share each piece. The
/// standard errors come from the differences between these, which are independent. So they count every
/// error: of the noise and of the path. They are right from 50 samples on.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - path: straight, from a baseline of zeros
/// - noise: Gaussian, with a standard deviation of 0.15 of the range of each row
///   ([`with_noise`](Self::with_noise)). For tables, use
///   [`NoiseScale::of_rows`] with a fraction of 1: the start is then as uncertain as the data
/// - power p: 1/2
/// - samples: 50, or as many as a tolerance needs ([`with_tolerance`](Self::with_tolerance))
/// - points of a sample: 2
/// - at most 1,000 samples, if there is a tolerance
/// - seed: 0. Random numbers depend only on seed, row and sample.
///
/// # Cost
/// Two gradients for each point of each sample: 200 for each row. Without noise, one. 65 forward
/// passes, 64 of them for the expected score at the start.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), and of the path;
/// [`Error::InvalidOption`] for an option outside its range.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::RevealIg;
/// use saliency_core::{Explainer, NoiseScale, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0]], &Device::flex());
/// let noise = NoiseScale::Absolute(0.5);
/// let map = RevealIg::new().with_noise(noise).with_samples(200).attribute(&model, x)?;
///
/// // x², less the square that the noise has at the start: σ².
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// let errors = map.standard_error.unwrap().try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 0.75).abs() < 4.0 * errors[0]);
/// assert!((values[1] - 3.75).abs() < 4.0 * errors[1]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Murphy and Shrestha, *Attribution via Distributional Paths for Information Revelation*, 2026,
/// <https://arxiv.org/abs/2606.03885>.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RevealIg<P = Straight> {
    path: P,
    samples: Samples,
    points: usize,
    power: f64,
    noise: Noise,
    schedule: Schedule,
}

/// The number of pairs of starts over which the expected score is averaged.
const STARTS: usize = 32;

/// The samples from here on belong to the starts. There are fewer others.
const FIRST_START: usize = 1 << 31;

/// The most points of a sample.
const MOST_POINTS: usize = 1000;

impl Default for RevealIg<Straight> {
    fn default() -> Self {
        Self::along(Straight::default())
    }
}

impl RevealIg<Straight> {
    /// Reveals the input along the straight path, with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<P> RevealIg<P> {
    /// Reveals the input along a path of your choice, with the defaults above.
    pub fn along(path: P) -> Self {
        let (scale, distribution) = (NoiseScale::OfRange(0.15), Distribution::default());
        Self {
            path,
            samples: Samples::default(),
            points: 2,
            power: 0.5,
            noise: Noise { scale, distribution, range: None, seed: 0 },
            schedule: Schedule::default(),
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
    /// is at most `tolerance`, in (0, 1], or until the limit is reached. The error is estimated after
    /// 60 samples, and then after at least a quarter more each time.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_tolerance(tolerance);
        self
    }

    /// Draws samples until the estimated error of each [`Share`](crate::Share) that is asked for by
    /// [`Rows::with_shares`](crate::Rows::with_shares) is at most `tolerance`, in (0, 1], or until
    /// the limit is reached.
    pub fn with_share_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_share_tolerance(tolerance);
        self
    }

    /// Sets the most samples that are drawn to reach a tolerance: up to 1,000,000.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_limit(samples);
        self
    }

    /// Sets the number of points on the path in each sample: from 1 to 1,000. More points and fewer
    /// samples are better if the gradient changes along the path more than with the noise.
    pub fn with_points(mut self, points: usize) -> Self {
        self.points = points;
        self
    }

    /// Sets the strength of the noise at the start; not negative.
    pub fn with_noise(mut self, noise: NoiseScale) -> Self {
        self.noise.scale = noise;
        self
    }

    /// Sets the distribution of the noise.
    pub fn with_distribution(mut self, distribution: Distribution) -> Self {
        self.noise.distribution = distribution;
        self
    }

    /// Sets the power p, from 1/2 to 1: the noise falls as `(1 - α)^p`. The smaller it is, the later
    /// the noise goes. Below 1/2 it would go so fast at the end that samples would not settle.
    pub fn with_power(mut self, power: f64) -> Self {
        self.power = power;
        self
    }

    /// Sets the seed of all random numbers.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.noise.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in samples.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

impl<P: FromBaseline> RevealIg<P> {
    /// Sets the start of the path.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.path.set_baseline(baseline);
        self
    }
}

impl<P: Path> RevealIg<P> {
    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.path.check()?;
        self.samples.check(Aggregate::Mean)?;
        self.noise.check()?;
        check_count("points", self.points, MOST_POINTS)?;
        if (0.5..=1.0).contains(&self.power) {
            return Ok(());
        }
        Err(Error::invalid_option("power", "from 0.5 to 1", self.power))
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        let calls = self.samples.most().saturating_mul(2 * self.points) + self.path.gradients();
        let scored = question.resolve_for(&self.schedule, calls)?;
        let laid = self.path.lay(question, &scored, &self.schedule)?;
        laid.check_whole()?;
        let cloud = Cloud {
            question,
            shape: laid.known()?,
            noise: &self.noise,
            deviations: self.noise.deviations(input)?,
            power: self.power,
            samples: self.samples.with_strata(1),
        };
        let start_scores = cloud.start_scores(&scored, &self.schedule)?;
        let draw =
            |rows: &[usize], samples: &[usize]| cloud.draw(&scored, rows, samples, self.points);
        let (samples, shares) = (cloud.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, &draw)?;
        evaluator.check_dependence(&self.schedule, &averaged.values, input, &scored.target)?;
        let without_noise = self.noise.warnings(input, &cloud.deviations)?;
        let mut attribution = averaged.into_attribution(scored.clone(), rows)?;
        attribution.evaluations.iter_mut().for_each(|count| *count += laid.gradients);
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        attribution.warnings.extend(without_noise);
        attribution.with_baseline(start_scores)
    }
}

/// The clouds of inputs around the points of a path.
struct Cloud<'a> {
    question: &'a Question<'a>,
    shape: &'a dyn PathShape,
    noise: &'a Noise,
    deviations: Batch,
    power: f64,
    samples: Samples,
}

impl Cloud<'_> {
    /// Draws noise of full strength for the given rows.
    fn noise(&self, rows: &[usize], keys: &[Key]) -> Result<Batch> {
        let still = self.question.input.select(rows).map(|part| part.zeros_like());
        self.noise.add(&still, &self.deviations.select(rows), keys)
    }

    /// Returns whether both signs of the noise are tried: not if there is none.
    fn signs(&self) -> &'static [f64] {
        if self.noise.is_none() { &[1.0] } else { &[1.0, -1.0] }
    }

    /// Draws one sample for each of the given rows.
    fn draw(
        &self,
        scored: &Scored,
        rows: &[usize],
        samples: &[usize],
        points: usize,
    ) -> Result<SampleMaps> {
        let mut total = None;
        for part in 0..points {
            // Every point of a sample has random numbers of its own.
            let draws: Vec<usize> = samples.iter().map(|sample| sample * points + part).collect();
            let keys = self.question.rows.select(rows).keys(self.noise.seed, &draws);
            let within = keys.iter().map(|key| key.uniform(Stream::Position, 1)[0]);
            let place = |(sample, within): (&usize, f64)| self.samples.place(*sample, within);
            let places = samples.iter().zip(within).map(place);
            let positions: Vec<f64> =
                places.map(|place| (part as f64 + place) / points as f64).collect();
            add(&mut total, self.at(scored, rows, &keys, &positions)?);
        }
        let count = points * self.signs().len();
        let values = total.expect("at least one point");
        let values = values.map(|part| part.div_scalar(count as f64));
        values.check_finite(Stage::Attribution)?;
        let evaluations = vec![count; rows.len()];
        Ok(SampleMaps { evaluations, ..SampleMaps::new(values) })
    }

    /// Adds up the contributions of both signs of the noise at one position of each row.
    fn at(
        &self,
        scored: &Scored,
        rows: &[usize],
        keys: &[Key],
        positions: &[f64],
    ) -> Result<Batch> {
        // Not zero, because the noise falls infinitely fast at the very end.
        let left = positions.iter().map(|at| (1.0 - at).max(f64::EPSILON));
        let left: Vec<f64> = left.collect();
        let path = self.shape.at(rows, positions)?;
        path.check(&self.question.input, rows.len())?;
        let noise = self.noise(rows, keys)?;
        let target = scored.target.select(rows);
        let mut total = None;
        for &sign in self.signs() {
            let strength = |left: &f64| sign * left.powf(self.power);
            let speed = |left: &f64| -sign * self.power * left.powf(self.power - 1.0);
            let strengths: Vec<f64> = left.iter().map(strength).collect();
            let speeds: Vec<f64> = left.iter().map(speed).collect();
            let points = path.points.zip(&noise.scale_rows(&strengths), |mean, noise| mean + noise);
            let points = points.with_fixed_of(&path.points);
            points.check_finite(Stage::NoisyInput)?;
            let fall = noise.scale_rows(&speeds);
            let tangents = path.tangents.zip(&fall, |forward, fall| forward + fall);
            let found = self.question.evaluator.gradient(points, &target)?;
            found.gradients.check_finite(Stage::Gradient)?;
            let gradients = found.gradients.widened();
            add(&mut total, gradients.zip(&tangents.widened(), |gradient, move_| gradient * move_));
        }
        Ok(total.expect("at least one sign"))
    }

    /// Returns the expected score at the start of each row's path.
    fn start_scores(&self, scored: &Scored, schedule: &Schedule) -> Result<Vec<f64>> {
        let Question { evaluator, input, rows, .. } = self.question;
        let every: Vec<usize> = (0..input.rows()).collect();
        let start = self.shape.at(&every, &vec![0.0; every.len()])?;
        start.check(input, every.len())?;
        let score = |points: &Batch| {
            let scores = evaluator.scores(schedule, points, &scored.target);
            scores.map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))
        };
        if self.noise.is_none() {
            return score(&start.points);
        }
        let mut sums = vec![0.0; every.len()];
        for pair in 0..STARTS {
            let keys = rows.keys(self.noise.seed, &vec![FIRST_START + pair; every.len()]);
            let noise = self.noise(&every, &keys)?;
            for &sign in self.signs() {
                let points = start.points.zip(&noise, |mean, noise| mean + noise * sign);
                let scores = score(&points.with_fixed_of(&start.points))?;
                sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
            }
        }
        let count = (STARTS * self.signs().len()) as f64;
        Ok(sums.into_iter().map(|sum| sum / count).collect())
    }
}

answers_questions!(RevealIg<P>, P: Path);
