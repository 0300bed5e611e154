//! Samples that belong together: fewer of them for the same error, and standard errors that hold.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use saliency_core::{
    Attribution, Distribution, Draws, ExpectedGradients, Explainer, Model, NoiseScale, Parallelism,
    RevealIg, Rows, Schedule, SmoothGrad, SmoothGradSquared, Target, VarGrad, pure_function,
};
use saliency_testkit::{Intervals, Kind, device, square, values};

const DRAWS: [Draws; 3] = [Draws::Independent, Draws::Antithetic, Draws::Lattice];

fn column(values: &[f32]) -> Tensor<2> {
    Tensor::<1>::from_data(values, &device()).reshape([-1, 1])
}

fn kind(name: &str) -> Kind {
    *Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind")
}

fn errors(map: &Attribution<Tensor<2>>) -> Vec<f64> {
    let errors = values(map.standard_error.as_ref().expect("standard errors"));
    errors.into_iter().map(f64::from).collect()
}

#[test]
fn opposite_noise_cancels_as_far_as_the_map_is_linear_in_it() {
    for distribution in [Distribution::Gaussian, Distribution::Uniform] {
        let smooth = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.7));
        let smooth = smooth.with_distribution(distribution).with_draws(Draws::Antithetic);
        for samples in [4, 5, 50] {
            let map = smooth.clone().with_samples(samples);
            let map = map.attribute_to(&square(), column(&[-2.0, 3.0]), Target::Class(0)).unwrap();
            assert_eq!(map.evaluations, [samples; 2]);
            let error = errors(&map).into_iter().fold(0.0, f64::max);
            assert!(error < 1e-6, "{samples}: {error}");
            if samples % 2 == 0 {
                let off = values(&(map.values - column(&[-4.0, 6.0])));
                assert!(off.iter().all(|off| off.abs() < 1e-5), "{off:?}");
            }
        }
    }
}

#[test]
fn pairs_around_a_relu_have_their_closed_form() {
    // One of two opposite samples is above zero, or with probability |2 Φ(x/σ) - 1| both or none.
    let (samples, deviation) = (4000, 0.5);
    let x = [-0.6f32, -0.2, 0.3, 0.7];
    // Φ(x/σ).
    let active = [0.115_069_670_2f64, 0.344_578_258_4, 0.725_746_882_2, 0.919_243_340_8];
    let explainer = SmoothGrad::default()
        .with_samples(samples)
        .with_noise(NoiseScale::Absolute(deviation))
        .with_draws(Draws::Antithetic);
    let model = pure_function(relu::<2>);
    let map = explainer.attribute_to(&model, column(&x), Target::Class(0)).unwrap();
    for ((found, reported), active) in values(&map.values).iter().zip(errors(&map)).zip(active) {
        let alike = (2.0 * active - 1.0).abs();
        let error = (alike * (1.0 - alike) / 4.0 / (samples as f64 / 2.0)).sqrt();
        assert!((f64::from(*found) - active).abs() < 4.5 * error, "{found} {active} {error}");
        assert!((reported / error - 1.0).abs() < 0.1, "{reported} {error}");
    }
}

/// Explains sin(x₁ + x₂) + 0.1 x₁ for many seeds. Returns the root of the mean squared error, and of
/// the mean squared standard error.
fn errors_of_waves(explain: impl Fn(u64) -> Attribution<Tensor<2>>, right: &[f64]) -> [f64; 2] {
    let (mut squares, mut count) = ([0.0; 2], 0);
    for seed in 0..60 {
        let map = explain(seed);
        let found = values(&map.values).into_iter().zip(errors(&map)).zip(right);
        for ((found, error), right) in found {
            squares[0] += (f64::from(found) - right).powi(2);
            squares[1] += error.powi(2);
            count += 1;
        }
    }
    squares.map(|sum| (sum / f64::from(count)).sqrt())
}

