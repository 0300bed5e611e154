//! Methods that cover values and ask the model again.

use std::sync::{Arc, Mutex};

use burn::tensor::activation::relu;
use burn::tensor::{DType, FloatDType, Tensor};
use saliency_core::{
    Attribution, Baseline, Cancel, Error, Explainer, FeatureAblation, FeaturePermutation, Fixed,
    Groups, Inputs, KernelShap, Lime, Model, Occlusion, Parallelism, Result, Rise, Rows, Schedule,
    ShapleySampling, SmoothGrad, Stage, Target, Warning, Window, pure_function,
};
use saliency_models::CifarCnn;
use saliency_testkit::{
    Counting, Golden, Intervals, Kind, assert_close, assert_error, device, linear, on_every_device,
    schedule, values,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The options that all these methods have in common.
#[derive(Clone, Default)]
struct Options {
    groups: Groups,
    window: Option<Window>,
    baseline: Baseline,
    schedule: Schedule,
    samples: Option<usize>,
}

type Named<M, I> = (&'static str, Box<dyn Explainer<M, I>>);

impl Options {
    fn all<M: Model<I>, I: Inputs>(&self) -> Vec<Named<M, I>> {
        let (s, g, b) =
            (|| self.schedule.clone(), || self.groups.clone(), || self.baseline.clone());
        let samples = self.samples.unwrap_or(20);
        let window = self.window.clone().unwrap_or_else(|| Window::new([1]));
        let ablation = FeatureAblation::new().with_groups(g()).with_baseline(b());
        let occlusion = Occlusion::new(window).with_baseline(b());
        let shap = || KernelShap::new().with_groups(g()).with_baseline(b()).with_schedule(s());
        let sampling = ShapleySampling::new().with_groups(g()).with_baseline(b());
        let lime = Lime::new().with_groups(g()).with_baseline(b());
        let rise = || Rise::new().with_baseline(b()).with_samples(samples).with_schedule(s());
        vec![
            ("feature ablation", Box::new(ablation.with_schedule(s()))),
            ("occlusion", Box::new(occlusion.with_schedule(s()))),
            ("KernelSHAP", Box::new(shap().with_samples(samples))),
            ("KernelSHAP, few", Box::new(shap().with_samples(2))),
            ("Shapley", Box::new(sampling.with_samples(samples).with_schedule(s()))),
            ("LIME", Box::new(lime.with_samples(samples).with_schedule(s()))),
            ("RISE", Box::new(rise())),
            ("RISE of groups", Box::new(rise().with_groups(g()))),
        ]
    }
}

/// Whether values are shares of the change of score.
fn is_share(name: &str) -> bool {
    !name.starts_with("RISE")
}

#[test]
fn occlusion_of_the_cifar_network_is_captums() {
    let golden = Golden::cifar_methods();
    let targets = Target::Classes(golden.targets());
    let window = || Window::new([3, 8, 8]).with_stride([3, 4, 4]);
    on_every_device(|compute| {
        let device = compute.device();
        let net = CifarCnn::embedded(device);
        let explainer = Occlusion::new(window()).with_schedule(schedule(compute));
        let map = explainer.attribute_to(&net, golden.tensor("input", device), targets.clone());
        let close = compute.tolerance(FloatDType::F32) as f32;
        let expected = golden.tensor::<4>("occlusion_8_stride_4", device);
        assert_close("occlusion", &map.unwrap().values, &expected, close);
    });
    // In the precision of the golden values.
    let net = CifarCnn::embedded_in(&device(), DType::F64);
    let input = golden.tensor::<4>("input", &device()).cast(DType::F64);
    let map = Occlusion::new(window()).attribute_to(&net, input.clone(), targets.clone()).unwrap();
    assert_eq!(map.evaluations, [49; 3]);
    let expected = golden.tensor::<4>("occlusion_8_stride_4", &device());
    assert_close("occlusion F64", &map.values, &expected, 1e-5);
    // The channels are inside the window in any case.
    let short = Occlusion::new(Window::new([8, 8]).with_stride([4, 4]));
    let same = short.attribute_to(&net, input, targets).unwrap();
    assert_eq!(values(&same.values), values(&map.values));
}

#[test]
fn shares_of_a_linear_model_are_weight_times_difference() {
    on_every_device(|compute| {
        let device = compute.device();
        let model = linear(&[2.0, -1.0, 0.5, 3.0, 0.0, 1.5], 7.0, device);
        let row = [[1.0, 2.0, -3.0, 0.5, 9.0, 4.0], [0.0, 1.0, 1.0, 1.0, 1.0, -2.0]];
        let x = Tensor::<2>::from_data(row, device);
        let baseline = Baseline::constant(0.5);
        let right =
            (x.clone() - 0.5) * Tensor::<2>::from_data([[2.0, -1.0, 0.5, 3.0, 0.0, 1.5]], device);
        let options = Options { baseline, schedule: compute.schedule(), ..Options::default() };
        for (name, explainer) in options.all().into_iter().filter(|(name, _)| is_share(name)) {
            let map: Attribution<Tensor<2>> = explainer.attribute(&model, x.clone()).unwrap();
            let close = compute.tolerance(FloatDType::F32) as f32;
            assert_close(name, &map.values, &right, close);
            // Every sample is exact.
            if let Some(errors) = &map.standard_error {
                assert!(values(errors).iter().all(|error| *error < 1e-5), "{name}: {errors}");
            }
            if let Some(gaps) = &map.completeness_gap {
                assert!(gaps.iter().all(|gap| gap.abs() < 1e-4), "{name}: {gaps:?}");
            }
        }
    });
}

#[test]
fn rise_of_a_linear_model_is_the_mean_score_of_what_is_left() {
    let model = linear(&[2.0, -1.0, 0.5], 1.0, &device());
    let x = Tensor::<2>::from_data([[1.0, 2.0, -3.0]], &device());
    let effects = [2.0, -2.0, -1.5];
    let all: f64 = effects.iter().sum();
    for keep in [0.3, 0.5, 0.8] {
        let explainer = Rise::new().with_groups(Groups::values()).with_keep(keep);
        let map = explainer.with_samples(20_000).attribute(&model, x.clone()).unwrap();
        let errors = values(&map.standard_error.unwrap());
        for ((value, error), effect) in values(&map.values).into_iter().zip(errors).zip(effects) {
            let right = 1.0 + effect + keep * (all - effect);
            assert!(error < 0.05, "{error}");
            assert!((f64::from(value) - right).abs() < 4.0 * f64::from(error), "{value} {right}");
        }
        assert_eq!(map.baseline_scores, Some(vec![1.0]));
    }
}

#[test]
fn a_game_of_three_players_has_the_shapley_values_by_hand() {
    // The first has a left glove, the others a right one: a pair is worth 6.
    let gloves = pure_function(|x: Tensor<2>| {
        let right = x.clone().narrow(1, 1, 2).max_dim(1);
        x.narrow(1, 0, 1) * right * 6
    });
    let x = Tensor::<2>::ones([1, 3], &device());
    let exact = KernelShap::new().attribute(&gloves, x.clone()).unwrap();
    for (value, right) in values(&exact.values).into_iter().zip([4.0, 1.0, 1.0]) {
        assert!((value - right).abs() < 1e-5, "{value}");
    }
    assert_eq!((exact.evaluations[0], exact.error_estimate.unwrap()[0]), (6, 0.0));
    assert!(values(&exact.standard_error.unwrap()).iter().all(|error| *error == 0.0));
    let sampled = ShapleySampling::new().with_samples(2000).attribute(&gloves, x).unwrap();
    let errors = values(&sampled.standard_error.unwrap());
    for ((value, error), right) in
        values(&sampled.values).into_iter().zip(errors).zip([4.0, 1.0, 1.0])
    {
        assert!((value - right).abs() < 4.0 * error, "{value} ± {error}");
    }
    assert!(sampled.completeness_gap.unwrap()[0].abs() < 1e-5);
}

#[test]
fn kernel_shap_with_all_coalitions_is_the_shapley_value() {
    // By another way: the mean over all 120 orders of five values.
    let kind = Kind::ALL.iter().find(|kind| kind.name == "ReLU 4-16-3").expect("a kind");
    let questions = kind.questions(1);
    let (model, target) = (questions.model(), questions.target.clone());
    let score = |left: [bool; 4]| {
        let mask = left.map(|left| f32::from(u8::from(left)));
        let mask = Tensor::<2>::from_data([mask], &questions.input.device());
        values(&model.forward(questions.input.clone() * mask).narrow(1, 0, 1))
    };
    let rows = questions.input.dims()[0];
    let mut right = vec![0.0f64; 4 * rows];
    let mut orders = 0;
    for code in 0..256usize {
        let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6];
        if (0..4).any(|value| !order.contains(&value)) {
            continue;
        }
        orders += 1;
        let mut left = [false; 4];
        for value in order {
            let before = score(left);
            left[value] = true;
            for (row, (after, before)) in score(left).into_iter().zip(before).enumerate() {
                right[row * 4 + value] += f64::from(after - before) / 24.0;
            }
        }
    }
    assert_eq!(orders, 24);
    let shap = KernelShap::new().with_all_coalitions();
    let map = shap.attribute_to(&model, questions.input.clone(), target).unwrap();
    assert_eq!(map.evaluations, [14; 10]);
    for (value, right) in values(&map.values).into_iter().zip(right) {
        assert!((f64::from(value) - right).abs() < 1e-4, "{value} {right}");
    }
}

/// Counts how often `value ± 1.96 standard errors` holds the right value.
fn intervals(map: &Attribution<Tensor<2>>, right: &[f64]) -> Intervals {
    let warned: Vec<usize> =
        map.warnings.iter().filter(|it| decides(it)).map(Warning::row).collect();
    let width = map.values.dims()[1];
    let errors = values(map.standard_error.as_ref().expect("standard errors"));
    let mut found = Intervals { samples: map.evaluations.iter().sum(), ..Intervals::default() };
    for (at, ((value, error), right)) in
        values(&map.values).into_iter().zip(errors).zip(right).enumerate()
    {
        let reach = 1.96 * f64::from(error) + 1e-5 * right.abs().max(1.0);
        let holds = (f64::from(value) - right).abs() <= reach;
        found.all += 1;
        found.held_in_all += usize::from(holds);
        if !warned.contains(&(at / width)) {
            found.unwarned += 1;
            found.held += usize::from(holds);
        }
    }
    found
}

fn decides(warning: &Warning) -> bool {
    matches!(warning, Warning::FewSamplesDecide { .. })
}

#[test]
fn intervals_of_two_standard_errors_hold_the_shapley_values() {
    for name in ["ReLU 13-32-3", "tanh 13-32-3"] {
        let kind = Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind");
        let mut found = [Intervals::default(); 4];
        for model in 0..5 {
            let questions = kind.questions(model);
            let (net, input, target) =
                (questions.model(), questions.input.clone(), questions.target.clone());
            let explain = |explainer: &dyn Explainer<_, _>| {
                explainer.attribute_to(&net, input.clone(), target.clone()).unwrap()
            };
            // 8,190 coalitions of each row.
            let right: Vec<f64> = explain(&KernelShap::new().with_all_coalitions())
                .values
                .into_data()
                .iter()
                .collect();
            let shap = || KernelShap::new().with_seed(5);
            let sampling = || ShapleySampling::new().with_seed(5);
            let maps = [
                explain(&shap().with_samples(200)),
                explain(&shap().with_tolerance(0.05)),
                explain(&sampling().with_samples(50)),
                explain(&sampling().with_tolerance(0.05)),
            ];
            for (found, map) in found.iter_mut().zip(maps) {
                *found += intervals(&map, &right);
            }
        }
        for (found, what) in found.into_iter().zip([
            "KernelSHAP, 200 pairs",
            "KernelSHAP to 5 %",
            "Shapley, 50 pairs",
            "Shapley to 5 %",
        ]) {
            let share = 100.0 * found.held as f64 / found.unwarned.max(1) as f64;
            let passes = found.samples / 50;
            println!("{name}, {what}: {share:.1} % of {} values, {passes} passes", found.unwarned);
            assert!((92.0..98.0).contains(&share), "{name}, {what}: {share} {found:?}");
        }
    }
}

#[test]
fn intervals_of_two_standard_errors_hold_the_means_of_other_methods() {
    let kind = Kind::ALL.iter().find(|kind| kind.name == "ReLU 13-32-3").expect("a kind");
    let mut found = [Intervals::default(); 4];
    for model in 0..5 {
        let questions = kind.questions(model);
        let explain = |explainer: &dyn Explainer<_, _>| {
            let (input, target) = (questions.input.clone(), questions.target.clone());
            explainer.attribute_to(&questions.model(), input, target).unwrap()
        };
        let list =
            |map: Attribution<Tensor<2>>| -> Vec<f64> { map.values.into_data().iter().collect() };
        let grid = |seed| Rise::new().with_grid([4]).with_seed(seed);
        let groups = |seed| Rise::new().with_groups(Groups::values()).with_seed(seed);
        let lime = |seed| Lime::new().with_seed(seed);
        let permutation = |seed| FeaturePermutation::new().with_seed(seed);
        let right = [
            list(explain(&grid(1).with_samples(60_000))),
            list(explain(&groups(1).with_samples(60_000))),
            list(explain(&lime(1).with_samples(60_000))),
            list(explain(&permutation(1).with_samples(5_000))),
        ];
        // Neighbours on a grid share their errors: it takes several seeds.
        for seed in 2..7 {
            let maps = [
                explain(&grid(seed).with_samples(300)),
                explain(&groups(seed).with_samples(300)),
                explain(&lime(seed).with_samples(200)),
                explain(&permutation(seed).with_samples(100)),
            ];
            for ((found, map), right) in found.iter_mut().zip(maps).zip(&right) {
                *found += intervals(&map, right);
            }
        }
    }
    for (found, what) in found.into_iter().zip(["RISE", "RISE of groups", "LIME", "permutation"]) {
        let share = 100.0 * found.held as f64 / found.unwarned.max(1) as f64;
        println!("{what}: {share:.1} % of {} values", found.unwarned);
        assert!((92.0..98.0).contains(&share), "{what}: {share} {found:?}");
    }
}

#[test]
fn any_number_of_workers_and_any_chunk_gives_the_same_bits() {
    let kind = Kind::ALL.iter().find(|kind| kind.name == "6 ramps of width 0.02, mixed signs");
    let questions = kind.expect("a kind").questions(1);
    let explain = |workers: usize, chunk: usize, input: Tensor<2>| {
        let schedule = Schedule::new().with_parallelism(Parallelism::Workers(workers));
        let schedule = schedule.with_chunk(chunk);
        let mut all = Options { schedule: schedule.clone(), ..Options::default() }.all();
        if input.dims()[0] > 1 {
            let permutation = FeaturePermutation::new().with_samples(20).with_schedule(schedule);
            all.push(("permutation", Box::new(permutation)));
        }
        let explain = |(name, explainer): &Named<_, Tensor<2>>| {
            let map = explainer.attribute(&questions.model(), input.clone()).unwrap();
            let errors = map.standard_error.map(|errors| values(&errors));
            (*name, values(&map.values), errors, map.error_estimate, map.evaluations)
        };
        all.iter().map(explain).collect::<Vec<_>>()
    };
    let input = questions.input.clone();
    let one = explain(1, 1000, input.clone());
    for (workers, chunk) in [(1, 1), (2, 3), (7, 1), (7, 64)] {
        assert_eq!(explain(workers, chunk, input.clone()), one, "{workers} {chunk}");
    }
    // A row's answer does not depend on the rows beside it, except for permutation.
    let alone = explain(1, 1000, input.narrow(0, 0, 1));
    for (alone, (name, together, ..)) in alone.iter().zip(&one) {
        assert_eq!(alone.1, together[..6], "{name}");
    }
}

#[test]
fn models_that_break_the_graph_and_fixed_tensors_are_no_matter() {
    // Reads its input to the host, and makes a tensor of its own.
    let model = pure_function(|(x, Fixed(ids)): (Tensor<2>, Fixed<Tensor<2>>)| {
        let device = x.device();
        let [rows, width] = x.dims();
        let (numbers, ids) = (values(&x), values(&ids));
        let score = |row: &[f32]| -> f32 { row.iter().product::<f32>() + row[0] };
        let scores = numbers.chunks(width).zip(ids).map(|(row, id)| score(row) * id);
        Tensor::<1>::from_data(&scores.collect::<Vec<f32>>()[..], &device).reshape([rows, 1])
    });
    let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 1.5], [0.5, 2.0, 1.0, -1.0]], &device());
    let ids = Fixed(Tensor::<2>::from_data([[1.0], [2.0]], &device()));
    for (name, explainer) in Options::default().all() {
        let map = explainer.attribute(&model, (x.clone(), ids.clone())).unwrap();
        let (found, fixed) = map.values;
        assert!(values(&found).iter().any(|value| *value != 0.0), "{name}");
        assert!(values(&fixed.0).iter().all(|value| *value == 0.0), "{name}");
        if let Some(gaps) = map.completeness_gap {
            assert!(gaps.iter().all(|gap| gap.abs() < 1e-5), "{name}: {gaps:?}");
        }
    }
    let map = FeaturePermutation::new().attribute(&model, (x, ids)).unwrap();
    assert!(values(&map.values.0).iter().any(|value| *value != 0.0));
}

