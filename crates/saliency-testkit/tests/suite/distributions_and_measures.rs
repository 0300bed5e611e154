//! Reveal-IG, measures on a path, Left-IG, Sequential and Discretised IG.

use std::sync::{Arc, Mutex};

use burn::tensor::activation::relu;
use burn::tensor::{Bool, DType, Device, FloatDType, Tensor};
use saliency_core::kit::{Key, Stream};
use saliency_core::methods::{
    AlongPath, Counterfactual, Discretised, DiscretisedIg, IgSquared, Left, LeftIg, Measure,
    Measured, MeasuredIg, NextWord, RevealIg, SequentialIg, Straight,
};
use saliency_core::{
    Attribution, Baseline, Distribution, Error, ExpectedGradients, Explainer, Fixed,
    IntegratedGradients, Model, NoiseScale, Parallelism, Progress, Rule, Schedule, Target,
    pure_function,
};
use saliency_models::CifarCnn;
use saliency_testkit::{
    Counting, Golden, Kind, assert_close, assert_error, device, largest_error, linear,
    on_every_device, relative_l1, schedule, square, values,
};

fn workers(count: usize) -> Schedule {
    Schedule::new().with_parallelism(Parallelism::Workers(count))
}

fn double(rows: &[&[f64]]) -> Tensor<2> {
    let values: Vec<f64> = rows.iter().flat_map(|row| row.iter().copied()).collect();
    let flat = Tensor::<1>::from_data(&values[..], (&Device::flex(), DType::F64));
    flat.reshape([rows.len(), rows[0].len()])
}

fn exact<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().into_data().iter().collect()
}

/// Asserts that most values are within four standard errors.
fn assert_within(map: &Attribution<Tensor<2>>, right: &[f64]) {
    let errors = exact(map.standard_error.as_ref().expect("standard errors"));
    for ((found, error), right) in exact(&map.values).iter().zip(errors).zip(right) {
        assert!((found - right).abs() <= 4.0 * error + 1e-9, "{found} {right} {error}");
    }
}

/// A network of three values with bends, one score for each row.
fn bends() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| {
        let weights = [[1.0, -2.0, 0.5, 1.5], [0.3, 1.0, -1.0, 0.2], [-0.7, 0.4, 1.2, 0.9]];
        let weights = Tensor::<2>::from_data(weights, &x.device()).cast(x.dtype());
        let hidden = relu(x.matmul(weights) - 0.2);
        hidden.clone().tanh().sum_dim(1) + hidden.powi_scalar(2).sum_dim(1) * 0.2
    })
}

#[test]
fn every_complete_method_gives_the_weights_times_the_change_in_a_linear_model() {
    on_every_device(|compute| {
        let device = compute.device();
        let model = linear(&[2.0, -1.0, 0.5], 0.7, device);
        let x = Tensor::<2>::from_data([[3.0, 4.0, -2.0], [0.5, 0.0, 1.0]], device);
        let right = Tensor::<2>::from_data([[4.0, -3.0, -1.5], [-1.0, 1.0, 0.0]], device);
        let close = compute.tolerance(FloatDType::F32) as f32;
        let baseline = || Baseline::constant(1.0);
        let s = || schedule(compute);
        let reveal = RevealIg::new().with_samples(2).with_noise(NoiseScale::Absolute(0.3));
        let early = MeasuredIg::new().with_measure(Measure::early(2.0)).with_steps(4);
        let table = MeasuredIg::new().with_measure(Measure::table([1.0, 0.0, 3.0])).with_steps(4);
        let left = LeftIg::new().with_share_of_change(1.0).with_steps(4);
        let sequential = SequentialIg::new().with_steps(2).with_baseline(baseline());
        let explainers: [(&str, Box<dyn Explainer<_, Tensor<2>>>); 5] = [
            ("reveal", Box::new(reveal.with_baseline(baseline()).with_schedule(s()))),
            ("early", Box::new(early.with_baseline(baseline()).with_schedule(s()))),
            ("table", Box::new(table.with_baseline(baseline()).with_schedule(s()))),
            ("left", Box::new(left.with_baseline(baseline()).with_schedule(s()))),
            ("sequential", Box::new(sequential.with_schedule(s()))),
        ];
        for (name, explainer) in explainers {
            let map = explainer.attribute(&model, x.clone()).unwrap();
            assert_close(name, &map.values, &right, close.max(1e-5));
        }
    });
}

