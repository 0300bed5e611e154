//! Methods at a layer: class activation maps, conductance, internal influence, and neurons.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_core::methods::layer::{Corners, UnitChange};
use saliency_core::{
    AblationCam, Attribution, Baseline, Conductance, Cut, EigenCam, EigenGradCam, Error, Explainer,
    Finer, Fixed, GradCam, GradCamElementWise, GradCamPlusPlus, Gradient, HiResCam,
    InputTimesGradient, IntegratedGradients, InternalInfluence, LayerCam, Model, NoiseScale,
    Parallelism, Rule, Schedule, ScoreCam, SmoothGrad, Split, Stage, Target, Warning, XGradCam,
    pure_function,
};
use saliency_models::{CifarCnn, Conv2, Relu1, Relu2, Relu4};
use saliency_testkit::{
    Golden, assert_close, assert_error, device, on_every_device, relative_l1, values,
    with_fixed_weights,
};

/// The parity that is asked for, as a share of the largest value of each row.
const PARITY: f32 = 1e-5;

type Named<M, I> = (&'static str, Box<dyn Explainer<M, I>>);

/// Returns every method of the CAM family that explains an activation.
fn cams<M: Model<I>, I: saliency_core::Inputs>(schedule: &Schedule) -> Vec<Named<M, I>> {
    let s = || schedule.clone();
    vec![
        ("grad_cam", Box::new(GradCam::new().with_schedule(s()))),
        ("grad_cam_plus_plus", Box::new(GradCamPlusPlus::new().with_schedule(s()))),
        ("x_grad_cam", Box::new(XGradCam::new().with_schedule(s()))),
        ("hi_res_cam", Box::new(HiResCam::new().with_schedule(s()))),
        ("grad_cam_elementwise", Box::new(GradCamElementWise::new().with_schedule(s()))),
        ("layer_cam", Box::new(LayerCam::new().with_schedule(s()))),
        ("eigen_cam", Box::new(EigenCam::new().with_schedule(s()))),
        ("eigen_grad_cam", Box::new(EigenGradCam::new().with_schedule(s()))),
        ("ablation_cam", Box::new(AblationCam::new().with_schedule(s()))),
    ]
}

/// The CIFAR network, its golden values and its input, in one precision.
struct Question {
    golden: Golden,
    net: CifarCnn,
    input: Tensor<4>,
    target: Target,
}

impl Question {
    fn new(golden: Golden, device: &Device, precision: DType) -> Self {
        let net = CifarCnn::embedded_in(device, precision);
        let input = golden.tensor::<4>("input", device).cast(precision);
        let target = Target::Classes(golden.targets());
        Self { golden, net, input, target }
    }
}

/// Runs a test in double precision, on every device that has it.
fn in_double_precision(test: impl Fn(&Question, &Device)) {
    on_every_device(|compute| {
        if !compute.supports(FloatDType::F64) {
            println!("{} does not compute in double precision", compute.backend());
            return;
        }
        let device = compute.device();
        test(&Question::new(Golden::cifar_methods(), device, DType::F64), device);
    });
}

/// Compares row by row.
fn assert_rows<const D: usize>(what: &str, found: &Tensor<D>, expected: &Tensor<D>, close: f32) {
    for row in 0..expected.dims()[0] {
        let [found, expected] = [found, expected].map(|all| all.clone().narrow(0, row, 1));
        if values(&expected).iter().all(|value| *value == 0.0) {
            assert!(values(&found).iter().all(|value| *value == 0.0), "{what} row {row}");
            continue;
        }
        assert_close(&format!("{what} row {row}"), &found, &expected, close);
    }
}

/// Adds up channels: `[rows, height, width]`.
fn map_of(found: &Attribution<Tensor<4>>) -> Tensor<3> {
    found.values.clone().sum_dim(1).squeeze_dim(1)
}

#[test]
fn the_cam_family_equals_grad_cam_in_double_precision() {
    in_double_precision(|it, device| {
        let split = Split::at(&it.net, Conv2);
        let activation = split.before(it.input.clone());
        let shown = values(&activation.clone().sum_dim(1));
        for (name, explainer) in cams(&Schedule::new()) {
            let found = explainer
                .attribute_to(split.after(), activation.clone(), it.target.clone())
                .unwrap();
            if name == "ablation_cam" {
                continue;
            }
            let expected: Tensor<3> = it.golden.tensor(&format!("cam_{name}"), device);
            let mut map = map_of(&found);
            if name.starts_with("eigen") {
                // The sign of a principal direction is arbitrary there. Here the map agrees with the
                // sum over channels of what is projected.
                let summed = match name {
                    "eigen_cam" => shown.clone(),
                    _ => values(
                        &HiResCam::new()
                            .attribute_to(split.after(), activation.clone(), it.target.clone())
                            .unwrap()
                            .values
                            .sum_dim(1),
                    ),
                };
                let dot =
                    |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                let (own, theirs) = (values(&map), values(&expected));
                let signs: Vec<f64> = (0..3)
                    .map(|row| {
                        let at = row * 100..row * 100 + 100;
                        assert!(
                            dot(&own[at.clone()], &summed[at.clone()]) > 0.0,
                            "{name} row {row}"
                        );
                        f64::from(dot(&own[at.clone()], &theirs[at]).signum())
                    })
                    .collect();
                println!("{name}: signs relative to grad-cam {signs:?}");
                let signs = Tensor::<1>::from_data(&signs[..], (device, DType::F64));
                map = map * signs.reshape([3, 1, 1]);
            }
            assert_rows(name, &map, &expected, PARITY);
            assert_eq!(found.evaluations, [1; 3]);
            assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        }
    });
}

#[test]
fn grad_cam_and_layer_integrated_gradients_equal_captum_in_double_precision() {
    in_double_precision(|it, device| {
        let split = Split::at(&it.net, Relu2);
        let cam = GradCam::new()
            .attribute_to(split.after(), split.before(it.input.clone()), it.target.clone())
            .unwrap();
        let expected = it.golden.tensor("layer_grad_cam_relu2", device);
        assert_rows("layer_grad_cam_relu2", &cam.values.sum_dim(1), &expected, PARITY);

        let split = Split::at(&it.net, Relu1);
        let baseline = split.before(it.input.zeros_like());
        let explainer = IntegratedGradients::new().with_baseline(Baseline::tensor(baseline));
        let map = explainer
            .attribute_to(split.after(), split.before(it.input.clone()), it.target.clone())
            .unwrap();
        let expected = it.golden.tensor("layer_ig_relu1_50", device);
        assert_rows("layer_ig_relu1_50", &map.values, &expected, PARITY);
    });
}

#[test]
fn conductance_and_internal_influence_equal_captum_in_double_precision() {
    in_double_precision(|it, device| {
        let split = Split::at(&it.net, Relu2);
        let (input, target) = (it.input.clone(), it.target.clone());
        let captum = Conductance::new().with_unit_change(UnitChange::ToNext);
        let map = captum.attribute_to(&split, input.clone(), target.clone()).unwrap();
        let expected = it.golden.tensor("conductance_relu2_50", device);
        assert_rows("conductance_relu2_50", &map.values, &expected, PARITY);
        assert_eq!(map.evaluations, [50; 3]);

        let map = InternalInfluence::new().attribute_to(&split, input, target).unwrap();
        let expected = it.golden.tensor("internal_influence_relu2_50", device);
        assert_rows("internal_influence_relu2_50", &map.values, &expected, PARITY);
        assert_eq!((map.evaluations, map.completeness_gap), (vec![50; 3], None));
    });
}

#[test]
fn a_neuron_is_explained_as_by_captum_in_double_precision() {
    in_double_precision(|it, device| {
        let neurons = Split::at(&it.net, Relu4).neurons();
        let map =
            Gradient::new().attribute_to(&neurons, it.input.clone(), Target::Class(7)).unwrap();
        let expected = it.golden.tensor("neuron_gradient_relu4_7", device);
        assert_rows("neuron_gradient_relu4_7", &map.values, &expected, PARITY);
        // A unit of a map: channel 3 at (2, 5) of Relu2, as the scores number it.
        let relu2 = Split::at(&it.net, Relu2);
        let unit = (3 * 10 + 2) * 10 + 5;
        let map = Gradient::new()
            .attribute_to(&relu2.neurons(), it.input.clone(), Target::Class(unit))
            .unwrap();
        let activation = relu2.before(it.input.clone());
        let expected = values(&activation.narrow(1, 3, 1).narrow(2, 2, 1).narrow(3, 5, 1));
        let found: Vec<f32> = map.scores.iter().map(|score| *score as f32).collect();
        assert_eq!(found, expected);
    });
}

/// The values of the file were computed by `golden/layers.py`.
#[test]
fn score_cam_ablation_cam_and_finer_cam_equal_grad_cam_in_double_precision() {
    in_double_precision(|it, device| {
        let golden = Golden::cifar_layers();
        let (input, target) = (it.input.clone(), it.target.clone());
        let split = Split::at(&it.net, Conv2);
        let activation = split.before(input.clone());

        let score = ScoreCam::new().with_corners(Corners::Middles);
        let found = score.attribute_to(&split, input.clone(), target.clone()).unwrap();
        assert_rows("score_cam", &map_of(&found), &golden.tensor("cam_score_cam", device), PARITY);
        assert_eq!(found.evaluations, [16; 3]);

        // grad-cam divides by the score.
        let found = AblationCam::new().attribute_to(split.after(), activation.clone(), target);
        let found = found.unwrap();
        let scores = Tensor::<1>::from_data(&found.scores[..], (device, DType::F64));
        let map = map_of(&found) / scores.reshape([3, 1, 1]);
        assert_rows("ablation_cam", &map, &golden.tensor("cam_ablation_cam", device), PARITY);

        for (name, explainer) in cams(&Schedule::new()) {
            if !["grad_cam", "hi_res_cam"].contains(&name) {
                continue;
            }
            let target = Target::finer(Finer::new());
            let found = explainer.attribute_to(split.after(), activation.clone(), target).unwrap();
            let expected = golden.tensor(&format!("finer_{name}"), device);
            assert_rows(&format!("finer {name}"), &map_of(&found), &expected, PARITY);
        }
    });
}

#[test]
fn finer_compares_the_same_classes_in_chunks_of_any_size_and_along_a_path() {
    let it = Question::new(Golden::cifar_methods(), &device(), DType::F64);
    let target = || Target::finer(Finer::new().with_count(2));
    let explain = |chunk: usize| {
        let schedule = Schedule::new().with_chunk(chunk);
        let path = IntegratedGradients::new().with_steps(20).with_schedule(schedule.clone());
        let gradient = Gradient::new().with_schedule(schedule);
        let both: [&dyn Explainer<CifarCnn, Tensor<4>>; 2] = [&path, &gradient];
        both.map(|it_explainer| {
            it_explainer.attribute_to(&it.net, it.input.clone(), target()).unwrap()
        })
    };
    let whole = explain(1000);
    for chunk in [1, 2] {
        for (found, expected) in explain(chunk).iter().zip(&whole) {
            assert_close("Finer", &found.values, &expected.values, 1e-6);
            assert_eq!(found.targets, expected.targets);
        }
    }
    // The path is complete for this score too, to a few percent in 20 points.
    let (map, scores) = (&whole[0], &whole[0].scores);
    let gaps = map.completeness_gap.as_ref().unwrap();
    for (gap, score) in gaps.iter().zip(scores) {
        assert!(gap.abs() < 0.2 * score.abs().max(1.0), "{gap} {score}");
    }
}

#[test]
fn conductance_is_the_same_however_the_change_of_units_is_taken() {
    let it = Question::new(Golden::cifar_methods(), &device(), DType::F64);
    let split = Split::at(&it.net, Relu2);
    let explain = |explainer: Conductance| {
        explainer.attribute_to(&split, it.input.clone(), it.target.clone()).unwrap()
    };
    let fine = explain(Conductance::new().with_rule(Rule::Midpoint).with_steps(2000));
    let right: Vec<f64> = fine.values.clone().into_data().iter().collect();
    let size = |row: usize| -> f64 { right[row * 1600..][..1600].iter().map(|it| it.abs()).sum() };
    let gaps = fine.completeness_gap.unwrap();
    assert!((0..3).all(|row| gaps[row].abs() < 1e-3 * size(row)), "{gaps:?}");
    for (name, explainer) in [
        ("Gauss-Legendre 50", Conductance::new()),
        ("midpoint 50", Conductance::new().with_rule(Rule::Midpoint)),
        ("placed 50", Conductance::new().with_rule(Rule::Placed)),
        ("to the next 50", Conductance::new().with_unit_change(UnitChange::ToNext)),
        ("to the next 2000", {
            let next = Conductance::new().with_unit_change(UnitChange::ToNext);
            next.with_rule(Rule::Midpoint).with_steps(2000)
        }),
        ("to 5 %", Conductance::new().with_tolerance(0.05)),
        ("to 1 %", Conductance::new().with_tolerance(0.01)),
    ] {
        let found = explain(explainer);
        let estimates = found.error_estimate.clone();
        assert_eq!(estimates.is_none(), name.starts_with("to the next"), "{name}");
        let found_values: Vec<f64> = found.values.into_data().iter().collect();
        for row in 0..3 {
            let at = row * 1600..row * 1600 + 1600;
            let error = relative_l1(&found_values[at.clone()], &right[at]);
            let (estimate, points) =
                (estimates.as_ref().map(|all| all[row]), found.evaluations[row]);
            println!("{name} row {row}: error {error:.4}, estimate {estimate:?}, {points} points");
            assert!(error < 0.15, "{name} row {row}: {error}");
            assert!(estimate.is_none_or(|estimate| error <= estimate), "{name} row {row}: {error}");
            assert!(found.converged.as_ref().is_none_or(|converged| converged[row]), "{name}");
        }
    }
}

/// Three layers with random weights, cut behind the first ReLU.
#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
    third: Linear,
}

