//! Questions about random models of many kinds, which put error bars to the test.

use std::sync::Arc;

use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{DType, Device, Tensor};
use saliency_core::kit::{Key, Stream};

use saliency_core::{
    Attribution, Baseline, Counted, Explainer, IntegratedGradients, Model, NoiseScale, Rows, Rule,
    Score, Share, SmoothGrad, Target, Warning, pure_function,
};

use crate::{relative_l1, values};

/// A kind of models.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// A short description of the models.
    pub name: &'static str,
    make: fn(&mut Numbers) -> Questions,
}

/// Questions about one random model: one question for each row of the input. The baseline is zero.
pub struct Questions {
    body: Arc<Body>,
    /// The input, in single precision.
    pub input: Tensor<2>,
    /// The score that is explained.
    pub target: Target,
    /// The right values, if there is a closed form.
    exact: Option<Vec<f64>>,
    /// Whether the gradient grows without bound toward the baseline.
    steep: bool,
}

type Body = dyn Fn(Tensor<2>) -> Tensor<2> + Send + Sync;

/// The errors of the maps for one model, row by row: relative L1 errors, or the errors of shares.
#[derive(Clone, Debug)]
pub struct Errors {
    /// The estimated errors.
    pub estimated: Vec<f64>,
    /// The true errors.
    pub right: Vec<f64>,
    /// The gradients that each map took.
    pub gradients: Vec<usize>,
    /// Whether each map met its tolerance, if there was one.
    pub converged: Option<Vec<bool>>,
}

/// How often intervals of 95 % hold the right values, in rows without a warning and in all rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Intervals {
    /// The number of values whose interval holds the right value, in rows without a warning.
    pub held: usize,
    /// The number of values in rows without a warning.
    pub unwarned: usize,
    /// The number of values whose interval holds the right value, in all rows.
    pub held_in_all: usize,
    /// The number of all values.
    pub all: usize,
    /// The number of samples that were drawn for all rows.
    pub samples: usize,
}

impl std::ops::AddAssign for Intervals {
    fn add_assign(&mut self, other: Self) {
        self.held += other.held;
        self.unwarned += other.unwarned;
        self.held_in_all += other.held_in_all;
        self.all += other.all;
        self.samples += other.samples;
    }
}

/// The number of questions about each model.
const ROWS: usize = 10;

/// The number of points of a reference map.
const REFERENCE: usize = 4000;

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 24] = [
        Self { name: "ReLU 1-16-3", make: |it| it.network(&[1, 16, 3], relu, 1.0) },
        Self { name: "ReLU 2-16-3", make: |it| it.network(&[2, 16, 3], relu, 1.0) },
        Self { name: "ReLU 4-4-2", make: |it| it.network(&[4, 4, 2], relu, 1.0) },
        Self { name: "ReLU 4-16-3", make: |it| it.network(&[4, 16, 3], relu, 1.0) },
        Self { name: "ReLU 13-32-3", make: |it| it.network(&[13, 32, 3], relu, 1.0) },
        Self { name: "ReLU 13-32-32-32-3", make: |it| it.network(&[13, 32, 32, 32, 3], relu, 1.0) },
        Self { name: "ReLU 200-64-3", make: |it| it.network(&[200, 64, 3], relu, 1.0) },
        Self { name: "ReLU 13-16-16-2, difference of logits", make: Numbers::difference },
        Self { name: "max-pooling of 8 x 4 units", make: Numbers::max_pooling },
        Self {
            name: "ReLU 13-32-32-3, probability",
            make: |it| it.network(&[13, 32, 32, 3], relu, 1.0).scored(Score::Probability),
        },
        Self {
            name: "ReLU 13-32-32-3, steeper, probability",
            make: |it| it.network(&[13, 32, 32, 3], relu, 1.6).scored(Score::Probability),
        },
        Self {
            name: "ReLU 13-32-32-3, log-probability",
            make: |it| it.network(&[13, 32, 32, 3], relu, 1.0).scored(Score::LogProbability),
        },
        Self { name: "tanh 1-8-1", make: |it| it.network(&[1, 8, 1], Tensor::tanh, 1.0) },
        Self { name: "tanh 13-32-3", make: |it| it.network(&[13, 32, 3], Tensor::tanh, 1.0) },
        Self {
            name: "tanh 13-32-32-3",
            make: |it| it.network(&[13, 32, 32, 3], Tensor::tanh, 1.0),
        },
        Self {
            name: "tanh 13-32-3, saturated",
            make: |it| it.network(&[13, 32, 3], Tensor::tanh, 10.0),
        },
        Self { name: "sum of 200 sines", make: Numbers::sines },
        Self { name: "8 gates of sums, k = 10, mixed signs", make: Numbers::gates_of_sums },
        Self { name: "6 gates, k = 20 to 500, mixed signs", make: Numbers::gates },
        Self { name: "one gate minus another, k = 30 to 3,000", make: Numbers::gate_minus_gate },
        Self { name: "6 ramps of width 0.02, mixed signs", make: Numbers::ramps },
        Self { name: "sum of w √x, mixed signs, from 0", make: Numbers::roots },
        Self {
            name: "sum of w log(x + 1e-3), mixed signs, from 0",
            make: |it| it.logarithms(1e-3),
        },
        Self {
            name: "sum of w log(x + 1e-6), mixed signs, from 0",
            make: |it| it.logarithms(1e-6),
        },
    ];

    /// Makes the questions about the model with the given number.
    pub fn questions(&self, number: u64) -> Questions {
        let seed =
            self.name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        (self.make)(&mut Numbers { key: Key { seed, row: number, sample: 0 } })
    }
}

