//! Models whose right answer is known on paper.

use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_backends::{ComputeDevice, Hardware};
use saliency_core::{
    Baseline, Draws, Explainer, Gradient, InputTimesGradient, IntegratedGradients, Model,
    NoiseScale, Parallelism, Rule, Schedule, SmoothGrad, Target,
};
use saliency_testkit::{
    assert_close, contribution, implementation_a, implementation_b, linear, on_every_device,
    square, values,
};

const EXACT: f32 = 1e-5;

/// Returns schedules with one, two and seven workers (on other devices than CPUs there is one), and
/// with chunks of one, three and everything.
fn schedules(compute: &ComputeDevice) -> Vec<Schedule> {
    let schedule = |workers, chunk| {
        Schedule::new().with_parallelism(Parallelism::Workers(workers)).with_chunk(chunk)
    };
    let workers: &[usize] = if compute.hardware() == Hardware::Cpu { &[1, 2, 7] } else { &[1] };
    workers.iter().flat_map(|&workers| [1, 3, 10_000].map(|c| schedule(workers, c))).collect()
}

/// Combines every rule with every number of steps and every schedule.
fn rules_and_steps(
    steps: &[usize],
    compute: &ComputeDevice,
) -> impl Iterator<Item = (Rule, usize, Schedule)> {
    let schedules = schedules(compute);
    let rules = [Rule::Midpoint, Rule::GaussLegendre, Rule::Placed].into_iter();
    let rules = rules.flat_map(move |rule| steps.iter().map(move |&steps| (rule, steps)));
    rules.flat_map(move |(rule, steps)| {
        schedules.clone().into_iter().map(move |schedule| (rule, steps, schedule))
    })
}

fn row<const N: usize>(values: [f32; N], device: &Device) -> Tensor<2> {
    Tensor::from_data([values], device)
}

#[test]
fn a_linear_model_is_explained_exactly_by_any_number_of_points() {
    on_every_device(|compute| {
        let device = compute.device();
        let weights = [2.0, -1.0, 0.5, 3.0];
        let model = linear(&weights, 4.0, device);
        let x = Tensor::<2>::from_data([[1.0, 2.0, -3.0, 0.0], [0.5, 0.0, 8.0, -1.0]], device);
        let w = row(weights, device).repeat_dim(0, 2);

        for schedule in schedules(compute) {
            let gradient = Gradient::new().with_schedule(schedule.clone());
            let gradient = gradient.attribute(&model, x.clone()).unwrap();
            assert_close("gradient = w", &gradient.values, &w, EXACT);
            let product = InputTimesGradient::new().with_schedule(schedule);
            let product = product.attribute(&model, x.clone()).unwrap();
            assert_close(
                "input x gradient = x w",
                &product.values,
                &(x.clone() * w.clone()),
                EXACT,
            );
        }
        for (rule, steps, schedule) in rules_and_steps(&[1, 2, 7, 50], compute) {
            let explainer = IntegratedGradients::new().with_rule(rule).with_steps(steps);
            let explainer = explainer.with_schedule(schedule);
            let map = explainer.attribute(&model, x.clone()).unwrap();
            assert_close("IG = x w", &map.values, &(x.clone() * w.clone()), EXACT);
            assert_eq!(map.evaluations, [steps; 2]);
            for (row, gap) in map.completeness_gap.unwrap().into_iter().enumerate() {
                assert!(gap.abs() < 1e-5, "{rule:?}, {steps} points, row {row}: gap {gap}");
            }
        }
    });
}

#[test]
fn two_implementations_of_one_function_have_the_same_integrated_gradients() {
    on_every_device(|compute| {
        // From zero to (3, 1) the function bends at 3α - 1 - α = 0, that is at α = 1/2. Rules with
        // an even number of points are symmetric about it: each side of the bend gets exactly half
        // the weight.
        fn check(name: &str, model: &impl Model<Tensor<2>>, compute: &ComputeDevice) {
            let device = compute.device();
            for (rule, steps, schedule) in rules_and_steps(&[2, 10, 50], compute) {
                // Points that are placed by the score are not symmetric about the bend.
                let close = if rule == Rule::Placed { 2.0 / steps as f32 } else { EXACT };
                let explainer = IntegratedGradients::new().with_rule(rule).with_steps(steps);
                let explainer = explainer.with_schedule(schedule);
                let map = explainer.attribute(model, row([3.0, 1.0], device)).unwrap();
                assert_close(name, &map.values, &row([1.5, -0.5], device), close);
            }
        }
        check("relu(relu(x1) - 1 - relu(x2))", &implementation_a(), compute);
        check("relu(relu(x1 - 1) - relu(x2))", &implementation_b(), compute);
    });
}