#[test]
fn standard_errors_are_the_errors_of_repeated_answers() {
    let wave =
        || pure_function(|x: Tensor<2>| x.clone().sum_dim(1).sin() + x.narrow(1, 0, 1) * 0.1);
    let x = || Tensor::<2>::from_data([[0.7, 0.5]], &device());
    // The mean of cos(1.2 + z) over normal z with variance 2σ².
    let slope = 1.2f64.cos() * (-0.25f64).exp();
    let mut found = Vec::new();
    for draws in DRAWS {
        let of = |seed| {
            let smooth = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.5));
            let smooth = smooth.with_draws(draws).with_samples(200).with_seed(seed);
            smooth.attribute(&wave(), x()).unwrap()
        };
        let [right, reported] = errors_of_waves(of, &[slope + 0.1, slope]);
        println!("{draws:?}: {right:.2e}, reported {reported:.2e}");
        assert!((reported / right - 1.0).abs() < 0.3, "{draws:?}: {right} {reported}");
        found.push(right);
    }
    assert!(found[1] < 0.5 * found[0] && found[2] < 0.6 * found[1], "{found:?}");

    // From -0.2 and 0.8, along straight paths; the change of the sine is shared equally.
    let baselines = || Tensor::<2>::from_data([[-0.2, -0.2], [0.8, 0.8]], &device());
    let shares: Vec<f64> = [(0.7, 0.1), (0.5, 0.0)]
        .iter()
        .map(|(x, slope)| {
            let from = |start: f64| {
                (1.2f64.sin() - (2.0 * start).sin()) / (1.2 - 2.0 * start) * (x - start)
                    + slope * (x - start)
            };
            (from(-0.2) + from(0.8)) / 2.0
        })
        .collect();
    for samples in [20, 64] {
        let of = |seed| {
            let expected = ExpectedGradients::new(baselines()).with_samples(samples);
            expected.with_seed(seed).attribute(&wave(), x()).unwrap()
        };
        let [right, reported] = errors_of_waves(of, &shares);
        println!("Expected Gradients, {samples}: {right:.2e}, reported {reported:.2e}");
        assert!((reported / right - 1.0).abs() < 0.3, "{right} {reported}");
        // Independent draws err by about 0.37 / √n.
        assert!(right < 0.15 / (samples as f64).sqrt(), "{right}");
    }
}

#[test]
fn intervals_of_samples_that_belong_together_hold_the_right_values() {
    for name in ["ReLU 13-32-3", "tanh 13-32-3"] {
        let (mut lattice, mut expected) = (Intervals::default(), Intervals::default());
        for model in 0..8 {
            let questions = kind(name).questions(model);
            let right = questions.smooth_right(40_000);
            let explainer = questions.smooth_grad().with_draws(Draws::Lattice);
            lattice += questions.intervals(&explainer.with_samples(256), &right);
            let baselines = questions.baselines(20);
            let right = questions.expected_right(&baselines, 3000);
            let explainer = ExpectedGradients::new(baselines).with_samples(100);
            let (input, target) = (questions.input.clone(), questions.target.clone());
            let map = explainer.attribute_to(&questions.model(), input, target).unwrap();
            expected += questions.held(map, &right);
        }
        for (what, found) in [("lattice", lattice), ("Expected Gradients", expected)] {
            let share = 100.0 * found.held_in_all as f64 / found.all as f64;
            println!("{name}, {what}: {share:.1} % of {}", found.all);
            assert!((92.0..=98.0).contains(&share), "{name}, {what}: {found:?}");
        }
    }
}

/// Explainers of a model, whose samples belong together.
fn explainers<M: Model<Tensor<2>>>(_: &M) -> Vec<Box<dyn Explainer<M, Tensor<2>>>> {
    let smooth = |draws| SmoothGrad::default().with_draws(draws).with_seed(4);
    let start = Tensor::<2>::from_data([[0.1, -0.5, 0.2], [1.0, 0.4, -1.0]], &device());
    let expected = ExpectedGradients::new(start);
    vec![
        Box::new(smooth(Draws::Antithetic).with_samples(51)),
        Box::new(smooth(Draws::Lattice).with_samples(70)),
        Box::new(smooth(Draws::Lattice).with_tolerance(0.05)),
        Box::new(expected.clone().with_samples(33)),
        Box::new(expected.with_tolerance(0.02)),
        Box::new(RevealIg::new().with_samples(31)),
        Box::new(RevealIg::new().with_tolerance(0.05)),
    ]
}

