//! Series of heartbeats in which one beat deviates, and a network that classifies the deviation.

use std::f32::consts::PI;
use std::ops::Range;

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Normal, Uniform};
use saliency::Model;
use saliency_program::Result;

use crate::training::{Learns, Training, train};

/// The number of values in a series.
pub const LENGTH: usize = 200;
/// The number of values from one beat to the next.
pub const BEAT: usize = 25;
/// The ways in which a beat can deviate.
pub const CLASSES: [&str; 3] = ["wave turned down", "wide spike", "two spikes"];

/// A series of regular beats in which one beat deviates.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values.
    pub values: Vec<f32>,
    /// How the beat deviates.
    pub class: usize,
    /// The position of the beat that deviates.
    pub deviation: Range<usize>,
}

impl Series {
    /// Makes the series with the given number.
    pub fn new(number: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(number);
        let mut below = |end: usize| Uniform::new(0, end).expect("a range").sample(&mut random);
        let (class, phase) = (below(CLASSES.len()), below(BEAT));
        let start = phase + BEAT * below(LENGTH / BEAT - 1);
        let deviation = start..start + BEAT;
        let noise = Normal::new(0.0f32, 0.15).expect("a width");
        let value = |at: usize| {
            let kind = deviation.contains(&at).then_some(CLASSES[class]);
            // Slow breathing moves the whole line.
            let breath = 0.2 * (2.0 * PI * (at + 7 * phase) as f32 / 130.0).sin();
            beat(kind, (at + BEAT - phase) % BEAT) + breath + noise.sample(&mut random)
        };
        Self { values: (0..LENGTH).map(value).collect(), class, deviation }
    }
}

/// Makes series with their classes.
pub fn labelled(numbers: Range<u64>) -> Vec<(Series, usize)> {
    numbers.map(Series::new).map(|it| (it.clone(), it.class)).collect()
}

/// Returns a value of a beat: a spike, and a wave after it.
fn beat(kind: Option<&str>, at: usize) -> f32 {
    let bump = |height: f32, middle: f32, width: f32| {
        height * (-((at as f32 - middle) / width).powi(2) / 2.0).exp()
    };
    let wave = bump(0.35, 17.0, 2.5);
    match kind {
        Some("wave turned down") => bump(1.0, 8.0, 1.2) - wave,
        Some("wide spike") => bump(1.0, 8.0, 3.0) + wave,
        Some("two spikes") => bump(1.0, 6.0, 1.2) + bump(1.0, 11.0, 1.2) + wave,
        _ => bump(1.0, 8.0, 1.2) + wave,
    }
}

/// Makes a batch `[rows, 1, LENGTH]`.
pub fn tensor(series: Vec<Series>, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = series.iter().flat_map(|it| it.values.clone()).collect();
    Tensor::from_data(TensorData::new(values, [series.len(), 1, LENGTH]), device)
}

/// A network of one-dimensional convolutions.
#[derive(Module, Debug)]
pub struct Net {
    convolutions: Vec<Conv1d>,
    output: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let convolution = |[from, to]: [usize; 2]| {
            Conv1dConfig::new(from, to, 9).with_padding(PaddingConfig1d::Same).init(device)
        };
        let convolutions = [[1, 12], [12, 24]].map(convolution).into();
        Self { convolutions, output: LinearConfig::new(24, CLASSES.len()).init(device) }
    }

    /// Trains a network.
    ///
    /// # Errors
    /// An error if training fails.
    pub fn trained(series: &[(Series, usize)], device: &Device) -> Result<Self> {
        train(Self::new(device), series, tensor, Training { epochs: 10, rate: 5e-3, batch: 20 })
    }
}

impl Model<Tensor<3>> for Net {
    /// Returns scores: for each class, the largest score of any part of the series.
    fn forward(&self, series: Tensor<3>) -> Tensor<2> {
        let layers = self.convolutions.iter();
        let features = layers.fold(series, |x, layer| relu(layer.forward(x)));
        self.output.forward(features.max_dim(2).squeeze_dim(2))
    }
}

impl Learns for Net {
    type Input = Tensor<3>;

    fn scores(&self, series: Tensor<3>) -> Tensor<2> {
        self.forward(series)
    }
}