#[test]
fn reveal_gives_the_square_less_the_variance_of_the_noise() {
    let x = double(&[&[1.0, -2.0], &[0.5, 0.0]]);
    for (power, distribution) in [
        (0.5, Distribution::Gaussian),
        (1.0, Distribution::Gaussian),
        (0.75, Distribution::Gaussian),
        (0.5, Distribution::Uniform),
    ] {
        let reveal = RevealIg::new().with_power(power).with_distribution(distribution);
        let reveal = reveal.with_noise(NoiseScale::Absolute(0.5)).with_samples(2000);
        let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
        let map = reveal.attribute(&model, x.clone()).unwrap();
        assert_within(&map, &[0.75, 3.75, 0.0, -0.25]);
        assert_eq!(map.evaluations, [8000; 2]);
        // The gap is the sampling error of the values and of the 64 starts.
        for gap in map.completeness_gap.unwrap() {
            assert!(gap.abs() < 0.4, "{gap}");
        }
    }
}

#[test]
fn reveal_without_noise_is_integrated_gradients() {
    let x = double(&[&[1.0, -2.0, 0.7], &[0.5, 0.3, -1.0]]);
    let right = IntegratedGradients::new().with_tolerance(1e-6).with_max_gradients(20_000);
    let right = right.attribute(&bends(), x.clone()).unwrap();
    for power in [0.5, 1.0] {
        let reveal = RevealIg::new().with_noise(NoiseScale::Absolute(0.0)).with_power(power);
        let map = reveal.clone().with_samples(400).attribute(&bends(), x.clone()).unwrap();
        assert_within(&map, &exact(&right.values));
        assert_eq!(map.evaluations, [800; 2]);
        let dense = reveal.with_samples(10).with_points(1000);
        let map = dense.attribute(&bends(), x.clone()).unwrap();
        let error = relative_l1(&exact(&map.values), &exact(&right.values));
        assert!(error < 1e-3, "{error}");
        for (found, right) in map.completeness_gap.unwrap().iter().zip(&map.scores) {
            assert!(found.abs() < 1e-3 * right.abs(), "{found} {right}");
        }
    }
}

#[test]
fn reveal_with_power_one_is_expected_gradients_with_normal_baselines() {
    let x = double(&[&[1.0, -2.0, 0.7]]);
    let reveal = RevealIg::new().with_power(1.0).with_noise(NoiseScale::Absolute(0.8));
    let reveal = reveal.with_samples(3000).attribute(&bends(), x.clone()).unwrap();
    let normal = |seed: u64| {
        let key = Key { seed, row: 0, sample: 0 };
        let drawn: Vec<f64> =
            key.normal(Stream::Own(5), 3).into_iter().map(|it| 0.8 * f64::from(it)).collect();
        Baseline::tensor(double(&[&drawn[..]]))
    };
    let expected = ExpectedGradients::from_sampler(normal).with_samples(12_000);
    let expected = expected.attribute(&bends(), x).unwrap();
    let errors = [&reveal, &expected].map(|map| exact(map.standard_error.as_ref().unwrap()));
    let pairs = exact(&reveal.values).into_iter().zip(exact(&expected.values)).enumerate();
    for (at, (found, right)) in pairs {
        let error = errors[0][at].hypot(errors[1][at]);
        assert!((found - right).abs() < 4.0 * error, "{found} {right} {error}");
        // As many gradients: pairs of noise and parts of the path pay.
        assert!(errors[0][at] < 1.05 * errors[1][at], "{errors:?}");
    }
}

#[test]
fn reveal_follows_any_path_and_reaches_a_tolerance() {
    let x = double(&[&[1.0, -2.0, 0.7]]);
    let late = Measured::new(Straight::default()).with_measure(Measure::uniform());
    let reveal = || RevealIg::along(late.clone()).with_noise(NoiseScale::Absolute(0.3));
    let map = reveal().with_tolerance(0.02).attribute(&bends(), x.clone()).unwrap();
    assert_eq!(map.converged.unwrap(), [true]);
    assert!(map.error_estimate.unwrap()[0] <= 0.02);
    let straight = RevealIg::new().with_noise(NoiseScale::Absolute(0.3)).with_tolerance(0.02);
    let straight = straight.attribute(&bends(), x.clone()).unwrap();
    assert_eq!(exact(&map.values), exact(&straight.values));
    let few = reveal().with_tolerance(1e-3).with_max_samples(60).attribute(&bends(), x).unwrap();
    assert_eq!((few.converged.unwrap(), few.evaluations), (vec![false], vec![240]));
}