/// A model in which every value is computed alone, so that no kernel depends on the rows beside.
fn alone() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| (relu(x.clone() * 3.0 - 0.4) + (x * 2.0).sin()).sum_dim(1))
}

#[test]
fn answers_depend_on_neither_workers_nor_chunks_nor_other_rows() {
    let x = Tensor::<2>::from_data(
        [[0.5, 2.0, -1.0], [0.3, -0.7, 1.5], [3.0, 0.0, 0.9], [-4.0, 0.1, 0.2]],
        &device(),
    );
    let schedules = [(1, 1), (3, 4), (16, 7)].map(|(workers, chunk)| {
        Schedule::new().with_parallelism(Parallelism::Workers(workers)).with_chunk(chunk)
    });
    let smooth = |draws| SmoothGrad::default().with_draws(draws).with_samples(70);
    for draws in DRAWS {
        let of = |schedule: &Schedule| {
            let explainer = smooth(draws).with_schedule(schedule.clone());
            let map = explainer.attribute(&alone(), x.clone()).unwrap();
            (values(&map.values), errors(&map))
        };
        let [first, others @ ..] = schedules.each_ref().map(of);
        others.iter().for_each(|other| assert_eq!(*other, first, "{draws:?}"));
    }
    let model = alone();
    for (at, explainer) in explainers(&model).iter().enumerate() {
        let all = explainer.attribute(&model, x.clone()).unwrap();
        for row in 0..4 {
            let rows = Rows::all(4).select(&[row]);
            let one = x.clone().narrow(0, row, 1);
            let one = explainer.attribute_rows(&model, one, Target::Predicted, &rows).unwrap();
            assert_eq!(one.evaluations, all.evaluations[row..=row], "{at}");
            let places = 3 * row..3 * row + 3;
            assert_eq!(values(&one.values), values(&all.values)[places.clone()], "{at}");
            assert_eq!(errors(&one), errors(&all)[places], "{at}");
        }
    }
}

#[test]
fn wide_inputs_and_few_samples_go_without_a_lattice() {
    let smooth = |draws| SmoothGrad::default().with_draws(draws);
    let explain = |smooth: SmoothGrad, width: usize| {
        let x = Tensor::<2>::ones([1, width], &device()) * 0.7;
        let smooth = smooth.with_noise(NoiseScale::Absolute(0.5));
        values(&smooth.attribute(&alone(), x).unwrap().values)
    };
    let all = |samples: usize, width: usize| {
        DRAWS.map(|draws| explain(smooth(draws).with_samples(samples), width))
    };
    // More than 256 values.
    let [independent, pairs, lattice] = all(60, 257);
    assert_ne!(independent, pairs);
    assert_eq!(pairs, lattice);
    let [independent, pairs, lattice] = all(60, 256);
    assert!(independent != pairs && pairs != lattice);
    // Fewer than two pairs.
    let [independent, pairs, lattice] = all(3, 2);
    assert_eq!(independent, pairs);
    assert_eq!(independent, lattice);
}

#[test]
fn samples_of_squares_and_variances_are_independent() {
    let saved = serde_json::to_string(&SmoothGrad::default().with_draws(Draws::Antithetic));
    let saved = saved.unwrap();
    let restored: SmoothGrad = serde_json::from_str(&saved).unwrap();
    assert_eq!(serde_json::to_string(&restored).unwrap(), saved);
    let squared: SmoothGradSquared = serde_json::from_str(&saved).unwrap();
    let variance: VarGrad = serde_json::from_str(&saved).unwrap();
    let said = "expected draws Independent for squares and variances, found Antithetic";
    assert_eq!(squared.check().unwrap_err().to_string(), said);
    assert_eq!(variance.check().unwrap_err().to_string(), said);
    assert!(SmoothGradSquared::default().check().is_ok() && VarGrad::default().check().is_ok());
}
