//! TIMING: closed forms, its relation to Integrated Gradients, and what it refuses.

use burn::tensor::{Device, Int, Tensor, TensorData};
use saliency_backends::Hardware;
use saliency_core::{
    Baseline, Error, Explainer, Fixed, IntegratedGradients, Model, Parallelism, Schedule, Stage,
    Target, Timing, Warning, pure_function,
};
use saliency_testkit::{
    Counting, assert_close, assert_error, device, linear, on_every_device, square, values,
};

fn series<const N: usize>(values: [f32; N], device: &Device) -> Tensor<2> {
    Tensor::from_data([values], device)
}

fn doubles(tensor: &Tensor<2>) -> Vec<f64> {
    values(tensor).into_iter().map(f64::from).collect()
}

/// Panics unless all values are within 4.5 standard errors of the right ones.
fn check(what: &str, found: &[f64], right: &[f64], errors: &[f64]) {
    for ((found, right), error) in found.iter().zip(right).zip(errors) {
        let off = (found - right) / (error + 1e-5 * right.abs().max(1.0));
        assert!(off.abs() < 4.5, "{what}: {found} instead of {right}, {off:.1} standard errors");
    }
}

/// Returns the model f = (Σ x)².
fn square_of_sum() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| x.sum_dim(1).powi_scalar(2))
}

/// The exact answer for `square_of_sum` and one segment in a single series.
struct Exact {
    /// The values of the map.
    map: Vec<f64>,
    /// The probability that each value is free.
    free: Vec<f64>,
    /// The mean score of the series in which all except the segment is zero.
    held_score: f64,
}

impl Exact {
    /// Goes through every segment. If the steps outside of it sum to F and those inside to H, the
    /// gradient on the path is 2 (H + α F), and its mean 2 H + F.
    fn new(x: &[f64], [least, most]: [usize; 2]) -> Self {
        let steps = x.len();
        let (mut sums, mut free, mut held_score) = (vec![0.0; steps], vec![0.0; steps], 0.0);
        let lengths = (most - least + 1) as f64;
        for length in least..=most {
            let starts = steps - length + 1;
            for start in 0..starts {
                let weight = 1.0 / (lengths * starts as f64);
                let is_held = |step: usize| (start..start + length).contains(&step);
                let held: f64 = (0..steps).filter(|step| is_held(*step)).map(|step| x[step]).sum();
                let moved = x.iter().sum::<f64>() - held;
                held_score += weight * held * held;
                for step in (0..steps).filter(|step| !is_held(*step)) {
                    sums[step] += weight * x[step] * (2.0 * held + moved);
                    free[step] += weight;
                }
            }
        }
        let map = sums.iter().zip(&free).map(|(sum, free)| sum / free).collect();
        Self { map, free, held_score }
    }
}

#[test]
fn a_linear_model_is_explained_exactly_whatever_is_held() {
    on_every_device(|compute| {
        let device = compute.device();
        let model = linear(&[2.0, -1.0, 0.5, 3.0, 1.0], 4.0, device);
        let x = Tensor::<2>::from_data(
            [[1.0, 2.0, -3.0, 0.0, 1.0], [0.5, 0.0, 8.0, -1.0, 2.0]],
            device,
        );
        let w = series([2.0, -1.0, 0.5, 3.0, 1.0], device).repeat_dim(0, 2);
        let baseline = Baseline::constant(0.25);
        let right = (x.clone() - 0.25) * w;
        for (segments, samples) in [(0, 1), (1, 1), (1, 7), (1, 50)] {
            let explainer = Timing::new().with_segments(segments).with_samples(samples);
            let explainer = explainer.with_baseline(baseline.clone());
            let map = explainer.attribute(&model, x.clone()).unwrap();
            assert_close("w (x - x')", &map.values, &right, 1e-4);
            assert_eq!(map.evaluations, [samples + 8; 2]);
            assert!(map.completeness_gap.is_none());
            for error in map.standard_error.iter().flat_map(values) {
                assert!(error < 1e-4, "{error}");
            }
        }
    });
}