/// The point behind the first ReLU.
struct Hidden;

impl Net {
    fn new(seed: u64, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let net = Self { first: linear(6, 16), second: linear(16, 12), third: linear(12, 1) };
        with_fixed_weights(net, seed)
    }
}

impl Model<Tensor<2>> for Net {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.after(self.before(input))
    }
}

impl Cut<Tensor<2>, Hidden> for Net {
    type Activation = Tensor<2>;

    fn before(&self, input: Tensor<2>) -> Tensor<2> {
        relu(self.first.forward(input))
    }

    fn after(&self, units: Tensor<2>) -> Tensor<2> {
        self.third.forward(relu(self.second.forward(units)))
    }
}

/// Returns how many of 200 estimates are upper bounds of the error, for each kind of path.
fn upper_bounds() -> Vec<(&'static str, usize)> {
    let device = device();
    let mut held = vec![("conductance 20", 0), ("conductance to 5 %", 0)];
    held.extend([("influence 20", 0), ("influence to 5 %", 0)]);
    for seed in 0..50 {
        let net = Net::new(seed, &device);
        let split = Split::at(&net, Hidden);
        let at = |k: usize| ((k as f32 + 31.0 * seed as f32) * 0.77).sin() * 3.0;
        let input: Vec<f32> = (0..24).map(at).collect();
        let input = Tensor::<1>::from_data(&input[..], &device).reshape([4, 6]);
        let explained = |map: saliency_core::Result<Attribution<Tensor<2>>>| map.unwrap();
        let conductance =
            |explainer: Conductance| explained(explainer.attribute(&split, input.clone()));
        let influence =
            |explainer: InternalInfluence| explained(explainer.attribute(&split, input.clone()));
        let fine = Conductance::new().with_rule(Rule::Midpoint).with_steps(1000);
        let right = values(&conductance(fine).values);
        let fine = InternalInfluence::new().with_rule(Rule::Midpoint).with_steps(1000);
        let mean = values(&influence(fine).values);
        let found = [
            (conductance(Conductance::new().with_steps(20)), &right),
            (conductance(Conductance::new().with_tolerance(0.05)), &right),
            (influence(InternalInfluence::new().with_steps(20)), &mean),
            (influence(InternalInfluence::new().with_tolerance(0.05)), &mean),
        ];
        for ((found, right), (_, held)) in found.into_iter().zip(&mut held) {
            let (estimates, all) = (found.error_estimate.unwrap(), values(&found.values));
            for (row, estimate) in estimates.into_iter().enumerate() {
                let at = row * 16..row * 16 + 16;
                *held += usize::from(relative_l1(&all[at.clone()], &right[at]) <= estimate);
            }
        }
    }
    held
}