impl Questions {
    fn new(
        body: impl Fn(Tensor<2>) -> Tensor<2> + Send + Sync + 'static,
        input: Tensor<2>,
    ) -> Self {
        Self { body: Arc::new(body), input, target: Target::Class(0), exact: None, steep: false }
    }

    /// Makes questions about a random network of linear layers with the given numbers of units, and
    /// with `bend` between them. The number chooses the weights and the input.
    pub fn of_network(sizes: &[usize], bend: fn(Tensor<2>) -> Tensor<2>, number: u64) -> Self {
        let seed = sizes.iter().fold(5, |seed: u64, size| seed.wrapping_mul(31) + *size as u64);
        let key = Key { seed, row: number, sample: 0 };
        Numbers { key }.network(sizes, bend, 1.0)
    }

    fn scored(self, score: Score) -> Self {
        Self { target: self.target.with_score(score), ..self }
    }

    /// Returns the model. It computes with the precision of its input.
    pub fn model(&self) -> impl Model<Tensor<2>> + use<> {
        let body = Arc::clone(&self.body);
        pure_function(move |x| body(x))
    }

    /// Returns the function that the model computes, in the precision of its input.
    pub fn body(&self) -> impl Fn(Tensor<2>) -> Tensor<2> + Clone + Send + Sync + use<> {
        let body = Arc::clone(&self.body);
        move |x| body(x)
    }

    /// Returns the number of the model's outputs.
    pub fn outputs(&self) -> usize {
        (self.body)(self.input.clone()).dims()[1]
    }

    /// Returns whether the gradient grows without bound toward the baseline.
    pub fn is_steep(&self) -> bool {
        self.steep
    }

    /// Returns the right values.
    pub fn right(&self) -> Vec<f64> {
        self.exact.clone().unwrap_or_else(|| {
            let reference =
                IntegratedGradients::new().with_rule(Rule::Midpoint).with_steps(REFERENCE);
            let double = self.input.clone().cast(DType::F64);
            let map = reference.attribute_to(&self.model(), double, self.target.clone());
            map.expect("a map").values.into_data().iter().collect()
        })
    }

    /// Explains all rows, and compares the maps with the right values.
    pub fn errors(&self, explainer: &IntegratedGradients, right: &[f64]) -> Errors {
        let (input, target) = (self.input.clone(), self.target.clone());
        let explainer = explainer.clone().with_baseline(Baseline::zeros());
        let map = explainer.attribute_to(&self.model(), input, target).expect("a map");
        let width = self.input.dims()[1];
        let found = values(&map.values);
        let rows = found.chunks(width).zip(right.chunks(width));
        let rows = rows.map(|(found, right)| relative_l1(found, right));
        Errors {
            right: rows.collect(),
            estimated: map.error_estimate.expect("an estimate"),
            gradients: map.evaluations,
            converged: map.converged,
        }
    }