#[test]
fn single_values_that_add_up_have_their_closed_form_and_standard_error() {
    on_every_device(|compute| {
        // Σ x²: a free value has 2 α x² with variance x⁴/3, beside x² where it is held. One segment
        // of 1 of 4 steps leaves 3/4 free.
        let (x, n) = ([1.0f32, -2.0, 0.0, 3.0], 3000);
        let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
        let explainer = Timing::new().with_segments(1).with_segment_lengths(1, 1).with_samples(n);
        let map = explainer.attribute(&model, series(x, compute.device())).unwrap();
        let right: Vec<f64> = x.iter().map(|x| f64::from(*x).powi(2)).collect();
        let errors: Vec<f64> =
            right.iter().map(|square| square / (3.0 * 0.75 * n as f64).sqrt()).collect();
        check("x²", &doubles(&map.values), &right, &errors);
        let found = doubles(&map.standard_error.unwrap());
        for (found, right) in found.into_iter().zip(&errors) {
            assert!((found - right).abs() <= 0.1 * right, "standard error {found}, {right}");
        }
        assert_eq!(map.baseline_scores, Some(vec![0.0]));
        assert_eq!(map.scores, [14.0]);
    });
}

#[test]
fn every_segment_is_weighed_as_its_probability_says() {
    on_every_device(|compute| {
        let x = [1.0f32, -2.0, 0.5, 3.0, 1.5];
        let x_of: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        let lengths = [1, 3];
        let exact = Exact::new(&x_of, lengths);
        let explainer = Timing::new()
            .with_segments(1)
            .with_segment_lengths(lengths[0], lengths[1])
            .with_samples(4000);
        let map = explainer.attribute(&square_of_sum(), series(x, compute.device())).unwrap();
        let errors = doubles(&map.standard_error.unwrap());
        check("every segment", &doubles(&map.values), &exact.map, &errors);
        // Σ P·A is the score less the mean score of what is held. Σ A is not the change of score.
        let change = 16.0 - exact.held_score;
        let weighted: f64 = exact.map.iter().zip(&exact.free).map(|(a, p)| a * p).sum();
        assert!((weighted - change).abs() < 1e-9, "{weighted}, {change}");
        let sum: f64 = exact.map.iter().sum();
        assert!((sum - 16.0).abs() > 1.0, "{sum}");
    });
}

#[test]
fn of_two_values_that_only_count_together_each_gets_all_beside_the_other() {
    on_every_device(|compute| {
        let product = pure_function(|x: Tensor<3>| x.prod_dim(1).flatten::<2>(1, 2));
        // Two features of one step: one of them is held.
        let x = Tensor::<3>::from_data([[[3.0], [2.0]]], compute.device());
        let explainer = Timing::new().with_segments(1).with_samples(2000);
        let map = explainer.attribute(&product, x).unwrap();
        let found: Vec<f64> = values(&map.values).into_iter().map(f64::from).collect();
        // A sample is 9 or 3: half of f stands in, and the other half is doubled or left out.
        check("x₁ x₂", &found, &[6.0, 6.0], &[3.0 / 2000f64.sqrt(); 2]);
    });
}

#[test]
fn without_segments_it_is_integrated_gradients() {
    on_every_device(|compute| {
        let x = series([1.0, -2.0, 0.5, 3.0], compute.device());
        let cube = pure_function(|x: Tensor<2>| x.sum_dim(1).powi_scalar(3));
        let right = IntegratedGradients::new().attribute(&cube, x.clone()).unwrap();
        let none = Timing::new().with_segments(0).with_samples(2000);
        let map = none.attribute(&cube, x.clone()).unwrap();
        let errors = doubles(&map.standard_error.unwrap());
        check("no segments", &doubles(&map.values), &doubles(&right.values), &errors);
        // A series of one step has nothing to hold, and by default holds nothing.
        let one = x.narrow(1, 3, 1);
        let map = Timing::new().with_samples(2000).attribute(&cube, one).unwrap();
        let error = doubles(&map.standard_error.unwrap());
        check("one step", &doubles(&map.values), &[27.0], &error);
    });
}

