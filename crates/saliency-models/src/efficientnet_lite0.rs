use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use saliency_core::rules::{self, Ruled, Rules};
use saliency_core::{Cut, Model};
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};
use saliency_flex::nn::{Linear, PaddingConfig2d};
use saliency_flex::tensor::activation::relu6;

use crate::weights::{Folding, Placement, Weights, WeightsError};

/// Blocks of the same kind, one after the other.
struct Stage {
    repeats: usize,
    /// The first block. The other blocks have as many output channels as input channels, and a
    /// stride of 1.
    first: BlockShape,
}

/// The shape of a block.
#[derive(Clone, Copy)]
struct BlockShape {
    kernel: usize,
    inputs: usize,
    outputs: usize,
    /// The number of channels that the block filters, divided by the number of input channels.
    expansion: usize,
    stride: usize,
}

const STAGES: [Stage; 7] = [
    Stage::new(1, BlockShape { kernel: 3, inputs: 32, outputs: 16, expansion: 1, stride: 1 }),
    Stage::new(2, BlockShape { kernel: 3, inputs: 16, outputs: 24, expansion: 6, stride: 2 }),
    Stage::new(2, BlockShape { kernel: 5, inputs: 24, outputs: 40, expansion: 6, stride: 2 }),
    Stage::new(3, BlockShape { kernel: 3, inputs: 40, outputs: 80, expansion: 6, stride: 2 }),
    Stage::new(3, BlockShape { kernel: 5, inputs: 80, outputs: 112, expansion: 6, stride: 1 }),
    Stage::new(4, BlockShape { kernel: 5, inputs: 112, outputs: 192, expansion: 6, stride: 2 }),
    Stage::new(1, BlockShape { kernel: 3, inputs: 192, outputs: 320, expansion: 6, stride: 1 }),
];

impl Stage {
    const fn new(repeats: usize, first: BlockShape) -> Self {
        Self { repeats, first }
    }
}

/// The network's BatchNorm epsilon; not PyTorch's default.
const EPSILON: f64 = 1e-3;

/// The embedded weights, made by the program `embed_weights` of `saliency-testkit`.
const EMBEDDED: &[u8] = include_bytes!("../data/efficientnet_lite0_f16.safetensors");

/// EfficientNet-Lite0, a convolutional ImageNet classifier with 4.7 million parameters.
///
/// BatchNorm is folded into the convolutions when weights are loaded. Convolutions and ReLU6 are
/// the layers of [`saliency_flex`]. On a CPU these keep and compute only the values that gradients
/// with respect to the input need. This changes the gradients by rounding only.
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
    stem: Conv2d,
    blocks: Vec<Block>,
    head: Conv2d,
    classifier: Linear,
    #[module(skip)]
    rules: Rules,
}

/// Widens, filters each channel in space, and narrows, with a short cut if the shapes allow it.
#[derive(Module, Debug)]
struct Block {
    expand: Option<Conv2d>,
    depthwise: Conv2d,
    project: Conv2d,
    shortcut: bool,
}

impl EfficientNetLite0 {
    /// Builds the network with its ImageNet weights, which are rounded to half precision to keep
    /// the file small. The network computes in single precision.
    pub fn embedded(device: &Device) -> Self {
        Self::embedded_in(device, DType::F32)
    }

    /// Builds the network with its ImageNet weights, to compute in another floating-point
    /// precision.
    pub fn embedded_in(device: &Device, precision: DType) -> Self {
        let weights = Weights::from_safetensors(EMBEDDED).expect("the embedded file is readable");
        Self::new(weights, Placement { device, precision }).expect("the embedded weights fit")
    }

    /// Builds the network with weights as PyTorch names them, to compute in the given precision.
    ///
    /// # Errors
    /// A [`WeightsError`] that names a tensor that is missing or does not fit.
    pub fn from_original(
        weights: Weights,
        device: &Device,
        precision: DType,
    ) -> Result<Self, WeightsError> {
        Self::new(Self::fold(weights)?, Placement { device, precision })
    }

    /// Turns weights as PyTorch names them into those of this network: folds BatchNorm and changes
    /// the names.
    ///
    /// # Errors
    /// A [`WeightsError`] that names a tensor that is missing or does not fit.
    pub fn fold(mut weights: Weights) -> Result<Weights, WeightsError> {
        let mut fold = |from: &str, convolution: &str, norm: &str, to: String| {
            let (convolution, norm) = (format!("{from}{convolution}"), format!("{from}{norm}"));
            weights.fold(&Folding { convolution, norm, to }, EPSILON)
        };
        fold("", "_conv_stem", "_bn0", "stem".to_owned())?;
        for (index, block) in blocks().enumerate() {
            let (from, to) = (format!("_blocks.{index}."), format!("blocks.{index}"));
            if block.expansion > 1 {
                fold(&from, "_expand_conv", "_bn0", format!("{to}.expand"))?;
            }
            fold(&from, "_depthwise_conv", "_bn1", format!("{to}.depthwise"))?;
            fold(&from, "_project_conv", "_bn2", format!("{to}.project"))?;
        }
        fold("", "_conv_head", "_bn1", "head".to_owned())?;
        weights.rename("_fc.weight", "classifier.weight")?;
        weights.rename("_fc.bias", "classifier.bias")?;
        Ok(weights)
    }

