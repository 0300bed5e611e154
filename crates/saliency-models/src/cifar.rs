mod cuts;

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{DType, Device, Tensor};
use saliency_core::rules::{self, Ruled, Rules};
use saliency_core::{Cut, Model};
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};
use saliency_flex::tensor::activation::relu;

use crate::weights::{Placement, Weights, WeightsError};

pub use cuts::{Conv2, Relu1, Relu2, Relu4};

const EMBEDDED: &[u8] = include_bytes!("../data/cifar_cnn.safetensors");

/// The small convolutional network of PyTorch's CIFAR-10 tutorial, with 62,006 parameters.
///
/// # Shapes
/// - input: `[rows, 3, 32, 32]`, values in -1..1
/// - output: `[rows, 10]` logits: plane, car, bird, cat, deer, dog, frog, horse, ship, truck
///
/// # Example
/// ```
/// use burn::tensor::{DType, Device, Tensor};
/// use saliency_core::Model;
/// use saliency_models::CifarCnn;
///
/// let device = Device::flex();
/// let net = CifarCnn::embedded(&device);
/// assert_eq!(net.forward(Tensor::<4>::zeros([2, 3, 32, 32], &device)).dims(), [2, 10]);
/// ```
#[derive(Module, Debug)]
pub struct CifarCnn {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
    #[module(skip)]
    rules: Rules,
}

impl CifarCnn {
    /// Builds the network with the weights that Captum ships, in single precision.
    pub fn embedded(device: &Device) -> Self {
        Self::embedded_in(device, DType::F32)
    }

    /// Builds the network with weights and computation in another floating-point precision.
    pub fn embedded_in(device: &Device, precision: DType) -> Self {
        let weights = Weights::from_safetensors(EMBEDDED).expect("the embedded file is readable");
        Self::new(weights, Placement { device, precision }).expect("the embedded weights fit")
    }

    fn new(mut weights: Weights, to: Placement<'_>) -> Result<Self, WeightsError> {
        let kernel = |channels| Conv2dConfig::new(channels, [5, 5]);
        Ok(Self {
            conv1: weights.conv("conv1", &kernel([3, 6]), to)?,
            conv2: weights.conv("conv2", &kernel([6, 16]), to)?,
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            fc1: weights.linear("fc1", [400, 120], to)?,
            fc2: weights.linear("fc2", [120, 84], to)?,
            fc3: weights.linear("fc3", [84, 10], to)?,
            rules: Rules::Plain,
        })
    }
}

impl Model<Tensor<4>> for CifarCnn {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        Cut::<_, Relu1>::after(self, Cut::<_, Relu1>::before(self, input))
    }
}

impl CifarCnn {
    fn activate<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        rules::activation(x, relu, self.rules)
    }

    fn pool(&self, x: Tensor<4>) -> Tensor<4> {
        rules::max_pool2d(&self.pool, x, self.rules)
    }

    /// Computes the last hidden units from the second activation.
    fn units(&self, activation: Tensor<4>) -> Tensor<2> {
        let flat = self.pool(activation).flatten(1, 3);
        let first = self.activate(self.fc1.forward(flat));
        self.activate(self.fc2.forward(first))
    }
}

impl Ruled for CifarCnn {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }
}
