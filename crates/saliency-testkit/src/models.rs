use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use saliency_core::kit::{Key, Stream};
use saliency_core::{Model, pure_function};

use crate::values;

/// Returns the model f(x) = w · x + b.
pub fn linear(weights: &[f32], bias: f64, device: &Device) -> impl Model<Tensor<2>> + use<> {
    let weights = Tensor::<1>::from_data(weights, device).reshape([1, -1]);
    pure_function(move |x: Tensor<2>| (x * weights.clone()).sum_dim(1) + bias)
}

/// Returns the model f(x) = x², value by value: one score for each value.
pub fn square() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| x.clone() * x)
}

/// Returns the model f(x) = relu(relu(x1) - 1 - relu(x2)), from the paper on Integrated Gradients,
/// figure 3.
pub fn implementation_a() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| {
        relu(relu(x.clone().narrow(1, 0, 1)) - 1.0 - relu(x.narrow(1, 1, 1)))
    })
}

/// Returns the same function, written in another way: f(x) = relu(relu(x1 - 1) - relu(x2)).
pub fn implementation_b() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| {
        relu(relu(x.clone().narrow(1, 0, 1) - 1.0) - relu(x.narrow(1, 1, 1)))
    })
}

/// Returns the model f(x, y, z) = 5x + y² + sin z, of three inputs with one value each.
pub fn contribution() -> impl Model<(Tensor<2>, Tensor<2>, Tensor<2>)> {
    pure_function(|(x, y, z): (Tensor<2>, Tensor<2>, Tensor<2>)| {
        x * 5.0 + y.powi_scalar(2) + z.sin()
    })
}

/// Returns a network with weights that depend on the seed alone. Those that Burn draws differ
/// between backends, and on one backend whenever another thread draws in between. Zeros and ones,
/// as layers of normalisation have them, stay.
pub fn with_fixed_weights<M: Module>(net: M, seed: u64) -> M {
    struct Draw {
        seed: u64,
        /// The number of the next tensor: each has numbers of its own.
        tensor: u32,
    }
    impl ModuleMapper for Draw {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let found = values(&param.val());
            if [0.0, 1.0].iter().any(|constant| found.iter().all(|value| value == constant)) {
                return param;
            }
            let key = Key { seed: self.seed, row: 0, sample: 0 };
            let numbers = key.uniform(Stream::Own(self.tensor), found.len());
            self.tensor += 1;
            let width = 1.0 / (param.val().dims()[0] as f64).sqrt();
            let drawn: Vec<f32> =
                numbers.into_iter().map(|number| (width * (2.0 * number - 1.0)) as f32).collect();
            param.map(|old| {
                let device = old.device();
                Tensor::from_data(TensorData::new(drawn, old.shape()), &device)
                    .set_require_grad(old.is_require_grad())
            })
        }
    }
    net.map(&mut Draw { seed, tensor: 0 })
}

/// A network with the layers that behave differently in training: BatchNorm and Dropout.
#[derive(Module, Debug)]
pub struct Noisy {
    conv: Conv2d,
    norm: BatchNorm,
    dropout: Dropout,
    linear: Linear,
}

impl Noisy {
    /// Makes a network for `[rows, 2, 6, 6]`, with random weights and three scores. Its running
    /// statistics are those of a first batch rather than 0 and 1.
    pub fn trained(device: &Device) -> Self {
        let net = Self {
            conv: Conv2dConfig::new([2, 4], [3, 3]).init(device),
            norm: BatchNormConfig::new(4).init(device),
            dropout: DropoutConfig::new(0.5).init(),
            linear: LinearConfig::new(64, 3).init(device),
        };
        let net = with_fixed_weights(net, 7).train();
        let batch = Self::batch(8, device).autodiff() * 2.0 + 1.0;
        net.forward(batch);
        net
    }

    /// Returns the same network as if loaded from a file: on a plain device, with BatchNorm and
    /// Dropout still set to training.
    pub fn loaded(device: &Device) -> Self {
        let device = device.clone().inner();
        let mut net = Self::trained(&device.clone().autodiff()).valid();
        net.norm.training = BatchNormConfig::new(4).init(&device).training;
        net.dropout = DropoutConfig::new(0.5).init();
        net
    }

    /// Returns a batch that is the same at every call.
    pub fn batch(rows: usize, device: &Device) -> Tensor<4> {
        let value = |at: usize| (at as f32 * 0.7).sin();
        let values: Vec<f32> = (0..rows * 72).map(value).collect();
        Tensor::<1>::from_data(&values[..], device).reshape([rows, 2, 6, 6])
    }

    /// Returns the running mean and variance of the network's BatchNorm.
    pub fn statistics(&self) -> Vec<f32> {
        let norm = &self.norm;
        let (mean, variance) = (norm.running_mean.value_sync(), norm.running_var.value_sync());
        [crate::values(&mean), crate::values(&variance)].concat()
    }
}

impl Model<Tensor<4>> for Noisy {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let x = relu(self.norm.forward(self.conv.forward(input)));
        self.linear.forward(self.dropout.forward(x.flatten(1, 3)))
    }
}

/// Counts the forward passes of a model, and their rows.
#[derive(Clone, Debug, Default)]
pub struct Counting {
    calls: Arc<AtomicUsize>,
    rows: Arc<AtomicUsize>,
}

impl Counting {
    /// Returns the model f(x) = x², with every call counted.
    pub fn square(&self) -> impl Model<Tensor<2>> + use<> {
        let counts = self.clone();
        pure_function(move |x: Tensor<2>| {
            counts.calls.fetch_add(1, Ordering::Relaxed);
            counts.rows.fetch_add(x.dims()[0], Ordering::Relaxed);
            x.clone() * x
        })
    }

    /// Returns the number of calls and rows since the last `take`.
    pub fn take(&self) -> (usize, usize) {
        (self.calls.swap(0, Ordering::Relaxed), self.rows.swap(0, Ordering::Relaxed))
    }
}