#[test]
fn the_standard_errors_of_reveal_hold() {
    let kind = |name: &str| *Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind");
    for name in ["ReLU 13-32-3", "tanh 13-32-3"] {
        let (mut held, mut all) = (0, 0);
        for model in 0..20 {
            let questions = kind(name).questions(model);
            let explain = |reveal: RevealIg| {
                let (input, target) = (questions.input.clone(), questions.target.clone());
                let reveal = reveal.with_noise(NoiseScale::Absolute(0.5));
                reveal.attribute_to(&questions.model(), input, target).unwrap()
            };
            let right = explain(RevealIg::new().with_samples(4000).with_seed(2));
            let right: Vec<f64> = exact(&right.values);
            let found =
                questions.held(explain(RevealIg::new().with_samples(200).with_seed(1)), &right);
            (held, all) = (held + found.held, all + found.unwarned);
        }
        let percent = 100.0 * held as f64 / all as f64;
        println!("{name}: {percent:.1} % of {all}");
        assert!((92.0..=98.0).contains(&percent), "{name}: {percent} of {all}");
    }
}

#[test]
fn a_uniform_measure_is_integrated_gradients_bit_for_bit() {
    let device = device();
    let net = CifarCnn::embedded(&device);
    let input: Tensor<4> = Golden::cifar_zero_baseline().tensor("input", &device);
    let uniform = || MeasuredIg::new().with_measure(Measure::table([1.0, 1.0]));
    let ig = IntegratedGradients::new;
    for (measured, plain) in [
        (uniform().with_steps(9), ig().with_steps(9)),
        (
            uniform().with_tolerance(0.3).with_max_gradients(40),
            ig().with_tolerance(0.3).with_max_gradients(40),
        ),
    ] {
        let found = measured.attribute(&net, input.clone()).unwrap();
        let right = plain.attribute(&net, input.clone()).unwrap();
        assert_eq!(values(&found.values), values(&right.values));
        assert_eq!(found.error_estimate, right.error_estimate);
        assert_eq!(found.completeness_gap, right.completeness_gap);
        assert_eq!(found.evaluations, right.evaluations);
    }
}

#[test]
fn measures_give_the_weighted_means_of_a_cube() {
    // The contribution at α is 3 α² x³.
    let cube = pure_function(|x: Tensor<2>| x.powi_scalar(3));
    let x = double(&[&[2.0], &[-1.0]]);
    for (measure, mean) in [
        (Measure::early(1.0), 0.5),
        (Measure::late(1.0), 1.5),
        (Measure::late(3.0), 2.0),
        (Measure::between(0.0, 0.5), 0.25),
        (Measure::between(0.5, 1.0), 1.75),
        (Measure::table([1.0, 3.0]), 0.5 * 0.125 + 1.5 * 0.875),
        (Measure::table([1.0, 0.0, 1.0]), 1.5 * (1.0 / 27.0 + 19.0 / 27.0)),
        (Measure::of(|at| 6.0 * at * (1.0 - at)), 18.0 / 20.0),
    ] {
        let measured = || MeasuredIg::new().with_measure(measure.clone());
        for (explainer, close) in [
            (measured().with_steps(500), 2e-4),
            (measured().with_rule(Rule::Midpoint).with_steps(500), 1e-3),
            (measured().with_rule(Rule::Placed).with_steps(500), 1e-3),
            (measured().with_tolerance(0.001), 1e-3),
        ] {
            let map = explainer.attribute_to(&cube, x.clone(), Target::Class(0)).unwrap();
            let estimates = map.error_estimate.unwrap();
            for ((found, right), estimate) in
                exact(&map.values).iter().zip([8.0, -1.0]).zip(estimates)
            {
                let error = (found / (right * mean) - 1.0).abs();
                assert!(error < close, "{measure:?}: {found} {}", right * mean);
                assert!(error <= estimate, "{measure:?}: {error:.1e} {estimate:.1e}");
                assert!(estimate < 0.1, "{measure:?}: {estimate}");
            }
            assert!(map.completeness_gap.is_none() && map.baseline_scores.is_none());
        }
    }
}

#[test]
fn half_of_a_late_measure_sums_to_the_score_less_the_mean_score_of_the_path() {
    let x = double(&[&[1.0, -2.0, 0.7]]);
    let late = MeasuredIg::new().with_measure(Measure::late(1.0)).with_tolerance(1e-3);
    let map = late.attribute(&bends(), x.clone()).unwrap();
    let sum: f64 = exact(&map.values).iter().sum();
    let mean: f64 = (0..10_000)
        .map(|at| x.clone() * ((f64::from(at) + 0.5) / 10_000.0))
        .collect::<Vec<_>>()
        .chunks(1000)
        .map(|points| exact(&bends().forward(Tensor::cat(points.to_vec(), 0))).iter().sum::<f64>())
        .sum::<f64>()
        / 10_000.0;
    assert!(
        (0.5 * sum - (map.scores[0] - mean)).abs() < 2e-3 * map.scores[0].abs(),
        "{sum} {mean}"
    );
}

