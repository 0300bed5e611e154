//! How many samples do opposite noise, lattices and strata save, and do their standard errors hold?
//!
//! ```text
//! cargo bench --profile dev --bench draws              # some minutes on two cores
//! cargo bench --profile dev --bench draws -- noise     # SmoothGrad of tables
//! cargo bench --profile dev --bench draws -- paths     # Expected Gradients of tables
//! cargo bench --profile dev --bench draws -- reveal    # Reveal-IG of tables
//! cargo bench --profile dev --bench draws -- photo     # SmoothGrad of a photo
//! ```
//!
//! The first number of each cell is the share of samples that reach the true error of independent
//! draws: the squared ratio of the errors at the same number of samples, because the error of
//! independent draws falls with the square root of their number. In brackets is how many of the
//! intervals `value ± 1.96 standard errors` hold the right value.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use saliency::photo::Preparation;
use saliency::{
    Attribution, Draws, ExpectedGradients, Explainer, Model, NoiseScale, RevealIg, SmoothGrad,
};
use saliency_models::{EfficientNetLite0, photos};
use saliency_testkit::{Questions, relative_l1, values};

/// Random networks of each kind, and answers about each row.
const MODELS: u64 = 3;
const SEEDS: u64 = 6;

/// The numbers of features of the tables.
const FEATURES: [usize; 4] = [4, 13, 30, 100];

/// A kind of networks.
struct Network {
    name: &'static str,
    hidden: &'static [usize],
    bend: fn(Tensor<2>) -> Tensor<2>,
}

const NETWORKS: [Network; 3] = [
    Network { name: "ReLU, 32 units", hidden: &[32], bend: relu },
    Network { name: "ReLU, 32 and 32 units", hidden: &[32, 32], bend: relu },
    Network { name: "tanh, 32 units", hidden: &[32], bend: Tensor::tanh },
];

impl Network {
    fn questions(&self, features: usize, number: u64) -> Questions {
        let sizes = [&[features][..], self.hidden, &[3]].concat();
        Questions::of_network(&sizes, self.bend, number)
    }
}

/// The errors of answers, and how often their intervals hold.
#[derive(Default)]
struct Tally {
    error: f64,
    answers: f64,
    held: usize,
    all: usize,
}

impl Tally {
    /// Adds a map of all rows.
    fn add(&mut self, questions: &Questions, map: Attribution<Tensor<2>>, right: &[f64]) {
        let width = questions.input.dims()[1];
        let found = values(&map.values);
        for (found, right) in found.chunks(width).zip(right.chunks(width)) {
            self.error += relative_l1(found, right);
            self.answers += 1.0;
        }
        let intervals = questions.held(map, right);
        (self.held, self.all) = (self.held + intervals.held_in_all, self.all + intervals.all);
    }

    fn mean(&self) -> f64 {
        self.error / self.answers
    }

    /// Returns the share of samples for the same error, and the share of intervals that hold.
    fn cell(&self, plain: &Self) -> String {
        let share = (self.mean() / plain.mean()).powi(2);
        format!("{share:.2} ({:.0} %)", 100.0 * self.held as f64 / self.all as f64)
    }
}

fn explain<M: Model<Tensor<2>>>(
    questions: &Questions,
    model: &M,
    explainer: &impl Explainer<M, Tensor<2>>,
) -> Attribution<Tensor<2>> {
    let (input, target) = (questions.input.clone(), questions.target.clone());
    explainer.attribute_to(model, input, target).expect("a map")
}

fn noise() {
    const SAMPLES: [usize; 3] = [50, 200, 800];
    println!("| Network | Features | Samples | Error, independent | Antithetic | Lattice |");
    println!("|---|---|---|---|---|---|");
    for network in &NETWORKS {
        for features in FEATURES {
            let mut tallies: [[Tally; 3]; 3] = Default::default();
            for model in 0..MODELS {
                let questions = network.questions(features, model);
                let right = smooth(Draws::Lattice).with_samples(100_000).with_seed(1 << 20);
                let right = values(&explain(&questions, &questions.model(), &right).values);
                let right: Vec<f64> = right.into_iter().map(f64::from).collect();
                for (tallies, samples) in tallies.iter_mut().zip(SAMPLES) {
                    let all = [Draws::Independent, Draws::Antithetic, Draws::Lattice];
                    for (tally, draws) in tallies.iter_mut().zip(all) {
                        for seed in 0..SEEDS {
                            let explainer = smooth(draws).with_samples(samples).with_seed(seed);
                            tally.add(
                                &questions,
                                explain(&questions, &questions.model(), &explainer),
                                &right,
                            );
                        }
                    }
                }
            }
            for ([plain, pairs, lattice], samples) in tallies.iter().zip(SAMPLES) {
                println!(
                    "| {} | {features} | {samples} | {:.1} % | {} | {} |",
                    network.name,
                    100.0 * plain.mean(),
                    pairs.cell(plain),
                    lattice.cell(plain)
                );
            }
        }
    }
}

