//! Rules of the backward pass, and DeepLIFT.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d, RmsNorm, RmsNormConfig,
};
use burn::tensor::activation::{gelu, relu, sigmoid, silu, tanh};
use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_core::rules::{self, Ruled, Rules};
use saliency_core::{
    Baseline, DeepLift, Error, Explainer, Gradient, InputTimesGradient, IntegratedGradients, Libra,
    Model, Parallelism, Schedule, SmoothGrad, Target, Warning, pure_function,
};
use saliency_models::{CifarCnn, EfficientNetLite0, photos};
use saliency_photo::Preparation;
use saliency_testkit::{
    Golden, assert_close, device, on_every_device, schedule, values, with_fixed_weights,
};

/// All rules.
const ALL: [Rules; 3] = [Rules::Plain, Rules::Libra, Rules::Rescale];

/// A network with every operation that has a rule, for `[rows, 8]`.
#[derive(Module, Debug)]
struct Everything {
    wide: Linear,
    gate: Linear,
    norm: LayerNorm,
    rms: RmsNorm,
    output: Linear,
    #[module(skip)]
    rules: Rules,
}

impl Everything {
    fn new(device: &Device) -> Self {
        let net = Self {
            wide: LinearConfig::new(8, 12).init(device),
            gate: LinearConfig::new(8, 12).init(device),
            norm: LayerNormConfig::new(12).init(device),
            rms: RmsNormConfig::new(12).init(device),
            output: LinearConfig::new(12, 3).init(device),
            rules: Rules::Plain,
        };
        with_fixed_weights(net, 3)
    }

    fn input(rows: usize, device: &Device) -> Tensor<2> {
        let value = |at: usize| (at as f32 * 0.83).sin() * 1.5;
        let numbers: Vec<f32> = (0..rows * 8).map(value).collect();
        Tensor::<1>::from_data(&numbers[..], device).reshape([rows, 8])
    }
}

impl Model<Tensor<2>> for Everything {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let rules = self.rules;
        let rows = input.dims()[0];
        let wide = rules::activation(self.wide.forward(input.clone()), silu, rules);
        let x = rules::product(wide, self.gate.forward(input), rules);
        let x = rules::layer_norm(&self.norm, 1e-5, x, rules);
        // Three tokens of four values attend to each other.
        let tokens = rules::activation(x, gelu, rules).reshape([rows, 3, 4]);
        let scores = rules::matmul(tokens.clone(), tokens.clone().swap_dims(1, 2), rules);
        let weights = rules::softmax(scores, 2, rules);
        let x = rules::matmul(weights, tokens, rules).reshape([rows, 12]);
        let x = rules::rms_norm(&self.rms, x, rules);
        self.output.forward(rules::activation(x, tanh, rules))
    }
}

impl Ruled for Everything {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }
}

#[test]
fn scores_are_the_same_to_the_bit_under_all_rules() {
    on_every_device(|compute| {
        let device = compute.device();
        let net = Everything::new(device).valid();
        let input = Everything::input(4, device);
        let scores =
            |rules: Rules, input: Tensor<2>| values(&net.with_rules(rules).forward(input).inner());
        for input in [input.clone(), input.autodiff().require_grad()] {
            let expected = scores(Rules::Plain, input.clone());
            for rules in ALL {
                assert_eq!(scores(rules, input.clone()), expected, "{rules:?}");
            }
        }
    });
}

#[test]
fn without_autodiff_a_rule_costs_nothing_and_rows_need_no_baseline() {
    // Three rows are no pairs.
    let device = device();
    let net = Everything::new(&device).with_rules(Rules::Rescale);
    assert_eq!(net.forward(Everything::input(3, &device)).dims(), [3, 3]);
}

/// Returns the sum of the input times the gradient, for each row.
fn product_sums<M: Model<Tensor<2>>>(model: &M, input: Tensor<2>) -> Vec<f32> {
    let map = InputTimesGradient::new().attribute_to(model, input, Target::Class(0)).unwrap();
    values(&map.values.sum_dim(1))
}

