//! A network written with Burn. Its layers have the same names as in PyTorch, so that their weights
//! are found.

use std::fmt::Display;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_store::{
    ModuleSnapshot, ModuleStore, PyTorchToBurnAdapter, PytorchStore, SafetensorsStore,
};
// All of `burn::nn`, with layers that are faster to explain on a CPU.
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};
use saliency_flex::nn::pool::{
    AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig,
};
use saliency_flex::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use saliency_flex::tensor::activation::relu;

#[derive(Module, Debug)]
pub struct Network {
    conv1: Conv2d,
    norm1: BatchNorm,
    pool1: MaxPool2d,
    conv2: Conv2d,
    pool2: AdaptiveAvgPool2d,
    linear: Linear,
}

impl Network {
    /// Computes a score for each of four shapes, from pictures `[rows, 3, 32, 32]`.
    pub fn forward(&self, picture: Tensor<4>) -> Tensor<2> {
        let x = relu(self.norm1.forward(self.conv1.forward(picture)));
        let x = relu(self.conv2.forward(self.pool1.forward(x)));
        self.linear.forward(self.pool2.forward(x).flatten(1, 3))
    }

    fn new(device: &Device) -> Self {
        let convolution = |channels| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            Conv2dConfig::new(channels, [3, 3]).with_padding(padding).init(device)
        };
        Self {
            conv1: convolution([3, 8]),
            norm1: BatchNormConfig::new(8).init(device),
            pool1: MaxPool2dConfig::new([2, 2]).init(),
            conv2: convolution([8, 16]),
            pool2: AdaptiveAvgPool2dConfig::new([4, 4]).init(),
            linear: LinearConfig::new(16 * 4 * 4, 4).init(device),
        }
    }

    /// Loads the weights of a state dict that `torch.save` wrote.
    pub fn from_pytorch(path: &Path, device: &Device) -> Result<Self, String> {
        let store = PytorchStore::from_file(path).validate(false).allow_partial(true);
        Self::new(device).with_weights(store, path)
    }

    /// Loads the weights of a state dict that `safetensors.torch.save_file` wrote.
    pub fn from_safetensors(path: &Path, device: &Device) -> Result<Self, String> {
        let store = SafetensorsStore::from_file(path).validate(false).allow_partial(true);
        // PyTorch keeps the matrices of linear layers transposed, and uses other names in
        // BatchNorm.
        let store = store.with_from_adapter(PyTorchToBurnAdapter);
        Self::new(device).with_weights(store, path)
    }

    /// Loads all weights or none. An error has one line about the first mistake. The store's own
    /// checks are switched off above, because they describe the whole file in a table.
    fn with_weights(mut self, mut store: impl ModuleStore, path: &Path) -> Result<Self, String> {
        let refused = |found: &dyn Display| {
            format!("expected the network's weights in {}, found: {found}", path.display())
        };
        let loaded = self.load_from(&mut store).map_err(|error| refused(&error))?;
        match (loaded.errors.first(), loaded.missing.first()) {
            (Some(error), _) => Err(refused(error)),
            (None, Some((name, _))) => Err(refused(&format!("no tensor {name}"))),
            (None, None) => Ok(self),
        }
    }
}