#[test]
fn left_ig_ends_where_the_score_has_made_its_share() {
    // 1 - relu(1 - x): it saturates at 1, in the first quarter of the path.
    let saturates = pure_function(|x: Tensor<2>| -relu(-x + 1.0) + 1.0);
    let x = double(&[&[4.0], &[0.5]]);
    let map = LeftIg::new().attribute(&saturates, x.clone()).unwrap();
    // The scores at equal distances are 0, 0.2, .. 1: the place is exact.
    for ((found, right), gap) in
        exact(&map.values).iter().zip([0.9, 0.45]).zip(map.completeness_gap.unwrap())
    {
        assert!((found - right).abs() < 1e-9 && gap.abs() < 1e-9, "{found} {right} {gap}");
    }
    assert_eq!(map.baseline_scores.unwrap(), [0.0, 0.0]);
    let whole = LeftIg::new().with_share_of_change(1.0).attribute(&square(), x.clone()).unwrap();
    let ig = IntegratedGradients::new().attribute(&square(), x).unwrap();
    assert!(largest_error(&whole.values, &ig.values) < 1e-6);
}

/// Reads the golden network of tokens, in double precision.
fn tokens() -> (Golden, impl Model<Tensor<3>>) {
    let golden = Golden::tokens();
    let weights = ["first", "second"].map(|name| golden.tensor::<2>(name, &Device::flex()));
    let [first, second] = weights.map(|weights| weights.cast(DType::F64));
    let net = pure_function(move |x: Tensor<3>| {
        let flat: Tensor<2> = x.flatten(1, 2);
        (flat * 0.5).matmul(first.clone()).tanh().matmul(second.clone())
    });
    (golden, net)
}

fn golden_input(golden: &Golden) -> (Tensor<3>, Tensor<2>, Baseline) {
    let device = Device::flex();
    let input: Tensor<3> = golden.tensor("input", &device);
    let vocabulary: Tensor<2> = golden.tensor("vocabulary", &device);
    let pad = vocabulary.clone().narrow(0, 0, 1).reshape([1, 1, 6]).repeat_dim(1, 5);
    (input.cast(DType::F64), vocabulary, Baseline::tensor(pad))
}

#[test]
fn the_golden_tokens_are_made_by_the_integer_formula() {
    let (golden, _) = tokens();
    let numbers = |count: usize, seed: u64| -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            ((state >> 16) % 4096) as f32 / 2048.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    };
    for (name, seed) in [("vocabulary", 1), ("first", 2), ("second", 3)] {
        let found = values(&golden.tensor::<2>(name, &Device::flex()));
        assert_eq!(found, numbers(found.len(), seed), "{name}");
    }
}

#[test]
fn sequential_ig_equals_that_of_inseq() {
    let (golden, net) = tokens();
    let (input, _, pad) = golden_input(&golden);
    let target = || Target::Classes(golden.targets());
    for (rule, name) in [(Rule::GaussLegendre, "gausslegendre"), (Rule::Midpoint, "riemann_middle")]
    {
        let explainer =
            SequentialIg::new().with_rule(rule).with_steps(20).with_baseline(pad.clone());
        let map = explainer.attribute_to(&net, input.clone(), target()).unwrap();
        let right: Tensor<3> = golden.tensor(&format!("sequential_{name}_20"), &Device::flex());
        assert_close(name, &map.values.clone().cast(DType::F32), &right, 1e-5);
        assert_eq!(map.evaluations, [100; 2]);
        assert!(map.completeness_gap.is_none());
    }
}

#[test]
fn the_values_of_a_token_sum_to_the_change_of_score_without_it() {
    let (golden, net) = tokens();
    let (input, vocabulary, pad) = golden_input(&golden);
    let explainer = SequentialIg::new().with_tolerance(0.01).with_baseline(pad);
    let map = explainer.attribute_to(&net, input.clone(), Target::Class(1)).unwrap();
    assert_eq!(map.converged.clone().unwrap(), [true; 2]);
    let sums = exact(&map.values.sum_dim(2));
    let pad = vocabulary.narrow(0, 0, 1).reshape([1, 1, 6]).cast(DType::F64);
    let sizes: f64 = sums.iter().map(|sum| sum.abs()).sum();
    for row in 0..2 {
        for token in 0..5 {
            let whole = input.clone().narrow(0, row, 1);
            let without = whole.clone().slice_assign([0..1, token..token + 1, 0..6], pad.clone());
            let score = |x: Tensor<3>| exact(&net.forward(x))[1];
            let change = score(whole) - score(without);
            let found = sums[5 * row + token];
            assert!((found - change).abs() < 0.005 * sizes, "{row} {token}: {found} {change}");
        }
    }
}

