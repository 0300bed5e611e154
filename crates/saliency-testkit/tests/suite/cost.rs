//! How often a model is called.

use burn::tensor::Tensor;
use saliency_core::{
    Explainer, Gradient, InputTimesGradient, IntegratedGradients, Schedule, SmoothGrad, Target,
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
}