#[test]
fn a_model_is_called_no_more_than_the_method_needs() {
    let count = Counting::default();
    let square = count.square();
    let model = pure_function(move |x: Tensor<2>| square.forward(x).sum_dim(1));
    let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0, 5.0]; 2], &device());
    let schedule = Schedule::new().without_row_check();
    let run = |explainer: &dyn Explainer<_, Tensor<2>>| {
        let map = explainer.attribute(&model, x.clone()).unwrap();
        (count.take().1, map.evaluations[0])
    };
    let s = || schedule.clone();
    // The input is scored besides, and the baseline if there is one that is scored.
    assert_eq!(run(&FeatureAblation::new().with_schedule(s())), (2 + 2 * 5, 5));
    let window = Window::new([2]).with_stride([1]);
    assert_eq!(run(&Occlusion::new(window).with_schedule(s())), (2 + 2 * 4, 4));
    let shap = || KernelShap::new().with_schedule(s());
    assert_eq!(run(&shap()), (4 + 2 * 30, 30));
    assert_eq!(run(&shap().with_samples(7)), (4 + 2 * (10 + 14), 24));
    assert_eq!(run(&shap().with_groups(Groups::labels([0; 5]))), (4, 0));
    let sampling = ShapleySampling::new().with_samples(3).with_schedule(s());
    assert_eq!(run(&sampling), (4 + 2 * 3 * 8, 24));
    let lime = Lime::new().with_samples(7).with_schedule(s());
    assert_eq!(run(&lime), (4 + 2 * (10 + 7), 17));
    assert_eq!(run(&Rise::new().with_samples(9).with_schedule(s())), (4 + 2 * 9, 9));
    let permutation = FeaturePermutation::new().with_samples(3).with_schedule(s());
    assert_eq!(run(&permutation), (2 + 2 * 3 * 5, 15));
}

