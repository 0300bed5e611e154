//! Properties that must hold for any network, tried on random small ones.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{relu, tanh};
use burn::tensor::{DType, Tensor};
use proptest::prelude::*;
use saliency_core::{
    Baseline, Explainer, Gradient, InputTimesGradient, IntegratedGradients, Model, ModelFn,
    NoiseScale, SmoothGrad, Target, pure_function,
};
use saliency_testkit::{device, values};

const WIDTH: usize = 4;

/// One hidden layer of ReLUs, and one of tanh.
#[derive(Module, Debug)]
struct Small {
    first: Linear,
    second: Linear,
    output: Linear,
}

impl Small {
    fn random(seed: u64) -> Self {
        // Tests run side by side, and the device's generator is shared: weights of our own.
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut linear = |inputs: usize, outputs: usize| {
            let mut numbers = |count: usize| -> Vec<f32> {
                let mut next = || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 40) as f32 / (1 << 23) as f32 - 1.0
                };
                (0..count).map(|_| next()).collect()
            };
            let mut layer = LinearConfig::new(inputs, outputs).init(&device());
            let weight = Tensor::<1>::from_data(&numbers(inputs * outputs)[..], &device());
            layer.weight = layer.weight.map(|_| weight.reshape([inputs, outputs]));
            let bias = Tensor::<1>::from_data(&numbers(outputs)[..], &device());
            layer.bias = layer.bias.map(|old| old.map(|_| bias));
            layer
        };
        Self { first: linear(WIDTH, 8), second: linear(8, 8), output: linear(8, 3) }
    }
}

impl Model<Tensor<2>> for Small {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let hidden = relu(self.first.forward(input));
        self.output.forward(tanh(self.second.forward(hidden)))
    }
}

fn rows() -> impl Strategy<Value = Vec<[f32; WIDTH]>> {
    prop::collection::vec(prop::array::uniform4(-3f32..3.0), 1..4)
}

fn tensor(rows: &[[f32; WIDTH]]) -> Tensor<2> {
    Tensor::<1>::from_data(&rows.concat()[..], &device()).reshape([rows.len(), WIDTH])
}

