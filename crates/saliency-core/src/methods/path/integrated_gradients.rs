//! Integrated Gradients: the straight path from a baseline to the input.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage, check_count};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::path::integral::{Integrals, PathIntegral};
use crate::path::quadrature::{Rule, placed};
use crate::path::score_change::ScoreChange;
use crate::path::shape::StraightPath;
use crate::share::Tolerance;
use crate::warning::Warning;

/// The difference of score between input and baseline, shared out over the values of the input.
///
/// ```text
///                    1
/// A(x) = (x - x') ·  ∫  ∂f/∂x (x' + α (x - x')) dα
///                    0
/// ```
///
/// The values sum to `f(x) - f(x')` (completeness), up to the error of the quadrature. The
/// [`completeness_gap`](Attribution::completeness_gap) is their sum minus this difference. The
/// [`error_estimate`](Attribution::error_estimate) is their estimated distance from the values that
/// infinitely many points would give.
///
/// # How many points
/// There are two ways to choose. [`with_steps`](Self::with_steps) sets a fixed number of points.
/// [`with_tolerance`](Self::with_tolerance) takes as many points as are needed to get the relative
/// L1 error of a row's values below a tolerance: points are placed where the gradient changes, and
/// every gradient is used. [`converged`](Attribution::converged) is false if the limit was reached
/// first. [`with_share_tolerance`](Self::with_share_tolerance) does the same for shares of the map,
/// such as the part of it that lies in a box.
///
/// The estimate assumes that the gradient jumps somewhere between every two points, and compares
/// the contributions there with the change of score. It was an upper bound of the true error in 95
/// % of 5,000 cases. If gradients are smooth, the estimate is several times too large. A few equal
/// gradients prove little, so that the estimate is never below 2^(1 - points). A single point has
/// no estimate.
///
/// The gradient may be infinite at either end of the path.
///
/// # Shapes and units
/// Values have the input's shape. Their unit is that of the score, and they have signs.
///
/// # Parameters and defaults
/// - steps: 50 points on the path
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`]
/// - tolerance: none, neither for the map nor for shares
/// - at most 1,000 gradients per row, if there is a tolerance
/// - baseline: zeros
///
/// # Cost
/// A gradient for each point of each row, and two forward passes. [`Rule::Placed`] takes seven more
/// forward passes.
///
/// # Memory
/// With a fixed number of points, the method needs memory only for the chunks that are being
/// computed. With a tolerance, gradients are kept, so that more points can be placed between them.
/// Beyond a limit, only sums of gradients are kept. The kept gradients and sums are together at
/// most 33 million numbers, or 18 copies of one row if that is more.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for an option outside its range;
/// [`Error::BaselineShape`](crate::Error::BaselineShape) and
/// [`Error::BaselineCount`](crate::Error::BaselineCount) for a baseline that does not fit.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, IntegratedGradients, pure_function};
///
/// // A linear model: each input contributes its weight times its value, from any number of steps.
/// let device = Device::flex();
/// let weights = Tensor::<2>::from_data([[2.0, -1.0]], &device);
/// let model = pure_function(move |x: Tensor<2>| (x * weights.clone()).sum_dim(1));
/// let x = Tensor::<2>::from_data([[3.0, 4.0]], &device);
/// let map = IntegratedGradients::new().with_steps(3).attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [6.0, -4.0]);
/// assert!(map.completeness_gap.unwrap()[0].abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks*, 2017,
/// <https://arxiv.org/abs/1703.01365>.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IntegratedGradients {
    steps: usize,
    rule: Rule,
    tolerance: Option<Tolerance>,
    max_gradients: usize,
    baseline: Baseline,
    schedule: Schedule,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self {
            steps: 50,
            rule: Rule::default(),
            tolerance: None,
            max_gradients: 1000,
            baseline: Baseline::default(),
            schedule: Schedule::default(),
        }
    }
}

impl IntegratedGradients {
    /// Returns Integrated Gradients with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a fixed number of points on the path, from 1 to 20,000, instead of a tolerance.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self.tolerance = None;
        self
    }

    /// Takes as many gradients as are needed for a relative L1 error of `tolerance`, in (0, 1],
    /// instead of a fixed number of points placed by a rule.
    ///
    /// 0.05 is enough for a picture.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Map(tolerance));
        self
    }

    /// Takes as many gradients as are needed for an error of at most `tolerance`, in (0, 1], in each
    /// [`Share`](crate::Share) of the map that is asked for by
    /// [`Rows::with_shares`](crate::Rows::with_shares): 0.01 is one point of a percent. The error of
    /// the map as a whole may then be much larger.
    ///
    /// One point takes at least seven gradients.
    pub fn with_share_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Shares(tolerance));
        self
    }

    /// Sets the most gradients that are taken for a row to reach a tolerance: from 5 to 20,000.
    pub fn with_max_gradients(mut self, gradients: usize) -> Self {
        self.max_gradients = gradients;
        self
    }

    /// Sets the rule that places a fixed number of points.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets the start of the path.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        let Some(tolerance) = self.tolerance else {
            return check_count("steps", self.steps, MOST_STEPS);
        };
        tolerance.check_range()?;
        let least = PathIntegral::LEAST;
        if (least..=MOST_STEPS).contains(&self.max_gradients) {
            return Ok(());
        }
        let expected = format!("from {least} to {MOST_STEPS}");
        Err(Error::invalid_option("limit", expected, self.max_gradients))
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        self.tolerance.map_or(Ok(()), |tolerance| tolerance.check(rows.shares()))?;
        let baseline = self.baseline.like(input, rows)?;
        // The values must sum to the difference between the scores at both ends.
        let calls = self.tolerance.map_or(self.steps, |_| self.max_gradients);
        let scored = question.resolve_for(&self.schedule, calls)?;
        let baseline_scores = evaluator
            .scores(&self.schedule, &baseline, &scored.target)
            .map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))?;
        let precision = input.parts[0].dtype();
        let ends = baseline_scores.iter().zip(&scored.scores);
        let mut changes: Vec<ScoreChange> =
            ends.map(|(&from, &to)| ScoreChange::new(from, to, precision)).collect();
        // Gradients along the straight path, times its tangent.
        let path = StraightPath::new(baseline, input);
        let without_path = rows_without_path(&path)?;
        for &row in &without_path {
            changes[row] = changes[row].without_path();
        }
        let integral = PathIntegral {
            evaluator,
            target: &scored.target,
            input,
            shape: &path,
            changes: &changes,
            shares: rows.shares(),
            schedule: &self.schedule,
        };
        let integrals = self.integrate(&integral, &baseline_scores, &scored.scores)?;
        integrals.values.check_finite(Stage::Attribution)?;
        evaluator.check_dependence(&self.schedule, &integrals.values, input, &scored.target)?;
        let mut attribution = Attribution::of(integrals.values, scored);
        attribution.error_estimate = integrals.errors;
        attribution.converged = integrals.converged;
        attribution.evaluations = integrals.evaluations;
        let no_path = without_path.into_iter().map(|row| Warning::BaselineIsInput { row });
        attribution.warnings.splice(0..0, no_path);
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        let attribution = attribution.with_shares(rows, integrals.share_errors.as_deref())?;
        attribution.with_baseline(baseline_scores)
    }

    /// Integrates to a tolerance, or with a fixed number of points; `from` and `to` are the scores
    /// at the ends of each row's path.
    fn integrate(&self, path: &PathIntegral, from: &[f64], to: &[f64]) -> Result<Integrals> {
        if let Some(tolerance) = self.tolerance {
            return path.to_tolerance(tolerance, self.max_gradients);
        }
        if self.rule == Rule::Placed {
            let pilot = path.pilot(from, to)?;
            let rules: Vec<_> = pilot.iter().map(|scores| placed(self.steps, scores)).collect();
            return path.fixed(&rules);
        }
        path.fixed(&[self.rule.positions(self.steps)])
    }
}

/// More points than this make no map better, and Gauss-Legendre points take long to compute.
const MOST_STEPS: usize = 20_000;

/// Returns the rows whose baseline is the input itself.
fn rows_without_path(path: &StraightPath) -> Result<Vec<usize>> {
    let sizes = path.difference().map(Tensor::abs).row_sums()?.into_iter().enumerate();
    Ok(sizes.filter(|(_, size)| *size == 0.0).map(|(row, _)| row).collect())
}

answers_questions!(IntegratedGradients);