#[test]
fn one_group_groups_without_effect_and_a_baseline_that_is_the_input() {
    let model = pure_function(|x: Tensor<2>| x.clone().narrow(1, 0, 1) * x.narrow(1, 1, 1));
    let x = Tensor::<2>::from_data([[2.0, 3.0, 4.0, 5.0, 1.0]], &device());
    let explain = |options: Options| {
        let all = options.all().into_iter();
        let explain = |(name, explainer): Named<_, Tensor<2>>| {
            (name, explainer.attribute(&model, x.clone()).unwrap())
        };
        all.map(explain).collect::<Vec<_>>()
    };
    // One group gets everything.
    let window = Some(Window::new([5]));
    let one = Options { groups: Groups::labels([0; 5]), window, ..Options::default() };
    for (name, map) in explain(one) {
        let sum: f32 = values(&map.values).iter().sum();
        let expected = if name == "occlusion" { 30.0 } else { 6.0 };
        assert!(!is_share(name) || (sum - expected).abs() < 1e-5, "{name}: {sum}");
    }
    // Values that the model does not read get nothing, exactly if they are covered alone.
    for (name, map) in explain(Options::default()) {
        let found = values(&map.values);
        let close = match &map.standard_error {
            Some(errors) => values(errors)[4] * 4.0 + 1e-5,
            None => 0.0,
        };
        assert!(!is_share(name) || found[4].abs() <= close, "{name}: {found:?}");
    }
    // Nothing is left to explain.
    let same = Options { baseline: Baseline::tensor(x.clone()), ..Options::default() };
    for (name, map) in explain(same) {
        assert!(map.warnings.contains(&Warning::baseline_is_input(0)), "{name}");
        assert!(!map.warnings.contains(&Warning::baseline_scores_like_input(0)), "{name}");
        let found = values(&map.values);
        assert!(!is_share(name) || found.iter().all(|value| *value == 0.0), "{name}: {found:?}");
    }
}

