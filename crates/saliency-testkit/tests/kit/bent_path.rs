//! Gradients along a path that is bent: first the first value moves, then all others.

use burn::tensor::{DType, Device, Tensor};
use saliency_core::kit::{
    Batch, PathIntegral, PathPoints, PathShape, Product, Question, ScoreChange, Tolerance,
};
use saliency_core::{
    Attribution, Error, Explainer, Inputs, IntegratedGradients, Model, Result, Rule, Schedule,
    Target, pure_function,
};
use saliency_testkit::assert_error;

/// Integrates gradients from zero to the input, through a third point in between.
pub struct BentGradients {
    tolerance: Option<f64>,
    schedule: Schedule,
}

/// The path through a corner, at which the first value has arrived and the others have not left.
struct Bent {
    from: Batch,
    corner: Batch,
    to: Batch,
}

impl BentGradients {
    pub fn new() -> Self {
        Self { tolerance: None, schedule: Schedule::new() }
    }

    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

impl PathShape for Bent {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let [from, corner, to] =
            [&self.from, &self.corner, &self.to].map(|corner| corner.select(rows));
        let subtract = |a: &Batch, b: &Batch| a.zip(b, |a, b| a - b);
        let add = |a: &Batch, b: &Batch| a.zip(b, |a, b| a + b);
        let (first, second) = (subtract(&corner, &from), subtract(&to, &corner));
        // The first half of the positions leads to the corner, the second half on to the end.
        let along: Vec<f64> = positions.iter().map(|at| (2.0 * at).min(1.0)).collect();
        let beyond: Vec<f64> = positions.iter().map(|at| (2.0 * at - 1.0).max(0.0)).collect();
        let [early, late] = [0.0, 1.0].map(|half| -> Vec<f64> {
            positions
                .iter()
                .map(|at| if (*at >= 0.5) == (half == 1.0) { 2.0 } else { 0.0 })
                .collect()
        });
        let steps = add(&first.scale_rows(&along), &second.scale_rows(&beyond));
        let tangents = add(&first.scale_rows(&early), &second.scale_rows(&late));
        Ok(PathPoints { points: add(&from, &steps), tangents })
    }
}

impl<M: Model<I>, I: Inputs> Explainer<M, I> for BentGradients {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        let question = Question::new(model, input, target, None)?;
        let (evaluator, input) = (&question.evaluator, &question.input);
        let scored = question.resolve(&self.schedule)?;
        // From zero; at the corner only the first value is that of the input.
        let from = input.map(|part| part.zeros_like());
        let corner = input.map(|part| {
            let first = part.clone().narrow(1, 0, 1);
            Tensor::cat(vec![first, part.narrow(1, 1, input.width() - 1).zeros_like()], 1)
        });
        let start = evaluator.scores(&self.schedule, &from, &scored.target)?;
        let change = |(&from, &to)| ScoreChange::new(from, to, DType::F32);
        let changes: Vec<ScoreChange> = start.iter().zip(&scored.scores).map(change).collect();
        let integral = PathIntegral {
            evaluator,
            target: &scored.target,
            input,
            shape: &Bent { from, corner, to: input.clone() },
            contribution: &Product,
            changes: &changes,
            shares: None,
            keep_scores: true,
            schedule: &self.schedule,
        };
        let integrals = match self.tolerance {
            Some(tolerance) => integral.to_tolerance(Tolerance::Map(tolerance), 1000)?,
            None => integral.fixed(&[Rule::Midpoint.positions(8)])?,
        };
        // The scores along the path are kept beside the gradients.
        for (row, scores) in integrals.scores.iter().enumerate() {
            assert!(scores.windows(2).all(|pair| pair[0].position < pair[1].position));
            assert!(!scores.is_empty() && start[row].is_finite());
        }
        let mut answer = Attribution::of(integrals.values, scored);
        answer.error_estimate = integrals.errors;
        answer.evaluations = integrals.evaluations;
        Ok(answer.with_baseline(start)?.into_inputs())
    }
}