#[test]
fn the_inputs_of_a_tuple_share_the_change_of_score() {
    on_every_device(|compute| {
        let device = compute.device();
        let one = |value| Tensor::<2>::from_data([[value]], device);
        let baseline = Baseline::tensor((one(0.5), one(1.0), one(1.0)));
        let expected = row([2.5, 3.0, 3f32.sin() - 1f32.sin()], device);
        assert!((3f64.sin() - 1f64.sin() + 0.70035).abs() < 1e-5);
        for schedule in schedules(compute) {
            let explainer = IntegratedGradients::new().with_baseline(baseline.clone());
            let explainer = explainer.with_schedule(schedule);
            let map = explainer.attribute(&contribution(), (one(1.0), one(2.0), one(3.0))).unwrap();
            let (x, y, z) = map.values;
            let found = Tensor::cat(vec![x, y, z], 1);
            assert_close("5x + y² + sin z", &found, &expected, EXACT);
            // GPUs round sin() more coarsely.
            let close = if compute.hardware() == Hardware::Cpu { 1e-5 } else { 1e-4 };
            let gap = map.completeness_gap.unwrap()[0].abs();
            assert!(gap < close, "{gap:.1e}");
        }
    });
}

#[test]
fn an_input_of_a_tuple_that_is_not_used_gets_zeros() {
    on_every_device(|compute| {
        let device = compute.device();
        let first = saliency_core::pure_function(|(a, _): (Tensor<2>, Tensor<3>)| a.sum_dim(1));
        let input = (row([1.0, 2.0], device), Tensor::<3>::ones([1, 2, 2], device));
        let map = Gradient::new().attribute(&first, input).unwrap();
        assert_eq!(values(&map.values.0), [1.0, 1.0]);
        assert_eq!(values(&map.values.1), [0.0; 4]);
    });
}

#[test]
fn the_mean_over_noise_lies_within_its_standard_error() {
    on_every_device(|compute| {
        let device = compute.device();
        let x = Tensor::<2>::from_data([[-2.0], [0.0], [0.5], [3.0]], device);
        let (samples, deviation) = (100, 0.7);
        // Noise is the same on every device: few seeds are enough if each takes seconds.
        let seeds = if compute.hardware() == Hardware::SoftwareGpu { 3 } else { 20 };
        for (seed, schedule) in (0..seeds).zip(schedules(compute).into_iter().cycle()) {
            let explainer = SmoothGrad::new(Gradient::new())
                .with_draws(Draws::Independent)
                .with_samples(samples)
                .with_noise(NoiseScale::Absolute(deviation))
                .with_schedule(schedule)
                .with_seed(seed);
            let map = explainer.attribute(&square(), x.clone()).unwrap();
            // The gradient of (x + ε)² is 2x + 2ε: its mean has standard error 2σ / √n.
            let exact = 2.0 * deviation as f32 / (samples as f32).sqrt();
            let errors = values(&(map.values - x.clone() * 2.0));
            assert!(
                errors.iter().all(|error| error.abs() < 4.5 * exact),
                "seed {seed}: {errors:?}"
            );
            for estimate in values(&map.standard_error.unwrap()) {
                assert!((estimate / exact - 1.0).abs() < 0.3, "seed {seed}: {estimate}, {exact}");
            }
        }
    });
}