#[test]
fn a_map_of_zeros_comes_with_a_warning_that_says_why() {
    // Covered by zeros, the first row keeps its score of zero. The second one does not.
    let model = pure_function(|x: Tensor<2>| relu(x.narrow(1, 0, 1)));
    let x = Tensor::<2>::from_data([[-1.0, 2.0, 3.0], [2.0, 2.0, 3.0]], &device());
    for (name, explainer) in Options::default().all::<_, Tensor<2>>() {
        let map = explainer.attribute(&model, x.clone()).unwrap();
        let first = values(&map.values.narrow(0, 0, 1));
        assert_eq!(first, [0.0; 3], "{name}");
        // Methods that share out the change of score know that there is none.
        let by_ends = map.completeness_gap.is_some();
        let says = |warning| map.warnings.contains(&warning);
        assert_eq!(says(Warning::baseline_scores_like_input(0)), by_ends, "{name}");
        assert_eq!(says(Warning::no_cover_changes_the_score(0)), !by_ends, "{name}");
        assert!(!says(Warning::no_cover_changes_the_score(1)), "{name}");
    }
    // Other rows in place of a baseline.
    let constant = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1).zeros_like() + 3.0);
    let map = FeaturePermutation::new().attribute(&constant, x.clone()).unwrap();
    assert_eq!(map.warnings, [0, 1].map(Warning::no_cover_changes_the_score));
    let map = FeatureAblation::new().attribute(&constant, x).unwrap();
    assert_eq!(map.warnings, [0, 1].map(Warning::no_cover_changes_the_score));
    let said = "no cover changes the score of row 1, and the map is zero: the model may not depend on its \
                input; otherwise cover larger parts, or choose another baseline";
    assert_eq!(map.warnings[1].to_string(), said);
}