fn close(found: &Tensor<2>, expected: &Tensor<2>, share: f32) -> Result<(), TestCaseError> {
    let (found, expected) = (values(found), values(expected));
    let largest = expected.iter().fold(1e-3, |largest: f32, value| largest.max(value.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        prop_assert!((found - expected).abs() <= share * largest, "{} {}", found, expected);
    }
    Ok(())
}

proptest! {
    // The same cases every time; failures are printed with their seed.
    #![proptest_config(ProptestConfig {
        cases: 40,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Checks that Integrated Gradients sum to the change of score, whatever the baseline.
    #[test]
    fn completeness(seed: u64, rows in rows(), base in prop::array::uniform4(-2f32..2.0)) {
        let net = Small::random(seed);
        let baseline = Baseline::tensor(tensor(&[base]));
        let explainer = IntegratedGradients::new().with_steps(300).with_baseline(baseline);
        let map = explainer.attribute(&net, tensor(&rows)).unwrap();
        let bases = map.baseline_scores.unwrap();
        let sums = values(&map.values.sum_dim(1));
        for (row, sum) in sums.into_iter().enumerate() {
            let change = map.scores[row] - bases[row];
            let gap = f64::from(sum) - change;
            prop_assert!(gap.abs() < 0.02, "{} {}", sum, change);
            prop_assert!((gap - map.completeness_gap.as_ref().unwrap()[row]).abs() < 1e-5);
        }
    }

    /// Checks that the attributions of a weighted sum of two models are the weighted sum of theirs.
    #[test]
    fn linearity(one: u64, two: u64, rows in rows(), a in -2f32..2.0, b in -2f32..2.0) {
        let (one, two) = (Small::random(one), Small::random(two));
        let x = tensor(&rows);
        let pair = ModelFn::new(
            (one.clone(), two.clone()),
            move |(one, two): &(Small, Small), x: Tensor<2>| {
                one.forward(x.clone()) * a + two.forward(x) * b
            },
        );
        macro_rules! check {
            ($explainer:expr) => {{
                let target = || Target::Class(1);
                let both = $explainer.attribute_to(&pair, x.clone(), target()).unwrap();
                let first = $explainer.attribute_to(&one, x.clone(), target()).unwrap();
                let second = $explainer.attribute_to(&two, x.clone(), target()).unwrap();
                close(&both.values, &(first.values * a + second.values * b), 1e-4)?;
            }};
        }
        check!(Gradient::new());
        check!(InputTimesGradient::new());
        check!(IntegratedGradients::new().with_steps(10));
        check!(SmoothGrad::default().with_samples(5));
    }

    /// Checks that an input that the model does not use gets nothing, and that one that alone makes
    /// the scores differ gets something.
    #[test]
    fn sensitivity(seed: u64, rows in rows(), unused in 0..WIDTH) {
        let net = Small::random(seed);
        let mask: Vec<f32> = (0..WIDTH).map(|at| f32::from(u8::from(at != unused))).collect();
        let mask = Tensor::<1>::from_data(&mask[..], &device()).reshape([1, WIDTH]);
        let blind = ModelFn::new(net, move |net: &Small, x: Tensor<2>| net.forward(x * mask.clone()));
        let x = tensor(&rows);
        let check = |values: Tensor<2>| {
            let column = values.narrow(1, unused, 1);
            self::values(&column).into_iter().all(|value| value == 0.0)
        };
        let ig = IntegratedGradients::new().with_tolerance(0.1);
        prop_assert!(check(Gradient::new().attribute(&blind, x.clone()).unwrap().values));
        prop_assert!(check(ig.attribute(&blind, x.clone()).unwrap().values));
        let smooth = SmoothGrad::default().with_samples(5);
        prop_assert!(check(smooth.attribute(&blind, x.clone()).unwrap().values));

        let alone = pure_function(move |x: Tensor<2>| tanh(x.narrow(1, unused, 1)));
        let map = ig.attribute(&alone, x.clone()).unwrap();
        let found = values(&map.values.narrow(1, unused, 1));
        for (found, x) in found.into_iter().zip(values(&x.narrow(1, unused, 1))) {
            prop_assert!((found - x.tanh()).abs() <= 0.1 * x.tanh().abs() + 1e-6);
        }
    }

    /// Checks that inputs that the model treats alike, with the same value and baseline, get the
    /// same.
    #[test]
    fn symmetry(seed: u64, rows in rows()) {
        let net = Small::random(seed);
        let symmetric = ModelFn::new(net, |net: &Small, x: Tensor<2>| {
            let swapped = x.clone().select(1, Tensor::from_data([1, 0, 2, 3], &device()));
            net.forward(x) + net.forward(swapped)
        });
        let equal: Vec<_> = rows.iter().map(|row| [row[0], row[0], row[2], row[3]]).collect();
        let x = tensor(&equal);
        macro_rules! check {
            ($explainer:expr) => {{
                let map = $explainer.attribute(&symmetric, x.clone()).unwrap().values;
                close(&map.clone().narrow(1, 0, 1), &map.narrow(1, 1, 1), 1e-5)?;
            }};
        }
        check!(Gradient::new());
        check!(IntegratedGradients::new().with_steps(10));
        check!(IntegratedGradients::new().with_tolerance(0.1));
    }

    /// Checks that without noise, in any chunk, the mean is the map itself.
    #[test]
    fn no_noise(seed: u64, rows in rows()) {
        let net = Small::random(seed);
        let x = tensor(&rows).cast(DType::F64).cast(DType::F32);
        let alone = Gradient::new().attribute(&net, x.clone()).unwrap();
        let smooth = SmoothGrad::default().with_samples(3).with_noise(NoiseScale::Absolute(0.0));
        close(&smooth.attribute(&net, x).unwrap().values, &alone.values, 1e-6)?;
    }
}
