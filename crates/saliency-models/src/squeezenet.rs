use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use saliency_core::{Cut, Model};
use saliency_flex::nn::PaddingConfig2d;
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};
use saliency_flex::nn::pool::{MaxPool2d, MaxPool2dConfig};
use saliency_flex::tensor::activation::relu;

use crate::weights::{Placement, Weights, WeightsError};

/// The channels of a fire module.
struct FireShape {
    inputs: usize,
    /// The channels that the inputs are squeezed to.
    squeezed: usize,
    /// The outputs of each of the two halves.
    half: usize,
}

/// The fire modules, from the second layer of the network to the ninth.
const FIRES: [FireShape; 8] = [
    FireShape { inputs: 96, squeezed: 16, half: 64 },
    FireShape { inputs: 128, squeezed: 16, half: 64 },
    FireShape { inputs: 128, squeezed: 32, half: 128 },
    FireShape { inputs: 256, squeezed: 32, half: 128 },
    FireShape { inputs: 256, squeezed: 48, half: 192 },
    FireShape { inputs: 384, squeezed: 48, half: 192 },
    FireShape { inputs: 384, squeezed: 64, half: 256 },
    FireShape { inputs: 512, squeezed: 64, half: 256 },
];
/// The number of the first fire module, as the paper counts.
const FIRST: usize = 2;
/// The fire modules that pooling follows.
const POOLED: [usize; 2] = [4, 8];

/// SqueezeNet 1.0, an ImageNet classifier with 1.2 million parameters. It has no normalisation, no
/// short cuts and no depthwise convolutions, so that it is of another family than
/// [`EfficientNetLite0`](crate::EfficientNetLite0).
///
/// # Shapes
/// - input: `[rows, 3, 224, 224]`, as `Preparation::imagenet()` of `saliency-photo` makes it
/// - output: `[rows, 1000]` logits, none of them negative, see [`imagenet`](crate::imagenet)
///
/// # Source
/// Iandola and others, *SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB
/// model size*, 2016, <https://arxiv.org/abs/1602.07360>. The bench `truth` says where weights are
/// found.
///
/// # Example
/// ```no_run
/// use burn::tensor::{DType, Device};
/// use saliency_models::{SqueezeNet, Weights};
///
/// let weights = Weights::from_safetensors(&std::fs::read("squeezenet.safetensors")?)?;
/// let net = SqueezeNet::new(weights, &Device::flex(), DType::F32)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct SqueezeNet {
    first: Conv2d,
    pool: MaxPool2d,
    fires: Vec<Fire>,
    last: Conv2d,
}

/// Squeezes the channels, and widens them again by kernels of two sizes side by side.
#[derive(Module, Debug)]
struct Fire {
    squeeze: Conv2d,
    expand1: Conv2d,
    expand3: Conv2d,
}

/// The layer of [`SqueezeNet`] after the fire module with this number, from 2 to 9, and after the
/// pooling that follows modules 4 and 8. With photos of 224 x 224: `[rows, 256, 27, 27]` after
/// module 4, `[rows, 384, 27, 27]` after module 6, `[rows, 512, 13, 13]` after modules 8 and 9.
#[derive(Debug)]
pub struct AfterFire<const NUMBER: usize>;

impl SqueezeNet {
    /// Builds the network with weights `conv1`, `fireN.squeeze`, `fireN.expand1`, `fireN.expand3`
    /// and `last`, to compute in the given precision.
    ///
    /// # Errors
    /// A [`WeightsError`] that names a tensor that is missing or does not fit.
    pub fn new(
        mut weights: Weights,
        device: &Device,
        precision: DType,
    ) -> Result<Self, WeightsError> {
        let to = Placement { device, precision };
        let mut conv = |name: &str, channels: [usize; 2], kernel: usize, stride| {
            let padding = if kernel == 3 { 1 } else { 0 };
            let config = Conv2dConfig::new(channels, [kernel; 2])
                .with_stride([stride; 2])
                .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding));
            weights.conv(name, &config, to)
        };
        let first = conv("conv1", [3, 96], 7, 2)?;
        let mut fires = Vec::new();
        for (number, FireShape { inputs, squeezed, half }) in (FIRST..).zip(FIRES) {
            fires.push(Fire {
                squeeze: conv(&format!("fire{number}.squeeze"), [inputs, squeezed], 1, 1)?,
                expand1: conv(&format!("fire{number}.expand1"), [squeezed, half], 1, 1)?,
                expand3: conv(&format!("fire{number}.expand3"), [squeezed, half], 3, 1)?,
            });
        }
        let last = conv("last", [512, 1000], 1, 1)?;
        let pool = MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).with_ceil_mode(true);
        Ok(Self { first, pool: pool.init(), fires, last })
    }

    /// Runs fire modules `from..to`, by their numbers, and the pooling between and after them.
    fn fires(&self, from: usize, to: usize, input: Tensor<4>) -> Tensor<4> {
        (from..to).fold(input, |x, number| {
            let x = self.fires[number - FIRST].forward(x);
            if POOLED.contains(&number) { self.pool.forward(x) } else { x }
        })
    }
}

