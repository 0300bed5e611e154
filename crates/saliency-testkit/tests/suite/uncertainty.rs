//! Error bars and estimates are right, and methods stop by them.

use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{DType, Distribution as Random, Tensor};
use saliency_core::methods::{MeanOfSquares, OverNoise, Statistic, Variance};
use saliency_core::{
    Baseline, Distribution, Draws, Error, ExpectedGradients, Explainer, Fixed, Gradient,
    InputTimesGradient, IntegratedGradients, NoiseScale, Rows, Rule, SmoothGrad, SmoothGradSquared,
    Stage, Target, VarGrad, Warning, pure_function,
};
use saliency_models::CifarCnn;
use saliency_testkit::{
    Golden, assert_error, contribution, device, implementation_a, linear, relative_l1, square,
    values,
};

fn column(values: &[f32]) -> Tensor<2> {
    Tensor::<1>::from_data(values, &device()).reshape([-1, 1])
}

/// Computes the normal distribution function, by Simpson's rule.
fn normal_below(z: f64) -> f64 {
    let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (from, parts) = (-10.0, 2000);
    let step = (z - from) / f64::from(parts);
    let weight = |k| {
        if k == 0 || k == parts {
            1.0
        } else if k % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    (0..=parts).map(|k| weight(k) * density(from + f64::from(k) * step)).sum::<f64>() * step / 3.0
}

/// Panics unless all values lie within 4.5 standard errors of the right ones.
fn check(what: &str, found: &Tensor<2>, right: &[f64], errors: &[f64]) {
    for ((found, right), error) in values(found).into_iter().zip(right).zip(errors) {
        // If nothing is random, rounding is left.
        let off = (f64::from(found) - right) / (error + 1e-6 * right.abs());
        assert!(off.abs() < 4.5, "{what}: {found} instead of {right}, {off:.1} standard errors");
    }
}

/// Explains with all three statistics; returns values and standard errors.
fn statistics<M: saliency_core::Model<Tensor<2>>>(
    model: &M,
    x: &Tensor<2>,
    samples: usize,
    deviation: f64,
    distribution: Distribution,
) -> [(Tensor<2>, Tensor<2>); 3] {
    fn explain<M: saliency_core::Model<Tensor<2>>, S: Statistic>(
        explainer: OverNoise<Gradient, S>,
        model: &M,
        x: &Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let map = explainer.attribute_to(model, x.clone(), Target::Class(0)).unwrap();
        (map.values, map.standard_error.unwrap())
    }
    fn over<S>(samples: usize, deviation: f64, of: Distribution) -> OverNoise<Gradient, S> {
        OverNoise::new(Gradient::new())
            .with_samples(samples)
            .with_noise(NoiseScale::Absolute(deviation))
            .with_distribution(of)
            .with_seed(3)
    }
    fn independent(explainer: SmoothGrad) -> SmoothGrad {
        explainer.with_draws(Draws::Independent)
    }
    [
        explain(independent(over(samples, deviation, distribution)), model, x),
        explain(over::<MeanOfSquares>(samples, deviation, distribution), model, x),
        explain(over::<Variance>(samples, deviation, distribution), model, x),
    ]
}

#[test]
fn noise_around_a_square_has_its_closed_form() {
    let (n, s) = (2000, 0.7f64);
    let x = [-2.0f32, 0.0, 0.5, 3.0];
    let of = |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(f64::from(x))).collect::<Vec<_>>();
    let root = (n as f64).sqrt();
    // Fourth moment of noise with standard deviation 1, over 1.
    for (distribution, kurtosis) in [(Distribution::Gaussian, 3.0), (Distribution::Uniform, 1.8)] {
        let [mean, squares, variance] = statistics(&square(), &column(&x), n, s, distribution);
        let error = of(&|_| 2.0 * s / root);
        check("2x", &mean.0, &of(&|x| 2.0 * x), &error);
        // The variance of (2x + 2ε)² is that of 8xε + 4ε².
        let error = of(&|x| {
            ((64.0 * x * x * s * s + 16.0 * s.powi(4) * (kurtosis - 1.0)) / n as f64).sqrt()
        });
        check("4x² + 4σ²", &squares.0, &of(&|x| 4.0 * x * x + 4.0 * s * s), &error);
        check_estimates("4x² + 4σ²", &squares.1, &error);
        let error = of(&|_| 4.0 * s * s * ((kurtosis - 1.0) / n as f64).sqrt());
        check("4σ²", &variance.0, &of(&|_| 4.0 * s * s), &error);
        check_estimates("4σ²", &variance.1, &error);
    }
}