#[test]
fn time_is_the_axis_that_is_named() {
    on_every_device(|compute| {
        let data: Vec<f32> = (0..24u8).map(|at| f32::from(at).sin()).collect();
        let x = Tensor::<3>::from_data(TensorData::new(data, [2, 3, 4]), compute.device());
        // A model of [rows, channels, time], and the same of [rows, time, channels].
        let weigh = |x: Tensor<3>| x.clone() * x.narrow(2, 0, 1);
        let last = pure_function(move |x: Tensor<3>| {
            weigh(x).flatten::<2>(1, 2).sum_dim(1).powi_scalar(2)
        });
        let middle = pure_function(move |x: Tensor<3>| {
            weigh(x.swap_dims(1, 2)).flatten::<2>(1, 2).sum_dim(1).powi_scalar(2)
        });
        let channels = Timing::new().attribute(&last, x.clone()).unwrap();
        let steps = Timing::new().with_time_axis(1).attribute(&middle, x.swap_dims(1, 2)).unwrap();
        assert_close("swapped", &steps.values.swap_dims(1, 2), &channels.values, 1e-5);
    });
}

#[test]
fn options_that_cannot_be_are_refused() {
    let x = series([1.0, 2.0, 3.0, 4.0], &device());
    let error = |explainer: Timing| {
        explainer.attribute(&square_of_sum(), x.clone()).unwrap_err().to_string()
    };
    let said = error(Timing::new().with_time_axis(0));
    assert_eq!(said, "expected time axis at least 1, because axis 0 is rows, found 0");
    let said = error(Timing::new().with_time_axis(2));
    let expected = "expected time axis from 1 to 1, an axis of the input [1, 4] (tensor 0; a tensor \
                    that is no series can be `Fixed`), found 2";
    assert_eq!(said, expected);
    for [least, most] in [[0, 2], [3, 2]] {
        let said = error(Timing::new().with_segment_lengths(least, most));
        let expected = "expected length of segments at least 1 and ascending, found";
        assert_eq!(said, format!("{expected} {least} to {most}"));
    }
    let said = error(Timing::new().with_segment_lengths(1, 5));
    let expected = "expected length of segments at most 4, the steps of the series, found 5";
    assert_eq!(said, expected);
    let said = error(Timing::new().with_segments(1).with_segment_lengths(4, 4));
    let expected = "expected segments that leave every value free in 5 % of the samples or more: \
                    fewer or shorter ones, found 1 of 4 to 4 steps, which leave step 0 free in 0.0 %";
    assert_eq!(said, expected);
    assert!(error(Timing::new().with_segments(20)).contains("found 20 of 1 to 2 steps"));
    assert_eq!(error(Timing::new().with_samples(0)), "expected samples from 1 to 1000000, found 0");
    let wrong = Baseline::tensor(Tensor::<2>::zeros([1, 3], &device()));
    let error = Timing::new().with_baseline(wrong).attribute(&square_of_sum(), x.clone());
    assert_error!(error.unwrap_err(), Error::BaselineShape { tensor: 0, found: vec![1, 3] });
    let flat = pure_function(|x: Tensor<1>| x.reshape([-1, 1]));
    let error = Timing::new().attribute(&flat, x.flatten::<1>(0, 1)).unwrap_err().to_string();
    assert!(error.contains("expected time axis an axis besides the rows"), "{error}");
}

#[test]
fn a_baseline_that_is_the_input_and_few_samples_have_a_warning() {
    let x = Tensor::<2>::from_data([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], &device());
    let map = Timing::new().attribute(&square_of_sum(), x.clone()).unwrap();
    assert_eq!(map.warnings, [Warning::baseline_is_input(0)]);
    assert_eq!(values(&map.values)[..3], [0.0; 3]);
    let map =
        Timing::new().with_samples(12).attribute(&square_of_sum(), x.narrow(0, 1, 1)).unwrap();
    assert_eq!(map.warnings, [Warning::few_samples_decide(0)]);
}

#[test]
fn fixed_tensors_are_never_moved() {
    // The last step is padding.
    let model = pure_function(|(x, Fixed(mask)): (Tensor<2>, Fixed<Tensor<2, Int>>)| {
        (x.clone() * x * mask.float()).sum_dim(1)
    });
    let mask = Tensor::<2, Int>::from_data([[1, 1, 0]], &device());
    let x = series([1.0, 2.0, 3.0], &device());
    let map = Timing::new().with_samples(500).attribute(&model, (x, Fixed(mask))).unwrap();
    let errors = doubles(&map.standard_error.unwrap().0);
    check("x² mask", &doubles(&map.values.0), &[1.0, 4.0, 0.0], &errors);
}

