use burn::tensor::Tensor;

use crate::attribution::{Attribution, Warning};
use crate::baseline::Baseline;
use crate::error::{Error, Place, Result, check_count, check_share};
use crate::estimate::Change;
use crate::explainer::{Explainer, Rows, explained_by_rows};
use crate::gradient::Probe;
use crate::inputs::{Flat, Inputs};
use crate::line::Line;
use crate::model::Model;
use crate::path::Path;
use crate::quadrature::{Rule, placed};
use crate::schedule::Schedule;
use crate::target::Target;

/// The difference of score between input and baseline, shared out over the values of the input.
///
/// ```text
///                    1
/// A(x) = (x - x') ·  ∫  ∂f/∂x (x' + α (x - x')) dα
///                    0
/// ```
///
/// The values sum to `f(x) - f(x')` (completeness), up to the error of the quadrature. By how much
/// they miss it is the [`completeness_gap`](Attribution::completeness_gap); how far they are from
/// those of infinitely many points is the [`error_estimate`](Attribution::error_estimate).
///
/// # How many points
/// Either a fixed number ([`with_steps`](Self::with_steps)), or as many as are needed to get the
/// relative L1 error of a row's values below a tolerance ([`to_tolerance`](Self::to_tolerance)):
/// points are placed where the gradient changes, every gradient is used, and
/// [`converged`](Attribution::converged) tells whether the limit came first.
///
/// The estimate takes gradients along the path for Brownian motion, as those of deep ReLU networks
/// nearly are; where they are smooth it is too large. It is never below what the completeness gap
/// says. There is none for a single point.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - steps: 50 points on the path
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`]
/// - tolerance: none
/// - limit: 1,000 gradients per row, where there is a tolerance
/// - baseline: zeros
///
/// # Cost
/// A gradient for each point of each row, and two forward passes; [`Rule::Placed`] takes seven more.
///
/// # Memory
/// With a fixed number of points that of the chunks under way. With a tolerance, gradients are kept
/// to place more points between them, and beyond a limit their sums: 33 million numbers at most, or
/// 18 copies of one row where that is more.
///
/// # Errors
/// Those of [`Explainer::attribute_to`]; [`Error::InvalidOption`](crate::Error::InvalidOption) for
/// an option outside its range; [`Error::BaselineShape`](crate::Error::BaselineShape) and
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
pub struct IntegratedGradients {
    steps: usize,
    rule: Rule,
    tolerance: Option<f64>,
    limit: usize,
    baseline: Baseline,
    schedule: Schedule,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self {
            steps: 50,
            rule: Rule::default(),
            tolerance: None,
            limit: 1000,
            baseline: Baseline::default(),
            schedule: Schedule::default(),
        }
    }
}

impl IntegratedGradients {
    /// Integrated Gradients with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of points on the path: from 1 to 20,000. It takes the place of a tolerance.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self.tolerance = None;
        self
    }

    /// Takes as many gradients as are needed for a relative L1 error of `tolerance`, in (0, 1].
    ///
    /// 0.05 is enough for a picture. It takes the place of a number of steps and a rule.
    pub fn to_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the most gradients that are taken for a row to reach a tolerance: from 5 to 20,000.
    pub fn with_limit(mut self, gradients: usize) -> Self {
        self.limit = gradients;
        self
    }

    /// Sets where a fixed number of points lie.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets where the path starts.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    fn check(&self) -> Result<()> {
        let Some(tolerance) = self.tolerance else {
            return check_count("steps", self.steps, MOST_STEPS);
        };
        check_share("tolerance", tolerance)?;
        if (Line::LEAST..=MOST_STEPS).contains(&self.limit) {
            return Ok(());
        }
        let expected = format!("from {} to {MOST_STEPS}", Line::LEAST);
        Err(Error::InvalidOption { option: "limit", expected, found: self.limit.to_string() })
    }

    fn explain<M: Model<I>, I: Inputs>(
        &self,
        (model, input, target): (&M, I, Target),
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>> {
        self.check()?;
        let input = Flat::new(input)?;
        let baseline = self.baseline.like(&input, &Rows::or_all(rows, &input)?)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;
        let scores_at = |at: &Flat, place: Place| {
            let scored = probe.scores(&self.schedule, at, &scored.target);
            Ok(scored.map_err(|error| error.relocated(Place::Score, place))?.scores)
        };
        let baseline_scores = scores_at(&baseline, Place::BaselineScore)?;
        let difference = input.zip(&baseline, |input, baseline| input - baseline).without_fixed();
        let sizes = difference.map(Tensor::abs).row_sums()?.into_iter().enumerate();
        let same = sizes.filter(|(_, size)| *size == 0.0);
        let warnings = same.map(|(row, _)| Warning::BaselineIsInput { row }).collect();
        let precision = input.parts[0].dtype();
        let changes = baseline_scores.iter().zip(&scored.scores);
        let path = Path {
            baseline,
            difference,
            changes: changes.map(|(&from, &to)| Change::new(from, to, precision)).collect(),
            // What a gradient at a point of the path contributes to each value.
            contribution: |point: Flat, step: Flat, rows: &[usize]| {
                let (gradient, ..) = probe.gradient(point, &scored.target.select(rows))?;
                gradient.check_finite(Place::Gradient)?;
                Ok(gradient.widened().zip(&step.widened(), |gradient, step| gradient * step))
            },
        };
        let integrals = match self.tolerance {
            Some(tolerance) => path.to_tolerance(tolerance, self.limit, &self.schedule)?,
            None if self.rule == Rule::Placed => {
                let scores_at = |at: &Flat| scores_at(at, Place::PathScore);
                let pilot = path.pilot(&scored.scores, &baseline_scores, scores_at)?;
                let placed = |scores: &Vec<f64>| placed(self.steps, scores);
                path.fixed(&pilot.iter().map(placed).collect::<Vec<_>>(), &self.schedule)?
            }
            None => path.fixed(&[self.rule.points(self.steps)], &self.schedule)?,
        };
        integrals.values.check_finite(Place::Attribution)?;
        let attribution = Attribution {
            error_estimate: integrals.errors,
            converged: integrals.converged,
            gradients: integrals.gradients,
            warnings,
            ..Attribution::of(integrals.values.clone(), scored, 0)
        };
        attribution.with_baseline(&integrals.values, baseline_scores)
    }
}

/// More points than this make no map better, and Gauss-Legendre points take long to find.
const MOST_STEPS: usize = 20_000;

impl<M: Model<I>, I: Inputs> Explainer<M, I> for IntegratedGradients {
    explained_by_rows!();
}