/// Panics unless the reported standard errors are the right ones, up to their own error.
fn check_estimates(what: &str, found: &Tensor<2>, right: &[f64]) {
    for (found, right) in values(found).into_iter().zip(right) {
        assert!((f64::from(found) / right - 1.0).abs() < 0.2, "{what}: {found}, {right}");
    }
}

#[test]
fn noise_around_a_relu_has_its_closed_form() {
    let (n, s) = (2000, 0.5f64);
    let x = [-0.6f32, -0.2, 0.0, 0.3, 0.7];
    let model = pure_function(relu::<2>);
    let [mean, squares, variance] = statistics(&model, &column(&x), n, s, Distribution::Gaussian);
    let active: Vec<f64> = x.iter().map(|&x| normal_below(f64::from(x) / s)).collect();
    let spread: Vec<f64> = active.iter().map(|p| p * (1.0 - p)).collect();
    let error: Vec<f64> = spread.iter().map(|v| (v / n as f64).sqrt()).collect();
    check("Φ(x/σ)", &mean.0, &active, &error);
    check_estimates("Φ(x/σ)", &mean.1, &error);
    check("Φ(x/σ), squared", &squares.0, &active, &error);
    // The standard error of a variance from that of the squared deviation.
    let error = active.iter().map(|p| {
        let fourth = p * (1.0 - p) * (1.0 - 3.0 * p * (1.0 - p));
        ((fourth - (p * (1.0 - p)).powi(2)) / n as f64).sqrt()
    });
    // At p = 1/2 it vanishes but for terms of the next order.
    let error: Vec<f64> = error.map(|error| error.max(2.0 / n as f64)).collect();
    check("Φ(1-Φ)", &variance.0, &spread, &error);
}

#[test]
fn sampling_stops_when_the_error_is_small_enough_row_by_row() {
    // With x² the relative error of row x is σ / (x √n): rows need 400, 25 and few. The error is
    // looked at after 50 samples, and then after a quarter more each time.
    let x = column(&[0.5, 2.0, 1000.0]);
    let smooth =
        SmoothGrad::default().with_draws(Draws::Independent).with_noise(NoiseScale::Absolute(1.0));
    let explainer = smooth.clone().with_tolerance(0.1).with_max_samples(10_000);
    let map = explainer.attribute_to(&square(), x.clone(), Target::Class(0)).unwrap();
    let all = map.error_estimate.as_ref().unwrap();
    assert!(all.iter().all(|error| *error <= 0.1), "{all:?}");
    assert!(Gradient::new().attribute(&square(), x.clone()).unwrap().standard_error.is_none());
    assert_eq!(map.converged.unwrap(), [true; 3]);
    let drawn = &map.evaluations;
    assert!([304, 380, 475].contains(&drawn[0]), "{drawn:?}");
    assert_eq!(drawn[1..], [50, 50]);
    let relative = values(&(map.standard_error.unwrap() / map.values.abs()));
    assert!(relative.iter().all(|error| *error <= 0.1), "{relative:?}");

    let map = explainer
        .with_max_samples(40)
        .attribute_to(&square(), x.clone(), Target::Class(0))
        .unwrap();
    assert_eq!(map.converged.unwrap(), [false, true, true]);
    assert_eq!(map.evaluations[0], 40);
    // Rows that need more samples get those that they would get alone.
    let alone = smooth.with_samples(40).attribute_to(&square(), x, Target::Class(0)).unwrap();
    assert_eq!(values(&map.values)[0], values(&alone.values)[0]);
}

#[test]
fn a_bad_value_found_late_is_that_of_its_row() {
    // The first row is done after 243 samples; the second goes on until noise takes it below
    // zero, where the logarithm is not defined.
    let model = pure_function(|x: Tensor<2>| x.log());
    let explainer = SmoothGrad::default()
        .with_noise(NoiseScale::Absolute(0.3))
        .with_tolerance(0.005)
        .with_max_samples(100_000);
    let error = explainer.attribute(&model, column(&[1000.0, 0.9])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Score, row: 1 });
}

#[test]
fn equal_samples_prove_no_more_than_their_number() {
    let model = linear(&[2.0, 0.0], 0.0, &device());
    let x = Tensor::<2>::ones([1, 2], &device());
    let map = SmoothGrad::default().with_tolerance(0.01).attribute(&model, x).unwrap();
    // The next sample could still be another one: 1 % needs a hundred. Of the steps of the ladder, in
    // whole pairs, that is the fourth.
    assert_eq!((values(&map.values), map.evaluations), (vec![2.0, 0.0], vec![100]));
    assert_eq!(map.converged.unwrap(), [true]);
    assert_eq!(map.error_estimate.unwrap(), [1.0 / 100.0]);
}

