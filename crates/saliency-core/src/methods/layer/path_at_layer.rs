//! A path through input space, followed at a layer: conductance and internal influence.

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage, check_count};
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::methods::layer::layer_path::{LayerPath, Span, Tangent, UnitChange, short_length};
use crate::model::layer::{Cut, Split};
use crate::model::target::Target;
use crate::path::contribution::Product;
use crate::path::integral::{Integrals, PathIntegral};
use crate::path::quadrature::{Rule, WeightedPosition, placed};
use crate::path::score_change::ScoreChange;
use crate::path::shape::StraightPath;
use crate::share::Tolerance;
use crate::warning::Warning;

/// The gradients at a layer along a path through input space, times the quantity `Q`.
///
/// Named by its aliases, which document the defaults: [`Conductance`](crate::methods::Conductance)
/// and [`InternalInfluence`](crate::methods::InternalInfluence).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathAtLayer<Q> {
    pub(super) quantity: Q,
    steps: usize,
    rule: Rule,
    tolerance: Option<Tolerance>,
    max_gradients: usize,
    baseline: Baseline,
    schedule: Schedule,
}

/// The quantity of a [`PathAtLayer`].
pub(super) trait Quantity {
    /// Returns the change of the units that gradients are multiplied by, if there is one.
    fn unit_change(&self) -> Option<UnitChange>;
}

impl<Q: Default> Default for PathAtLayer<Q> {
    fn default() -> Self {
        Self {
            quantity: Q::default(),
            steps: 50,
            rule: Rule::default(),
            tolerance: None,
            max_gradients: 1000,
            baseline: Baseline::default(),
            schedule: Schedule::default(),
        }
    }
}

/// More points than this make no map better, and Gauss-Legendre points take long to compute.
const MOST_STEPS: usize = 20_000;

impl<Q> PathAtLayer<Q> {
    /// Returns the method with its defaults.
    pub fn new() -> Self
    where
        Q: Default,
    {
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
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Map(tolerance));
        self
    }

    /// Sets the most gradients per row that are taken to reach a tolerance: from 5 to 20,000.
    pub fn with_max_gradients(mut self, gradients: usize) -> Self {
        self.max_gradients = gradients;
        self
    }

    /// Sets the rule that places a fixed number of points.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets the start of the path, in input space.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers, progress and cancellation.
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
}

// The trait is private, because there are no other quantities.
#[expect(private_bounds, reason = "the quantities are these two")]
impl<Q: Quantity> PathAtLayer<Q> {
    /// Explains the class that the model predicts for each row.
    ///
    /// # Errors
    /// Those above.
    pub fn attribute<M: Cut<I, P>, I: Inputs, P>(
        &self,
        split: &Split<M, I, P>,
        input: I,
    ) -> Result<Attribution<M::Activation>> {
        self.attribute_to(split, input, Target::Predicted)
    }

    /// Explains the given target.
    ///
    /// # Errors
    /// Those above.
    pub fn attribute_to<M: Cut<I, P>, I: Inputs, P>(
        &self,
        split: &Split<M, I, P>,
        input: I,
        target: Target,
    ) -> Result<Attribution<M::Activation>> {
        self.check()?;
        let batch = Batch::new(input)?;
        batch.check_finite(Stage::Input)?;
        let rows = Rows::all(batch.rows());
        let baseline = self.baseline.like(&batch, &rows)?;
        // In chunks of their own, because an input may be far larger than its activation.
        let silent = self.schedule.silent();
        let activation = |of: Batch| Batch::new(split.activation(of.into_inputs(), &silent)?);
        let at_input: M::Activation = activation(batch.clone())?.into_inputs();
        let question = Question::new(split.after(), at_input, target, None)?;
        let at_baseline = activation(baseline.clone())?;
        let path = StraightPath::new(baseline, &batch);
        let asked =
            Asked { question: &question, at_baseline, path: &path, activation: &activation };
        Ok(self.explain(&asked)?.into_inputs())
    }