#[test]
fn without_noise_the_mean_is_the_explainer_inside_to_the_last_bit() {
    on_every_device(|compute| {
        let device = compute.device();
        // Negative zeros included, in the input and in the answer.
        let x = Tensor::<2>::from_data([[0.1, -0.0, 0.3], [-0.7, 0.0, 1e-3]], device);
        let model =
            saliency_core::pure_function(|x: Tensor<2>| (x.powi_scalar(3) * -1.0).sum_dim(1));
        let bits = |map: &Tensor<2>| values(map).into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let x = || x.clone();
        let gradient = Gradient::new().attribute(&model, x()).unwrap();
        assert!(bits(&gradient.values).contains(&(-0.0f32).to_bits()));
        let path = IntegratedGradients::new().with_steps(7);
        let integrated = path.attribute(&model, x()).unwrap();
        for noise in [NoiseScale::Absolute(0.0), NoiseScale::OfRange(0.0)] {
            let around = SmoothGrad::default().with_noise(noise.clone());
            let mean = around.attribute(&model, x()).unwrap();
            assert_eq!(bits(&mean.values), bits(&gradient.values));
            assert_eq!(values(&mean.standard_error.unwrap()), [0.0; 6]);
            let around = SmoothGrad::new(path.clone()).with_noise(noise);
            let mean = around.attribute(&model, x()).unwrap();
            assert_eq!(bits(&mean.values), bits(&integrated.values));
            assert_eq!(mean.evaluations, [50 * 7; 2]);
        }
    });
}

#[test]
fn noise_is_scaled_to_the_range_of_each_row() {
    on_every_device(|compute| {
        let device = compute.device();
        // The second row has ten times the range of the first, the third has none.
        let x = Tensor::<2>::from_data([[0.0, 1.0], [0.0, 10.0], [4.0, 4.0]], device);
        let explainer = SmoothGrad::default().with_draws(Draws::Independent).with_samples(200);
        let map = explainer.attribute_to(&square(), x, Target::Class(0));
        let errors = values(&map.unwrap().standard_error.unwrap());
        let exact = |deviation: f32| 2.0 * deviation / 200f32.sqrt();
        assert!((errors[0] / exact(0.15) - 1.0).abs() < 0.2, "{errors:?}");
        assert!((errors[2] / exact(1.5) - 1.0).abs() < 0.2, "{errors:?}");
        assert_eq!(errors[4], 0.0);
    });
}

#[test]
fn targets_choose_the_score_and_may_differ_from_row_to_row() {
    on_every_device(|compute| {
        let device = compute.device();
        let model = saliency_core::pure_function(|x: Tensor<2>| {
            Tensor::cat(vec![x.clone() * 2.0, x.clone() * 3.0, x * -5.0], 1)
        });
        let x = Tensor::<2>::from_data([[1.0], [-1.0], [1.0]], device);
        let explain = |target| Gradient::new().attribute_to(&model, x.clone(), target).unwrap();

        let predicted = explain(Target::Predicted);
        assert_eq!(values(&predicted.values), [3.0, -5.0, 3.0]);
        assert_eq!(predicted.targets, [Some(1), Some(2), Some(1)]);
        assert_eq!(predicted.scores, [3.0, 5.0, 3.0]);
        assert_eq!(values(&explain(Target::Class(0)).values), [2.0; 3]);
        let each = explain(Target::Classes(vec![2, 0, 1]));
        assert_eq!(values(&each.values), [-5.0, 2.0, 3.0]);
        let contrast =
            Target::function(|y| (y.clone().narrow(1, 0, 1) - y.narrow(1, 2, 1)).squeeze_dim(1));
        let contrast = explain(contrast);
        assert_eq!(values(&contrast.values), [7.0; 3]);
        assert_eq!(contrast.targets, [None; 3]);
    });
}

#[test]
fn a_prediction_is_made_once_and_held_along_the_path() {
    on_every_device(|compute| {
        let device = compute.device();
        // At the input class 0 wins; below 1/2 of the path class 1 would.
        let model = saliency_core::pure_function(|x: Tensor<2>| {
            Tensor::cat(vec![x.clone() * 4.0, x * -1.0 + 2.5], 1)
        });
        let map = IntegratedGradients::new().attribute(&model, row([1.0], device)).unwrap();
        assert_eq!(map.targets, [Some(0)]);
        assert_close("IG of class 0", &map.values, &row([4.0], device), EXACT);
        assert_eq!(map.baseline_scores.unwrap(), [0.0]);
    });
}

