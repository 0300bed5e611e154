//! Noise that knows the range in which inputs are valid, and noise around every kind of explainer.

use std::sync::{Arc, Mutex};

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use saliency_backends::Hardware;
use saliency_core::methods::{OverNoise, Statistic};
use saliency_core::{
    Baseline, Distribution, Draws, Error, ExpectedGradients, Explainer, InputTimesGradient,
    IntegratedGradients, Model, NoiseScale, Parallelism, Schedule, SmoothGrad, SmoothGradSquared,
    Target, Timing, ValidRange, VarGrad, Warning, attribute_good_rows, pure_function,
};
use saliency_testkit::{assert_error, device, linear, on_every_device, square, values};

fn column(values: &[f32], device: &Device) -> Tensor<2> {
    Tensor::<1>::from_data(values, device).reshape([-1, 1])
}

/// Integrates a function times the normal density from `a` to `b`, by Simpson's rule.
fn over_normal([a, b]: [f64; 2], of: impl Fn(f64) -> f64) -> f64 {
    let parts = 4000;
    let step = (b - a) / f64::from(parts);
    let at = |k: i32| {
        let z = a + f64::from(k) * step;
        let weight = match k {
            0 => 1.0,
            k if k == parts => 1.0,
            k if k % 2 == 1 => 4.0,
            _ => 2.0,
        };
        weight * of(z) * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
    };
    (0..=parts).map(at).sum::<f64>() * step / 3.0
}

/// Returns the mean of a function of noise ε with deviation `s` that keeps `x` in a range.
fn truncated_mean(x: f64, s: f64, [low, high]: [f64; 2], of: impl Fn(f64) -> f64) -> f64 {
    let limits = [((low - x) / s).max(-10.0), ((high - x) / s).min(10.0)];
    over_normal(limits, |z| of(s * z)) / over_normal(limits, |_| 1.0)
}

/// Panics unless all values are within 4.5 standard errors of the right ones.
fn check(what: &str, found: &Tensor<2>, right: &[f64], errors: &[f64]) {
    for ((found, right), error) in values(found).into_iter().zip(right).zip(errors) {
        let off = (f64::from(found) - right) / (error + 1e-5 * right.abs().max(1.0));
        assert!(off.abs() < 4.5, "{what}: {found} instead of {right}, {off:.1} standard errors");
    }
}

fn reported(map: &saliency_core::Attribution<Tensor<2>>) -> Vec<f64> {
    let errors = map.standard_error.clone().unwrap();
    values(&errors).into_iter().map(f64::from).collect()
}