#[test]
fn the_estimate_is_an_upper_bound_in_most_cases() {
    for (name, held) in upper_bounds() {
        println!("{name}: an upper bound in {held} of 200");
        assert!(held >= 168, "{name}: {held} of 200");
    }
}

/// Two layers whose conductance is known: units x1 + x2 and (x1 - x2)², whose product is the score.
#[derive(Module, Debug)]
struct Product {}

struct Units;

impl Model<Tensor<2>> for Product {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.after(self.before(input))
    }
}

impl Cut<Tensor<2>, Units> for Product {
    type Activation = Tensor<2>;

    fn before(&self, input: Tensor<2>) -> Tensor<2> {
        let (first, second) = (input.clone().narrow(1, 0, 1), input.narrow(1, 1, 1));
        let sum = first.clone() + second.clone();
        Tensor::cat(vec![sum, (first - second).powi_scalar(2)], 1)
    }

    fn after(&self, units: Tensor<2>) -> Tensor<2> {
        units.clone().narrow(1, 0, 1) * units.narrow(1, 1, 1)
    }
}

#[test]
fn conductance_and_influence_of_a_product_have_their_closed_forms() {
    on_every_device(|compute| {
        let device = compute.device();
        let split = Split::at(&Product {}, Units);
        // Sums 3 and -1; squared differences 1 and 9; and an input that is the baseline.
        let input = Tensor::<2>::from_data([[1.0, 2.0], [-2.0, 1.0], [0.0, 0.0]], device);
        // Along α the units are α s and α² q: shares s q / 3 and 2 s q / 3 of the score s q; mean
        // gradients q / 3 and s / 2.
        let conductance = Tensor::<2>::from_data([[1.0, 2.0], [-3.0, -6.0], [0.0, 0.0]], device);
        let influence = Tensor::<2>::from_data([[1.0 / 3.0, 1.5], [3.0, -0.5], [0.0, 0.0]], device);
        let target = || Target::Class(0);
        for (explainer, close) in [
            (Conductance::new(), 1e-3),
            (Conductance::new().with_rule(Rule::Midpoint), 1e-3),
            (Conductance::new().with_rule(Rule::Placed), 1e-2),
            (Conductance::new().with_tolerance(0.02), 0.02),
        ] {
            let map = explainer.attribute_to(&split, input.clone(), target()).unwrap();
            assert_close("conductance", &map.values, &conductance, close);
            assert_eq!(map.warnings[0], Warning::baseline_is_input(2));
            assert_eq!(map.baseline_scores.unwrap(), [0.0; 3]);
            let gaps = map.completeness_gap.unwrap();
            assert!(gaps.iter().all(|gap| gap.abs() < 20.0 * f64::from(close)), "{gaps:?}");
        }
        for (explainer, close) in [
            (InternalInfluence::new(), 1e-4),
            (InternalInfluence::new().with_tolerance(0.02), 0.02),
        ] {
            let map = explainer.attribute_to(&split, input.clone(), target()).unwrap();
            assert_close("influence", &map.values, &influence, close);
            assert_eq!(map.baseline_scores.unwrap(), [0.0; 3]);
        }
    });
}