#[test]
fn expected_gradients_from_one_baseline_are_integrated_gradients() {
    let model = pure_function(|x: Tensor<2>| {
        let bend = relu(x.clone().narrow(1, 0, 1) * 2.0 - x.clone().narrow(1, 1, 1) - 0.5);
        bend + x.clone().narrow(1, 1, 1).sin() + x.narrow(1, 2, 1).powi_scalar(3)
    });
    let x = Tensor::<2>::from_data([[1.0, 0.5, -1.0], [2.0, 3.0, 0.5]], &device());
    let baseline = Tensor::<2>::from_data([[0.2, -0.4, 0.3]], &device());
    let exact = IntegratedGradients::new()
        .with_steps(2000)
        .with_baseline(Baseline::tensor(baseline.clone()));
    let exact = exact.attribute(&model, x.clone()).unwrap();
    let right: Vec<f64> = values(&exact.values).into_iter().map(f64::from).collect();
    for seed in 0..10 {
        let explainer = ExpectedGradients::new(baseline.clone()).with_samples(500).with_seed(seed);
        let map = explainer.attribute(&model, x.clone()).unwrap();
        let errors = values(&map.standard_error.unwrap()).into_iter().map(f64::from);
        check("EG", &map.values, &right, &errors.collect::<Vec<_>>());
        let difference = |a: &[f64], b: &[f64]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs();
        let bases = map.baseline_scores.unwrap();
        assert!(difference(&bases, &exact.baseline_scores.clone().unwrap()) < 1e-5);
    }
}

#[test]
fn expected_gradients_average_over_baselines() {
    // x² from baselines b: x² less the mean of b².
    let baselines = column(&[0.0, 1.0, -2.0, 0.5]);
    let x = column(&[3.0, -1.0]);
    let mean_square = (0.0 + 1.0 + 4.0 + 0.25) / 4.0;
    let right: Vec<f64> = [9.0, 1.0].iter().map(|square| square - mean_square).collect();
    let explain = |explainer: ExpectedGradients| {
        explainer.with_samples(3000).attribute_to(&square(), x.clone(), Target::Class(0)).unwrap()
    };
    let map = explain(ExpectedGradients::new(baselines.clone()));
    let errors: Vec<f64> =
        values(map.standard_error.as_ref().unwrap()).into_iter().map(f64::from).collect();
    check("set", &map.values, &right, &errors);
    let base = map.baseline_scores.unwrap();
    assert!(base.iter().all(|score| (score - mean_square).abs() < 1e-6), "{base:?}");
    // The gap is the error of the sum, here of the only value.
    for (row, gap) in map.completeness_gap.unwrap().into_iter().enumerate() {
        let off = f64::from(values(&map.values)[row]) - right[row];
        assert!((gap - off).abs() < 1e-5, "{gap} {off}");
    }

    let sampler = ExpectedGradients::from_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    let map = explain(sampler);
    let errors = values(map.standard_error.as_ref().unwrap()).into_iter().map(f64::from);
    let right: Vec<f64> = [9.0, 1.0].iter().map(|square| square - 1.0 / 3.0).collect();
    check("sampler", &map.values, &right, &errors.collect::<Vec<_>>());
    assert!(map.baseline_scores.is_none() && map.completeness_gap.is_none());

    // GradientSHAP: noise on the input adds its variance.
    let explainer = ExpectedGradients::new(baselines).with_noise(NoiseScale::Absolute(0.5));
    let map = explain(explainer);
    assert!(map.completeness_gap.is_none(), "the scores are not those of noisy inputs");
    let errors = values(map.standard_error.as_ref().unwrap()).into_iter().map(f64::from);
    let right: Vec<f64> = [9.0, 1.0].iter().map(|x| x + 0.25 - mean_square).collect();
    check("GradientSHAP", &map.values, &right, &errors.collect::<Vec<_>>());
}