#[test]
fn discretised_ig_equals_that_of_inseq() {
    let (golden, net) = tokens();
    let (input, vocabulary, pad) = golden_input(&golden);
    let words = || Discretised::new(vocabulary.clone()).unwrap().with_words(8).with_neighbours(10);
    for (name, words) in [
        ("discretised_greedy", words()),
        ("discretised_maxcount", words().with_next_word(NextWord::MostBetween)),
        ("discretised_special", words().with_special_tokens([7, 3])),
    ] {
        let along = || DiscretisedIg::of(words.clone()).with_baseline(pad.clone());
        let explain = |explainer: DiscretisedIg| {
            let target = Target::Classes(golden.targets());
            explainer.attribute_to(&net, input.clone(), target).unwrap()
        };
        // The published sum has a gradient at each word but the last.
        let map = explain(along().with_rule(Rule::Left).with_steps(7));
        let right: Tensor<3> = golden.tensor(name, &Device::flex());
        assert_close(name, &map.values.clone().cast(DType::F32), &right, 1e-5);
        // It is far from the integral along the same path, and its estimate says so.
        let fine = explain(along().with_rule(Rule::Midpoint).with_steps(7000));
        let [coarse, right] = [&map, &fine].map(|map| exact(&map.values));
        let estimates = map.error_estimate.unwrap();
        for (row, (coarse, right)) in coarse.chunks(30).zip(right.chunks(30)).enumerate() {
            let error = relative_l1(coarse, right);
            println!("{name}: {error:.2} off, estimated {:.2}", estimates[row]);
            assert!(error > 0.02 && estimates[row] >= error, "{error} {}", estimates[row]);
        }
        let good = explain(along().with_tolerance(0.02));
        assert_eq!(good.converged.unwrap(), [true; 2]);
        let sizes = exact(&good.values.abs().sum_dim(2).sum_dim(1));
        for (gap, size) in good.completeness_gap.unwrap().iter().zip(sizes) {
            assert!(gap.abs() < 0.02 * size, "{gap} {size}");
        }
    }
}

#[test]
fn with_two_words_discretised_ig_is_integrated_gradients() {
    let (golden, net) = tokens();
    let (input, vocabulary, pad) = golden_input(&golden);
    let words = Discretised::new(vocabulary).unwrap().with_words(2);
    let straight = DiscretisedIg::of(words).with_baseline(pad.clone()).with_steps(12);
    let found = straight.attribute(&net, input.clone()).unwrap();
    let ig = IntegratedGradients::new().with_baseline(pad).with_steps(12);
    let right = ig.attribute(&net, input).unwrap();
    assert!(largest_error(&found.values, &right.values) < 1e-6);
}

#[test]
fn if_the_representation_is_the_input_ig_squared_is_integrated_gradients() {
    let x = double(&[&[1.0, -2.0, 0.7], &[0.5, 0.3, -1.0]]);
    let other = double(&[&[0.2, 1.0, 0.0]]);
    let features = pure_function(|x: Tensor<2>| x);
    let path = || Counterfactual::new(features.clone(), other.clone()).unwrap();
    let squared = || IgSquared::of(path().with_descent_steps(10));
    let found = squared().with_tolerance(0.01).attribute(&bends(), x.clone()).unwrap();
    let ig = IntegratedGradients::new().with_baseline(Baseline::tensor(other.clone()));
    let right = ig.with_steps(2000).attribute(&bends(), x.clone()).unwrap();
    let estimates = found.error_estimate.clone().unwrap();
    let rows = exact(&found.values);
    for (row, (found, right)) in rows.chunks(3).zip(exact(&right.values).chunks(3)).enumerate() {
        let error = relative_l1(found, right);
        assert!(error <= estimates[row] && estimates[row] <= 0.01, "{error} {}", estimates[row]);
    }
    let gaps = found.completeness_gap.unwrap();
    assert!(gaps.iter().all(|gap| gap.abs() < 0.1), "{gaps:?}");
    // A gradient for each step of the descent, and one at each corner.
    let published = squared().attribute(&bends(), x.clone()).unwrap();
    assert_eq!(published.evaluations, [10 + 11; 2]);
    // A path that is too short ends on the way; one that is kept in a range ends at its edge.
    let short = IgSquared::of(path().with_descent_steps(2).with_step_length(0.1));
    let short = short.attribute(&bends(), x.clone()).unwrap();
    assert!(short.baseline_scores.unwrap() != right.baseline_scores.unwrap());
    let kept = IgSquared::of(path().with_range(-2.0, 0.7)).attribute(&bends(), x);
    let sizes = exact(&kept.unwrap().values);
    assert!(sizes.iter().all(|value| value.is_finite()), "{sizes:?}");
}