/// Wrong arguments are errors: no rule, rules of different lengths, a limit that is too small.
#[test]
fn wrong_arguments_of_an_integral_are_refused() {
    let x = Tensor::<2>::from_data([[3.0, 4.0], [-1.0, 2.0]], &Device::flex());
    let question = Question::new(&product(), x, Target::Class(0), None).unwrap();
    let schedule = Schedule::new();
    let scored = question.resolve(&schedule).unwrap();
    let batch = || question.input.clone();
    let path = Bent { from: batch(), corner: batch(), to: batch() };
    let changes = [ScoreChange::new(0.0, 1.0, DType::F32); 2];
    let integral = PathIntegral {
        evaluator: &question.evaluator,
        target: &scored.target,
        input: &question.input,
        shape: &path,
        contribution: &Product,
        changes: &changes,
        shares: None,
        keep_scores: true,
        schedule: &schedule,
    };
    let rule = |count| Rule::Midpoint.positions(count);
    for rules in [vec![], vec![vec![]], vec![rule(2), rule(3)], vec![rule(1), rule(1), rule(1)]] {
        let error = integral.fixed(&rules).unwrap_err();
        assert_error!(error, Error::InvalidOption { option: "rules" });
    }
    let error = integral.to_tolerance(Tolerance::Map(0.1), 4).unwrap_err();
    assert_error!(error, Error::InvalidOption { option: "limit", found: "4" });
    let error = integral.to_tolerance(Tolerance::Map(0.0), 10).unwrap_err();
    assert_error!(error, Error::InvalidOption { option: "tolerance" });
    let error = PathIntegral { changes: &changes[..1], ..integral }.fixed(&[rule(2)]).unwrap_err();
    assert_error!(error, Error::InvalidOption { option: "changes of score", found: "1" });
    let short = Short(Bent { from: batch(), corner: batch(), to: batch() });
    let error = PathIntegral { shape: &short, ..integral }.fixed(&[rule(2)]).unwrap_err();
    assert!(matches!(error, Error::PathShape { .. }), "{error}");
}

/// A path that forgets a value.
struct Short(Bent);

impl PathShape for Short {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let PathPoints { points, tangents } = self.0.at(rows, positions)?;
        let points = Batch::new(points.into_inputs::<Tensor<2>>().narrow(1, 0, 1))?;
        Ok(PathPoints { points, tangents })
    }
}

fn product() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| x.clone().narrow(1, 0, 1) * x.narrow(1, 1, 1))
}

fn values(map: &Attribution<Tensor<2>>) -> Vec<f64> {
    map.values.clone().into_data().iter().collect()
}

/// Checks the values of x · y. The straight path gives each value half. On the bent path x moves
/// while y is zero, so that x gets nothing and y gets all of it. Both sum to the change of score.
#[test]
fn a_bent_path_shares_a_product_out_differently() {
    let x = Tensor::<2>::from_data([[3.0, 4.0], [-1.0, 2.0]], &Device::flex());
    let straight = IntegratedGradients::new().attribute(&product(), x.clone()).unwrap();
    for (found, half) in values(&straight).into_iter().zip([6.0, 6.0, -1.0, -1.0]) {
        assert!((found - half).abs() < 1e-5, "{found} {half}");
    }
    let bent = BentGradients::new();
    let to_tolerance = BentGradients::new().with_tolerance(1e-3);
    for (explainer, close) in [(bent, 1e-5), (to_tolerance, 0.02)] {
        let map = explainer.attribute(&product(), x.clone()).unwrap();
        for (found, all) in values(&map).into_iter().zip([0.0, 12.0, 0.0, -2.0]) {
            assert!((found - all).abs() < close, "{found} {all}");
        }
        let gaps = map.completeness_gap.clone().unwrap();
        assert!(gaps.iter().all(|gap| gap.abs() < close), "{gaps:?}");
        assert!(map.error_estimate.is_some());
    }
}