#[test]
fn integration_stops_when_the_estimated_error_is_small_enough() {
    let model = pure_function(|x: Tensor<2>| (x * 6.0).sin());
    let x = column(&[1.0, 0.1, 2.0]);
    for tolerance in [0.3, 0.1, 0.01, 0.001] {
        let explainer =
            IntegratedGradients::new().with_tolerance(tolerance).with_max_gradients(5000);
        let map = explainer.attribute_to(&model, x.clone(), Target::Class(0)).unwrap();
        assert_eq!(map.converged.unwrap(), [true; 3]);
        let (errors, found) = (map.error_estimate.unwrap(), values(&map.values));
        for (row, x) in [1.0f64, 0.1, 2.0].into_iter().enumerate() {
            let error = (f64::from(found[row]) / (6.0 * x).sin() - 1.0).abs();
            assert!(errors[row] <= tolerance && error <= errors[row] + 2e-6, "{error} {errors:?}");
        }
        assert!(map.evaluations[1] <= map.evaluations[2], "{:?}", map.evaluations);
    }
    let explainer = IntegratedGradients::new().with_tolerance(1e-4).with_max_gradients(12);
    let map = explainer.attribute_to(&model, x, Target::Class(0)).unwrap();
    assert_eq!(map.evaluations, [12; 3]);
    assert_eq!(map.converged.unwrap(), [false; 3]);
    assert!(map.error_estimate.unwrap()[0] > 1e-4);
}

#[test]
fn closed_forms_are_met_to_the_tolerance() {
    let one = |value: f32| column(&[value]);
    let explainer =
        IntegratedGradients::new().with_tolerance(0.005).with_baseline(Baseline::each([
            Baseline::constant(0.5),
            Baseline::constant(1.0),
            Baseline::constant(1.0),
        ]));
    let map = explainer.attribute(&contribution(), (one(1.0), one(2.0), one(3.0))).unwrap();
    let found =
        [&map.values.0, &map.values.1, &map.values.2].map(|part| f64::from(values(part)[0]));
    let right = [2.5, 3.0, 3f64.sin() - 1f64.sin()];
    let off: f64 = found.iter().zip(right).map(|(found, right)| (found - right).abs()).sum();
    assert!(off / 6.2 < 0.005, "{found:?}");
    assert_eq!(map.converged.unwrap(), [true]);

    // A single bend is found by bisection; a linear model needs just enough gradients to tell that
    // nothing bends.
    let map = IntegratedGradients::new().with_tolerance(0.001);
    let bend = map.attribute(&implementation_a(), Tensor::from_data([[3.0, 1.0]], &device()));
    let bend = bend.unwrap();
    assert!(bend.evaluations[0] < 80, "{:?}", bend.evaluations);
    assert!((values(&bend.values)[0] - 1.5).abs() < 0.003, "{}", bend.values);
    let model = linear(&[2.0, -1.0], 1.0, &device());
    let line = map.attribute(&model, Tensor::from_data([[3.0, 4.0]], &device())).unwrap();
    assert_eq!((values(&line.values), line.evaluations), (vec![6.0, -4.0], vec![14]));
}

#[test]
fn gradients_that_are_infinite_at_the_baseline_do_no_harm() {
    let root = pure_function(|x: Tensor<2>| x.sqrt());
    let map = IntegratedGradients::new().with_tolerance(0.05).attribute(&root, column(&[4.0]));
    let map = map.unwrap();
    assert_eq!(map.converged.unwrap(), [true]);
    assert!((values(&map.values)[0] - 2.0).abs() < 0.2, "{}", map.values);
}

#[test]
fn fixed_points_carry_an_estimate_of_their_error() {
    let model = pure_function(|x: Tensor<2>| relu(x - 0.37));
    for rule in [Rule::Midpoint, Rule::GaussLegendre, Rule::Placed] {
        let map = |steps| {
            let explainer = IntegratedGradients::new().with_rule(rule).with_steps(steps);
            explainer.attribute(&model, column(&[1.0])).unwrap()
        };
        for steps in [2, 3, 10, 50] {
            let map = map(steps);
            let error = (f64::from(values(&map.values)[0]) / 0.63 - 1.0).abs();
            let estimate = map.error_estimate.unwrap()[0];
            println!("{rule:?} {steps}: {error:.4} estimated {estimate:.4}");
            assert!(estimate > 0.2 * error && estimate < 4.0 / steps as f64);
            assert!(map.converged.is_none());
        }
        assert!(map(1).error_estimate.is_none());
    }
}