#[test]
fn under_libra_the_input_times_the_gradient_sums_to_the_score() {
    // Every operation without a constant of its own.
    type Operation = fn(Tensor<2>) -> Tensor<2>;
    let operations: [(&str, Operation); 8] = [
        ("gelu", |x| rules::activation(x, gelu, Rules::Libra)),
        ("tanh", |x| rules::activation(x, tanh, Rules::Libra)),
        ("relu", |x| rules::activation(x, relu, Rules::Libra)),
        ("normalise", |x| rules::normalise(x, &[1], 1e-5, Rules::Libra)),
        ("root mean square", |x| rules::root_mean_square(x, &[1], 1e-5, Rules::Libra)),
        ("product", |x| rules::product(x.clone(), x.clone().sum_dim(1), Rules::Libra)),
        ("product with itself", |x| rules::product(x.clone(), x, Rules::Libra)),
        ("attention", |x| {
            let [rows, width] = x.dims();
            let tokens = x.clone().reshape([rows, 4, 2]);
            let scores = tokens.clone().matmul(tokens.clone().swap_dims(1, 2));
            let weights = rules::softmax(scores, 2, Rules::Libra);
            rules::matmul(weights, tokens, Rules::Libra).reshape([rows, width])
        }),
    ];
    for (name, operation) in operations {
        // Values that do not cancel.
        let model = pure_function(move |x: Tensor<2>| {
            let y = operation(x);
            let weights = y.ones_like().cumsum(1);
            (y * weights).sum_dim(1)
        });
        let input = Everything::input(3, &device());
        let scores = values(&model.forward(input.clone()));
        for (sum, score) in product_sums(&model, input).into_iter().zip(scores) {
            assert!((sum - score).abs() < 2e-5 * score.abs().max(1.0), "{name}: {sum} and {score}");
        }
    }
}

#[test]
fn libra_is_the_input_times_the_gradient_under_its_rules() {
    on_every_device(|compute| {
        let device = compute.device();
        let net = Everything::new(device);
        let input = Everything::input(3, device);
        let libra = Libra::new().with_schedule(schedule(compute));
        let found = libra.attribute(&net, input.clone()).unwrap();
        let product = InputTimesGradient::new().with_schedule(schedule(compute));
        let expected = product.attribute(&net.with_rules(Rules::Libra), input.clone()).unwrap();
        assert_eq!(values(&found.values), values(&expected.values));
        let plain = product.attribute(&net, input).unwrap();
        assert_eq!(found.scores, plain.scores);
        assert_ne!(values(&found.values), values(&plain.values));
    });
}

#[test]
fn an_activation_has_its_derivative_at_zero_and_its_gate_elsewhere() {
    let gradient = |x: f64, f: fn(Tensor<2>) -> Tensor<2>| {
        let model = pure_function(move |x: Tensor<2>| rules::activation(x, f, Rules::Libra));
        let x = Tensor::<2>::from_data([[x]], (&device(), DType::F64));
        let map = Gradient::new().attribute(&model, x).unwrap();
        map.values.into_scalar::<f64>()
    };
    let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
    for x in [-3.0, -0.2, 1e-9, 0.7, 5.0] {
        assert!((gradient(x, silu) - sigma(x)).abs() < 1e-12);
        // A constant that the function adds belongs to no value.
        assert!((gradient(x, sigmoid) - (sigma(x) - 0.5) / x).abs() < 1e-6);
    }
    assert!((gradient(0.0, silu) - 0.5).abs() < 1e-12);
    assert!((gradient(0.0, gelu) - 0.5).abs() < 1e-12);
    assert_eq!(gradient(-2.0, relu), 0.0);
    assert_eq!(gradient(2.0, relu), 1.0);
}

#[test]
fn masked_attention_has_finite_gradients_under_every_rule() {
    let device = device();
    for rules in ALL {
        let model = pure_function(move |x: Tensor<2>| {
            let mask = Tensor::<2>::from_data([[0.0, 0.0, 0.0, f32::NEG_INFINITY]], &x.device());
            let weights = rules::softmax(x.clone() + mask, 1, rules);
            (weights * x).narrow(1, 0, 2)
        });
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 2.0]], &device);
        let map = Gradient::new().attribute_to(&model, x, Target::Class(0)).unwrap();
        assert!(values(&map.values).iter().all(|value| value.is_finite()), "{rules:?}");
        assert_eq!(values(&map.values)[3], 0.0);
    }
}