#[test]
fn behind_a_mean_over_places_grad_cam_hi_res_cam_and_x_grad_cam_are_one() {
    on_every_device(|compute| {
        let device = compute.device();
        let weights = Tensor::<1>::from_data([2.0, -1.0, 0.5], device).reshape([1, 3]);
        let model = pure_function(move |x: Tensor<4>| {
            let means: Tensor<2> = x.mean_dims(&[2, 3]).flatten(1, 3);
            (means * weights.clone()).sum_dim(1) + 3.0
        });
        let activation: Vec<f32> = (0..24).map(|at| (at as f32 * 0.6).sin() + 2.0).collect();
        let activation = Tensor::<1>::from_data(&activation[..], device).reshape([2, 3, 2, 2]);
        let explain = |explainer: &dyn Explainer<_, Tensor<4>>| {
            explainer.attribute(&model, activation.clone()).unwrap()
        };
        let hi_res = explain(&HiResCam::new());
        assert_close("Grad-CAM", &explain(&GradCam::new()).values, &hi_res.values, 1e-5);
        assert_close("XGrad-CAM", &explain(&XGradCam::new()).values, &hi_res.values, 1e-4);
        assert_close("input", &explain(&InputTimesGradient::new()).values, &hi_res.values, 1e-6);
        // The values sum to the score without its constant.
        let sums = values(&hi_res.values.sum_dims(&[1, 2, 3]));
        for (sum, score) in sums.iter().zip(hi_res.scores) {
            assert!((f64::from(*sum) - (score - 3.0)).abs() < 1e-4, "{sum} {score}");
        }
    });
}