fn smooth(draws: Draws) -> SmoothGrad {
    SmoothGrad::default().with_noise(NoiseScale::Absolute(0.5)).with_draws(draws)
}

/// Explains by independent draws: answers of two samples are drawn independently.
fn independent(
    questions: &Questions,
    explainer: &ExpectedGradients,
    samples: usize,
    seed: u64,
) -> Attribution<Tensor<2>> {
    let seeds = (0..samples as u64 / 2).map(|it| 1000 * (seed + 1) + it);
    let few = |seed| {
        explain(questions, &questions.model(), &explainer.clone().with_samples(2).with_seed(seed))
    };
    let mut maps: Vec<Attribution<Tensor<2>>> = seeds.map(few).collect();
    let count = maps.len() as f64;
    let sum = |of: &dyn Fn(&Attribution<Tensor<2>>) -> Tensor<2>| {
        maps.iter().map(of).reduce(|a, b| a + b).expect("a map")
    };
    let squares = sum(&|map| map.standard_error.clone().expect("errors").powi_scalar(2));
    let mean = sum(&|map| map.values.clone()).div_scalar(count);
    let errors = squares.sqrt().div_scalar(count);
    let mut map = maps.swap_remove(0);
    (map.values, map.standard_error) = (mean, Some(errors));
    map
}

fn paths() {
    const SAMPLES: [usize; 3] = [50, 200, 800];
    println!("| Network | Features | Baselines | Samples | Error, independent | Strata |");
    println!("|---|---|---|---|---|---|");
    for network in &NETWORKS {
        for features in FEATURES {
            for count in [1, 20, 100] {
                let mut tallies: [[Tally; 2]; 3] = Default::default();
                for model in 0..2 {
                    let questions = network.questions(features, model);
                    let baselines = questions.baselines(count);
                    let right = questions.expected_right(&baselines, 1000);
                    let expected = ExpectedGradients::new(baselines);
                    for ([plain, strata], samples) in tallies.iter_mut().zip(SAMPLES) {
                        for seed in 0..SEEDS {
                            let map = independent(&questions, &expected, samples, seed);
                            plain.add(&questions, map, &right);
                            let strata_of = expected.clone().with_samples(samples).with_seed(seed);
                            strata.add(
                                &questions,
                                explain(&questions, &questions.model(), &strata_of),
                                &right,
                            );
                        }
                    }
                }
                for ([plain, strata], samples) in tallies.iter().zip(SAMPLES) {
                    println!(
                        "| {} | {features} | {count} | {samples} | {:.1} % | {} |",
                        network.name,
                        100.0 * plain.mean(),
                        strata.cell(plain)
                    );
                }
            }
        }
    }
}

fn reveal() {
    println!("| Network | Features | Samples | Error | Intervals that hold |");
    println!("|---|---|---|---|---|");
    for network in &NETWORKS {
        for features in FEATURES {
            for samples in [50, 200] {
                let mut tally = Tally::default();
                for model in 0..MODELS {
                    let questions = network.questions(features, model);
                    let reveal = || RevealIg::new().with_noise(NoiseScale::Absolute(0.5));
                    let right = reveal().with_samples(10_000).with_seed(1 << 20);
                    let right = values(&explain(&questions, &questions.model(), &right).values);
                    let right: Vec<f64> = right.into_iter().map(f64::from).collect();
                    for seed in 0..2 {
                        let explainer = reveal().with_samples(samples).with_seed(seed);
                        tally.add(
                            &questions,
                            explain(&questions, &questions.model(), &explainer),
                            &right,
                        );
                    }
                }
                let (error, held) = (100.0 * tally.mean(), 100.0 * tally.held as f64);
                let held = held / tally.all as f64;
                println!(
                    "| {} | {features} | {samples} | {error:.2} % | {held:.0} % |",
                    network.name
                );
            }
        }
    }
}

/// Compares the squared standard errors of opposite and of independent noise, whose ratio is the
/// share of samples for the same error.
fn photo() {
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let names = ["coffee", "cat"];
    for (name, photo) in names.into_iter().zip([photos::coffee(), photos::chelsea()]) {
        let input = Preparation::imagenet().tensor(&photo, &device);
        for deviation in [0.15, 0.05] {
            let squares = [Draws::Independent, Draws::Antithetic].map(|draws| {
                let smooth = SmoothGrad::default().with_noise(NoiseScale::OfRange(deviation));
                let smooth = smooth.with_draws(draws).with_samples(160);
                let map = smooth.attribute(&net, input.clone()).expect("a map");
                let errors = values(&map.standard_error.expect("standard errors"));
                errors.into_iter().map(|error| f64::from(error).powi(2)).sum::<f64>()
            });
            let share = squares[1] / squares[0];
            println!("{name}, noise of {deviation} of the range: {share:.2}");
        }
    }
}

fn main() {
    let part = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if wanted("noise") {
        noise();
    }
    if wanted("paths") {
        paths();
    }
    if wanted("reveal") {
        reveal();
    }
    if wanted("photo") {
        photo();
    }
}