    fn new(mut weights: Weights, to: Placement<'_>) -> Result<Self, WeightsError> {
        let mut conv = |name: &str, channels: [usize; 2], kernel: usize, stride, groups| {
            let config = Conv2dConfig::new(channels, [kernel; 2])
                .with_stride([stride; 2])
                .with_groups(groups)
                .with_padding(padding(kernel, stride));
            weights.conv(name, &config, to)
        };
        // In the order of the network.
        let stem = conv("stem", [3, 32], 3, 2, 1)?;
        let mut made = Vec::new();
        for (index, block) in blocks().enumerate() {
            let BlockShape { kernel, inputs, outputs, expansion, stride } = block;
            let wide = inputs * expansion;
            let name = |part: &str| format!("blocks.{index}.{part}");
            let expand = if expansion == 1 {
                None
            } else {
                Some(conv(&name("expand"), [inputs, wide], 1, 1, 1)?)
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
        Ok(Self { stem, blocks: made, head, classifier, rules: Rules::Plain })
    }
}

/// The layer of [`EfficientNetLite0`] after its last convolution and before the activation:
/// `[rows, 1280, 7, 7]`.
#[derive(Debug)]
pub struct LastConvolution;

/// The layer of [`EfficientNetLite0`] after the block with this index, from 0 to 15: `[rows, 40, 28,
/// 28]` after block 4, `[rows, 112, 14, 14]` after block 10, `[rows, 320, 7, 7]` after block 15.
#[derive(Debug)]
pub struct AfterBlock<const INDEX: usize>;

impl Model<Tensor<4>> for EfficientNetLite0 {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let activation = Cut::<_, LastConvolution>::before(self, input);
        Cut::<_, LastConvolution>::after(self, activation)
    }
}

impl Cut<Tensor<4>, LastConvolution> for EfficientNetLite0 {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        let x = rules::activation(self.stem.forward(input), relu6, self.rules);
        self.head.forward(self.blocks.iter().fold(x, |x, block| block.forward(x, self.rules)))
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        let x = rules::activation(activation, relu6, self.rules);
        let [rows, channels, ..] = x.dims();
        let x = x.flatten::<3>(2, 3).mean_dim(2).reshape([rows, channels]);
        self.classifier.forward(x)
    }
}

impl<const INDEX: usize> Cut<Tensor<4>, AfterBlock<INDEX>> for EfficientNetLite0 {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        let x = rules::activation(self.stem.forward(input), relu6, self.rules);
        self.blocks[..=INDEX].iter().fold(x, |x, block| block.forward(x, self.rules))
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        let x = self.blocks[INDEX + 1..]
            .iter()
            .fold(activation, |x, block| block.forward(x, self.rules));
        <Self as Cut<Tensor<4>, LastConvolution>>::after(self, self.head.forward(x))
    }
}

impl Block {
    fn forward(&self, input: Tensor<4>, rules: Rules) -> Tensor<4> {
        let bent = |x: Tensor<4>| rules::activation(x, relu6, rules);
        let x = match &self.expand {
            Some(expand) => bent(expand.forward(input.clone())),
            None => input.clone(),
        };
        let x = self.project.forward(bent(self.depthwise.forward(x)));
        if self.shortcut { x + input } else { x }
    }
}

impl Ruled for EfficientNetLite0 {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }
}

/// Lists the shape of each block.
fn blocks() -> impl Iterator<Item = BlockShape> {
    STAGES.iter().flat_map(|stage| {
        let first = stage.first;
        let other = BlockShape { inputs: first.outputs, stride: 1, ..first };
        std::iter::once(first).chain(std::iter::repeat_n(other, stage.repeats - 1))
    })
}

/// Returns TensorFlow's SAME padding. With stride 2 on even sizes, it has one pixel less before the
/// picture than after it.
fn padding(kernel: usize, stride: usize) -> PaddingConfig2d {
    if kernel == 1 {
        return PaddingConfig2d::Valid;
    }
    let after = kernel / 2;
    let before = if stride == 2 { after - 1 } else { after };
    PaddingConfig2d::Explicit(before, before, after, after)
}