#[test]
fn an_activation_may_have_one_place_dimension_or_three_and_parts_that_are_not_explained() {
    on_every_device(|compute| {
        let device = compute.device();
        let values_in = Tensor::<1>::from_data([1.0, 3.0, 2.0, 0.0, -1.0, 1.0, 2.0, 4.0], device);
        let line = pure_function(|x: Tensor<3>| x.powi_scalar(2).sum_dim(2).squeeze_dim::<2>(2));
        let cube =
            pure_function(|x: Tensor<5>| x.powi_scalar(2).sum_dims(&[2, 3, 4]).flatten::<2>(1, 4));
        let pair = pure_function(|(x, fixed): (Tensor<4>, Fixed<Tensor<2>>)| {
            x.powi_scalar(2).sum_dims(&[2, 3]).flatten::<2>(1, 3) + fixed.0
        });
        let lines = cams(&Schedule::new()).into_iter().zip(cams(&Schedule::new()));
        for (((name, of_line), (_, of_cube)), (_, of_pair)) in lines.zip(cams(&Schedule::new())) {
            let target = || Target::Class(0);
            let line = of_line
                .attribute_to(&line, values_in.clone().reshape([1, 2, 4]), target())
                .unwrap();
            let cube = of_cube
                .attribute_to(&cube, values_in.clone().reshape([1, 2, 1, 2, 2]), target())
                .unwrap();
            let fixed = Fixed(Tensor::<2>::ones([1, 2], device));
            let pair = of_pair
                .attribute_to(&pair, (values_in.clone().reshape([1, 2, 2, 2]), fixed), target())
                .unwrap();
            let line = values(&line.values);
            assert_eq!(line, values(&cube.values), "{name}");
            assert_eq!(line, values(&pair.values.0), "{name}");
            assert_eq!(values(&pair.values.1.0), [0.0; 2], "{name}");
        }
    });
}

#[test]
fn a_layer_without_activity_gets_zeros_and_never_nan() {
    let model = pure_function(|x: Tensor<4>| {
        x.powi_scalar(2).sum_dims(&[2, 3]).flatten::<2>(1, 3).sum_dim(1)
    });
    for (name, explainer) in cams(&Schedule::new()) {
        let map = explainer.attribute(&model, Tensor::zeros([2, 3, 2, 2], &device())).unwrap();
        assert_eq!(values(&map.values), [0.0; 24], "{name}");
    }
    let exact = GradCamPlusPlus::new().with_epsilon(0.0);
    let map = exact.attribute(&model, Tensor::zeros([2, 3, 2, 2], &device())).unwrap();
    assert_eq!(values(&map.values), [0.0; 24]);
}

#[test]
fn a_score_that_does_not_depend_on_the_layer_is_an_error_if_a_gradient_is_needed() {
    let constant = pure_function(|x: Tensor<4>| Tensor::ones([x.dims()[0], 2], &device()));
    for (name, explainer) in cams(&Schedule::new()) {
        let found = explainer.attribute_to(
            &constant,
            Tensor::ones([1, 2, 2, 2], &device()),
            Target::Class(0),
        );
        match name {
            "eigen_cam" | "ablation_cam" => assert_eq!(values(&found.unwrap().values), [0.0; 8]),
            _ => assert_eq!(found.unwrap_err(), Error::Independent, "{name}"),
        }
    }
}