#[test]
fn truncated_noise_around_a_square_and_a_relu_has_its_closed_form() {
    on_every_device(|compute| {
        let device = compute.device();
        let (n, s, range) = (2000, 0.5, [-1.0, 1.0]);
        let x = [-1.0f32, -0.9, -0.1, 0.0, 0.4, 1.0];
        let explainer = SmoothGrad::default()
            .with_draws(Draws::Independent)
            .with_noise(NoiseScale::Absolute(s))
            .with_valid_range(ValidRange::new(range[0], range[1]))
            .with_samples(n)
            .with_seed(5);
        let of = |f: &dyn Fn(f64) -> f64| x.iter().map(|&x| f(f64::from(x))).collect::<Vec<_>>();
        let map = explainer.attribute_to(&square(), column(&x, device), Target::Class(0)).unwrap();
        let mean = |x: f64| truncated_mean(x, s, range, |e| e);
        let right = of(&|x| 2.0 * x + 2.0 * mean(x));
        let errors = of(&|x| {
            let variance = truncated_mean(x, s, range, |e| e * e) - mean(x).powi(2);
            2.0 * (variance / n as f64).sqrt()
        });
        check("2x + 2E[ε]", &map.values, &right, &errors);
        for (found, right) in reported(&map).into_iter().zip(&errors) {
            assert!((found / right - 1.0).abs() < 0.1, "standard error {found}, {right}");
        }
        // At the end of the range the noise leads inward: the mean of half a normal distribution.
        assert!((mean(1.0) + s * (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-3);

        let model = pure_function(relu::<2>);
        let map = explainer.attribute_to(&model, column(&x, device), Target::Class(0)).unwrap();
        let active = of(&|x| truncated_mean(x, s, range, |e| f64::from(u8::from(x + e > 0.0))));
        // Simpson's rule meets a jump: about one part of 4000.
        let errors: Vec<f64> =
            active.iter().map(|p| (p * (1.0 - p) / n as f64).sqrt() + 2e-4).collect();
        check("P(x + ε > 0)", &map.values, &active, &errors);

        // Noise that belongs together has the same means.
        for draws in [Draws::Antithetic, Draws::Lattice] {
            let explainer = explainer.clone().with_draws(draws);
            let map = explainer.attribute_to(&square(), column(&x, device), Target::Class(0));
            let map = map.unwrap();
            check("2x + 2E[ε]", &map.values, &right, &reported(&map));
        }
    });
}

/// A model that remembers the smallest and the largest value that it was given.
fn watched(seen: &Arc<Mutex<[f32; 2]>>) -> impl Model<Tensor<2>> + use<> {
    let seen = seen.clone();
    pure_function(move |x: Tensor<2>| {
        let (low, high) = (x.clone().min().into_scalar(), x.clone().max().into_scalar());
        let mut seen = seen.lock().unwrap();
        *seen = [seen[0].min(low), seen[1].max(high)];
        x.clone() * x
    })
}

#[test]
fn no_copy_leaves_the_valid_range_and_copies_come_near_its_ends() {
    on_every_device(|compute| {
        let x = Tensor::<2>::from_data([[0.1, 0.2, 0.7], [0.3, 0.1, 0.6]], compute.device());
        let ranges = [
            (ValidRange::new(0.1, 0.7), [0.1f32, 0.7]),
            (ValidRange::each_row(), [0.1, 0.7]),
            (ValidRange::of_rows(x.clone()).unwrap(), [0.1, 0.7]),
        ];
        for distribution in [Distribution::Gaussian, Distribution::Uniform] {
            for (range, [low, high]) in ranges.clone() {
                let seen = Arc::new(Mutex::new([f32::INFINITY, f32::NEG_INFINITY]));
                SmoothGrad::default()
                    .with_noise(NoiseScale::Absolute(0.4))
                    .with_distribution(distribution)
                    .with_valid_range(range)
                    .with_samples(200)
                    .attribute_to(&watched(&seen), x.clone(), Target::Class(0))
                    .unwrap();
                let [least, most] = *seen.lock().unwrap();
                assert!(least >= low && most <= high, "{least} to {most}");
                assert!(least < low + 0.05 && most > high - 0.05, "{least} to {most}");
            }
        }
    });
}

#[test]
fn adaptive_noise_leaves_the_range_as_often_as_its_confidence_says() {
    on_every_device(|compute| {
        let device = compute.device();
        // Room on the nearer side: 0.2, 0.5, 0.1.
        let x = [0.2f32, 0.5, 0.9];
        let room = [0.2, 0.5, 0.1];
        let n = 3000;
        for (distribution, z, kurtosis) in [
            (Distribution::Gaussian, 1.959_964, 3.0),
            (Distribution::Uniform, 0.95 * 3f64.sqrt(), 1.8),
        ] {
            let scale = NoiseScale::adaptive(ValidRange::new(0.0, 1.0), 0.95);
            let noisy =
                VarGrad::default().with_noise(scale.clone()).with_distribution(distribution);
            let map = noisy
                .with_samples(n)
                .attribute_to(&square(), column(&x, device), Target::Class(0))
                .unwrap();
            let right: Vec<f64> = room.iter().map(|room| 4.0 * (room / z).powi(2)).collect();
            let errors: Vec<f64> =
                right.iter().map(|v| v * ((kurtosis - 1.0) / n as f64).sqrt()).collect();
            check("4σ²", &map.values, &right, &errors);
            assert_eq!(map.warnings, []);

            // The gradient is 1 where the noise is too large.
            let beyond = pure_function(|x: Tensor<2>| relu(x.clone() - 1.0) + relu(x * -1) * -1);
            let far = SmoothGrad::default().with_noise(scale).with_distribution(distribution);
            let map = far
                .with_samples(n)
                .attribute_to(&beyond, column(&x, device), Target::Class(0))
                .unwrap();
            // On one side of the nearer end, and in the middle on both.
            let right = [0.025, 0.05, 0.025];
            let errors: Vec<f64> =
                right.iter().map(|p: &f64| (p * (1.0 - p) / n as f64).sqrt()).collect();
            check("1 - c", &map.values, &right, &errors);
        }
    });
}

#[test]
fn a_value_at_an_end_gets_no_adaptive_noise_and_a_warning() {
    let x = Tensor::<2>::from_data([[0.0, 0.5], [0.2, 0.5]], &device());
    let cube = pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
    let scale = NoiseScale::adaptive(ValidRange::new(0.0, 1.0), 0.95);
    let map = SmoothGrad::default().with_noise(scale).attribute(&cube, x.clone()).unwrap();
    assert_eq!(map.warnings, [Warning::no_noise(0, 0)]);
    assert_eq!(values(&map.values)[0], 0.0);
    assert_eq!(values(&map.standard_error.unwrap())[0], 0.0);
    // Truncated noise moves it.
    let truncated = SmoothGrad::default().with_valid_range(ValidRange::new(0.0, 1.0));
    let map = truncated.attribute(&cube, x).unwrap();
    assert_eq!(map.warnings, []);
    assert!(values(&map.values)[0] > 0.0);
}

#[test]
fn a_range_that_no_copy_reaches_changes_no_bit() {
    on_every_device(|compute| {
        let x = Tensor::<2>::from_data([[0.1, -0.2], [0.7, 3.0]], compute.device());
        let explain = |explainer: SmoothGrad| {
            let map = explainer.attribute_to(&square(), x.clone(), Target::Class(1)).unwrap();
            (values(&map.values), map.standard_error.map(|error| values(&error)))
        };
        let noise = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.3));
        let wide = noise.clone().with_valid_range(ValidRange::new(-1e3, 1e3));
        assert_eq!(explain(wide), explain(noise));
    });
}

