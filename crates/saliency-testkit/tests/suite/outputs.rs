//! The model's outputs beside the scores of an answer.

use burn::tensor::Tensor;
use saliency_core::{
    Attribution, Detection, Explainer, Gradient, Method, MethodOptions, Schedule, Target, Warning,
    attribute_good_rows, pure_function,
};
use saliency_testkit::device;

#[test]
fn every_method_keeps_the_outputs_of_the_model_at_the_input() {
    let model = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone(), x * 2 + 1], 1));
    let x = Tensor::<2>::from_data([[1.0], [-3.0], [0.5]], &device());
    let right = Some(vec![vec![1.0, 3.0], vec![-3.0, -5.0], vec![0.5, 2.0]]);
    let targets = [
        Target::Predicted,
        Target::Class(0),
        Target::Difference(1, 0),
        Target::function(|y: Tensor<2>| y.sum_dim(1).squeeze_dim(1)),
    ];
    for method in Method::fitting(&[1, 1]) {
        for target in &targets {
            for chunk in [1, 2, 100] {
                let schedule = Schedule::new().with_chunk(chunk);
                let baselines = Tensor::<2>::zeros([1, 1], &device());
                let options = MethodOptions::new().with_samples(3).with_schedule(schedule);
                let explainer = method.explainer(&options.with_baselines(baselines));
                let map = explainer.attribute_to(&model, x.clone(), target.clone()).unwrap();
                assert_eq!(map.outputs, right, "{method}, {target:?}, {chunk}");
            }
        }
    }
    let good = attribute_good_rows(&Gradient::new(), &model, x.clone(), Target::Predicted).unwrap();
    assert_eq!(good.map.unwrap().outputs, right);
    let row = |row: usize| Gradient::new().attribute(&model, x.clone().narrow(0, row, 1)).unwrap();
    let stacked = Attribution::stack_rows(vec![row(0), row(1), row(2)]).unwrap();
    assert_eq!(stacked.outputs, right);
    let mut unknown = row(1);
    unknown.outputs = None;
    assert_eq!(Attribution::stack_rows(vec![row(0), unknown]).unwrap().outputs, None);
}

#[test]
fn probabilities_are_the_softmax_of_the_outputs_or_the_outputs_themselves() {
    let x = Tensor::<2>::from_data([[1000.0]], &device());
    let logits = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone(), x.clone() - 1, x], 1));
    let map = Gradient::new().attribute(&logits, x.clone()).unwrap();
    // 1 / (2 + exp(-1)), and no overflow.
    let right = 1.0 / (2.0 + (-1f64).exp());
    assert!((map.probability(0).unwrap() - right).abs() < 1e-9);
    let all = map.probabilities(0).unwrap();
    assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-12 && all[1] < all[0]);
    assert_eq!((map.probability(1), map.probabilities(1)), (None, None));

    let softmax = pure_function(|x: Tensor<2>| {
        let p = x * 0.00025;
        Tensor::cat(vec![p.clone(), p * -1 + 1], 1)
    });
    let map = Gradient::new().attribute_to(&softmax, x.clone(), Target::Class(0)).unwrap();
    assert!((map.probability(0).unwrap() - 0.25).abs() < 1e-6);

    // One score has no probability, and neither has a function.
    let one = Gradient::new().attribute(&pure_function(|x: Tensor<2>| x * 2), x.clone()).unwrap();
    assert_eq!((one.probability(0), one.outputs), (None, Some(vec![vec![2000.0]])));
    let sum = Target::function(|y: Tensor<2>| y.sum_dim(1).squeeze_dim(1));
    let map = Gradient::new().attribute_to(&logits, x.clone(), sum).unwrap();
    assert!(map.probability(0).is_none() && map.probabilities(0).is_some());
    // An output that is not finite, beside the class that is explained.
    let infinite = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone(), x.detach() / 0.0], 1));
    let map = Gradient::new().attribute_to(&infinite, x, Target::Class(0)).unwrap();
    assert_eq!(map.probability(0), None);
}

#[test]
fn a_class_that_may_be_none_is_warned_of_and_too_many_outputs_are_not_kept() {
    let copies = |count: usize| {
        move |x: Tensor<2>| {
            let rows = x.dims()[0];
            x.sum_dim(1).expand([rows, count])
        }
    };
    let picture =
        |count: usize| pure_function(move |x: Tensor<4>| copies(count)(x.flatten::<2>(1, 3)));
    let photo = || Tensor::<4>::ones([2, 1, 2, 2], &device());
    let many = Gradient::new().attribute(&picture(32_769), photo()).unwrap();
    let warning = Warning::scores_may_not_be_classes(0, 32_769);
    assert_eq!((many.warnings, many.outputs), (vec![warning], None));
    let said = warning.to_string();
    assert!(said.contains("32769 scores") && said.contains("`Target::detection`"), "{said}");
    let enough = Gradient::new().attribute(&picture(32_768), photo()).unwrap();
    assert!(enough.warnings.is_empty());
    assert_eq!(enough.outputs.unwrap()[1].len(), 32_768);

    // Every method says so, once.
    let options = MethodOptions::new().with_samples(2);
    let options = options.with_schedule(Schedule::new().with_chunk(1));
    let explainer = Method::SmoothGrad.explainer(&options);
    let map = explainer.attribute(&picture(32_769), photo()).unwrap();
    assert_eq!(map.warnings.iter().filter(|it| **it == warning).count(), 1, "{:?}", map.warnings);

    // Not for a class or a box that was asked for, and not for words.
    let asked = [Target::Class(3), Target::detection(Detection::new(10_919))];
    for target in asked {
        let map = Gradient::new().attribute_to(&picture(32_769), photo(), target).unwrap();
        assert!(map.warnings.is_empty(), "{:?}", map.warnings);
    }
    let words = pure_function(move |x: Tensor<3>| copies(50_000)(x.flatten::<2>(1, 2)));
    let map = Gradient::new().attribute(&words, Tensor::ones([1, 2, 2], &device())).unwrap();
    assert!(map.warnings.is_empty());
}