    /// Asks for two shares of the map of each row, of random parts of it: of the values above zero,
    /// and of all values without their signs.
    pub fn rows_with_shares(&self) -> Rows {
        let [rows, width] = self.input.dims();
        let share = |row: usize, counted: Counted| {
            let key = Key { seed: 3, row: row as u64, sample: counted as u64 };
            // Outside, at the edge, or inside.
            let weight = |number: f64| (number * 3.0).floor() / 2.0;
            let weights = key.uniform(Stream::Own(7), width).into_iter().map(weight);
            Share::new(weights.collect::<Vec<f64>>(), counted).expect("weights")
        };
        let of_row = |row| [Counted::Positive, Counted::Absolute].map(|it| share(row, it)).into();
        Rows::all(rows).with_shares((0..rows).map(of_row).collect())
    }

    /// Compares the shares of a map with those of the right values.
    pub fn share_errors(&self, map: &Attribution<Tensor<2>>, right: &[f64]) -> Errors {
        let (asked, width) = (self.rows_with_shares(), self.input.dims()[1]);
        let found = map.shares.as_ref().expect("shares");
        let (mut estimated, mut wrong) = (Vec::new(), Vec::new());
        let rows = asked.shares().expect("shares").iter().zip(found).zip(right.chunks(width));
        for ((asked, found), right) in rows {
            for (asked, found) in asked.iter().zip(found) {
                estimated.push(found.error.expect("an estimate"));
                wrong.push((found.share - asked.of(right.iter().copied())).abs());
            }
        }
        let converged = map.converged.clone();
        Errors { estimated, right: wrong, gradients: map.evaluations.clone(), converged }
    }
}

/// Explainers with noise, and how often their standard errors are right.
impl Questions {
    /// Returns rows that Expected Gradients can start from, drawn as the inputs of networks are.
    pub fn baselines(&self, count: usize) -> Tensor<2> {
        let width = self.input.dims()[1];
        let numbers = Key { seed: 11, row: 0, sample: 0 }.normal(Stream::Own(3), count * width);
        Tensor::<1>::from_data(&numbers[..], &Device::flex()).reshape([count, width])
    }

    /// Returns the means of Integrated Gradients over the baselines, with this many midpoints in
    /// double precision.
    pub fn expected_right(&self, baselines: &Tensor<2>, points: usize) -> Vec<f64> {
        let rows = baselines.clone().cast(DType::F64).split(1, 0);
        let count = rows.len() as f64;
        let of = |row: Tensor<2>| {
            let ig = IntegratedGradients::new().with_rule(Rule::Midpoint).with_steps(points);
            let ig = ig.with_baseline(Baseline::tensor(row));
            let input = self.input.clone().cast(DType::F64);
            ig.attribute_to(&self.model(), input, self.target.clone()).expect("a map").values
        };
        let sum = rows.into_iter().map(of).reduce(|a, b| a + b).expect("a baseline");
        sum.div_scalar(count).into_data().iter().collect()
    }

    /// Returns the explainer whose intervals are put to the test.
    pub fn smooth_grad(&self) -> SmoothGrad {
        SmoothGrad::default().with_noise(NoiseScale::Absolute(0.5)).with_seed(1)
    }

    /// Returns the means over the noise, from many samples of another seed.
    pub fn smooth_right(&self, samples: usize) -> Vec<f64> {
        let explainer = self.smooth_grad().with_seed(2).with_samples(samples);
        let map = explainer.attribute_to(&self.model(), self.input.clone(), self.target.clone());
        values(&map.expect("a map").values).into_iter().map(f64::from).collect()
    }

    /// Explains all rows, and counts how often `value ± 1.96 standard errors` holds the right value.
    pub fn intervals(&self, explainer: &SmoothGrad, right: &[f64]) -> Intervals {
        let map = explainer.attribute_to(&self.model(), self.input.clone(), self.target.clone());
        self.held(map.expect("a map"), right)
    }

