use std::path::Path;

use burn::module::Module;
use burn::nn::conv::Conv2dConfig;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{DType, Device, Tensor};
use saliency_core::{Cut, Model};

use crate::flex::{Conv, relu6};
use crate::weights::{Weights, WeightsError};

/// Kernel, repeats, channels in, channels out, expansion and stride of each stage.
const STAGES: [[usize; 6]; 7] = [
    [3, 1, 32, 16, 1, 1],
    [3, 2, 16, 24, 6, 2],
    [5, 2, 24, 40, 6, 2],
    [3, 3, 40, 80, 6, 2],
    [5, 3, 80, 112, 6, 1],
    [5, 4, 112, 192, 6, 2],
    [3, 1, 192, 320, 6, 1],
];

/// The network's BatchNorm epsilon; not PyTorch's default.
const EPSILON: f64 = 1e-3;

/// The embedded weights: see `examples/embed_weights.rs`.
const EMBEDDED: &[u8] = include_bytes!("../data/efficientnet_lite0_f16.safetensors");

/// EfficientNet-Lite0, a convolutional ImageNet classifier with 4.7 million parameters.
///
/// BatchNorm is folded into the convolutions when weights are loaded. On Burn's Flex backend, convolutions and
/// ReLU6 keep and compute only what gradients by the input need. That makes gradients cheaper and
/// changes them by rounding only.
///
/// # Shapes
/// - input: `[rows, 3, 224, 224]`, as `Preparation::imagenet()` of `saliency-photo` makes it
/// - output: `[rows, 1000]` logits, see [`imagenet`](crate::imagenet)
///
/// # Source
/// Tan and Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*, 2019,
/// <https://arxiv.org/abs/1905.11946>, in the Lite variant without squeeze-and-excitation.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use saliency_core::Model;
/// use saliency_models::{EfficientNetLite0, imagenet, photos};
/// use saliency_photo::Preparation;
///
/// let device = Device::flex();
/// let net = EfficientNetLite0::embedded(&device);
/// let input = Preparation::imagenet().tensor(&photos::chelsea(), &device);
/// let class = net.forward(input).argmax(1).into_scalar::<i64>();
/// assert_eq!(imagenet::name(class as usize), Some("Egyptian cat"));
/// ```
#[derive(Module, Debug)]
pub struct EfficientNetLite0 {
    stem: Conv,
    blocks: Vec<Block>,
    head: Conv,
    classifier: Linear,
}

/// Widen, filter each channel in space, narrow: with a short cut where the shapes allow it.
#[derive(Module, Debug)]
struct Block {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    shortcut: bool,
}

impl EfficientNetLite0 {
    /// The network with its ImageNet weights, rounded to half precision to keep them small;
    /// computation is in single precision.
    pub fn embedded(device: &Device) -> Self {
        Self::embedded_in(device, DType::F32)
    }

    /// The same in another floating-point precision.
    pub fn embedded_in(device: &Device, precision: DType) -> Self {
        let weights = Weights::from_safetensors(EMBEDDED).expect("the embedded file is readable");
        Self::new(weights, (device, precision)).expect("the embedded weights fit")
    }

    /// The network with the original PyTorch weights, computing in the given precision.
    ///
    /// # Errors
    /// A [`WeightsError`] that names the tensor that is missing or does not fit.
    pub fn from_pytorch(
        path: &Path,
        device: &Device,
        precision: DType,
    ) -> Result<Self, WeightsError> {
        Self::new(Self::fold(Weights::from_pytorch(path)?)?, (device, precision))
    }