#[test]
fn bits_are_the_same_for_any_workers_and_a_row_does_not_depend_on_others() {
    on_every_device(|compute| {
        let x = Tensor::<2>::from_data([[0.1, 0.2], [0.7, 0.3], [0.5, 0.9]], compute.device());
        let range = || ValidRange::new(0.0, 1.0);
        let workers: &[usize] = if compute.hardware() == Hardware::Cpu { &[1, 2, 7] } else { &[1] };
        for noise in [NoiseScale::OfRange(0.4), NoiseScale::adaptive(range(), 0.9)] {
            let explain = |workers, chunk, x: &Tensor<2>| {
                let schedule = Schedule::new()
                    .with_parallelism(Parallelism::Workers(workers))
                    .with_chunk(chunk);
                let explainer = SmoothGrad::default()
                    .with_noise(noise.clone())
                    .with_valid_range(range())
                    .with_samples(20)
                    .with_schedule(schedule);
                let map = explainer.attribute_to(&square(), x.clone(), Target::Class(0)).unwrap();
                values(&map.values)
            };
            for chunk in [1, 3, 1000] {
                let one = explain(1, chunk, &x);
                for &workers in workers {
                    assert_eq!(explain(workers, chunk, &x), one, "{workers} workers, {chunk}");
                }
                let alone = explain(1, chunk, &x.clone().narrow(0, 0, 1));
                assert_eq!(alone, one[..2], "chunks of {chunk}");
            }
        }
    });
}

#[test]
fn ranges_and_confidences_that_cannot_be_are_refused() {
    let x = Tensor::<2>::from_data([[0.5, 0.5], [0.5, 2.0], [3.0, 0.0]], &device());
    let explain =
        |explainer: SmoothGrad| explainer.attribute_to(&square(), x.clone(), Target::Class(0));
    let unit = || ValidRange::new(0.0, 1.0);
    let adaptive = |range, confidence| {
        SmoothGrad::default().with_noise(NoiseScale::adaptive(range, confidence))
    };
    for outside in [adaptive(unit(), 0.95), SmoothGrad::default().with_valid_range(unit())] {
        let error = explain(outside).unwrap_err();
        let said = "expected every value of the input in its valid range, found values outside in \
                    rows 1, 2: give the range in the units of the model's input, or a wider one";
        assert_eq!(error.to_string(), said);
        assert_error!(error, Error::OutsideRange { row: 1, others: vec![2] });
    }
    for bad in [0.0, 1.0, -0.5, 1.5, f64::NAN] {
        let error = adaptive(unit(), bad).check().unwrap_err().to_string();
        assert_eq!(error, format!("expected confidence above 0 and below 1, found {bad}"));
    }
    let error = adaptive(ValidRange::new(1.0, 0.0), 0.9).check().unwrap_err().to_string();
    assert_eq!(error, "expected valid range finite and ascending, found 1 to 0");
    let three = Tensor::<2>::ones([1, 3], &device());
    let range = ValidRange::of_rows(three).unwrap();
    let error = explain(SmoothGrad::default().with_valid_range(range.clone())).unwrap_err();
    let said = "expected valid range of [2] values, those of a row, found [3]";
    assert_eq!(error.to_string(), said);
    let shap = ExpectedGradients::new(x.clone()).with_noise(NoiseScale::Absolute(0.1));
    let error = shap.with_valid_range(range).attribute(&square(), x.clone()).unwrap_err();
    assert_eq!(error.to_string(), said);

    // The good row is explained all the same.
    let found = attribute_good_rows(&adaptive(unit(), 0.9), &square(), x.clone(), Target::Class(0));
    let found = found.unwrap();
    assert_eq!((found.rows, found.errors.len()), (vec![0], 2));
    assert_error!(
        found.errors[1].error.clone(),
        Error::OutsideRange { row: 2, others: Vec::<usize>::new() }
    );
}