#[test]
fn two_directions_that_explain_the_same_are_reported() {
    let model = pure_function(|x: Tensor<4>| x.sum_dims(&[2, 3]).flatten::<2>(1, 3));
    let tied = Tensor::<4>::from_data(
        [[[[1.0, -1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0, -1.0]]], [[[1.0, 2.0, 3.0, 4.0]], [[0.0; 4]]]],
        &device(),
    );
    let map = EigenCam::new().attribute_to(&model, tied, Target::Class(0)).unwrap();
    assert_eq!(map.warnings, [Warning::direction_is_tied(0)]);
    assert!(map.warnings[0].to_string().contains("row 0"));
}

#[test]
fn any_number_of_workers_gives_the_same_bits_at_a_layer() {
    let it = Question::new(Golden::cifar_methods(), &device(), DType::F32);
    let split = Split::at(&it.net, Relu2);
    let activation = split.before(it.input.clone());
    for chunk in [1, 3, 1000] {
        let explain = |workers: usize| {
            let parallelism = Parallelism::Workers(workers);
            let s = Schedule::new().with_chunk(chunk).with_parallelism(parallelism);
            let mut all: Vec<(&str, Vec<f32>)> = cams(&s)
                .iter()
                .map(|(name, explainer)| {
                    let map = explainer.attribute(split.after(), activation.clone()).unwrap();
                    (*name, values(&map.values))
                })
                .collect();
            let score = ScoreCam::new().with_schedule(s.clone());
            all.push(("score", values(&score.attribute(&split, it.input.clone()).unwrap().values)));
            let steps = Conductance::new().with_steps(7).with_schedule(s.clone());
            let tolerance = Conductance::new().with_tolerance(0.2).with_max_gradients(30);
            for explainer in [steps, tolerance.with_schedule(s.clone())] {
                let map = explainer.attribute(&split, it.input.clone()).unwrap();
                all.push(("conductance", values(&map.values)));
            }
            let influence = InternalInfluence::new().with_steps(7).with_schedule(s);
            let map = influence.attribute(&split, it.input.clone()).unwrap();
            all.push(("influence", values(&map.values)));
            all
        };
        let one = explain(1);
        for workers in [2, 7] {
            assert_eq!(one, explain(workers), "{workers} workers, chunks of {chunk}");
        }
    }
}

#[test]
fn neither_chunks_nor_the_rows_beside_it_change_the_map_of_a_row() {
    let it = Question::new(Golden::cifar_methods(), &device(), DType::F64);
    let split = Split::at(&it.net, Relu2);
    let activation = split.before(it.input.clone());
    let all = |schedule: &Schedule, rows: std::ops::Range<usize>| -> Vec<Tensor<4>> {
        let narrow = |of: &Tensor<4>| of.clone().narrow(0, rows.start, rows.len());
        let maps = cams(schedule).into_iter().map(|(_, explainer)| {
            explainer.attribute(split.after(), narrow(&activation)).unwrap().values
        });
        let mut maps: Vec<Tensor<4>> = maps.collect();
        let score = ScoreCam::new().with_schedule(schedule.clone());
        maps.push(score.attribute(&split, narrow(&it.input)).unwrap().values);
        let conductance = Conductance::new().with_steps(9).with_schedule(schedule.clone());
        maps.push(conductance.attribute(&split, narrow(&it.input)).unwrap().values);
        maps
    };
    let whole = all(&Schedule::new(), 0..3);
    for chunk in [1, 2, 5] {
        for (found, expected) in all(&Schedule::new().with_chunk(chunk), 0..3).iter().zip(&whole) {
            assert_close("in chunks", found, expected, 1e-6);
        }
    }
    for (found, expected) in all(&Schedule::new(), 1..2).iter().zip(&whole) {
        assert_close("alone", found, &expected.clone().narrow(0, 1, 1), 1e-6);
    }
}

/// A picture that is its own activation, twice: as it is, and from right to left. Counts its calls.
#[derive(Module, Debug)]
struct Mirror {}

struct Both;

static BEFORE: AtomicUsize = AtomicUsize::new(0);
static AFTER: AtomicUsize = AtomicUsize::new(0);

impl Model<Tensor<4>> for Mirror {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        self.after(self.before(x))
    }
}

impl Cut<Tensor<4>, Both> for Mirror {
    type Activation = Tensor<4>;

    fn before(&self, x: Tensor<4>) -> Tensor<4> {
        BEFORE.fetch_add(x.dims()[0], Ordering::Relaxed);
        Tensor::cat(vec![x.clone(), x.flip([3])], 1)
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        AFTER.fetch_add(activation.dims()[0], Ordering::Relaxed);
        activation.narrow(1, 0, 1).powi_scalar(2).sum_dims(&[2, 3]).flatten(1, 3)
    }
}

