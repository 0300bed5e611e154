//! TIMING: Integrated Gradients of a series, averaged over segments that stay as they are.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::evaluator::Scored;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::methods::path::held_segments::HeldSegments;
use crate::path::contribution::Product;
use crate::path::integral::PathIntegral;
use crate::path::quadrature::Rule;
use crate::path::score_change::ScoreChange;
use crate::path::shape::StraightPath;
use crate::random::key::Stream;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::samples::{Averaged, SampleMaps, Samples};
use crate::warning::Warning;

/// Integrated Gradients of a time series, averaged over paths on which random segments stay at the
/// input, with standard errors.
///
/// ```text
/// A(x)_t  =  E [ (x - x')_t · ∂f/∂x_t (x - (1 - α) M (x - x'))  |  M_t = 1 ],     α ~ U(0, 1)
/// ```
///
/// `M` is 0 in random segments, each a stretch of time of one feature, and 1 elsewhere. On the path
/// of Integrated Gradients the whole series fades in at once, and its values in between are like no
/// series that the model has seen. Here parts of the series are as they were, so that a value is also
/// asked for beside others that are complete.
///
/// # Completeness
/// For a single `M`, the values that move sum to `f(x)` minus the score of the series whose moving
/// values are those of the baseline. Each value is then divided by the probability `P` that it moves,
/// because it is compared with others that move as often. Thus Σ P·A is `f(x)` minus the mean score
/// of the series in which all except the segments is baseline, but Σ A is `f(x) - f(x')` only for
/// models that add up functions of single values. For two values that only count together,
/// `f = x₁ x₂`, and one of them always held, each gets all of `f(x)`. There is no
/// [`completeness_gap`](Attribution::completeness_gap) for that reason. Without segments the method
/// is Integrated Gradients.
///
/// # How it is computed
/// Each sample draws one `α` and its segments, and takes one gradient. A map of Integrated Gradients
/// with 8 points stands in where a value is held: a sample is `M/P · (gradient · (x - x') - IG) +
/// IG`. Its mean is the same whatever stands in, and its spread is smaller. `P` is exact.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed. Time is the last axis, as in
/// `[rows, channels, time]`, or the one that [`with_time_axis`](Self::with_time_axis) names.
///
/// # Parameters and defaults
/// - time axis: the last one
/// - length of segments: uniform from a fifth to a half of the series
/// - segments: as many as leave every value free with a probability of at least 1/4. The authors
///   set a number for each of their data sets.
/// - samples: 50, or as many as a tolerance needs ([`with_tolerance`](Self::with_tolerance))
/// - at most 1,000 samples, if there is a tolerance
/// - baseline: zeros
/// - seed: 0. Random numbers depend only on seed, row and sample.
///
/// # Cost
/// `samples` + 8 gradients per row, and two forward passes.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to); [`Error::InvalidOption`]
/// for an option outside its range, for an input without that time axis, for segments longer than
/// the series, and for segments that leave some value free in less than 5 % of the samples;
/// [`Error::BaselineShape`] and [`Error::BaselineCount`] for a baseline that does not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Timing, pure_function};
///
/// // Σ x²: each value counts by itself, so that its square is its share.
/// let model = pure_function(|x: Tensor<3>| x.powi_scalar(2).flatten::<2>(1, 2).sum_dim(1));
/// let series = Tensor::<3>::from_data([[[1.0, 2.0, 0.0, 3.0]]], &Device::flex());
/// let map = Timing::new().with_samples(500).attribute(&model, series)?;
///
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// let errors = map.standard_error.unwrap().try_into_vec_as::<f32>().unwrap();
/// for (at, square) in [1.0, 4.0, 0.0, 9.0].into_iter().enumerate() {
///     assert!((values[at] - square).abs() <= 4.0 * errors[at]);
/// }
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Jang, Kim and Yang, *TIMING: Temporality-Aware Integrated Gradients for Time Series Explanation*,
/// 2025, <https://arxiv.org/abs/2506.05035>. The authors divide by the number of samples in which a
/// value was free, which is the same in the limit; their points on the path are even; and a segment
/// of theirs never reaches the last step, unless it is as long as the series.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timing {
    time_axis: Option<usize>,
    segments: Option<usize>,
    lengths: Option<[usize; 2]>,
    samples: Samples,
    baseline: Baseline,
    seed: u64,
    schedule: Schedule,
}

/// The points of the map of Integrated Gradients that stands in for held values.
const STAND_IN_POINTS: usize = 8;

/// If a value is free in fewer samples than this on average, its standard error is rough.
const FEW_FREE: f64 = 10.0;

impl Timing {
    /// Returns TIMING with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the axis of the input that is time, counted from 0 for the rows: 1 for
    /// `[rows, time, features]`.
    pub fn with_time_axis(mut self, axis: usize) -> Self {
        self.time_axis = Some(axis);
        self
    }

    /// Sets the number of segments that are held in each sample, in each tensor of the input. Without
    /// segments the method is Integrated Gradients.
    pub fn with_segments(mut self, count: usize) -> Self {
        self.segments = Some(count);
        self
    }