#[test]
fn groups_get_their_number_in_equal_shares() {
    let model = pure_function(|x: Tensor<4>| relu(x).flatten::<2>(1, 3).sum_dim(1));
    let x = Tensor::<4>::ones([1, 3, 4, 4], &device());
    for groups in [Groups::grid([2, 2]), Groups::places(), Groups::labels([0, 1].repeat(8))] {
        let options = Options { groups, window: Some(Window::new([1, 1])), ..Options::default() };
        for (name, explainer) in options.all() {
            let map: Attribution<Tensor<4>> = explainer.attribute(&model, x.clone()).unwrap();
            // A window's number is for each of its values.
            let right = if name == "occlusion" { 3.0 } else { 1.0 };
            let found = values(&map.values);
            let near = |value: &f32| (value - right).abs() < 1e-4;
            assert!(!is_share(name) || found.iter().all(near), "{name}: {found:?}");
        }
    }
}

#[test]
fn rows_are_permuted_within_the_whole_batch_only() {
    let model = pure_function(|x: Tensor<2>| x.sum_dim(1));
    let x = Tensor::<2>::from_data([[1.0], [2.0], [6.0]], &device());
    let map = FeaturePermutation::new().with_samples(4000).attribute(&model, x.clone()).unwrap();
    let errors = values(&map.standard_error.unwrap());
    // Each row minus the mean of the others.
    for ((value, error), right) in
        values(&map.values).into_iter().zip(errors).zip([-3.0, -1.5, 4.5])
    {
        assert!((value - right).abs() < 4.0 * error, "{value} ± {error}, expected {right}");
    }
    let refused = |result: Result<Attribution<Tensor<2>>>, said: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::InvalidOption { option: "rows", .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    };
    let permutation = FeaturePermutation::new;
    refused(permutation().attribute(&model, x.clone().narrow(0, 0, 1)), "at least 2");
    refused(SmoothGrad::new(permutation()).attribute(&model, x.clone()), "a whole batch");
    let part = Rows::all(3).select(&[0, 1]);
    let piece = x.narrow(0, 0, 2);
    refused(permutation().attribute_rows(&model, piece, Target::Predicted, &part), "a whole batch");
}

