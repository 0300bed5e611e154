use crate::attribution::Attribution;
use crate::baseline::Baseline;
use crate::error::{Place, Result, check_count};
use crate::explainer::Explainer;
use crate::gradient::Probe;
use crate::inputs::{Flat, Inputs};
use crate::model::Model;
use crate::quadrature::Rule;
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
/// The values sum to `f(x) - f(x')` (completeness), up to the error of the quadrature, which is
/// reported as [`completeness_gap`](Attribution::completeness_gap).
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - steps: 50 points on the path
/// - rule: [`Rule::GaussLegendre`]
/// - baseline: zeros
///
/// # Cost
/// `steps` gradients per row, and two forward passes.
///
/// # Errors
/// Those of [`Explainer::attribute_to`]; [`Error::InvalidOption`](crate::Error::InvalidOption) for
/// steps outside their range; [`Error::BaselineShape`](crate::Error::BaselineShape) and
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
    baseline: Baseline,
    schedule: Schedule,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self {
            steps: 50,
            rule: Rule::default(),
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

    /// Sets the number of points on the path: from 1 to 20,000.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// Sets where the points lie.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets where the path starts.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

/// More points than this make no map better, and Gauss-Legendre points take long to find.
const MOST_STEPS: usize = 20_000;

impl<M: Model<I>, I: Inputs> Explainer<M, I> for IntegratedGradients {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        check_count("steps", self.steps, MOST_STEPS)?;
        let input = Flat::new(input)?;
        let baseline = self.baseline.like(&input)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;
        let baseline_scores = probe.scores(&self.schedule, &baseline, &scored.target);
        let baseline_scores = baseline_scores
            .map_err(|error| error.relocated(Place::Score, Place::BaselineScore))?
            .scores;

        // One work item is one gradient: item i is point i % steps on the path of row i / steps.
        let difference = input.zip(&baseline, |input, baseline| input - baseline);
        let path = self.rule.points(self.steps);
        let row_of = |item: usize| item / self.steps;
        let mut means: Vec<Option<Flat>> = vec![None; input.rows()];
        self.schedule.run(
            input.width(),
            input.rows() * self.steps,
            |items| {
                let rows: Vec<usize> = items.clone().map(row_of).collect();
                let points = items.map(|item| path[item % self.steps]);
                let (along, weights): (Vec<f64>, Vec<f64>) = points.unzip();
                let steps = difference.select(&rows).scale_rows(&along);
                let at = baseline.select(&rows).zip(&steps, |baseline, step| baseline + step);
                let (gradient, ..) = probe.gradient(at, &scored.target.select(&rows))?;
                Ok(gradient.widened().scale_rows(&weights))
            },
            |items, weighted| {
                let rows: Vec<usize> = items.map(row_of).collect();
                add_by_row(&mut means, &rows, &weighted);
                Ok(())
            },
        )?;
        let means: Vec<Flat> = means.into_iter().flatten().collect();
        let mean = Flat::stack(&means);
        mean.check_finite(Place::Gradient)?;
        let values = difference.widened().zip(&mean, |difference, mean| difference * mean);

        let sums = values.row_sums()?.into_iter();
        let changes = scored.scores.iter().zip(&baseline_scores).map(|(score, base)| score - base);
        let gap = sums.zip(changes).map(|(sum, change)| sum - change).collect();
        Ok(Attribution {
            baseline_scores: Some(baseline_scores),
            completeness_gap: Some(gap),
            ..Attribution::of(values, scored, self.steps)
        })
    }
}

/// Adds weighted gradients, one for each of the ascending `rows`, to the sums of their rows.
fn add_by_row(sums: &mut [Option<Flat>], rows: &[usize], weighted: &Flat) {
    let mut start = 0;
    for same in rows.chunk_by(|a, b| a == b) {
        let mut part = weighted.narrow(start, same.len());
        if same.len() > 1 {
            part = part.map(|part| part.sum_dim(0));
        }
        let sum = &mut sums[same[0]];
        *sum = Some(match sum.take() {
            Some(sum) => sum.zip(&part, |sum, part| sum + part),
            None => part,
        });
        start += same.len();
    }
}