    /// Sets the least and the greatest length of segments, in steps: at least 1, and at most the
    /// length of the series.
    pub fn with_segment_lengths(mut self, least: usize, greatest: usize) -> Self {
        self.lengths = Some([least, greatest]);
        self
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

    /// Sets the start of the paths.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets the seed of all random numbers.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in samples of rows.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work. Options that depend on the input are
    /// checked later.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.samples.check(Aggregate::Mean)?;
        if self.time_axis == Some(0) {
            return Err(Error::invalid_option(
                "time axis",
                "at least 1, because axis 0 is rows",
                0,
            ));
        }
        match self.lengths {
            Some([least, greatest]) if least == 0 || least > greatest => {
                let found = format!("{least} to {greatest}");
                Err(Error::invalid_option("length of segments", "at least 1 and ascending", found))
            }
            _ => Ok(()),
        }
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        let held = HeldSegments::new(input, self.time_axis, self.segments, self.lengths)?;
        let baseline = self.baseline.like(input, rows)?;
        let scored = question.resolve_for(&self.schedule, self.samples.most())?;
        let baseline_scores = evaluator
            .scores(&self.schedule, &baseline, &scored.target)
            .map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))?;
        let path = StraightPath::new(baseline, input);
        let draws = Draws {
            question,
            scored: &scored,
            held: &held,
            stand_in: self.stand_in(question, &path, &scored, &baseline_scores)?,
            difference: path.difference(),
            seed: self.seed,
        };
        let draw = |rows: &[usize], samples: &[usize]| draws.draw(rows, samples);
        let (samples, shares) = (self.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, &draw)?;
        evaluator.check_dependence(&self.schedule, &averaged.values, input, &scored.target)?;
        let mut attribution = averaged.into_attribution(scored, rows)?;
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        for (row, samples) in attribution.evaluations.iter_mut().enumerate() {
            if (*samples as f64) * held.least_free_share() < FEW_FREE {
                Warning::FewSamplesDecide { row }.add_to(&mut attribution.warnings);
            }
            *samples += STAND_IN_POINTS;
        }
        attribution.baseline_scores = Some(baseline_scores);
        let sizes = path.difference().map(Tensor::abs).row_sums()?;
        for row in (0..sizes.len()).filter(|row| sizes[*row] == 0.0) {
            // A map of zeros is certain if nothing can move.
            attribution.warnings.retain(|it| *it != Warning::FewSamplesDecide { row });
            attribution.warnings.push(Warning::BaselineIsInput { row });
        }
        Ok(attribution)
    }

    /// Returns the map of Integrated Gradients that stands in for held values.
    fn stand_in(
        &self,
        question: &Question,
        path: &StraightPath,
        scored: &Scored,
        baseline_scores: &[f64],
    ) -> Result<Batch> {
        let precision = question.input.parts[0].dtype();
        let ends = baseline_scores.iter().zip(&scored.scores);
        let changes: Vec<ScoreChange> =
            ends.map(|(&from, &to)| ScoreChange::new(from, to, precision)).collect();
        let integral = PathIntegral {
            evaluator: &question.evaluator,
            target: &scored.target,
            input: &question.input,
            shape: path,
            contribution: &Product,
            changes: &changes,
            shares: None,
            keep_scores: false,
            // Progress counts samples.
            schedule: &self.schedule.silent(),
        };
        Ok(integral.fixed(&[Rule::GaussLegendre.positions(STAND_IN_POINTS)])?.values)
    }
}

/// Everything that a sample is drawn from.
struct Draws<'a> {
    question: &'a Question<'a>,
    scored: &'a Scored,
    held: &'a HeldSegments,
    stand_in: Batch,
    difference: &'a Batch,
    seed: u64,
}

impl Draws<'_> {
    /// Draws segments and a position for each of the given rows, and returns gradient times
    /// difference there, with the map that stands in for held values.
    fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let Question { evaluator, input, rows: all, .. } = self.question;
        let keys = all.select(rows).keys(self.seed, samples);
        let input = input.select(rows);
        let free = self.held.draw_free(&input, &keys);
        // Back from the input towards the baseline, so that held values are those of the input.
        let back: Vec<f64> =
            keys.iter().map(|key| 1.0 - key.uniform(Stream::Position, 1)[0]).collect();
        let difference = self.difference.select(rows);
        let step = difference.scale_rows(&back).zip(&free, |step, free| step * free);
        let points = input.zip(&step, |input, step| input - step);
        let found = evaluator.gradient(points, &self.scored.target.select(rows))?;
        found.gradients.check_finite(Stage::Gradient)?;
        let maps = difference.widened().zip(&found.gradients.widened(), |x, slope| x * slope);
        // M/P · (map - stand-in) + stand-in.
        let stand_in = self.stand_in.select(rows);
        let off = maps.zip(&stand_in, |map, other| map - other);
        let weights = self.held.weights(&free.widened());
        let off = off.zip(&weights, |off, weight| off * weight);
        let maps = off.zip(&stand_in, |off, other| off + other);
        maps.check_finite(Stage::Attribution)?;
        Ok(SampleMaps::new(maps))
    }
}

answers_questions!(Timing);