#[test]
fn a_score_of_a_covered_copy_that_is_not_finite_names_its_row() {
    // Infinite if one of the two values of the second row is covered, but not both.
    let model =
        pure_function(|x: Tensor<2>| (x.clone().narrow(1, 0, 1) - x.narrow(1, 1, 1)).recip());
    let x = Tensor::<2>::from_data([[5.0, 1.0], [1.0, 2.0]], &device());
    let baseline = Tensor::<2>::from_data([[6.0, 1.0], [2.0, 1.0]], &device());
    for chunk in [1, 1000] {
        let schedule = Schedule::new().with_chunk(chunk);
        let baseline = Baseline::tensor(baseline.clone());
        let options = Options { baseline, schedule, ..Options::default() };
        for (name, explainer) in options.all() {
            println!("{name}");
            let error = explainer.attribute(&model, x.clone()).unwrap_err();
            assert_error!(error, Error::NotFinite { stage: Stage::CoveredScore, row: 1 });
        }
    }
    // A baseline without a score has an error of its own, if its score is needed.
    let baseline = Baseline::tensor(Tensor::<2>::ones([1, 2], &device()));
    let error = KernelShap::new().with_baseline(baseline).attribute(&model, x).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::BaselineScore, row: 0 });
}

#[test]
fn options_outside_their_range_are_refused() {
    let model = pure_function(|x: Tensor<2>| x.sum_dim(1));
    let wide = Tensor::<2>::ones([2, 21], &device());
    let explain = |explainer: &dyn Explainer<_, Tensor<2>>| {
        explainer.attribute(&model, wide.clone()).unwrap_err().to_string()
    };
    let lists = Groups::lists([(0..20).collect::<Vec<usize>>()]);
    let left_out = "put all others into a group of their own), found none for 1 of 21 values";
    let all: [(Box<dyn Explainer<_, Tensor<2>>>, &str); 22] = [
        (Box::new(KernelShap::new().with_all_coalitions()), "of at most 20 groups, 1048576"),
        (Box::new(KernelShap::new().with_groups(lists.clone())), left_out),
        (Box::new(KernelShap::new().with_samples(0)), "samples from 1 to 1000000, found 0"),
        (Box::new(KernelShap::new().with_tolerance(0.0)), "tolerance"),
        (Box::new(ShapleySampling::new().with_groups(lists.clone())), left_out),
        (Box::new(ShapleySampling::new().with_samples(0)), "samples from 1"),
        (Box::new(FeatureAblation::new().with_groups(lists.clone())), left_out),
        (Box::new(FeaturePermutation::new().with_groups(lists.clone())), left_out),
        (Box::new(FeaturePermutation::new().with_samples(0)), "samples from 1"),
        (Box::new(Rise::new().with_groups(lists)), left_out),
        (Box::new(Lime::new().with_samples(0)), "samples from 1"),
        (Box::new(Lime::new().with_width(0.0)), "width positive and finite, found 0"),
        (Box::new(Lime::new().with_width(f64::INFINITY)), "width positive and finite, found inf"),
        (Box::new(Lime::new().with_width(1e-4)), "some of 21 groups are covered, found 0.0001"),
        (Box::new(Rise::new().with_keep(0.0)), "above 0 and below 1, found 0"),
        (Box::new(Rise::new().with_keep(1.0)), "above 0 and below 1, found 1"),
        (Box::new(Rise::new().with_keep(f64::NAN)), "above 0 and below 1, found NaN"),
        (Box::new(Rise::new().with_grid([22])), "grid of 1 cell"),
        (Box::new(Rise::new().with_samples(0)), "samples from 1"),
        (Box::new(Occlusion::new(Window::new([22]))), "no larger than a row"),
        (Box::new(Occlusion::new(Window::new([2]).with_stride([3]))), "would be left out"),
        (Box::new(Occlusion::each([])), "windows for each tensor"),
    ];
    for (explainer, said) in all {
        let error = explain(&*explainer);
        assert!(error.contains(said) && error.contains("found"), "{error}");
    }
    let other = Baseline::tensor(Tensor::<2>::zeros([2, 3], &device()));
    for (name, explainer) in (Options { baseline: other, ..Options::default() }).all() {
        let error = explainer.attribute(&model, wide.clone()).unwrap_err();
        assert!(matches!(error, Error::BaselineShape { .. }), "{name}: {error}");
    }
}

