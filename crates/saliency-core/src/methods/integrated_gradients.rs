use crate::attribution::Attribution;
use crate::baseline::Baseline;
use crate::error::{Error, Place, Result};
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
/// Those of [`Explainer::attribute_to`]; [`Error::InvalidOption`] for no steps, and those of a
/// baseline that does not fit: [`Error::BaselineShape`], [`Error::BaselineCount`].
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

    /// Sets the number of points on the path; at least 1.
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

/// One gradient to take: of which row, where on its path, and what it counts for.
struct Point {
    row: usize,
    at: f64,
    weight: f64,
}

impl<M: Model<I>, I: Inputs> Explainer<M, I> for IntegratedGradients {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        if self.steps == 0 {
            let found = "0".to_owned();
            return Err(Error::InvalidOption { option: "steps", expected: "at least 1", found });
        }
        let input = Flat::new(input)?;
        let baseline = self.baseline.like(&input)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;
        let baseline_scores = probe.scores(&self.schedule, &baseline, &scored.target)?.scores;

        let difference = input.zip(&baseline, |input, baseline| input - baseline);
        let points = self.points(input.rows());
        let mut means: Vec<Option<Flat>> = vec![None; input.rows()];
        self.schedule.run(
            input.width(),
            &points,
            |points| {
                let rows: Vec<usize> = points.iter().map(|point| point.row).collect();
                let along: Vec<f64> = points.iter().map(|point| point.at).collect();
                let weights: Vec<f64> = points.iter().map(|point| point.weight).collect();
                let steps = difference.select(&rows).scale_rows(&along);
                let at = baseline.select(&rows).zip(&steps, |baseline, step| baseline + step);
                let (gradient, ..) = probe.gradient(at, &scored.target.select(&rows))?;
                Ok(gradient.scale_rows(&weights))
            },
            |points, weighted| {
                add_by_row(&mut means, points, &weighted);
                Ok(())
            },
        )?;
        let means: Vec<Flat> = means.into_iter().flatten().collect();
        let mean = Flat::stack(&means);
        mean.check_finite(Place::Gradient)?;
        let values = difference.zip(&mean, |difference, mean| difference * mean);

        let sums = values.row_sums()?.into_iter();
        let changes = scored.scores.iter().zip(&baseline_scores).map(|(score, base)| score - base);
        let gap = sums.zip(changes).map(|(sum, change)| sum - change).collect();
        Ok(Attribution {
            baseline_scores: Some(baseline_scores),
            completeness_gap: Some(gap),
            ..Attribution::of(values, scored, points.len())
        })
    }
}

impl IntegratedGradients {
    /// All gradients to take, row by row.
    fn points(&self, rows: usize) -> Vec<Point> {
        let path = self.rule.points(self.steps);
        let point = |row| path.iter().map(move |&(at, weight)| Point { row, at, weight });
        (0..rows).flat_map(point).collect()
    }
}

/// Adds weighted gradients, which are sorted by row, to the sums of their rows.
fn add_by_row(sums: &mut [Option<Flat>], points: &[Point], weighted: &Flat) {
    let mut start = 0;
    for points in points.chunk_by(|a, b| a.row == b.row) {
        let mut part = weighted.narrow(start, points.len());
        if points.len() > 1 {
            part = part.map(|part| part.sum_dim(0));
        }
        let sum = &mut sums[points[0].row];
        *sum = Some(match sum.take() {
            Some(sum) => sum.zip(&part, |sum, part| sum + part),
            None => part,
        });
        start += points.len();
    }
}