    /// Counts how often `value ± 1.96 standard errors` holds the right value in a map of all rows.
    pub fn held(&self, map: Attribution<Tensor<2>>, right: &[f64]) -> Intervals {
        let width = self.input.dims()[1];
        let warned: Vec<usize> = map.warnings.iter().map(Warning::row).collect();
        let errors = values(&map.standard_error.expect("standard errors"));
        let mut found = Intervals { samples: map.evaluations.iter().sum(), ..Intervals::default() };
        let pairs = values(&map.values).into_iter().zip(errors).zip(right);
        for (at, ((value, error), right)) in pairs.enumerate() {
            // Allows for rounding, in values that are the same in every sample.
            let reach = 1.96 * f64::from(error) + 1e-6 * right.abs();
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
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Questions").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Random numbers for one model. Each call draws new ones.
struct Numbers {
    key: Key,
}

/// One number for each column, in the precision of `like`.
fn columns(numbers: &[f64], like: &Tensor<2>) -> Tensor<2> {
    matrix(numbers, [1, numbers.len()]).cast(like.dtype())
}

fn matrix(numbers: &[f64], shape: [usize; 2]) -> Tensor<2> {
    Tensor::<1>::from_data(numbers, (&Device::flex(), DType::F64)).reshape(shape)
}

impl Numbers {
    fn uniform(&mut self, count: usize, from: f64, to: f64) -> Vec<f64> {
        self.key.sample += 1;
        let unit = self.key.uniform(Stream::Own(0), count).into_iter();
        unit.map(|unit| from + (to - from) * unit).collect()
    }

    fn normal(&mut self, count: usize) -> Vec<f64> {
        self.key.sample += 1;
        self.key.normal(Stream::Own(1), count).into_iter().map(f64::from).collect()
    }

    fn input(&mut self, width: usize) -> Tensor<2> {
        matrix(&self.normal(ROWS * width), [ROWS, width]).cast(DType::F32)
    }

    fn positive_input(&mut self, width: usize) -> Tensor<2> {
        matrix(&self.uniform(ROWS * width, 0.01, 1.0), [ROWS, width]).cast(DType::F32)
    }

    /// A network of linear layers; `gain` multiplies its weights.
    fn network(
        &mut self,
        sizes: &[usize],
        bend: fn(Tensor<2>) -> Tensor<2>,
        gain: f64,
    ) -> Questions {
        let layers: Vec<(Tensor<2>, Vec<f64>)> = sizes
            .windows(2)
            .map(|size| {
                let scale = gain * (2.0 / size[0] as f64).sqrt();
                let weights = matrix(&self.normal(size[0] * size[1]), [size[0], size[1]]);
                let constants = self.normal(size[1]).into_iter().map(|number| 0.5 * number);
                (weights.mul_scalar(scale), constants.collect())
            })
            .collect();
        let input = self.input(sizes[0]);
        let body = move |input: Tensor<2>| {
            let layer = |x: Tensor<2>, (weights, constants): &(Tensor<2>, Vec<f64>)| {
                let constants = columns(constants, &x);
                let weights = weights.clone().cast(x.dtype());
                x.matmul(weights) + constants
            };
            let first = layer(input, &layers[0]);
            layers[1..].iter().fold(first, |x, it| layer(bend(x), it))
        };
        Questions::new(body, input)
    }

    fn difference(&mut self) -> Questions {
        let Questions { body: network, input, .. } = self.network(&[13, 16, 16, 2], relu, 1.0);
        let body = move |x: Tensor<2>| {
            let scores = network(x);
            scores.clone().narrow(1, 1, 1) - scores.narrow(1, 0, 1)
        };
        Questions::new(body, input)
    }

    fn max_pooling(&mut self) -> Questions {
        let weights = matrix(&self.normal(13 * 32), [13, 32]).mul_scalar(0.4);
        let constants: Vec<f64> = self.normal(32).into_iter().map(|number| 0.5 * number).collect();
        let outputs = self.normal(8);
        let input = self.input(13);
        let body = move |x: Tensor<2>| {
            let rows = x.dims()[0];
            let (constants, outputs) = (columns(&constants, &x), columns(&outputs, &x));
            let units = x.clone().matmul(weights.clone().cast(x.dtype())) + constants;
            let pooled = units.reshape([rows, 8, 4]).max_dim(2).reshape([rows, 8]);
            (pooled * outputs).sum_dim(1)
        };
        Questions::new(body, input)
    }

    fn gates_of_sums(&mut self) -> Questions {
        let weights = matrix(&self.normal(6 * 8), [6, 8]);
        let (at, outputs) = (self.uniform(8, -1.0, 1.0), self.normal(8));
        let input = self.input(6);
        let body = move |x: Tensor<2>| {
            let (at, outputs) = (columns(&at, &x), columns(&outputs, &x));
            let sums = x.clone().matmul(weights.clone().cast(x.dtype()));
            (sigmoid((sums - at) * 10.0) * outputs).sum_dim(1)
        };
        Questions::new(body, input)
    }

    /// A sum of functions of one value each, so that the integrals are known.
    fn additive(
        input: Tensor<2>,
        body: impl Fn(Tensor<2>) -> Tensor<2> + Clone + Send + Sync + 'static,
    ) -> Questions {
        let double = input.clone().cast(DType::F64);
        let change = body(double.clone()) - body(double.zeros_like());
        let exact = change.into_data().iter().collect();
        let questions = Questions::new(move |x| body(x).sum_dim(1), input);
        Questions { exact: Some(exact), ..questions }
    }

    fn steep(questions: Questions) -> Questions {
        Questions { steep: true, ..questions }
    }

    fn sines(&mut self) -> Questions {
        let (outputs, speeds) = (self.normal(200), self.uniform(200, 1.0, 6.0));
        let input = self.input(200);
        Self::additive(input, move |x| {
            let (outputs, speeds) = (columns(&outputs, &x), columns(&speeds, &x));
            (x * speeds).sin() * outputs
        })
    }

    fn gates(&mut self) -> Questions {
        let steepness: Vec<f64> =
            self.uniform(6, 1.3, 2.7).into_iter().map(|power| 10f64.powf(power)).collect();
        let (at, outputs) = (self.uniform(6, 0.1, 0.9), self.normal(6));
        Self::additive(self.input_near_one(6), move |x| {
            let (k, at, outputs) =
                (columns(&steepness, &x), columns(&at, &x), columns(&outputs, &x));
            sigmoid((x - at) * k) * outputs
        })
    }

    fn gate_minus_gate(&mut self) -> Questions {
        let steepness = 10f64.powf(self.uniform(1, 1.5, 3.5)[0]);
        let at = self.uniform(2, 0.1, 0.9);
        Self::additive(self.input_near_one(3), move |x| {
            let gate =
                |value: usize| sigmoid((x.clone().narrow(1, value, 1) - at[value]) * steepness);
            Tensor::cat(vec![gate(0), -gate(1), x.clone().narrow(1, 2, 1) * 0.2], 1)
        })
    }

    fn ramps(&mut self) -> Questions {
        let (at, size) = (self.uniform(6, 0.05, 0.9), self.uniform(6, 0.5, 1.5));
        let outputs: Vec<f64> = size
            .into_iter()
            .enumerate()
            .map(|(k, size)| if k % 2 == 0 { size } else { -size })
            .collect();
        Self::additive(self.input_near_one(6), move |x| {
            let (at, outputs) = (columns(&at, &x), columns(&outputs, &x));
            ((x - at) / 0.02).clamp(0.0, 1.0) * outputs
        })
    }

    fn roots(&mut self) -> Questions {
        let outputs = self.normal(6);
        Self::steep(Self::additive(self.positive_input(6), move |x| {
            let outputs = columns(&outputs, &x);
            x.sqrt() * outputs
        }))
    }

    fn logarithms(&mut self, above: f64) -> Questions {
        let outputs = self.normal(6);
        Self::steep(Self::additive(self.positive_input(6), move |x| {
            let outputs = columns(&outputs, &x);
            (x + above).log() * outputs
        }))
    }

    /// Inputs beyond all gates and ramps, so that each of these opens somewhere on the path.
    fn input_near_one(&mut self, width: usize) -> Tensor<2> {
        matrix(&self.uniform(ROWS * width, 0.95, 1.3), [ROWS, width]).cast(DType::F32)
    }
}