#[test]
fn chunks_do_not_change_the_answer() {
    on_every_device(|compute| {
        let device = compute.device();
        let model = saliency_core::pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
        let x = Tensor::<2>::from_data([[0.1, 0.3], [-0.7, 1e-3], [2.0, -1.0]], device);
        let all = Schedule::new().with_chunk(1000);
        let ig = |schedule| IntegratedGradients::new().with_steps(5).with_schedule(schedule);
        let whole = ig(all.clone()).attribute(&model, x.clone()).unwrap();
        let noisy = |schedule| SmoothGrad::new(ig(schedule)).with_samples(3);
        let whole_noisy = noisy(all).attribute(&model, x.clone()).unwrap();
        for chunk in [1, 2, 3, 4, 15] {
            let schedule = Schedule::new().with_chunk(chunk);
            let map = ig(schedule.clone()).attribute(&model, x.clone()).unwrap();
            assert_close("IG in chunks", &map.values, &whole.values, 1e-6);
            let map = noisy(schedule).attribute(&model, x.clone()).unwrap();
            assert_close("noise in chunks", &map.values, &whole_noisy.values, 1e-6);
        }
    });
}

#[test]
fn every_precision_is_explained_and_half_is_added_up_in_single() {
    on_every_device(|compute| {
        let device = compute.device();
        for (precision, sums, close) in [
            (DType::F64, DType::F64, 1e-7),
            (DType::F32, DType::F32, 1e-6),
            (DType::F16, DType::F32, 2e-3),
            (DType::BF16, DType::F32, 1e-2),
        ] {
            if !compute.supports(precision.into()) {
                println!("{} does not compute in {precision:?}", compute.backend());
                continue;
            }
            let cube = saliency_core::pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
            let x = row([0.5, -1.0, 2.0], device).cast(precision);
            let gradient = Gradient::new().attribute(&cube, x.clone()).unwrap();
            assert_eq!(gradient.values.dtype(), precision);
            assert_close("gradient", &gradient.values, &row([0.75, 3.0, 12.0], device), close);
            // A baseline of another precision fits, and many small numbers do not get lost.
            let ig = IntegratedGradients::new()
                .with_steps(1000)
                .with_rule(Rule::Midpoint)
                .with_schedule(Schedule::new().with_chunk(1))
                .with_baseline(Baseline::tensor(row([0.0; 3], device)));
            let ig = ig.attribute(&cube, x.clone()).unwrap();
            assert_eq!(ig.values.dtype(), sums);
            assert_close("IG", &ig.values, &row([0.125, -1.0, 8.0], device), close.max(1e-5));
            let smooth = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.1));
            let smooth = smooth.attribute(&(cube), x).unwrap();
            assert_eq!(smooth.values.dtype(), sums);
            assert!(values(&smooth.standard_error.unwrap()).iter().all(|error| *error > 0.0));
        }
    });
}

#[test]
fn the_standard_error_of_small_gradients_in_half_precision_is_not_zero() {
    on_every_device(|compute| {
        let device = compute.device();
        if !compute.supports(FloatDType::F16) {
            return;
        }
        let small = saliency_core::pure_function(|x: Tensor<2>| x.powi_scalar(2) * 1e-4);
        let x = row([1.0], device).cast(DType::F16);
        let explainer = SmoothGrad::default().with_draws(Draws::Independent);
        let map = explainer.with_noise(NoiseScale::Absolute(0.5)).attribute(&small, x);
        let error = values(&map.unwrap().standard_error.unwrap())[0];
        let exact = 2e-4 * 0.5 / 50f32.sqrt();
        assert!((error / exact - 1.0).abs() < 0.3, "{error} instead of {exact}");
    });
}

#[test]
fn inputs_of_different_precision_go_together() {
    on_every_device(|compute| {
        let device = compute.device();
        if !compute.supports(FloatDType::F64) {
            return;
        }
        let product = saliency_core::pure_function(|(a, b): (Tensor<2>, Tensor<2>)| {
            a.cast(DType::F64).sum_dim(1) * b.sum_dim(1)
        });
        let input = (row([1.0, 2.0], device), row([3.0], device).cast(DType::F64));
        let map = Gradient::new().attribute(&product, input).unwrap();
        assert_eq!((map.values.0.dtype(), map.values.1.dtype()), (DType::F32, DType::F64));
        assert_eq!((values(&map.values.0), values(&map.values.1)), (vec![3.0, 3.0], vec![3.0]));
    });
}
