//! Conductance and internal influence: a path through input space, followed at a layer.

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage, check_count};
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::methods::layer::layer_path::{LayerPath, Span, Tangent, short_length};
use crate::model::layer::{Cut, Split};
use crate::model::target::Target;
use crate::path::integral::{Integrals, PathIntegral};
use crate::path::quadrature::{Rule, WeightedPosition, placed};
use crate::path::score_change::ScoreChange;
use crate::path::shape::StraightPath;
use crate::share::Tolerance;
use crate::warning::Warning;

/// The score's change between a baseline and the input, shared out over the units of a layer.
///
/// ```text
///        1  ∂f                 d
/// A_j =  ∫ ----- (a(γ(α)))  · --- a_j(γ(α)) dα,     γ(α) = x' + α (x - x')
///        0 ∂a_j                dα
/// ```
///
/// The path is that of [`IntegratedGradients`](crate::IntegratedGradients), through *input* space. The
/// activation a of its points moves along a curve, and each unit j of the layer gets the part of the
/// change of score that flows through it. Values sum to `f(x) - f(x')` (completeness), up to the error
/// of the quadrature. `IntegratedGradients` of [`Split::after`] instead takes a straight line at the
/// layer, whose points no input may have.
///
/// # How sure it is
/// The activation's change is a difference between the ends of the part of the path that a point
/// stands for. These differences join end to end, so that nothing of the change is lost.
/// [`error_estimate`](Attribution::error_estimate) takes the gradient to jump somewhere between every
/// two points, and compares the contributions there with the change of score. To a tolerance, points
/// may be anywhere, and the difference is taken over 1/256 of the path (in double precision 1/65,536):
/// a bend of the activation that is closer to a bend of the gradient than this is seen only by the
/// comparison with the scores.
///
/// # Shapes and units
/// Values have the shape of the activation. Their unit is that of the score, and they have signs.
///
/// # Parameters and defaults
/// - steps: 50 points on the path, or as many as a [tolerance](PathAtLayer::with_tolerance) needs, up
///   to 1,000
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`]
/// - change of the units: [`UnitChange::Around`] each point; [`UnitChange::ToNext`] is Captum's
/// - baseline: zeros
///
/// # Cost
/// For each point of each row, one gradient of the part after the cut and up to three forward passes of
/// the part before it; and two forward passes of the whole.
///
/// # Errors
/// Those of [`Split::activation`] and of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::InvalidOption`] for an option outside its range; those of the [`Baseline`].
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::Conductance;
/// use saliency_core::{Cut, Model, Split};
///
/// /// Two units, x and x², whose product is the score.
/// #[derive(Module, Debug)]
/// struct Cube {}
/// struct Units;
///
/// impl Cut<Tensor<2>, Units> for Cube {
///     type Activation = Tensor<2>;
///
///     fn before(&self, x: Tensor<2>) -> Tensor<2> {
///         Tensor::cat(vec![x.clone(), x.powi_scalar(2)], 1)
///     }
///
///     fn after(&self, units: Tensor<2>) -> Tensor<2> {
///         units.clone().narrow(1, 0, 1) * units.narrow(1, 1, 1)
///     }
/// }
///
/// impl Model<Tensor<2>> for Cube {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(x))
///     }
/// }
///
/// let split = Split::at(&Cube {}, Units);
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = Conductance::new().attribute(&split, x)?;
/// // Along the path, x · x² changes by x² dx and by x · 2x dx: a third, and two thirds of 27.
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 9.0).abs() < 0.01 && (values[1] - 18.0).abs() < 0.01);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Dhamdhere, Sundararajan and Yan, *How Important Is a Neuron?*, 2018,
/// <https://arxiv.org/abs/1805.12233>.
pub type Conductance = PathAtLayer<UnitChange>;