#[test]
fn baselines_that_say_nothing_are_pointed_out() {
    let x = Tensor::<2>::from_data([[0.0, 0.0], [1.0, -1.0], [1.0, 2.0]], &device());
    let model = linear(&[1.0, 1.0], 5.0, &device());
    let expected = [Warning::baseline_is_input(0), Warning::baseline_scores_like_input(1)];
    for explainer in [IntegratedGradients::new(), IntegratedGradients::new().with_tolerance(0.1)] {
        let map = explainer.attribute(&model, x.clone()).unwrap();
        assert_eq!(map.warnings, expected);
        assert_eq!(values(&map.values)[..2], [0.0, 0.0]);
        // Nothing is left to be wrong in the first row; the others are known up to rounding, or as
        // well as a few equal gradients can tell.
        let [none, ..] = map.error_estimate.as_ref().unwrap()[..] else { panic!("three rows") };
        assert_eq!(none, 0.0);
        let most = if map.converged.is_some() { 0.1 } else { 1e-6 };
        assert!(map.error_estimate.unwrap().iter().all(|error| *error < most));
    }
    let baselines = Tensor::<2>::from_data([[0.0, 3.0]], &device());
    let map = ExpectedGradients::new(baselines).attribute(&model, x).unwrap();
    assert_eq!(map.warnings, [Warning::baseline_scores_like_input(2)]);
    assert!(map.warnings[0].to_string().contains("baseline of row 2"));
    assert!(expected[0].to_string().contains("row 0 equals the input"));
}

#[test]
fn a_random_baseline_is_the_same_each_time() {
    let x = Tensor::<2>::random([2, 3], Random::Default, &device());
    let explain = |seed| {
        let baseline = Baseline::uniform(-1.0, 1.0, seed);
        let map =
            IntegratedGradients::new().with_baseline(baseline).attribute(&square(), x.clone());
        values(&map.unwrap().values)
    };
    assert_eq!(explain(1), explain(1));
    assert_ne!(explain(1), explain(2));
}

#[test]
fn input_times_gradient_inside_noise_uses_the_noisy_input() {
    // (x + ε) · 2 (x + ε) has the mean 2x² + 2σ².
    let explainer = SmoothGrad::new(InputTimesGradient::new())
        .with_samples(2000)
        .with_noise(NoiseScale::Absolute(0.5));
    let map = explainer.attribute(&square(), column(&[1.0])).unwrap();
    let error = f64::from(values(&map.standard_error.unwrap())[0]);
    check("2x² + 2σ²", &map.values, &[2.5], &[error]);
}

#[test]
fn what_no_point_sees_is_not_called_certain() {
    // Rises from 0.55 to 0.6 and is level elsewhere: no gradient at the first points shows it.
    let gate = pure_function(|x: Tensor<2>| (relu(x.clone() - 0.55) - relu(x - 0.6)) * 20.0);
    let fixed = IntegratedGradients::new().with_steps(4).with_rule(Rule::Midpoint);
    let map = fixed.attribute(&gate, column(&[1.0])).unwrap();
    assert_eq!(values(&map.values), [0.0]);
    let estimate = map.error_estimate.unwrap()[0];
    assert!((1.0..2.5).contains(&estimate), "{estimate}");

    let map = IntegratedGradients::new().with_tolerance(0.05).attribute(&gate, column(&[1.0]));
    let map = map.unwrap();
    assert_eq!(map.converged.unwrap(), [true]);
    assert!((values(&map.values)[0] - 1.0).abs() < 0.06, "{}", map.values);
    assert!(map.evaluations[0] < 300, "{:?}", map.evaluations);
}

#[test]
fn noise_inside_noise_is_independent_of_it() {
    // x² with noise of two sources, each of deviation σ: the mean of n samples of the mean of m
    // has the standard error 2 σ √(1 + 1/m) / √n.
    let (n, m, s) = (2000, 2, 0.5f64);
    fn smooth<E>(inside: E, samples: usize, deviation: f64) -> SmoothGrad<E> {
        let smooth = SmoothGrad::new(inside).with_draws(Draws::Independent);
        smooth.with_samples(samples).with_noise(NoiseScale::Absolute(deviation))
    }
    let map =
        smooth(smooth(Gradient::new(), m, s), n, s).attribute(&square(), column(&[1.0])).unwrap();
    let right = 2.0 * s * (1.0 + 1.0 / m as f64).sqrt() / (n as f64).sqrt();
    check_estimates("noise in noise", map.standard_error.as_ref().unwrap(), &[right]);
    check("noise in noise", &map.values, &[2.0], &[right]);
    // The same for a method inside that draws baselines.
    let expected = ExpectedGradients::from_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    let around = SmoothGrad::new(expected.with_samples(1)).with_samples(n);
    let map = around.with_noise(NoiseScale::Absolute(0.0)).attribute(&square(), column(&[1.0]));
    let error = f64::from(values(&map.as_ref().unwrap().standard_error.clone().unwrap())[0]);
    assert!(error > 0.0);
    check("baselines in noise", &map.unwrap().values, &[2.0 / 3.0], &[error]);
}