#[test]
fn deep_lift_equals_captum_on_every_row() {
    let golden = Golden::cifar_methods();
    let device = device();
    let net = CifarCnn::embedded_in(&device, DType::F64);
    let input = golden.tensor::<4>("input", &device).cast(DType::F64);
    let target = Target::Classes(golden.targets());
    let map = DeepLift::new().attribute_to(&net, input.clone(), target).unwrap();
    let expected = golden.tensor::<4>("deep_lift", &device);
    let found = map.values.cast(DType::F32);
    for row in 0..input.dims()[0] {
        let row_of = |map: &Tensor<4>| map.clone().narrow(0, row, 1);
        assert_close(&format!("DeepLIFT row {row}"), &row_of(&found), &row_of(&expected), 1e-5);
    }
    for (gap, score) in map.completeness_gap.unwrap().iter().zip(&map.scores) {
        assert!(gap.abs() < 1e-10 * score.abs(), "{gap:e}");
    }
}

#[test]
fn deep_lift_equals_captum_in_single_precision_on_every_device() {
    on_every_device(|compute| {
        let (golden, device) = (Golden::cifar_methods(), compute.device());
        let net = CifarCnn::embedded(device);
        let explainer = DeepLift::new().with_schedule(schedule(compute));
        let target = Target::Classes(golden.targets());
        let map =
            explainer.attribute_to(&net, golden.tensor::<4>("input", device), target).unwrap();
        let close = compute.tolerance(FloatDType::F32) as f32;
        assert_close("DeepLIFT", &map.values, &golden.tensor("deep_lift", device), close);
    });
}

#[test]
fn deep_lift_is_complete_for_every_operation_and_every_baseline() {
    on_every_device(|compute| {
        let device = compute.device();
        let net = Everything::new(device);
        let input = Everything::input(3, device);
        let ones = Tensor::<2>::ones([1, 8], device);
        let baselines = [
            Baseline::zeros(),
            Baseline::constant(0.3),
            Baseline::uniform(-1.0, 1.0, 5),
            Baseline::tensor(ones * 0.1),
            Baseline::tensor(input.clone() * -0.5 + 0.2),
        ];
        for baseline in baselines {
            let explainer = DeepLift::new().with_baseline(baseline);
            let explainer = explainer.with_schedule(schedule(compute));
            let map = explainer.attribute(&net, input.clone()).unwrap();
            for gap in map.completeness_gap.unwrap() {
                assert!(gap.abs() < 2e-5, "{gap:e}");
            }
        }
    });
}

#[test]
fn deep_lift_of_a_linear_model_is_integrated_gradients() {
    let device = device();
    let net = Linearly { linear: LinearConfig::new(8, 2).init(&device) };
    let input = Everything::input(2, &device);
    let found = DeepLift::new().attribute(&net, input.clone()).unwrap();
    let expected = IntegratedGradients::new().with_steps(2).attribute(&net, input).unwrap();
    assert_close("linear", &found.values, &expected.values, 1e-6);
}

/// A model in which nothing has a rule.
#[derive(Module, Debug)]
struct Linearly {
    linear: Linear,
}

impl Model<Tensor<2>> for Linearly {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.linear.forward(input)
    }
}

impl Ruled for Linearly {
    fn with_rules(&self, _rules: Rules) -> Self {
        self.clone()
    }
}

#[test]
fn deep_lift_finds_what_a_saturated_gradient_misses() {
    // 1 - relu(1 - x): the example of the paper.
    #[derive(Module, Debug)]
    struct Saturates {
        #[module(skip)]
        rules: Rules,
    }
    impl Model<Tensor<2>> for Saturates {
        fn forward(&self, x: Tensor<2>) -> Tensor<2> {
            -rules::activation(-x + 1.0, relu, self.rules) + 1.0
        }
    }
    impl Ruled for Saturates {
        fn with_rules(&self, rules: Rules) -> Self {
            Self { rules }
        }
    }
    let x = Tensor::<2>::from_data([[2.0]], &device());
    let map = DeepLift::new().attribute(&Saturates { rules: Rules::Plain }, x).unwrap();
    assert_eq!(values(&map.values), [1.0]);
    assert_eq!(map.baseline_scores.unwrap(), [0.0]);
    assert_eq!(map.evaluations, [1]);
}