/// The gradient of the score with respect to the units of a layer, averaged along a path through input
/// space.
///
/// ```text
///        1  ∂f
/// A_j =  ∫ ----- (a(γ(α))) dα,     γ(α) = x' + α (x - x')
///        0 ∂a_j
/// ```
///
/// It shows which units the score reacts to, anywhere between the baseline and the input. A unit that
/// never moves may have a large value: it is [`Conductance`] that counts how much units move.
///
/// # How sure it is
/// [`error_estimate`](Attribution::error_estimate) takes the gradient to jump somewhere between every
/// two points. The values do not sum to a change of score, so that nothing shows a gradient that
/// changes between two points and back: see the section on accuracy in the book.
///
/// # Shapes and units
/// Values have the shape of the activation; score per unit of activation, signed.
///
/// # Parameters and defaults
/// - steps: 50 points on the path, or as many as a [tolerance](PathAtLayer::with_tolerance) needs, up
///   to 1,000
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`]
/// - baseline: zeros
///
/// # Cost
/// For each point of each row, one gradient of the part after the cut and one forward pass of the part
/// before it; and two forward passes of the whole.
///
/// # Errors
/// Those of [`Split::activation`] and of [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::InvalidOption`] for an option outside its range; those of the [`Baseline`].
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::InternalInfluence;
/// use saliency_core::{Cut, Model, Split};
///
/// /// One unit, x², whose square is the score.
/// #[derive(Module, Debug)]
/// struct Fourth {}
/// struct Unit;
///
/// impl Cut<Tensor<2>, Unit> for Fourth {
///     type Activation = Tensor<2>;
///
///     fn before(&self, x: Tensor<2>) -> Tensor<2> {
///         x.powi_scalar(2)
///     }
///
///     fn after(&self, unit: Tensor<2>) -> Tensor<2> {
///         unit.powi_scalar(2)
///     }
/// }
///
/// impl Model<Tensor<2>> for Fourth {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(x))
///     }
/// }
///
/// let split = Split::at(&Fourth {}, Unit);
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = InternalInfluence::new().attribute(&split, x)?;
/// // The mean of 2 (3 α)² is 6.
/// assert!((map.values.into_scalar::<f32>() - 6.0).abs() < 1e-4);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Leino, Sen, Datta, Fredrikson and Li, *Influence-Directed Explanations for Deep Convolutional
/// Networks*, 2018, <https://arxiv.org/abs/1802.03788>.
pub type InternalInfluence = PathAtLayer<GradientAlone>;

/// The gradients at a layer along a path through input space, times the quantity `Q`.
///
/// Named by its aliases, which document the defaults: [`Conductance`] and [`InternalInfluence`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathAtLayer<Q> {
    quantity: Q,
    steps: usize,
    rule: Rule,
    tolerance: Option<Tolerance>,
    max_gradients: usize,
    baseline: Baseline,
    schedule: Schedule,
}

/// The change of the units that [`Conductance`] multiplies gradients by, if there is a fixed number of
/// points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum UnitChange {
    /// The change over the part of the path that a point stands for, with the point inside.
    #[default]
    Around,
    /// The change from each point to the next one, as in Captum: one more point of the rule is placed,
    /// which gets no gradient. Changes before the first point and after the last are left out, and the
    /// error falls more slowly with the number of points. For comparisons.
    ToNext,
}

/// No quantity: [`InternalInfluence`] averages the gradients alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GradientAlone;

/// The quantity of a [`PathAtLayer`].
trait Quantity {
    /// Returns the change of the units that gradients are multiplied by, if there is one.
    fn unit_change(&self) -> Option<UnitChange>;
}

impl Quantity for UnitChange {
    fn unit_change(&self) -> Option<UnitChange> {
        Some(*self)
    }
}

impl Quantity for GradientAlone {
    fn unit_change(&self) -> Option<UnitChange> {
        None
    }
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

impl PathAtLayer<UnitChange> {
    /// Sets which change of the units belongs to each of a fixed number of points.
    pub fn with_unit_change(mut self, change: UnitChange) -> Self {
        self.quantity = change;
        self
    }
}

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
        let activation =
            |of: &Batch| split.activation(of.clone().into_inputs(), &self.schedule.silent());
        let question = Question::new(split.after(), activation(&batch)?, target, None)?;
        let at_baseline = Batch::new(activation(&baseline)?)?;
        let path = StraightPath::new(baseline, &batch);
        let asked = Asked {
            question: &question,
            at_baseline,
            path: &path,
            activation: &|points: Batch| Batch::new(split.before(points.into_inputs())),
        };
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
            changes: &changes,
            shares: None,
            schedule: &self.schedule,
        };
        let integrals = self.integrate(asked, &integral, &from, &scored.scores)?;
        integrals.values.check_finite(Stage::Attribution)?;
        evaluator.check_dependence(&self.schedule, &integrals.values, input, &scored.target)?;
        let mut attribution = Attribution::of(integrals.values, scored);
        attribution.error_estimate = integrals.errors;
        attribution.converged = integrals.converged;
        attribution.evaluations = integrals.evaluations;
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        if self.quantity.unit_change().is_none() {
            attribution.baseline_scores = Some(from);
            return Ok(attribution);
        }
        let no_path = without_path.into_iter().map(|row| Warning::BaselineIsInput { row });
        attribution.warnings.splice(0..0, no_path);
        attribution.with_baseline(from)
    }

    /// Integrates to a tolerance, or with a fixed number of points; `from` and `to` are the scores at
    /// the ends of each row's path.
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