#[test]
fn a_method_inside_that_did_not_converge_is_not_forgotten() {
    let inside = IntegratedGradients::new().with_tolerance(1e-4).with_max_gradients(6);
    let around = SmoothGrad::new(inside).with_samples(3);
    let x = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 0.0]], &device());
    let bent = pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
    let map = around.attribute(&bent, x).unwrap();
    assert_eq!(map.converged.unwrap(), [false, true]);
    assert!(map.warnings.contains(&Warning::baseline_is_input(1)), "{:?}", map.warnings);
}

#[test]
fn what_is_fixed_does_not_count_as_certain() {
    let model = pure_function(|(x, mask): (Tensor<2>, Fixed<Tensor<2>>)| {
        (x.powi_scalar(3) + mask.0.clamp_min(-1.0).sum_dim(1)).sum_dim(1)
    });
    let mask = Tensor::<2>::full([1, 9], f32::NEG_INFINITY, &device());
    let input = || (column(&[0.1]), Fixed(mask.clone()));
    let smooth = SmoothGrad::default().with_noise(NoiseScale::Absolute(1.0)).with_samples(20);
    let map = smooth.attribute(&model, input()).unwrap();
    assert!(map.error_estimate.as_ref().unwrap()[0] > 0.1);
    for map in [
        InputTimesGradient::new().attribute(&model, input()).unwrap(),
        IntegratedGradients::new().attribute(&model, input()).unwrap(),
        IntegratedGradients::new().with_tolerance(0.1).attribute(&model, input()).unwrap(),
        ExpectedGradients::new(input()).attribute(&model, input()).unwrap(),
    ] {
        assert_eq!(values(&map.values.1.0), [0.0; 9]);
        assert!(map.completeness_gap.is_none_or(|gap| gap[0].abs() < 1e-4));
    }
}

#[test]
fn values_that_cannot_be_had_are_errors_and_do_not_panic() {
    let root = pure_function(|x: Tensor<2>| x.sqrt());
    let from_below = ExpectedGradients::new(column(&[-1.0])).with_tolerance(0.1);
    let error = from_below.attribute(&root, column(&[1.0])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Gradient, row: 0 });
    let steep = pure_function(|x: Tensor<2>| x * 1e25);
    let squared = SmoothGradSquared::default().with_tolerance(0.1);
    let error = squared.attribute(&steep, column(&[1.0])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Attribution, row: 0 });
    // The product of an input and a gradient that are each finite.
    let product = InputTimesGradient::new().attribute(&steep, column(&[1.0, 1e13, 1e14]));
    let error = product.unwrap_err();
    assert!(
        [Error::not_finite(Stage::Attribution, 2), Error::not_finite(Stage::Score, 2)]
            .contains(&error)
    );
    let pole = pure_function(|x: Tensor<2>| (x - 0.5).recip());
    let placed = IntegratedGradients::new().with_rule(Rule::Placed);
    let error = placed.attribute(&pole, column(&[1.0])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::PathScore, row: 0 });
}

#[test]
fn small_gradients_have_their_standard_errors() {
    for unit in [1.0, 1e-12] {
        let small = pure_function(move |x: Tensor<2>| x.powi_scalar(2) * unit);
        let explain = |explainer: &dyn Explainer<_, _>| {
            let map = explainer.attribute(&small, column(&[1.0])).unwrap();
            map.error_estimate.as_ref().unwrap()[0]
        };
        let noise = NoiseScale::Absolute(0.5);
        for error in [
            explain(&SmoothGrad::default().with_noise(noise.clone())),
            explain(&SmoothGradSquared::default().with_noise(noise.clone())),
            explain(&OverNoise::<Gradient, Variance>::default().with_noise(noise)),
        ] {
            assert!((0.02..0.5).contains(&error), "{error} at {unit}");
        }
    }
}

#[test]
fn steep_models_are_averaged_whatever_the_first_sample_is() {
    // Far from zero the gradient of sigmoid(80x) is 1e-26 or exactly zero; near zero it is 20.
    let model = pure_function(|x: Tensor<2>| sigmoid(x * 80.0));
    let noise = NoiseScale::Absolute(1.0);
    // The density of the noise at zero, where the gate opens, times its height.
    let right = 1.0 / (2.0 * std::f64::consts::PI).sqrt();
    for seed in 0..40 {
        let smooth = SmoothGrad::default().with_noise(noise.clone()).with_seed(seed);
        let map = smooth.clone().attribute(&model, column(&[0.0])).unwrap();
        let error = values(map.standard_error.as_ref().unwrap())[0];
        let off = (f64::from(values(&map.values)[0]) - right).abs();
        // Few of fifty samples lie near the gate, and the answer says so.
        assert!(off < 4.5 * f64::from(error) || !map.warnings.is_empty(), "{seed}: {off} {error}");
        let squared = SmoothGradSquared::default().with_noise(noise.clone()).with_seed(seed);
        squared.attribute(&model, column(&[0.0])).unwrap();
        let variance = VarGrad::default().with_noise(noise.clone()).with_seed(seed);
        variance.attribute(&model, column(&[0.0])).unwrap();
        let baselines = Baseline::uniform(-3.0, 3.0, seed);
        let expected = ExpectedGradients::from_sampler(move |_| baselines.clone()).with_seed(seed);
        expected.attribute(&model, column(&[1.0])).unwrap();
        let exact = smooth.with_tolerance(0.1).with_max_samples(100_000);
        let map = exact.attribute(&model, column(&[0.0])).unwrap();
        let found = f64::from(values(&map.values)[0]);
        assert!((found / right - 1.0).abs() < 0.45, "{seed}: {found}");
    }
}