    fn explain(&self, asked: &Asked) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, .. } = asked.question;
        let calls = self.tolerance.map_or(self.steps, |_| self.max_gradients);
        let scored = asked.question.resolve_for(&self.schedule, calls)?;
        let from = evaluator
            .scores(&self.schedule, &asked.at_baseline, &scored.target)
            .map_err(|error| error.with_stage(Stage::Score, Stage::BaselineScore))?;
        let without_path = asked.path.rows_without_path()?;
        let precision = input.parts()[0].dtype();
        let changes: Vec<ScoreChange> = (0..input.rows())
            .map(|row| match self.quantity.unit_change() {
                None => ScoreChange::unrelated(precision),
                Some(_) => {
                    let change = ScoreChange::new(from[row], scored.scores[row], precision);
                    if without_path.contains(&row) { change.without_path() } else { change }
                }
            })
            .collect();
        let shape = asked.shape(Tangent::One);
        let integral = PathIntegral {
            evaluator,
            target: &scored.target,
            input,
            shape: &shape,
            contribution: &Product,
            changes: &changes,
            shares: None,
            keep_scores: false,
            schedule: &self.schedule,
        };
        let integrals = self.integrate(asked, &integral, &from, &scored.scores)?;
        integrals.values.check_finite(Stage::Attribution)?;
        evaluator.check_dependence(&self.schedule, &integrals.values, input, &scored.target)?;
        let mut attribution = Attribution::of(integrals.values, scored);
        // The estimate takes points to be in the middle of their parts of the path.
        let change = self.quantity.unit_change();
        let is_estimated = self.tolerance.is_some() || change != Some(UnitChange::ToNext);
        attribution.error_estimate = integrals.errors.filter(|_| is_estimated);
        attribution.converged = integrals.converged;
        attribution.evaluations = integrals.evaluations;
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        if change.is_none() {
            attribution.baseline_scores = Some(from);
            return Ok(attribution);
        }
        let no_path = without_path.into_iter().map(|row| Warning::BaselineIsInput { row });
        attribution.warnings.splice(0..0, no_path);
        attribution.with_baseline(from)
    }

    /// Integrates to a tolerance, or with a fixed number of points; `from` and `to` are the scores
    /// at the ends of each row's path.
    fn integrate(
        &self,
        asked: &Asked,
        integral: &PathIntegral,
        from: &[f64],
        to: &[f64],
    ) -> Result<Integrals> {
        let change = self.quantity.unit_change();
        if let Some(tolerance) = self.tolerance {
            let length = short_length(integral.input.parts()[0].dtype());
            let tangent = change.map_or(Tangent::One, |_| Tangent::Near(length));
            let shape = asked.shape(tangent);
            return PathIntegral { shape: &shape, ..*integral }
                .to_tolerance(tolerance, self.max_gradients);
        }
        let points = match change {
            Some(UnitChange::ToNext) => self.steps + 1,
            _ => self.steps,
        };
        let mut rules: Vec<Vec<WeightedPosition>> = if self.rule == Rule::Placed {
            integral.pilot(from, to)?.iter().map(|scores| placed(points, scores)).collect()
        } else {
            vec![self.rule.positions(points)]
        };
        let tangent = match change {
            None => Tangent::One,
            Some(UnitChange::Around) => {
                Tangent::Around(rules.iter().map(|rule| Span::around(rule)).collect())
            }
            Some(UnitChange::ToNext) => {
                rules.iter_mut().for_each(to_next);
                let span = |at: &WeightedPosition| Span {
                    position: at.position,
                    from: at.position,
                    to: at.position + at.weight,
                };
                Tangent::Around(rules.iter().map(|rule| rule.iter().map(span).collect()).collect())
            }
        };
        let shape = asked.shape(tangent);
        PathIntegral { shape: &shape, ..*integral }.fixed(&rules)
    }
}

/// Gives each point the distance to the next one as its weight, and leaves the last point out.
fn to_next(rule: &mut Vec<WeightedPosition>) {
    let next: Vec<f64> = rule.iter().skip(1).map(|at| at.position).collect();
    rule.truncate(next.len());
    rule.iter_mut().zip(next).for_each(|(at, next)| at.weight = next - at.position);
}

/// A question about a layer, and the path to be followed there.
struct Asked<'a> {
    question: &'a Question<'a>,
    /// The activation of the baseline.
    at_baseline: Batch,
    path: &'a StraightPath,
    /// Computes the activation of inputs.
    activation: &'a (dyn Fn(Batch) -> Result<Batch> + Sync),
}

impl Asked<'_> {
    fn shape(&self, tangent: Tangent) -> LayerPath<'_> {
        LayerPath { activation: self.activation, path: self.path, tangent }
    }
}