#[test]
fn bad_options_of_ig_squared_are_refused() {
    let features = || pure_function(|x: Tensor<2>| x);
    let one = || Tensor::<2>::ones([1, 1], &device());
    let error = Counterfactual::new(features(), Tensor::<2>::ones([2, 1], &device()));
    assert_error!(error.unwrap_err(), Error::InvalidOption { option: "counterfactual" });
    let path = || Counterfactual::new(features(), one()).unwrap();
    for (wrong, option) in [
        (path().with_descent_steps(0), "steps of the descent"),
        (path().with_step_length(0.0), "step length"),
        (path().with_step_length(f64::NAN), "step length"),
        (path().with_range(1.0, 1.0), "range"),
    ] {
        let error = IgSquared::of(wrong).attribute(&square(), one()).unwrap_err();
        assert_error!(error, Error::InvalidOption { option: option });
    }
    let wide = Tensor::<2>::ones([1, 2], &device());
    let error = IgSquared::of(path()).attribute(&square(), wide).unwrap_err();
    assert!(matches!(error, Error::BaselineShape { .. }), "{error}");
}

#[test]
fn bad_options_are_refused_before_any_work() {
    let x = || Tensor::<2>::ones([2, 1], &device());
    let count = Counting::default();
    let model = count.square();
    let refused = |explainer: &dyn Explainer<_, Tensor<2>>| {
        let error = explainer.attribute(&model, x()).unwrap_err();
        assert_eq!(count.take(), (0, 0), "{error}");
        match error {
            Error::InvalidOption { option, .. } => option,
            other => panic!("{other}"),
        }
    };
    for power in [0.0, 0.4, 1.5, f64::NAN] {
        assert_eq!(refused(&RevealIg::new().with_power(power)), "power");
    }
    for points in [0, 1001] {
        assert_eq!(refused(&RevealIg::new().with_points(points)), "points");
    }
    assert_eq!(refused(&RevealIg::new().with_samples(0)), "samples");
    assert_eq!(refused(&RevealIg::new().with_tolerance(0.0)), "tolerance");
    assert_eq!(refused(&RevealIg::new().with_noise(NoiseScale::Absolute(-1.0))), "noise");
    assert_eq!(refused(&RevealIg::new().with_schedule(Schedule::new().with_chunk(0))), "chunk");
    assert_eq!(refused(&MeasuredIg::new().with_measure(Measure::early(-1.0))), "measure");
    for share in [0.0, 1.1, f64::NAN] {
        assert_eq!(refused(&LeftIg::new().with_share_of_change(share)), "share of the change");
    }
    assert_eq!(refused(&SequentialIg::new().with_steps(0)), "steps");
    assert_eq!(refused(&SequentialIg::new().with_tolerance(2.0)), "tolerance");
    assert_eq!(refused(&SequentialIg::new().with_tolerance(0.1).with_max_gradients(4)), "limit");
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    // The end of a path is found from its scores, which a measure does not follow.
    let measured = Measured::new(Straight::default()).with_measure(Measure::late(1.0));
    let error = AlongPath::of(Left::new(measured))
        .attribute(&square(), Tensor::<2>::ones([1, 1], &device()));
    assert_error!(error.unwrap_err(), Error::InvalidOption { option: "path" });
    let (golden, net) = tokens();
    let (input, vocabulary, _) = golden_input(&golden);
    let words = || Discretised::new(vocabulary.clone()).unwrap();
    let unknown = input.clone().slice_assign(
        [1..2, 3..4, 0..1],
        Tensor::full([1, 1, 1], 0.123, (&Device::flex(), DType::F64)),
    );
    let error = DiscretisedIg::of(words()).attribute(&net, unknown).unwrap_err();
    let found = "another vector at token 3 of row 1";
    assert_error!(error, Error::InvalidOption { option: "input", found: found.to_owned() });
    let narrow = Discretised::new(vocabulary.clone().narrow(1, 0, 4)).unwrap();
    let error = DiscretisedIg::of(narrow).attribute(&net, input).unwrap_err();
    assert_error!(error, Error::InvalidOption { option: "input" });
    let empty = Discretised::new(Tensor::<2>::zeros([0, 4], &Device::flex())).unwrap_err();
    assert_error!(empty, Error::InvalidOption { option: "vocabulary" });
    let vector = Tensor::<1>::ones([3], &Device::flex());
    let sum = pure_function(|x: Tensor<1>| x.unsqueeze_dim::<2>(1));
    let error = SequentialIg::new().attribute(&sum, vector).unwrap_err();
    assert_error!(error, Error::InvalidOption { option: "input" });
}