impl Model<Tensor<4>> for SqueezeNet {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let activation = Cut::<_, AfterFire<8>>::before(self, input);
        Cut::<_, AfterFire<8>>::after(self, activation)
    }
}

impl<const NUMBER: usize> Cut<Tensor<4>, AfterFire<NUMBER>> for SqueezeNet {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self.pool.forward(relu(self.first.forward(input)));
        self.fires(FIRST, NUMBER + 1, x)
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        let x = self.fires(NUMBER + 1, FIRST + FIRES.len(), activation);
        // The network of the paper pads here, although the kernel has one pixel.
        let x = relu(self.last.forward(x.pad((1, 1, 1, 1), 0.0)));
        let [rows, classes, ..] = x.dims();
        x.flatten::<3>(2, 3).mean_dim(2).reshape([rows, classes])
    }
}

impl Fire {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = relu(self.squeeze.forward(input));
        let halves = [&self.expand1, &self.expand3].map(|conv| relu(conv.forward(x.clone())));
        Tensor::cat(halves.into(), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::StoredTensor;

    /// Weights that differ, and whose activations neither vanish nor grow.
    fn weights() -> Weights {
        let mut weights = Weights::default();
        let mut layer = |name: &str, shape: [usize; 4]| {
            let inputs = (shape[1] * shape[2] * shape[3]) as f64;
            let count: usize = shape.iter().product();
            let values = (0..count).map(|at| (at as f64 * 1.7).sin() * (6.0 / inputs).sqrt());
            let values = StoredTensor { shape: shape.to_vec(), values: values.collect() };
            weights.insert(format!("{name}.weight"), values);
            let bias = StoredTensor { shape: vec![shape[0]], values: vec![0.1; shape[0]] };
            weights.insert(format!("{name}.bias"), bias);
        };
        layer("conv1", [96, 3, 7, 7]);
        for (number, FireShape { inputs, squeezed, half }) in (FIRST..).zip(FIRES) {
            layer(&format!("fire{number}.squeeze"), [squeezed, inputs, 1, 1]);
            layer(&format!("fire{number}.expand1"), [half, squeezed, 1, 1]);
            layer(&format!("fire{number}.expand3"), [half, squeezed, 3, 3]);
        }
        layer("last", [1000, 512, 1, 1]);
        weights
    }

    #[test]
    fn layers_have_the_shapes_that_are_documented_and_cuts_change_nothing() {
        let device = Device::flex();
        let net = SqueezeNet::new(weights(), &device, DType::F32).unwrap();
        let photo =
            Tensor::<4>::random([1, 3, 224, 224], burn::tensor::Distribution::Default, &device);
        let scores = net.forward(photo.clone());
        assert_eq!(scores.dims(), [1, 1000]);
        let four = Cut::<_, AfterFire<4>>::before(&net, photo.clone());
        let six = Cut::<_, AfterFire<6>>::before(&net, photo.clone());
        let nine = Cut::<_, AfterFire<9>>::before(&net, photo);
        let shapes = [four.dims(), six.dims(), nine.dims()];
        assert_eq!(shapes, [[1, 256, 27, 27], [1, 384, 27, 27], [1, 512, 13, 13]]);
        for cut in [
            Cut::<_, AfterFire<4>>::after(&net, four),
            Cut::<_, AfterFire<6>>::after(&net, six),
            Cut::<_, AfterFire<9>>::after(&net, nine),
        ] {
            assert_eq!(cut.into_data(), scores.clone().into_data());
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let error = SqueezeNet::new(Weights::default(), &Device::flex(), DType::F32).unwrap_err();
        assert!(error.to_string().contains("conv1.weight"), "{error}");
    }
}
