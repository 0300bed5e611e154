//! Conductance: a path through input space, followed at a layer. Dhamdhere, Sundararajan and Yan,
//! *How Important Is a Neuron?*, 2018.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use saliency_core::kit::{
    Batch, PathIntegral, PathPoints, PathShape, Product, Question, ScoreChange, StraightPath,
};
use saliency_core::{Cut, Model, Result, Rule, Schedule, Split, Target};

/// Two layers: hidden units h = W x, and the score h1 · h2.
#[derive(Module, Debug)]
struct TwoLayers {
    weights: Param<Tensor<2>>,
}

struct Hidden;

impl Model<Tensor<2>> for TwoLayers {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.after(self.before(input))
    }
}

impl Cut<Tensor<2>, Hidden> for TwoLayers {
    type Activation = Tensor<2>;

    fn before(&self, input: Tensor<2>) -> Tensor<2> {
        // The second unit is squared, so that the layer does not move evenly along the path.
        let hidden = input.matmul(self.weights.val());
        let second = hidden.clone().narrow(1, 1, 1).powi_scalar(2);
        Tensor::cat(vec![hidden.narrow(1, 0, 1), second], 1)
    }

    fn after(&self, hidden: Tensor<2>) -> Tensor<2> {
        hidden.clone().narrow(1, 0, 1) * hidden.narrow(1, 1, 1)
    }
}

/// The image of a path through input space at a layer; its tangent by differences.
struct AtLayer<'a> {
    split: &'a Split<TwoLayers, Tensor<2>, Hidden>,
    path: StraightPath,
}

impl AtLayer<'_> {
    fn image(&self, rows: &[usize], positions: &[f64]) -> Result<Batch> {
        let points = self.path.at(rows, positions)?.points;
        Batch::new(self.split.before(points.into_inputs()))
    }
}

impl PathShape for AtLayer<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let step = 1e-3;
        let [before, after] =
            [-step, step].map(|step| positions.iter().map(|at| at + step).collect::<Vec<_>>());
        let (before, after) = (self.image(rows, &before)?, self.image(rows, &after)?);
        let tangents = after.zip(&before, |after, before| (after - before) / (2.0 * step));
        Ok(PathPoints { points: self.image(rows, positions)?, tangents })
    }
}

/// Compares with the closed form. Along x = α (a, b) the units are h1 = α p and h2 = α² q², with p
/// and q the products of the weights. The score is α³ p q², of which h1 gets ∫ h2 dh1 = p q² / 3,
/// and h2 gets ∫ h1 dh2 = 2 p q² / 3.
#[test]
fn the_conductance_of_two_layers_has_its_closed_form() {
    let (device, double) = (Device::flex(), DType::F64);
    let weights = Tensor::<2>::from_data([[1.0, 0.5], [-2.0, 1.0]], (&device, double));
    let net = TwoLayers { weights: Param::from_tensor(weights) };
    let x = Tensor::<2>::from_data([[3.0, 0.5], [1.0, -1.0]], (&device, double));
    // A split is a value like any other: it can be kept.
    let split: Split<TwoLayers, Tensor<2>, Hidden> = Split::at(&net, Hidden);

    let schedule = Schedule::new();
    let activation = split.activation(x.clone(), &schedule).unwrap();
    let input = Batch::new(x).unwrap();
    let nothing = input.map(|part| part.zeros_like());
    let path = AtLayer { split: &split, path: StraightPath::new(nothing, &input) };
    let question = Question::new(split.after(), activation, Target::Class(0), None).unwrap();
    let scored = question.resolve(&schedule).unwrap();
    let changes: Vec<ScoreChange> =
        scored.scores.iter().map(|&to| ScoreChange::new(0.0, to, double)).collect();
    let integral = PathIntegral {
        evaluator: &question.evaluator,
        target: &scored.target,
        input: &question.input,
        shape: &path,
        contribution: &Product,
        changes: &changes,
        shares: None,
        keep_scores: false,
        schedule: &schedule,
    };
    let found = integral.fixed(&[Rule::GaussLegendre.positions(5)]).unwrap();
    let values: Tensor<2> = found.values.into_inputs();
    let values: Vec<f64> = values.into_data().iter().collect();
    for (row, [p, q]) in [[2.0f64, 2.0], [3.0, -0.5]].into_iter().enumerate() {
        let score = p * q * q;
        assert!((scored.scores[row] - score).abs() < 1e-12);
        assert!((values[2 * row] - score / 3.0).abs() < 1e-6, "{values:?}");
        assert!((values[2 * row + 1] - 2.0 * score / 3.0).abs() < 1e-6, "{values:?}");
    }
}