/// A model that counts the rows that it is given.
#[derive(Module, Debug)]
struct Counted {
    #[module(skip)]
    rows: Arc<AtomicUsize>,
}

impl Model<Tensor<2>> for Counted {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.rows.fetch_add(x.dims()[0], Ordering::Relaxed);
        x
    }
}

impl Ruled for Counted {
    fn with_rules(&self, _rules: Rules) -> Self {
        self.clone()
    }
}

#[test]
fn deep_lift_takes_each_row_once_with_its_baseline_and_each_baseline_once_more() {
    let rows = Arc::new(AtomicUsize::new(0));
    let net = Counted { rows: rows.clone() };
    DeepLift::new().attribute(&net, Everything::input(4, &device())).unwrap();
    assert_eq!(rows.load(Ordering::Relaxed), 4 * 2 + 4);
    rows.store(0, Ordering::Relaxed);
    Libra::new().attribute(&net, Everything::input(4, &device())).unwrap();
    assert_eq!(rows.load(Ordering::Relaxed), 4);
}

#[test]
fn deep_lift_is_complete_for_a_photo() {
    let device = device();
    let net = EfficientNetLite0::embedded(&device);
    let photo = Preparation::imagenet().tensor(&photos::coffee(), &device);
    let map = DeepLift::new().attribute(&net, photo.clone()).unwrap();
    let (gap, change) =
        (map.completeness_gap.unwrap()[0], map.scores[0] - map.baseline_scores.unwrap()[0]);
    println!("gap {gap:.2e} of {change:.3}");
    assert!(gap.abs() < 1e-3 * change.abs());
    // The plain gradient is far from that.
    let plain = InputTimesGradient::new().attribute(&net, photo).unwrap();
    let sum = f64::from(plain.values.sum().into_scalar::<f32>());
    println!("input x gradient sums to {sum:.3}");
    assert!((sum - change).abs() > 0.1 * change.abs());
}

#[test]
fn options_are_saved_and_restored() {
    let explainer = DeepLift::new().with_baseline(Baseline::constant(0.5));
    let saved = serde_json::to_string(&explainer).unwrap();
    let restored: DeepLift = serde_json::from_str(&saved).unwrap();
    assert_eq!(serde_json::to_string(&restored).unwrap(), saved);
    let rules: Rules =
        serde_json::from_str(&serde_json::to_string(&Rules::Libra).unwrap()).unwrap();
    assert_eq!(rules, Rules::Libra);
}

#[test]
fn a_baseline_that_is_the_input_gives_zeros_and_a_warning() {
    let device = device();
    let net = Everything::new(&device);
    let input = Everything::input(2, &device);
    let explainer = DeepLift::new().with_baseline(Baseline::tensor(input.clone()));
    let map = explainer.attribute(&net, input).unwrap();
    assert!(values(&map.values).iter().all(|value| *value == 0.0));
    assert_eq!(map.warnings, [0, 1].map(Warning::baseline_is_input));
}

#[test]
fn chunks_workers_and_neighbours_do_not_change_a_bit_of_deep_lift() {
    let device = device();
    let net = Everything::new(&device);
    let input = Everything::input(5, &device);
    let explain = |input: Tensor<2>, chunk: usize, workers: usize| {
        let schedule = Schedule::new().with_chunk(chunk);
        let schedule = schedule.with_parallelism(Parallelism::Workers(workers));
        let explainer = DeepLift::new().with_schedule(schedule);
        let explainer = explainer.with_baseline(Baseline::constant(0.1));
        values(&explainer.attribute(&net, input).unwrap().values)
    };
    let expected = explain(input.clone(), 5, 1);
    for (chunk, workers) in [(1, 1), (1, 7), (2, 2), (3, 1), (100, 2)] {
        assert_eq!(explain(input.clone(), chunk, workers), expected, "{chunk} on {workers}");
    }
    let alone = explain(input.narrow(0, 3, 1), 1, 1);
    assert_eq!(alone, expected[3 * 8..4 * 8]);
}