    /// Turns the original weights into those of this network: BatchNorm folded, names changed.
    ///
    /// # Errors
    /// A [`WeightsError`] that names the tensor that is missing or does not fit.
    pub fn fold(mut weights: Weights) -> Result<Weights, WeightsError> {
        weights.fold("_conv_stem", "_bn0", EPSILON, "stem")?;
        for (index, [_, _, _, expansion, _]) in blocks().enumerate() {
            let (from, to) = (format!("_blocks.{index}"), format!("blocks.{index}"));
            let mut fold = |convolution: &str, norm: &str, name: &str| {
                let (convolution, norm) =
                    (format!("{from}.{convolution}"), format!("{from}.{norm}"));
                weights.fold(&convolution, &norm, EPSILON, &format!("{to}.{name}"))
            };
            if expansion > 1 {
                fold("_expand_conv", "_bn0", "expand")?;
            }
            fold("_depthwise_conv", "_bn1", "depthwise")?;
            fold("_project_conv", "_bn2", "project")?;
        }
        weights.fold("_conv_head", "_bn1", EPSILON, "head")?;
        weights.rename("_fc.weight", "classifier.weight".to_owned())?;
        weights.rename("_fc.bias", "classifier.bias".to_owned())?;
        Ok(weights)
    }

    fn new(mut weights: Weights, to: (&Device, DType)) -> Result<Self, WeightsError> {
        let mut conv = |name: &str, channels: [usize; 2], kernel: usize, stride, groups| {
            let config = Conv2dConfig::new(channels, [kernel; 2])
                .with_stride([stride; 2])
                .with_groups(groups)
                .with_padding(padding(kernel, stride));
            weights.conv(name, &config, to).map(Conv::new)
        };
        let stem = conv("stem", [3, 32], 3, 2, 1)?;
        let mut made = Vec::new();
        for (index, [kernel, inputs, outputs, expansion, stride]) in blocks().enumerate() {
            let wide = inputs * expansion;
            let name = |part: &str| format!("blocks.{index}.{part}");
            let expand = match expansion {
                1 => None,
                _ => Some(conv(&name("expand"), [inputs, wide], 1, 1, 1)?),
            };
            made.push(Block {
                expand,
                depthwise: conv(&name("depthwise"), [wide, wide], kernel, stride, wide)?,
                project: conv(&name("project"), [wide, outputs], 1, 1, 1)?,
                shortcut: stride == 1 && inputs == outputs,
            });
        }
        let head = conv("head", [320, 1280], 1, 1, 1)?;
        let classifier = weights.linear("classifier", [1280, 1000], to)?;
        Ok(Self { stem, blocks: made, head, classifier })
    }
}

/// The point of [`EfficientNetLite0`] behind its last convolution and before the activation:
/// `[rows, 1280, 7, 7]`.
#[derive(Debug)]
pub struct LastConvolution;

impl Model<Tensor<4>> for EfficientNetLite0 {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        self.after(self.before(input))
    }
}

impl Cut<Tensor<4>, LastConvolution> for EfficientNetLite0 {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        let mut x = relu6(self.stem.forward(input));
        for block in &self.blocks {
            x = block.forward(x);
        }
        self.head.forward(x)
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        let x = relu6(activation);
        let [rows, channels, ..] = x.dims();
        let x = x.flatten::<3>(2, 3).mean_dim(2).reshape([rows, channels]);
        self.classifier.forward(x)
    }
}

impl Block {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = match &self.expand {
            Some(expand) => relu6(expand.forward(input.clone())),
            None => input.clone(),
        };
        let x = self.project.forward(relu6(self.depthwise.forward(x)));
        if self.shortcut { x + input } else { x }
    }
}

/// Kernel, channels in, channels out, expansion and stride of each block.
fn blocks() -> impl Iterator<Item = [usize; 5]> {
    STAGES.iter().flat_map(|&[kernel, repeats, inputs, outputs, expansion, stride]| {
        (0..repeats).map(move |repeat| match repeat {
            0 => [kernel, inputs, outputs, expansion, stride],
            _ => [kernel, outputs, outputs, expansion, 1],
        })
    })
}

/// TensorFlow's SAME: with stride 2 on even sizes, one less before than after.
fn padding(kernel: usize, stride: usize) -> PaddingConfig2d {
    let after = kernel / 2;
    let before = if stride == 2 { after - 1 } else { after };
    match kernel {
        1 => PaddingConfig2d::Valid,
        _ => PaddingConfig2d::Explicit(before, before, after, after),
    }
}