#[test]
fn the_model_is_called_as_often_as_the_documentation_says() {
    let split = Split::at(&Mirror {}, Both);
    let photo = Tensor::<4>::from_data([[[[1.0, 3.0]]], [[[2.0, 0.5]]]], &device());
    let take = || [&BEFORE, &AFTER].map(|count| count.swap(0, Ordering::Relaxed));
    let target = || Target::Class(0);
    take();
    // The activation; the score and each of two channels.
    ScoreCam::new().attribute_to(&split, photo.clone(), target()).unwrap();
    assert_eq!(take(), [2 + 2 + 4, 2 + 4]);
    // Activations of the input and the baseline; at each of five points, the point and six ends of
    // five parts of the path. Scores of both; a gradient at each point.
    let one_chunk = Schedule::new().with_chunk(100);
    let conductance = Conductance::new().with_steps(5).with_schedule(one_chunk);
    conductance.attribute_to(&split, photo.clone(), target()).unwrap();
    assert_eq!(take(), [4 + 2 * (5 + 6), 4 + 10]);
    InternalInfluence::new().with_steps(5).attribute_to(&split, photo.clone(), target()).unwrap();
    assert_eq!(take(), [4 + 10, 4 + 10]);
    let activation = split.before(photo);
    take();
    AblationCam::new().attribute_to(split.after(), activation.clone(), target()).unwrap();
    assert_eq!(take(), [0, 2 + 4]);
    EigenCam::new().attribute_to(split.after(), activation.clone(), target()).unwrap();
    assert_eq!(take(), [0, 2]);
    GradCam::new().attribute_to(split.after(), activation, target()).unwrap();
    assert_eq!(take(), [0, 2]);
}

/// Averages its input; notes the most rows that it was given at once.
#[derive(Module, Debug)]
struct Average {}

struct Single;

static MOST: AtomicUsize = AtomicUsize::new(0);

impl Model<Tensor<2>> for Average {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.after(self.before(x))
    }
}

impl Cut<Tensor<2>, Single> for Average {
    type Activation = Tensor<2>;

    fn before(&self, x: Tensor<2>) -> Tensor<2> {
        MOST.fetch_max(x.dims()[0], Ordering::Relaxed);
        x.mean_dim(1)
    }

    fn after(&self, unit: Tensor<2>) -> Tensor<2> {
        unit.powi_scalar(2)
    }
}

#[test]
fn large_inputs_of_small_layers_are_given_to_the_network_in_small_chunks() {
    // More values than a chunk has by default on a CPU: one input at a time.
    let input = Tensor::<2>::ones([2, 70_000], &device()) * 3.0;
    let split = Split::at(&Average {}, Single);
    for explainer in [Conductance::new(), Conductance::new().with_tolerance(0.05)] {
        let map = explainer.attribute(&split, input.clone()).unwrap();
        assert_eq!(MOST.swap(0, Ordering::Relaxed), 1);
        let close = |value: &f32| (value - 9.0).abs() < 0.5;
        assert!(values(&map.values).iter().all(close), "{:?}", map.values);
    }
}

#[test]
fn score_cam_hides_with_the_baseline() {
    let device = device();
    #[derive(Module, Debug)]
    struct Same {}
    struct Here;
    impl Model<Tensor<4>> for Same {
        fn forward(&self, x: Tensor<4>) -> Tensor<2> {
            x.sum_dims(&[2, 3]).flatten(1, 3)
        }
    }
    impl Cut<Tensor<4>, Here> for Same {
        type Activation = Tensor<4>;
        fn before(&self, x: Tensor<4>) -> Tensor<4> {
            Tensor::cat(vec![x.clone(), x * 0.0 + 5.0], 1)
        }
        fn after(&self, activation: Tensor<4>) -> Tensor<2> {
            activation.narrow(1, 0, 1).sum_dims(&[2, 3]).flatten(1, 3)
        }
    }
    let split = Split::at(&Same {}, Here);
    let photo = Tensor::<4>::from_data([[[[0.0, 1.0]]]], &device);
    let explainer = ScoreCam::new().with_baseline(Baseline::constant(0.5));
    let map = explainer.attribute(&split, photo).unwrap();
    // The mask (0, 1) leaves (0.5, 1), with a score of 1.5. The channel that is the same everywhere
    // hides everything: 1.
    let first = 1.0 / (1.0 + (-0.5f32).exp());
    let expected = [0.0, first, 5.0 * (1.0 - first), 5.0 * (1.0 - first)];
    let expected = Tensor::<1>::from_data(&expected[..], &device).reshape([1, 2, 1, 2]);
    assert_close("Score-CAM", &map.values, &expected, 1e-6);
}