#[test]
fn options_are_saved_and_restored() {
    fn check<E: Explainer<M, Tensor<2>> + Serialize + DeserializeOwned, M>(
        explainer: &E,
        model: &M,
    ) {
        let saved = serde_json::to_string(explainer).unwrap();
        let restored: E = serde_json::from_str(&saved).unwrap();
        assert_eq!(serde_json::to_string(&restored).unwrap(), saved);
        let x = Tensor::<2>::from_data([[1.0, -2.0, 3.0], [0.5, 3.0, 1.0]], &device());
        let explain = |explainer: &E| explainer.attribute(model, x.clone()).unwrap();
        let (saved, restored) = (explain(explainer), explain(&restored));
        assert_eq!(values(&saved.values), values(&restored.values));
        assert_eq!(saved.evaluations, restored.evaluations);
    }
    let model = pure_function(|x: Tensor<2>| x.prod_dim(1));
    let groups = || Groups::each([Groups::segments(0, 2)]);
    let baseline = || Baseline::constant(0.5);
    check(&FeatureAblation::new().with_groups(groups()).with_baseline(baseline()), &model);
    check(&Occlusion::new(Window::new([2]).with_stride([1])).with_baseline(baseline()), &model);
    check(&FeaturePermutation::new().with_groups(groups()).with_samples(3).with_seed(2), &model);
    check(&Rise::new().with_grid([2]).with_keep(0.3).with_samples(5), &model);
    check(&Rise::new().with_groups(groups()).with_tolerance(0.5).with_max_samples(60), &model);
    check(&ShapleySampling::new().with_groups(groups()).with_samples(2), &model);
    check(&Lime::new().with_width(0.5).with_samples(5), &model);
    check(&KernelShap::new().with_groups(groups()).with_all_coalitions(), &model);
}

