//! How often a model is called.

use burn::tensor::Tensor;
use saliency_core::methods::Family;
use saliency_core::{
    ExpectedGradients, Explainer, Gradient, InputTimesGradient, IntegratedGradients, Method,
    MethodOptions, Rule, Schedule, SmoothGrad, Target,
};
use saliency_testkit::{Counting, device};

#[test]
fn a_model_is_called_no_more_than_the_method_needs() {
    let count = Counting::default();
    let model = count.square();
    let x = Tensor::<2>::ones([3, 1], &device());
    let run = |explainer: &dyn Explainer<_, _>| {
        explainer.attribute_to(&model, x.clone(), Target::Predicted).unwrap();
        count.take()
    };
    let one = || Schedule::new().with_chunk(1);
    // One forward pass scores, predicts and is differentiated.
    assert_eq!(run(&Gradient::new()), (1, 3));
    assert_eq!(run(&InputTimesGradient::new()), (1, 3));
    assert_eq!(run(&Gradient::new().with_schedule(one())), (3, 3));
    // The points of all rows share batches; input and baseline are scored besides.
    let ig = IntegratedGradients::new().with_steps(10);
    assert_eq!(run(&ig), (1 + 2, 30 + 6));
    // In chunks of at most 8: two points of all three rows.
    assert_eq!(run(&ig.clone().with_schedule(Schedule::new().with_chunk(8))), (5 + 2, 30 + 6));
    assert_eq!(run(&ig.with_schedule(one())), (30 + 6, 30 + 6));
    // The input is scored once; then all samples of all rows share batches.
    assert_eq!(run(&SmoothGrad::default().with_samples(5)), (1 + 1, 3 + 15));
    let schedule = || Schedule::new().with_chunk(6);
    let smooth = || SmoothGrad::default().with_samples(5).with_schedule(schedule());
    assert_eq!(run(&smooth()), (1 + 3, 3 + 15));
    let options = MethodOptions::new().with_samples(5);
    for method in Method::ALL.iter().filter(|method| method.family() == Family::Noise) {
        // The rows have no range, and so no noise. VarGrad is zero then: it makes sure that the model
        // depends on its input at all.
        let extra = usize::from(*method == Method::VarGrad);
        let found = run(&method.explainer(&options));
        assert_eq!(found, (1 + 1 + extra, 3 + 15 + 3 * extra), "{method}");
    }
    let inside = IntegratedGradients::new().with_steps(10);
    // Each chunk of copies is explained by a call of the explainer inside.
    let nested = SmoothGrad::new(inside).with_samples(5).with_schedule(schedule());
    assert_eq!(run(&nested), (1 + 3 * 3, 3 + 15 * 12));
    // A pilot of seven points between input and baseline.
    let placed = IntegratedGradients::new().with_steps(10).with_rule(Rule::Placed);
    assert_eq!(run(&placed), (1 + 2 + 7, 30 + 6 + 21));
    // Two baselines are scored besides.
    let expected = ExpectedGradients::new(Tensor::<2>::zeros([2, 1], &device())).with_samples(5);
    assert_eq!(run(&expected), (1 + 1 + 1, 15 + 3 + 2));
    // The gradient of x² is a line: the first five points show that it varies, but not that it
    // varies evenly. All rows share the batches of each round.
    let tolerance = IntegratedGradients::new().with_tolerance(0.05);
    let map = tolerance.attribute_to(&model, x.clone(), Target::Class(0)).unwrap();
    let (calls, rows) = count.take();
    // A method that may call the model often scores the first row alone as well, to see whether the
    // model mixes rows.
    assert_eq!(rows, map.evaluations.iter().sum::<usize>() + 6 + 1);
    assert!(map.evaluations[0] <= 12 && calls <= 3 + 4, "{:?}, {calls} calls", map.evaluations);
    let checked = IntegratedGradients::new().with_steps(16);
    assert_eq!(run(&checked), (1 + 2 + 1, 48 + 6 + 1));
    let unchecked = checked.with_schedule(Schedule::new().without_row_check());
    assert_eq!(run(&unchecked), (1 + 2, 48 + 6));
}