#[test]
fn an_activation_without_height_and_width_is_refused_with_advice() {
    let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
    let x = Tensor::<2>::ones([2, 3], &device());
    for (_, explainer) in cams(&Schedule::new()) {
        let error = explainer.attribute(&model, x.clone()).unwrap_err();
        assert!(error.to_string().contains("cut the network behind a convolution"), "{error}");
        assert_error!(error, Error::NoPlaces { tensor: 0, shape: vec![2, 3] });
    }
    let split = Split::at(&Product {}, Units);
    let flat = Tensor::<2>::ones([1, 2], &device());
    let error = ScoreCam::new().attribute(&split, flat).unwrap_err();
    assert_error!(error, Error::NoPlaces { tensor: 0, shape: vec![1, 2] });
}

#[test]
fn options_outside_their_range_are_refused_before_any_work() {
    let split = Split::at(&Product {}, Units);
    let x = || Tensor::<2>::ones([1, 2], &device());
    let refuse = |explainer: Conductance| {
        let error = explainer.attribute(&split, x()).unwrap_err();
        assert_eq!(explainer.check().unwrap_err(), error);
        error
    };
    assert_error!(
        refuse(Conductance::new().with_steps(0)),
        Error::InvalidOption { option: "steps" }
    );
    for tolerance in [0.0, 1.5, f64::NAN] {
        let error = refuse(Conductance::new().with_tolerance(tolerance));
        assert!(error.to_string().contains("tolerance"), "{error}");
    }
    let few = Conductance::new().with_tolerance(0.1).with_max_gradients(2);
    assert_error!(refuse(few), Error::InvalidOption { option: "limit" });
    let chunk = Conductance::new().with_schedule(Schedule::new().with_chunk(0));
    assert_error!(refuse(chunk), Error::InvalidOption { option: "chunk" });
    let influence = InternalInfluence::new().with_steps(0).attribute(&split, x()).unwrap_err();
    assert_error!(influence, Error::InvalidOption { option: "steps" });
    for epsilon in [-1.0, f64::NAN] {
        let error = GradCamPlusPlus::new().with_epsilon(epsilon).check().unwrap_err();
        assert_error!(error, Error::InvalidOption { option: "epsilon" });
    }
    for (name, explainer) in cams(&Schedule::new().with_chunk(0)) {
        let model = pure_function(|x: Tensor<4>| x.flatten::<2>(1, 3));
        let error = explainer.attribute(&model, Tensor::ones([1, 1, 2, 2], &device()));
        assert!(matches!(error, Err(Error::InvalidOption { .. })), "{name}");
    }
}

#[test]
fn a_path_at_a_layer_checks_its_input_and_baseline() {
    let split = Split::at(&Product {}, Units);
    let bad = Tensor::<2>::from_data([[1.0, 2.0], [f32::NAN, 1.0]], &device());
    let error = Conductance::new().attribute(&split, bad).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Input, row: 1 });
    let wrong = Baseline::tensor(Tensor::<2>::ones([1, 3], &device()));
    let x = Tensor::<2>::ones([1, 2], &device());
    let error = Conductance::new().with_baseline(wrong).attribute(&split, x.clone()).unwrap_err();
    assert_error!(error, Error::BaselineShape { expected: vec![1, 2], found: vec![1, 3] });
    let error = InternalInfluence::new().attribute_to(&split, x, Target::Class(4)).unwrap_err();
    assert_error!(error, Error::ClassOutOfRange { class: 4, scores: 1 });
}

#[test]
fn a_cam_can_be_averaged_over_noise_and_cancelled() {
    let model = pure_function(|x: Tensor<4>| x.powi_scalar(2).sum_dims(&[2, 3]).flatten::<2>(1, 3));
    let x = Tensor::<4>::ones([1, 2, 2, 2], &device());
    let noise = NoiseScale::Absolute(0.1);
    let smooth = SmoothGrad::new(GradCam::new()).with_noise(noise).with_samples(200);
    let map = smooth.attribute(&model, x.clone()).unwrap();
    let errors = values(&map.standard_error.unwrap());
    // The mean of 2 a over the places, times a: E = 2 + 2 σ² / 4 for each value of the first class.
    for (value, error) in values(&map.values)[..4].iter().zip(errors) {
        assert!((value - 2.005).abs() < 4.5 * error, "{value} {error}");
    }
    let done = Arc::new(AtomicUsize::new(0));
    let count = done.clone();
    let cancel = saliency_core::Cancel::new();
    let token = cancel.clone();
    let schedule =
        Schedule::new().with_chunk(1).with_cancel(cancel).with_progress(move |progress| {
            count.store(progress.done, Ordering::Relaxed);
            if progress.done == 1 {
                token.cancel();
            }
        });
    let wide = Tensor::<4>::ones([1, 40, 1, 1], &device());
    let error = AblationCam::new().with_schedule(schedule).attribute(&model, wide).unwrap_err();
    assert!(matches!(error, Error::Cancelled { total: 40, .. }), "{error:?}");
    assert!(done.load(Ordering::Relaxed) < 40);
}
