//! Three cultivars of wine, distinguished by 13 measurements.

use std::array::from_fn;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use saliency::Model;
use saliency_program::Result;

use crate::training::{Learns, Training, train};

/// `data/NOTICE.md` names the source of the table.
const TABLE: &str = include_str!("../data/wine.csv");

/// The names of the measurements.
pub const FEATURES: [&str; 13] = [
    "alcohol",
    "malic acid",
    "ash",
    "alcalinity of ash",
    "magnesium",
    "total phenols",
    "flavanoids",
    "nonflavanoid phenols",
    "proanthocyanins",
    "color intensity",
    "hue",
    "OD280/OD315 of diluted wines",
    "proline",
];
/// The measurements of a wine.
pub type Wine = [f32; FEATURES.len()];

/// A wine with its cultivar: 0, 1 or 2.
pub type Labelled = (Wine, usize);

/// Wines for training and for testing. They are standardised: each measurement has a mean of 0 and
/// a standard deviation of 1.
#[derive(Clone, Debug)]
pub struct Wines {
    /// The wines for training: three quarters of all wines.
    pub seen: Vec<Labelled>,
    /// The wines for testing.
    pub unseen: Vec<Labelled>,
    /// The first wine for testing, as it was measured.
    pub first_unseen: Wine,
    /// The means of the measurements.
    pub mean: Wine,
}

impl Wines {
    /// Reads the table of wines, and splits it with a fixed seed.
    ///
    /// # Errors
    /// An error if the table is not a table of wines.
    pub fn read() -> Result<Self> {
        // The first line has counts instead of names of columns, and is shorter than the other
        // lines.
        let reader = csv::ReaderBuilder::new().flexible(true).from_reader(TABLE.as_bytes());
        let mut wines = reader.into_deserialize().collect::<csv::Result<Vec<Labelled>>>()?;
        let mut random = ChaCha8Rng::seed_from_u64(0);
        wines.sort_by_cached_key(|_| random.next_u64());
        let (test, training) = wines.split_at(wines.len() / 4);
        // Test data must not leak into the scale of the inputs.
        let scale = Scale::of(training);
        Ok(Self {
            seen: scale.standardised(training),
            unseen: scale.standardised(test),
            first_unseen: test[0].0,
            mean: scale.mean,
        })
    }
}

/// The mean and standard deviation of each measurement.
struct Scale {
    mean: Wine,
    deviation: Wine,
}

impl Scale {
    fn of(wines: &[Labelled]) -> Self {
        let mean_of = |value: &dyn Fn(&Wine) -> f32| {
            wines.iter().map(|(wine, _)| value(wine)).sum::<f32>() / wines.len() as f32
        };
        let mean: Wine = from_fn(|at| mean_of(&|wine| wine[at]));
        let variance: Wine = from_fn(|at| mean_of(&|wine| (wine[at] - mean[at]).powi(2)));
        Self { mean, deviation: variance.map(f32::sqrt) }
    }

    fn standardised(&self, wines: &[Labelled]) -> Vec<Labelled> {
        let one = |wine: &Wine| from_fn(|at| (wine[at] - self.mean[at]) / self.deviation[at]);
        wines.iter().map(|(wine, cultivar)| (one(wine), *cultivar)).collect()
    }
}

/// Makes a batch of wines without their cultivars, on the CPU.
pub fn batch(wines: &[Labelled]) -> Tensor<2> {
    tensor(wines.iter().map(|(wine, _)| *wine).collect(), &Device::flex())
}

/// Returns the values of a batch, row by row.
pub fn host(values: &Tensor<2>) -> Vec<f64> {
    values.to_data().iter().collect()
}

/// Makes a batch `[rows, measurements]`.
pub fn tensor(wines: Vec<Wine>, device: &Device) -> Tensor<2> {
    let shape = [wines.len(), FEATURES.len()];
    Tensor::from_data(TensorData::new(wines.concat(), shape), device)
}

/// A network of one hidden layer.
#[derive(Module, Debug)]
pub struct Net {
    hidden: Linear,
    output: Linear,
}

impl Net {
    /// Trains a network on standardised wines.
    ///
    /// # Errors
    /// An error if training fails.
    pub fn trained(wines: &[Labelled], device: &Device) -> Result<Self> {
        let net = Self {
            hidden: LinearConfig::new(FEATURES.len(), 16).init(device),
            output: LinearConfig::new(16, 3).init(device),
        };
        train(net, wines, tensor, Training { epochs: 30, rate: 1e-2, batch: 16 })
    }
}

impl Model<Tensor<2>> for Net {
    fn forward(&self, wines: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(wines)))
    }
}

impl Learns for Net {
    type Input = Tensor<2>;

    fn scores(&self, wines: Tensor<2>) -> Tensor<2> {
        self.forward(wines)
    }
}