/// A method's values, error bars and numbers of gradients.
#[derive(Debug, PartialEq)]
struct Answer {
    name: &'static str,
    values: Vec<f64>,
    errors: Vec<f64>,
    evaluations: Vec<usize>,
}

/// The answers of all methods of this file for an input of words, with their error bars.
fn answers(schedule: &Schedule, rows: &[usize]) -> Vec<Answer> {
    let (golden, net) = tokens();
    let (input, vocabulary, _) = golden_input(&golden);
    let input = Tensor::cat(rows.iter().map(|&row| input.clone().narrow(0, row, 1)).collect(), 0);
    let s = || schedule.clone();
    let words = || Discretised::new(vocabulary.clone()).unwrap().with_words(5).with_neighbours(7);
    let reveal = || RevealIg::new().with_samples(6).with_schedule(s());
    let measured = || MeasuredIg::new().with_measure(Measure::late(2.0)).with_schedule(s());
    let other = vocabulary.clone().narrow(0, 9, 5).unsqueeze::<3>().cast(DType::F64);
    let features = pure_function(|x: Tensor<3>| x.flatten::<2>(1, 2).tanh());
    let path = Counterfactual::new(features, other).unwrap().with_descent_steps(4);
    let squared = || IgSquared::of(path.clone()).with_schedule(s());
    let explainers: [(&str, Box<dyn Explainer<_, Tensor<3>>>); 11] = [
        ("squared", Box::new(squared())),
        ("squared to a tolerance", Box::new(squared().with_tolerance(0.1))),
        ("reveal", Box::new(reveal())),
        ("reveal to a tolerance", Box::new(reveal().with_tolerance(0.2).with_max_samples(70))),
        ("measured", Box::new(measured().with_steps(7))),
        (
            "measured to a tolerance",
            Box::new(measured().with_tolerance(0.1).with_max_gradients(30)),
        ),
        ("left", Box::new(LeftIg::new().with_steps(7).with_schedule(s()))),
        ("sequential", Box::new(SequentialIg::new().with_steps(3).with_schedule(s()))),
        (
            "sequential to a tolerance",
            Box::new(SequentialIg::new().with_tolerance(0.2).with_schedule(s())),
        ),
        ("discretised", Box::new(DiscretisedIg::of(words()).with_steps(9).with_schedule(s()))),
        (
            "discretised to a tolerance",
            Box::new(DiscretisedIg::of(words()).with_tolerance(0.1).with_schedule(s())),
        ),
    ];
    let explain = |(name, explainer): (&'static str, Box<dyn Explainer<_, Tensor<3>>>)| {
        let map = explainer.attribute_to(&net, input.clone(), Target::Class(1)).unwrap();
        let (values, errors) = (exact(&map.values), map.error_estimate.unwrap());
        Answer { name, values, errors, evaluations: map.evaluations }
    };
    explainers.into_iter().map(explain).collect()
}

#[test]
fn any_number_of_workers_gives_the_same_bits() {
    for chunk in [1, 3, 1000] {
        let one = answers(&workers(1).with_chunk(chunk), &[0, 1]);
        for count in [2, 7] {
            assert_eq!(one, answers(&workers(count).with_chunk(chunk), &[0, 1]), "{count} {chunk}");
        }
    }
}

#[test]
fn the_answer_of_a_row_does_not_depend_on_the_rows_beside_it() {
    let schedule = workers(1).with_chunk(1);
    let both = answers(&schedule, &[0, 1]);
    let alone = answers(&schedule, &[0]);
    for (both, alone) in both.into_iter().zip(alone) {
        let name = both.name;
        assert_eq!(both.values[..30], alone.values, "{name}");
        assert_eq!(both.errors[0], alone.errors[0], "{name}");
        assert_eq!(both.evaluations[0], alone.evaluations[0], "{name}");
    }
}

