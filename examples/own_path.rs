//! A path of your own: Integrated Gradients that fill the features in one after another, in an order
//! that you know to be right, instead of all at once.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use saliency::kit::{Batch, PathPoints, PathShape, Question, Scored};
use saliency::methods::{AlongPath, Laid, Path};
use saliency::{Explainer, IntegratedGradients, Model, Result, Schedule};

/// A path from zeros to the input, on which one feature moves after the other.
struct InOrder;

/// The paths to the rows of an input.
struct Steps<'a>(&'a Batch);

impl Path for InOrder {
    fn lay<'a>(&self, question: &'a Question, _: &Scored, _: &Schedule) -> Result<Laid<'a>> {
        Ok(Laid::new(Steps(&question.input)))
    }
}

impl PathShape for Steps<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let input = self.0.select(rows);
        let features = input.width() as f64;
        // Feature k moves while the position is between k and k + 1, in units of features.
        let row = |at: &f64| -> Vec<f64> {
            (0..input.width()).map(|k| at * features - k as f64).collect()
        };
        let times = |part: Tensor<2>| {
            let times: Vec<f64> = positions.iter().flat_map(row).collect();
            Tensor::<1>::from_data(&times[..], (&part.device(), part.dtype())).reshape(part.dims())
        };
        let moved = |part: Tensor<2>| part.clone() * times(part).clamp(0.0, 1.0);
        let moves = |part: Tensor<2>| {
            let (early, late) =
                (times(part.clone()).lower_elem(0.0), times(part.clone()).greater_elem(1.0));
            (part * features).mask_fill(early.bool_or(late), 0.0)
        };
        Ok(PathPoints { points: input.map(moved), tangents: input.map(moves) })
    }
}

#[derive(Module, Debug)]
struct Net {
    hidden: Linear,
    output: Linear,
}

impl Model<Tensor<2>> for Net {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(input)))
    }
}

fn main() -> Result<()> {
    let device = Device::flex();
    device.seed(0);
    let net = Net {
        hidden: LinearConfig::new(4, 16).init(&device),
        output: LinearConfig::new(16, 3).init(&device),
    };
    let input = Tensor::<2>::from_data([[5.1, 3.5, 1.4, 0.2]], &device);

    let straight =
        IntegratedGradients::new().with_tolerance(0.01).attribute(&net, input.clone())?;
    // A path needs nothing else: points, tolerance and error estimate work along it.
    let in_order = AlongPath::of(InOrder).with_tolerance(0.01).attribute(&net, input)?;

    for (name, map) in [("straight", straight), ("in order", in_order)] {
        let error = map.error_estimate.expect("an estimate")[0];
        let gap = map.completeness_gap.expect("a baseline")[0];
        let values = map.values.try_into_vec_as::<f32>().expect("values on the host");
        println!("{name}: {values:.3?}, error {:.1} %, gap {gap:.4}", 100.0 * error);
    }
    Ok(())
}