#[test]
fn deep_lift_explains_inside_other_explainers() {
    let device = device();
    let net = Everything::new(&device);
    let input = Everything::input(3, &device);
    let inside = DeepLift::new().with_baseline(Baseline::tensor(input.clone() * 0.5));
    let smooth = SmoothGrad::new(inside).with_samples(4);
    let map = smooth.attribute(&net, input).unwrap();
    assert!(map.standard_error.is_some());
}

#[test]
fn baselines_that_do_not_fit_are_refused() {
    let device = device();
    let net = Everything::new(&device);
    let wrong = Baseline::tensor(Tensor::<2>::ones([1, 7], &device));
    let explainer = DeepLift::new().with_baseline(wrong);
    let error = explainer.attribute(&net, Everything::input(2, &device)).unwrap_err();
    assert!(matches!(error, Error::BaselineShape { .. }), "{error}");
}

#[test]
fn rows_without_baselines_are_an_error_that_says_what_to_do() {
    let device = device();
    let net = Everything::new(&device).with_rules(Rules::Rescale);
    let error = Gradient::new().attribute(&net, Everything::input(3, &device)).unwrap_err();
    assert!(error.to_string().contains("use DeepLift"), "{error}");
}

#[test]
fn a_max_pool_shares_its_difference_between_the_largest_values_of_row_and_baseline() {
    #[derive(Module, Debug)]
    struct Pooled {
        pool: MaxPool2d,
        #[module(skip)]
        rules: Rules,
    }
    impl Model<Tensor<4>> for Pooled {
        fn forward(&self, x: Tensor<4>) -> Tensor<2> {
            let pooled = rules::max_pool2d(&self.pool, x, self.rules);
            pooled.sum_dims(&[2, 3]).flatten(1, 3)
        }
    }
    impl Ruled for Pooled {
        fn with_rules(&self, rules: Rules) -> Self {
            Self { rules, ..self.clone() }
        }
    }
    let device = device();
    let map = |pool: MaxPool2d, x: Tensor<4>, baseline: Tensor<4>| {
        let explainer = DeepLift::new().with_baseline(Baseline::tensor(baseline));
        explainer.attribute(&Pooled { pool, rules: Rules::Plain }, x).unwrap()
    };
    let two = |values: [f32; 4]| Tensor::<1>::from_data(values, &device).reshape([1, 1, 2, 2]);
    let pool = || MaxPool2dConfig::new([2, 2]).init();
    // The row's maximum is the larger one: all goes to its place.
    let rises = map(pool(), two([5.0, 1.0, 0.0, 0.0]), two([1.0, 2.0, 0.0, 0.0]));
    assert_eq!(values(&rises.values), [3.0, 0.0, 0.0, 0.0]);
    // The baseline's is the larger one: all goes to where the baseline has it.
    let falls = map(pool(), two([1.0, 2.0, 0.0, 0.0]), two([5.0, 1.0, 0.0, 0.0]));
    assert_eq!(values(&falls.values), [-3.0, 0.0, 0.0, 0.0]);

    // The baseline has its maximum in several places, one of which is that of the row.
    let tied = map(pool(), two([1.0, 2.0, 0.0, 0.0]), two([3.0, 3.0, 3.0, 3.0]));
    assert_eq!(values(&tied.values), [0.0, -1.0, 0.0, 0.0]);

    // Overlapping, padded windows.
    let wide = |seed: f32| {
        let numbers: Vec<f32> = (0..50).map(|at| (at as f32 * seed).sin()).collect();
        Tensor::<1>::from_data(&numbers[..], &device).reshape([2, 1, 5, 5])
    };
    let paddings =
        [PaddingConfig2d::Valid, PaddingConfig2d::Same, PaddingConfig2d::Explicit(1, 0, 0, 1)];
    for padding in paddings {
        for (size, stride) in [([3, 3], [2, 2]), ([2, 2], [1, 1])] {
            let config = MaxPool2dConfig::new(size).with_strides(stride);
            let pool = config.with_padding(padding.clone()).init();
            let map = map(pool, wide(0.9), wide(1.7));
            for gap in map.completeness_gap.unwrap() {
                assert!(gap.abs() < 1e-5, "{padding:?} {size:?}: {gap:e}");
            }
        }
    }
}