#[test]
fn gradient_shap_with_a_valid_range_has_its_closed_form() {
    // Σ x² from a baseline of zeros: the mean of (x + ε)².
    let (s, range, n) = (0.5, [0.0, 1.0], 4000);
    let x = [0.0f32, 0.2, 1.0];
    let explainer = ExpectedGradients::new(column(&[0.0], &device()))
        .with_noise(NoiseScale::Absolute(s))
        .with_valid_range(ValidRange::new(range[0], range[1]))
        .with_samples(n);
    let map = explainer.attribute_to(&square(), column(&x, &device()), Target::Class(0)).unwrap();
    let right: Vec<f64> = x
        .iter()
        .map(|&x| truncated_mean(x.into(), s, range, |e| (f64::from(x) + e).powi(2)))
        .collect();
    check("E[(x + ε)²]", &map.values, &right, &reported(&map));
}

/// Puts noise of deviation `s` around an explainer.
fn around<E, S: Statistic>(explainer: E, s: f64, samples: usize) -> OverNoise<E, S> {
    OverNoise::new(explainer).with_noise(NoiseScale::Absolute(s)).with_samples(samples)
}

#[test]
fn noise_around_every_kind_of_explainer_has_its_closed_form() {
    on_every_device(|compute| {
        let device = compute.device();
        let (s, n) = (0.5, 400);
        let x = Tensor::<2>::from_data([[2.0, -1.0]], device);
        // f = w · x: every complete explainer gives w (x + ε).
        let w = [2.0, -1.0];
        let model = linear(&[2.0, -1.0], 4.0, device);
        fn shares<M: Model<Tensor<2>>, E: Explainer<M, Tensor<2>> + Clone>(
            name: &str,
            explainer: &E,
            model: &M,
            x: &Tensor<2>,
            w: [f64; 2],
            (s, n): (f64, usize),
        ) {
            let x_of = values(x);
            let of = |f: &dyn Fn(f64, f64) -> f64| {
                x_of.iter().zip(w).map(|(&x, w)| f(x.into(), w)).collect::<Vec<f64>>()
            };
            let mean: SmoothGrad<E> = around(explainer.clone(), s, n);
            let map = mean.attribute(model, x.clone()).unwrap();
            check(name, &map.values, &of(&|x, w| w * x), &reported(&map));
            let squares: SmoothGradSquared<E> = around(explainer.clone(), s, n);
            let map = squares.attribute(model, x.clone()).unwrap();
            let right = of(&|x, w| w * w * (x * x + s * s));
            check(name, &map.values, &right, &reported(&map));
            let variance: VarGrad<E> = around(explainer.clone(), s, n);
            let map = variance.attribute(model, x.clone()).unwrap();
            check(name, &map.values, &of(&|_, w| w * w * s * s), &reported(&map));
        }
        let ig = IntegratedGradients::new().with_steps(2);
        shares("Integrated Gradients", &ig, &model, &x, w, (s, n));
        shares("Input x Gradient", &InputTimesGradient::new(), &model, &x, w, (s, n));
        let zeros = Tensor::<2>::zeros([1, 2], device);
        let expected = ExpectedGradients::new(zeros).with_samples(2);
        shares("Expected Gradients", &expected, &model, &x, w, (s, n));
        shares("TIMING", &Timing::new().with_samples(2), &model, &x, w, (s, n));
        let inner: SmoothGrad<IntegratedGradients> = around(ig, 0.0, 1);
        shares("SmoothGrad of Integrated Gradients", &inner, &model, &x, w, (s, n));
    });
}

#[test]
fn noise_around_integrated_gradients_stays_in_its_range_and_keeps_the_baseline_of_the_row() {
    // Integrated Gradients of x² from the row's own baseline b is x² - b².
    let baseline = Baseline::tensor(column(&[0.25, 0.5], &device()));
    let (s, range, n) = (0.5, [0.0, 1.0], 2000);
    let ig = IntegratedGradients::new().with_steps(2).with_baseline(baseline);
    let explainer: SmoothGrad<IntegratedGradients> =
        around(ig, s, n).with_valid_range(ValidRange::new(range[0], range[1]));
    let x = column(&[0.1, 0.9], &device());
    let map = explainer.attribute_to(&square(), x, Target::Class(0)).unwrap();
    let right: Vec<f64> = [(0.1f32, 0.25), (0.9, 0.5)]
        .map(|(x, b)| {
            let x = f64::from(x);
            truncated_mean(x, s, range, |e| (x + e).powi(2)) - b * b
        })
        .into();
    check("E[(x + ε)²] - b²", &map.values, &right, &reported(&map));
}