#[test]
fn no_figure_depends_on_the_unit_of_the_score() {
    let device = device();
    let x = Tensor::<2>::random([4, 6], Random::Normal(0.0, 1.0), &device);
    let weights = Tensor::<2>::random([6, 12], Random::Normal(0.0, 1.0), &device);
    let figures = |unit: f32| {
        let weights = weights.clone();
        let model = pure_function(move |x: Tensor<2>| {
            relu(x.matmul(weights.clone()) - 0.3).sum_dim(1) * unit
        });
        let ask = |explainer: &dyn Explainer<_, Tensor<2>>| {
            let map = explainer.attribute_to(&model, x.clone(), Target::Class(0)).unwrap();
            let relative =
                map.standard_error.map_or(vec![], |error| values(&(error / map.values.abs())));
            let relative = relative.into_iter().map(f64::from).filter(|it| it.is_finite());
            let counts = map.evaluations.iter().map(|count| *count as f64);
            map.error_estimate
                .unwrap()
                .into_iter()
                .chain(counts)
                .chain(relative)
                .collect::<Vec<f64>>()
        };
        let noise = NoiseScale::Absolute(0.5);
        [
            ask(&SmoothGrad::default().with_noise(noise.clone())),
            ask(&SmoothGrad::default().with_noise(noise.clone()).with_tolerance(0.1)),
            ask(&IntegratedGradients::new()),
            ask(&IntegratedGradients::new().with_tolerance(0.02)),
        ]
        .concat()
    };
    let right = figures(1.0);
    for unit in [1e-20, 1e20] {
        for (found, right) in figures(unit).into_iter().zip(&right) {
            assert!((found / right - 1.0).abs() < 1e-3, "{unit}: {found} instead of {right}");
        }
    }
}

#[test]
fn a_row_has_the_same_answer_alone_and_in_a_batch() {
    let x = column(&[0.5, 2.0, 1000.0, 0.3, -0.7, 1.5, 3.0, 0.0, 0.9, 5.0, -4.0, 0.1]);
    let noise = NoiseScale::Absolute(1.0);
    let smooth = SmoothGrad::default().with_noise(noise).with_tolerance(0.1).with_max_samples(5000);
    let path = IntegratedGradients::new().with_tolerance(0.01);
    let bent = pure_function(|x: Tensor<2>| x.clone().powi_scalar(2) + relu(x * 3.0 - 1.0));
    let explainers: [&dyn Explainer<_, Tensor<2>>; 2] = [&smooth, &path];
    for explainer in explainers {
        let target = Target::Class(0);
        let all = explainer.attribute_to(&bent, x.clone(), target.clone()).unwrap();
        for row in 0..12 {
            // The row keeps its random numbers, which belong to its place in the batch.
            let rows = Rows::all(12).select(&[row]);
            let one = x.clone().narrow(0, row, 1);
            let alone = explainer.attribute_rows(&bent, one, target.clone(), &rows).unwrap();
            assert_eq!(alone.evaluations, all.evaluations[row..=row]);
            assert_eq!(values(&alone.values), values(&all.values)[row..=row]);
            let error = &all.error_estimate.as_ref().unwrap()[row..=row];
            assert_eq!(alone.error_estimate.unwrap(), error);
        }
    }
}