#[test]
fn fixed_tensors_are_handed_on_and_get_nothing() {
    let device = device();
    let model = pure_function(|(words, padding): (Tensor<3>, Fixed<Tensor<2, Bool>>)| {
        let padding = padding.0.unsqueeze_dim::<3>(2).expand(words.dims());
        let sum = words.mask_fill(padding, 0.0).sum_dim(1).squeeze_dim::<2>(1);
        sum.powi_scalar(2).sum_dim(1)
    });
    let words = Tensor::<3>::from_data([[[1.0, 2.0], [3.0, -1.0], [5.0, 5.0]]], &device);
    let padding = Tensor::<2, Bool>::from_data([[false, false, true]], &device);
    let vocabulary = words.clone().reshape([3, 2]);
    let words_of =
        || Discretised::new(vocabulary.clone()).unwrap().with_words(4).with_neighbours(2);
    type Padded = (Tensor<3>, Fixed<Tensor<2, Bool>>);
    let explainers: [Box<dyn Explainer<_, Padded>>; 5] = [
        Box::new(RevealIg::new()),
        Box::new(MeasuredIg::new().with_measure(Measure::early(1.0))),
        Box::new(LeftIg::new()),
        Box::new(SequentialIg::new()),
        Box::new(DiscretisedIg::of(words_of())),
    ];
    for explainer in explainers {
        let map = explainer.attribute(&model, (words.clone(), Fixed(padding.clone()))).unwrap();
        let found = values(&map.values.0);
        assert!(found[0] != 0.0 && found[4..] == [0.0, 0.0], "{found:?}");
    }
}

#[test]
fn a_model_is_called_no_more_than_these_methods_need() {
    let count = Counting::default();
    let model = count.square();
    let x = || Tensor::<2>::from_data([[1.0], [2.0], [3.0]], &device());
    let run = |explainer: &dyn Explainer<_, Tensor<2>>| {
        explainer.attribute_to(&model, x(), Target::Class(0)).unwrap();
        count.take().1
    };
    let no_check = || Schedule::new().without_row_check();
    // Input, 64 starts, and both signs of 2 points in 5 samples.
    let reveal = RevealIg::new().with_samples(5).with_points(2).with_schedule(no_check());
    let noise = || NoiseScale::Absolute(0.1);
    assert_eq!(run(&reveal.clone().with_noise(noise())), 3 * (1 + 64 + 20));
    assert_eq!(run(&reveal.with_noise(NoiseScale::Absolute(0.0))), 3 * (1 + 1 + 10));
    let measured = || MeasuredIg::new().with_steps(4).with_schedule(no_check());
    assert_eq!(run(&measured().with_measure(Measure::late(1.0))), 3 * (2 + 4));
    // The score at the end of the measure.
    assert_eq!(run(&measured().with_measure(Measure::between(0.0, 0.5))), 3 * (3 + 4));
    // Both ends, 20 places, the start and the end of the part.
    assert_eq!(run(&LeftIg::new().with_steps(4).with_schedule(no_check())), 3 * (1 + 20 + 2 + 4));
    // A single token: without it, and the points.
    assert_eq!(run(&SequentialIg::new().with_steps(4).with_schedule(no_check())), 3 * (1 + 1 + 4));
}

#[test]
fn progress_of_these_methods_is_told_in_order_and_ends_at_the_total() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let schedule = workers(2).with_chunk(2).with_progress(move |progress: Progress| {
        log.lock().unwrap().push((progress.done, progress.total));
    });
    let x = Tensor::<2>::ones([3, 2], &device());
    let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
    let explainers: [(&str, Box<dyn Explainer<_, Tensor<2>>>); 3] = [
        ("reveal", Box::new(RevealIg::new().with_samples(7).with_schedule(schedule.clone()))),
        ("left", Box::new(LeftIg::new().with_steps(7).with_schedule(schedule.clone()))),
        ("sequential", Box::new(SequentialIg::new().with_steps(7).with_schedule(schedule))),
    ];
    for (name, explainer) in explainers {
        explainer.attribute(&model, x.clone()).unwrap();
        let told = std::mem::take(&mut *seen.lock().unwrap());
        let share = |(done, total): &(usize, usize)| *done as f64 / *total as f64;
        assert!(told.windows(2).all(|pair| share(&pair[0]) <= share(&pair[1])), "{name}: {told:?}");
        let last = told[told.len() - 1];
        assert_eq!(last.0, last.1, "{name}: {told:?}");
    }
}