#[test]
fn methods_without_gradients_can_be_cancelled_and_report_progress() {
    let model = pure_function(|x: Tensor<2>| x.prod_dim(1));
    let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0, 5.0]; 3], &device());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let schedule = Schedule::new().with_chunk(4).with_progress(move |progress| {
        log.lock().unwrap().push((progress.done, progress.total));
    });
    let options = Options { schedule, samples: Some(6), ..Options::default() };
    for (name, explainer) in options.all() {
        explainer.attribute(&model, x.clone()).unwrap();
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{name}: {seen:?}");
        let &(done, total) = seen.last().unwrap();
        assert!(done == total && done > 0, "{name}: {seen:?}");
    }
    let cancel = Cancel::new();
    cancel.cancel();
    let schedule = Schedule::new().with_cancel(cancel);
    for (name, explainer) in (Options { schedule, ..Options::default() }).all() {
        let error = explainer.attribute(&model, x.clone()).unwrap_err();
        assert!(matches!(error, Error::Cancelled { .. }), "{name}: {error}");
    }
}

#[test]
fn a_long_sample_is_cancelled_between_two_calls() {
    // One sample of 400 groups takes 798 calls.
    let cancel = Cancel::new();
    let (token, calls) = (cancel.clone(), Arc::new(Mutex::new(0)));
    let counted = calls.clone();
    let model = pure_function(move |x: Tensor<2>| {
        let mut calls = counted.lock().unwrap();
        *calls += 1;
        if *calls == 10 {
            token.cancel();
        }
        x.sum_dim(1)
    });
    let x = Tensor::<2>::ones([1, 400], &device());
    let schedule = Schedule::new().with_cancel(cancel);
    let explainer = ShapleySampling::new().with_samples(1).with_schedule(schedule);
    let error = explainer.attribute(&model, x).unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    assert!(*calls.lock().unwrap() < 15);
}