/// A network's products choose their kernels by the number of rows, so the last digits differ.
#[test]
fn a_network_gives_a_row_the_same_answer_alone_and_in_a_batch() {
    let device = device();
    let photos = Golden::cifar_zero_baseline().tensor::<4>("input", &device);
    let strengths = [1.0, 0.8, -0.6, 0.3].map(|strength| photos.clone() * strength);
    let photos = Tensor::cat(strengths.to_vec(), 0);
    let smooth = SmoothGrad::default().with_tolerance(0.25).with_max_samples(400);
    let path = IntegratedGradients::new().with_tolerance(0.05);
    let explainers: [&dyn Explainer<_, Tensor<4>>; 2] = [&smooth, &path];
    for (precision, close) in [(DType::F32, 1e-3), (DType::F64, 1e-6)] {
        let net = CifarCnn::embedded_in(&device, precision);
        let photos = photos.clone().cast(precision);
        for explainer in explainers {
            let all = explainer.attribute(&net, photos.clone()).unwrap();
            for row in 0..12 {
                let rows = Rows::all(12).select(&[row]);
                let one = photos.clone().narrow(0, row, 1);
                let alone = explainer.attribute_rows(&net, one, Target::Predicted, &rows).unwrap();
                assert_eq!(alone.evaluations, all.evaluations[row..=row], "row {row}");
                let right = values(&all.values.clone().narrow(0, row, 1));
                let error = relative_l1(&values(&alone.values), &right);
                println!("{precision:?}, row {row}: {error:.1e}");
                assert!(error <= close, "{precision:?}, row {row}: {error:.1e}");
            }
        }
    }
}

#[test]
fn values_that_get_no_noise_are_pointed_out() {
    let cube = pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
    let rows = Tensor::<2>::from_data([[0.5, 0.5], [2.0, 1.0]], &device());
    let map = SmoothGrad::default().attribute(&cube, rows.clone()).unwrap();
    assert_eq!(map.warnings, [Warning::no_noise(0, 0)]);
    assert!(map.warnings[0].to_string().contains("row 0 get no noise, in tensor 0"));
    // A tensor with one value for each row has no range.
    let pair =
        pure_function(|(photo, age): (Tensor<2>, Tensor<2>)| photo.sum_dim(1) + age.powi_scalar(3));
    let input = (Tensor::<2>::from_data([[0.0, 1.0]], &device()), column(&[2.0]));
    let map = SmoothGrad::default().attribute(&pair, input).unwrap();
    assert!(map.warnings.contains(&Warning::no_noise(0, 1)), "{:?}", map.warnings);
    let expected = ExpectedGradients::new(column(&[0.0])).with_noise(NoiseScale::OfRange(0.1));
    let map = expected.attribute_to(&cube, column(&[2.0]), Target::Class(0)).unwrap();
    assert!(map.warnings.contains(&Warning::no_noise(0, 0)), "{:?}", map.warnings);
    // Noise that is not asked for is not missed.
    let none = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.0));
    assert_eq!(none.attribute(&cube, rows).unwrap().warnings, []);
}

#[test]
fn each_feature_can_have_noise_of_its_own() {
    // Σ x² of two features, a thousand times as wide apart as the other.
    let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
    let seen = Tensor::<2>::from_data([[0.0, 1000.0], [2.0, 3000.0], [4.0, 2000.0]], &device());
    let noise = NoiseScale::of_rows(seen, 0.5).unwrap();
    assert_eq!(noise, NoiseScale::PerValue(vec![vec![1.0, 500.0]]));
    let deviations = Tensor::<2>::from_data([[1.0, 500.0]], &device());
    assert_eq!(noise, NoiseScale::per_value(deviations).unwrap());
    let x = Tensor::<2>::from_data([[1.0, 2500.0]], &device());
    let explainer = VarGrad::default().with_noise(noise.clone()).with_samples(5000);
    let map = explainer.attribute(&model, x).unwrap();
    // The variance of 2x + 2ε is 4σ².
    let errors = values(&map.standard_error.unwrap()).into_iter().map(f64::from);
    check("4σ²", &map.values, &[4.0, 1e6], &errors.collect::<Vec<_>>());

    let three = Tensor::<2>::zeros([1, 3], &device());
    let error = SmoothGrad::default().with_noise(noise).attribute(&model, three).unwrap_err();
    let said = "expected noise [3] values, those of a row, found [2]";
    assert_eq!(error.to_string(), said);
    let bad = NoiseScale::PerValue(vec![vec![1.0, -1.0]]);
    let error = SmoothGrad::default().with_noise(bad).check().unwrap_err();
    assert_eq!(error.to_string(), "expected noise finite and not negative, found -1");
    let error = NoiseScale::of_rows(column(&[1.0]), 1.0).unwrap_err();
    assert_eq!(error.to_string(), "expected rows at least 2, found 1");
    let error = NoiseScale::per_value(column(&[1.0, 2.0])).unwrap_err();
    assert_eq!(error.to_string(), "expected noise one row of deviations, found 2");
}