#[test]
fn a_score_that_is_not_finite_is_named_by_its_stage() {
    let log = pure_function(|x: Tensor<2>| x.log().sum_dim(1));
    let error = Timing::new().attribute(&log, series([1.0, 2.0], &device())).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::BaselineScore, row: 0 });
    let error = Timing::new().attribute(&log, series([1.0, -2.0], &device())).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Score, row: 0 });
}

#[test]
fn gradients_are_counted_and_sampling_stops_by_its_tolerance() {
    let counting = Counting::default();
    let x = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &device());
    let schedule = Schedule::new().with_chunk(1).without_row_check();
    let explainer = Timing::new().with_samples(10).with_schedule(schedule);
    let map = explainer.attribute_to(&counting.square(), x.clone(), Target::Class(0)).unwrap();
    assert_eq!(map.evaluations, [18, 18]);
    // Two rows: 18 gradients, and the scores of input and baseline.
    assert_eq!(counting.take(), (40, 40));

    let explainer = Timing::new().with_tolerance(0.05).with_max_samples(10_000);
    let map = explainer.attribute_to(&square(), x.clone(), Target::Class(0)).unwrap();
    assert_eq!(map.converged, Some(vec![true; 2]));
    assert!(map.error_estimate.unwrap().iter().all(|error| *error <= 0.05));
    assert!(map.evaluations.iter().all(|count| (58..10_000).contains(count)));
    let explainer = Timing::new().with_tolerance(0.001).with_max_samples(60);
    let map = explainer.attribute_to(&square(), x, Target::Class(0)).unwrap();
    assert_eq!((map.converged, map.evaluations), (Some(vec![false; 2]), vec![68; 2]));
}

#[test]
fn bits_are_the_same_for_any_workers_and_a_row_does_not_depend_on_others() {
    on_every_device(|compute| {
        let rows = [[0.1, 0.2, -1.0, 2.0], [0.7, 0.3, 0.0, 1.0], [0.5, 0.9, 3.0, 1.0]];
        let x = Tensor::<2>::from_data(rows, compute.device());
        let workers: &[usize] = if compute.hardware() == Hardware::Cpu { &[1, 2, 7] } else { &[1] };
        let explain = |workers, chunk, x: &Tensor<2>| {
            let parallelism = Parallelism::Workers(workers);
            let schedule = Schedule::new().with_parallelism(parallelism).with_chunk(chunk);
            let explainer = Timing::new().with_samples(20).with_schedule(schedule);
            let map = explainer.attribute(&square_of_sum(), x.clone()).unwrap();
            (values(&map.values), values(&map.standard_error.unwrap()))
        };
        for chunk in [1, 3, 1000] {
            let one = explain(1, chunk, &x);
            for &workers in workers {
                assert_eq!(
                    explain(workers, chunk, &x),
                    one,
                    "{workers} workers, chunks of {chunk}"
                );
            }
            let alone = explain(1, chunk, &x.clone().narrow(0, 0, 1));
            assert_eq!(alone.0, one.0[..4], "chunks of {chunk}");
        }
    });
}

#[test]
fn standard_errors_hold_the_right_value_in_about_95_of_100_cases() {
    let x = [1.0f32, -2.0, 0.5, 3.0, 1.5, 0.25];
    let x_of: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    let exact = Exact::new(&x_of, [1, 3]);
    // Rows with the same values have random numbers of their own.
    let rows = 1000;
    let input = series(x, &device()).repeat_dim(0, rows);
    let map = Timing::new()
        .with_segments(1)
        .with_segment_lengths(1, 3)
        .attribute(&square_of_sum(), input)
        .unwrap();
    let (found, errors) = (doubles(&map.values), doubles(&map.standard_error.unwrap()));
    let held = found
        .iter()
        .zip(&errors)
        .zip(exact.map.iter().cycle())
        .filter(|((found, error), right)| (*found - *right).abs() <= 1.96 * **error)
        .count();
    let share = held as f64 / found.len() as f64;
    println!("{held} of {} intervals hold the right value: {:.1} %", found.len(), 100.0 * share);
    assert!((0.92..=0.98).contains(&share), "{share}");
}
