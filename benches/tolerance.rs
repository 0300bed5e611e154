//! How many gradients does Integrated Gradients need for a given error on photos, and is the
//! estimate of the error right? The bench `coverage` asks the second question about other models.
//!
//! ```text
//! cargo bench --profile dev --bench tolerance
//! ```
//!
//! Errors are relative L1 errors of a map against one from many points.

use burn::tensor::{Device, Tensor};
use saliency::photo::Preparation;
use saliency::{Baseline, Explainer, Inputs, IntegratedGradients, Model, Rule, Target};
use saliency_models::{CifarCnn, EfficientNetLite0, ResNet, photos};
use saliency_testkit::{Golden, relative_l1};

/// The tolerance.
const TOLERANCE: f64 = 0.05;

fn values<I: Inputs>(tensors: &I) -> Vec<f64> {
    tensors
        .clone()
        .into_rows()
        .into_iter()
        .flat_map(|rows| rows.into_data().iter().collect::<Vec<_>>())
        .collect()
}

/// Prints the fewest gradients with which each way gets its error below the tolerance.
fn needed(name: &str, net: &EfficientNetLite0, input: &Tensor<4>) -> f64 {
    let attribute = |explainer: &IntegratedGradients| {
        let map = explainer.attribute(net, input.clone()).expect("a map");
        (values(&map.values), map.evaluations[0])
    };
    let ig = IntegratedGradients::new;
    let (right, _) = attribute(&ig().with_rule(Rule::Placed).with_steps(1600));
    let steps = |rule: Rule, from: usize| {
        let enough = |&steps: &usize| {
            let (found, _) = attribute(&ig().with_rule(rule).with_steps(steps));
            relative_l1(&found, &right) <= TOLERANCE
        };
        (from..).find(enough).expect("enough points")
    };
    let gauss_legendre = steps(Rule::GaussLegendre, 70);
    let placed = steps(Rule::Placed, 46);
    // The estimate is an upper bound: to meet the error exactly, a looser tolerance may do.
    let reached = (0..40).map(|k| 0.07 - 0.0005 * f64::from(k)).find_map(|tolerance| {
        let (found, gradients) = attribute(&ig().with_tolerance(tolerance));
        (relative_l1(&found, &right) <= TOLERANCE).then_some(gradients)
    });
    let reached = reached.expect("enough points");
    let ratio = reached as f64 / gauss_legendre as f64;
    println!(
        "{name}: {reached} gradients where they are needed, {placed} placed by a pilot, \
         {gauss_legendre} by Gauss-Legendre: ratio {ratio:.3} (at most 0.65)"
    );
    ratio
}

/// The ratios of estimated to true errors.
struct Judged {
    ratios: Vec<f64>,
}

/// A model, an input, and the target to explain.
struct Question<'a, M, I> {
    net: &'a M,
    input: &'a I,
    target: Target,
}

impl Judged {
    /// Explains to the tolerance and from many points, and prints the estimated and the true error.
    fn case<M: Model<I>, I: Inputs>(
        &mut self,
        name: &str,
        question: Question<M, I>,
        baseline: &Baseline,
        reference: usize,
    ) {
        let Question { net, input, target } = question;
        let ig = || IntegratedGradients::new().with_baseline(baseline.clone());
        let explain = |explainer: IntegratedGradients| {
            explainer.attribute_to(net, input.clone(), target.clone()).expect("a map")
        };
        let right = explain(ig().with_rule(Rule::Placed).with_steps(reference));
        let map = explain(ig().with_tolerance(TOLERANCE));
        let found = relative_l1(&values(&map.values), &values(&right.values));
        let estimate = map.error_estimate.expect("an estimate")[0];
        let ratio = estimate / found;
        println!("{name:44} {:9} {estimate:9.4} {found:9.4} {ratio:8.2}", map.evaluations[0]);
        self.ratios.push(ratio);
    }
}

/// Returns the classes with the highest scores, best first.
fn best<M: Model<I>, I: Inputs>(net: &M, input: &I, count: usize) -> Vec<usize> {
    let (_, classes) = net.valid().forward(input.clone()).topk_with_indices(count, 1);
    classes.into_data().iter::<i64>().map(|class| class as usize).collect()
}

fn main() {
    let device = Device::flex();
    let lite0 = EfficientNetLite0::embedded(&device);
    let photos = [("cat", photos::chelsea()), ("coffee", photos::coffee())]
        .map(|(name, photo)| (name, Preparation::imagenet().tensor(&photo, &device)));

    println!("EfficientNet-Lite0, gradients for a true error of 5 %");
    let mut ratios: Vec<f64> =
        photos.iter().map(|(name, input)| needed(name, &lite0, input)).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = (ratios[(ratios.len() - 1) / 2] + ratios[ratios.len() / 2]) / 2.0;
    println!("median ratio {middle:.3} (at most 0.65)\n");

    println!(
        "{:44} {:>9} {:>9} {:>9} {:>8}",
        "case, to a tolerance of 5 %", "gradients", "estimated", "true", "ratio"
    );
    let mut judged = Judged { ratios: Vec::new() };
    let zero = Baseline::zeros();
    for (name, input) in &photos {
        for class in best(&lite0, input, 3) {
            let name = format!("EfficientNet-Lite0, {name}, class {class}");
            judged.case(
                &name,
                Question { net: &lite0, input, target: Target::Class(class) },
                &zero,
                800,
            );
        }
        let from_black = format!("EfficientNet-Lite0, {name}, from black");
        judged.case(
            &from_black,
            Question { net: &lite0, input, target: Target::Predicted },
            &Baseline::constant(-1.0),
            800,
        );
        let name = format!("EfficientNet-Lite0, {name}, log-probability");
        let target = Target::Predicted.with_score(saliency::Score::LogProbability);
        judged.case(&name, Question { net: &lite0, input, target }, &zero, 800);
    }
    let cifar = CifarCnn::embedded(&device);
    for (file, golden) in
        [("zero", Golden::cifar_zero_baseline()), ("black", Golden::cifar_black_baseline())]
    {
        let (inputs, baselines): (Tensor<4>, Tensor<4>) =
            (golden.tensor("input", &device), golden.tensor("baseline", &device));
        for row in 0..inputs.dims()[0] {
            let input = inputs.clone().narrow(0, row, 1);
            let baseline =
                Baseline::tensor(baselines.clone().narrow(0, row.min(baselines.dims()[0] - 1), 1));
            for class in best(&cifar, &input, 2) {
                let name = format!("CIFAR CNN, {file} baseline {row}, class {class}");
                judged.case(
                    &name,
                    Question { net: &cifar, input: &input, target: Target::Class(class) },
                    &baseline,
                    5000,
                );
            }
        }
    }
    device.seed(1);
    let resnet = ResNet::new_18(&device);
    for (name, input) in &photos {
        let name = format!("ResNet-18 with random weights, {name}");
        // From zero it is linear along the path, because it has no constant terms.
        let black = Baseline::constant(-1.0);
        judged.case(
            &name,
            Question { net: &resnet, input, target: Target::Predicted },
            &black,
            400,
        );
    }
    let mut ratios = judged.ratios;
    ratios.sort_by(f64::total_cmp);
    let bounds = ratios.iter().filter(|ratio| **ratio >= 1.0).count();
    println!(
        "an upper bound in {bounds} of {} cases (at least 90 %), {:.2} times too large in the \
         median (at most 3)",
        ratios.len(),
        ratios[ratios.len() / 2]
    );
}
