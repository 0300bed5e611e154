//! Adversarial gradient integration: paths to other classes.

use burn::tensor::{DType, Tensor};
use saliency_core::methods::AdversarialGradients;
use saliency_core::{
    Attribution, Error, Explainer, Fixed, Parallelism, Schedule, Target, pure_function,
};
use saliency_models::CifarCnn;
use saliency_testkit::{
    Golden, assert_close, assert_error, device, linear, on_every_device, square, values,
};

fn photos() -> Tensor<4> {
    Golden::cifar_methods().tensor("input", &device())
}

fn explain(explainer: &AdversarialGradients, input: Tensor<4>) -> Attribution<Tensor<4>> {
    explainer.attribute(&CifarCnn::embedded(&device()), input).unwrap()
}

#[test]
fn a_linear_score_is_known_along_every_path() {
    on_every_device(|compute| {
        // The classes are the values. Towards another class its value rises and all others fall: by
        // 0.15 a step in the first row, whose range is 1, and by 1.5 in the second.
        let model = pure_function(|x: Tensor<2>| x);
        let rows = [[2.05, 2.9, 1.9], [0.0, 10.0, 0.0]];
        let x = Tensor::<2>::from_data(rows, compute.device());
        let explainer = AdversarialGradients::new().with_classes(2).with_step(0.15).with_moves(8);
        let map = explainer.attribute_to(&model, x, Target::Class(1)).unwrap();
        // The first row reaches its classes by three and by four steps, the second by four each.
        let found = values(&map.values);
        assert!((found[1] - 0.525).abs() < 1e-4 && (found[4] - 6.0).abs() < 1e-3, "{found:?}");
        assert_eq!([found[0], found[2], found[3], found[5]], [0.0; 4]);
        let gaps = map.completeness_gap.unwrap();
        assert!(gaps.iter().all(|gap| gap.abs() < 1e-4), "{gaps:?}");
        let base = map.baseline_scores.unwrap();
        assert!((base[0] - 2.375).abs() < 1e-4 && (base[1] - 4.0).abs() < 1e-3, "{base:?}");
        assert_eq!(map.evaluations, [2 * (2 * 8 + 1); 2]);
    });
}

#[test]
fn values_sum_to_the_change_of_score_within_the_error() {
    let net = CifarCnn::embedded_in(&device(), DType::F64);
    for (moves, tolerance) in [(20, 0.05), (60, 0.2)] {
        let explainer = AdversarialGradients::new()
            .with_moves(moves)
            .with_step(0.1 / moves as f64)
            .with_tolerance(tolerance)
            .with_max_gradients(2_000);
        let map = explainer.attribute(&net, photos().cast(DType::F64)).unwrap();
        assert_eq!(map.converged, Some(vec![true; 3]));
        let (errors, gaps) = (map.error_estimate.unwrap(), map.completeness_gap.unwrap());
        for row in 0..3 {
            let sizes = values(&map.values.clone().narrow(0, row, 1));
            let size: f64 = sizes.iter().map(|value| f64::from(value.abs())).sum();
            let base = map.baseline_scores.as_ref().unwrap()[row];
            // The true size is at least the change of score.
            let gap = gaps[row].abs() / size.max(map.scores[row] - base);
            let gradients = map.evaluations[row];
            println!("row {row}: gap {gap:.4} of {:.4}, {gradients} gradients", errors[row]);
            assert!(gap <= errors[row] && errors[row] < 2.0 * tolerance, "row {row}");
            assert!(base < map.scores[row]);
        }
    }
}

#[test]
fn the_seed_draws_the_classes_and_all_others_need_no_seed() {
    let two = AdversarialGradients::new().with_classes(2).with_moves(5);
    let first = explain(&two, photos());
    assert_eq!(values(&first.values), values(&explain(&two, photos()).values));
    let other = explain(&two.clone().with_seed(1), photos());
    assert_ne!(values(&first.values), values(&other.values));
    let all = |seed| explain(&two.clone().with_classes(1000).with_seed(seed), photos());
    assert_close("all classes", &all(1).values, &all(2).values, 1e-5);
    assert!(all(1).evaluations.iter().all(|gradients| *gradients >= 9 * 11));
}

#[test]
fn workers_and_other_rows_do_not_change_a_bit() {
    let explainer = AdversarialGradients::new().with_classes(3).with_moves(4);
    for chunk in [1, 2, 1000] {
        let with = |workers| {
            let schedule = Schedule::new().with_parallelism(Parallelism::Workers(workers));
            let map =
                explain(&explainer.clone().with_schedule(schedule.with_chunk(chunk)), photos());
            (values(&map.values), map.error_estimate, map.completeness_gap)
        };
        let one = with(1);
        assert_eq!(one, with(2), "chunks of {chunk}");
        assert_eq!(one, with(7), "chunks of {chunk}");
    }
    // The first row has the same number alone, and with it the same classes.
    let explainer = explainer.with_schedule(Schedule::new().with_chunk(1));
    let (all, alone) =
        (explain(&explainer, photos()), explain(&explainer, photos().narrow(0, 0, 1)));
    assert_eq!(values(&alone.values), values(&all.values.narrow(0, 0, 1)));
}

#[test]
fn fixed_tensors_stay_and_half_of_a_pair_moves() {
    let model = pure_function(|(x, scale): (Tensor<2>, Fixed<Tensor<2>>)| x * scale.0);
    let x = Tensor::<2>::from_data([[1.0, 2.0]], &device());
    let scale = Fixed(Tensor::<2>::from_data([[3.0, 1.6]], &device()));
    let map = AdversarialGradients::new()
        .with_moves(3)
        .with_step(0.02)
        .attribute(&model, (x, scale))
        .unwrap();
    let (found, fixed) = (values(&map.values.0), values(&map.values.1.0));
    // Three steps of 0.02 lead from the second class to the first.
    assert!((found[1] - 1.6 * 0.06).abs() < 1e-5 && found[0] == 0.0, "{found:?}");
    assert_eq!(fixed, [0.0, 0.0]);
}

#[test]
fn what_has_no_other_class_is_refused_with_advice() {
    let x = Tensor::<2>::from_data([[1.0, 2.0]], &device());
    let new = AdversarialGradients::new;
    let refused = |error: Error, option: &'static str, expected: &str| {
        assert_error!(error, Error::InvalidOption { option, expected: expected.to_owned() });
    };
    let error =
        |explainer: AdversarialGradients| explainer.attribute(&square(), x.clone()).unwrap_err();
    refused(error(new().with_classes(0)), "classes", "from 1 to 1000");
    refused(error(new().with_moves(0)), "moves", "from 1 to 1000");
    refused(error(new().with_tolerance(0.0)), "tolerance", "above 0 and at most 1");
    refused(error(new().with_max_gradients(20)), "limit", "from 21 to 20000");
    for step in [0.0, 1.5, f64::NAN] {
        refused(error(new().with_step(step)), "step", "above 0 and at most 1");
    }
    let one = linear(&[1.0, 2.0], 0.0, &device());
    refused(
        new().attribute(&one, x.clone()).unwrap_err(),
        "the scores of the model",
        "two or more, because the paths lead to other classes",
    );
    refused(
        new().attribute_to(&square(), x, Target::Difference(0, 1)).unwrap_err(),
        "the target",
        "a class, because the paths lead to other classes",
    );
}
