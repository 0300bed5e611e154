use burn::module::Module;
use burn::tensor::{Device, Tensor};
use saliency_core::Model;
use saliency_flex::fold_batch_norms;
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};
use saliency_flex::nn::pool::{MaxPool2d, MaxPool2dConfig};
use saliency_flex::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use saliency_flex::tensor::activation::relu;

/// A residual network for ImageNet with random weights. It is for measuring time and memory, which
/// do not depend on the weights. BatchNorm is a layer of its own, as in most networks.
///
/// # Shapes
/// - input: `[rows, 3, 224, 224]`
/// - output: `[rows, 1000]` logits
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Model;
/// use saliency_models::ResNet;
///
/// let device = Device::flex();
/// let net = ResNet::new_18(&device);
/// assert_eq!(net.forward(Tensor::<4>::zeros([1, 3, 64, 64], &device)).dims(), [1, 1000]);
/// ```
///
/// # Source
/// He, Zhang, Ren and Sun, *Deep Residual Learning for Image Recognition*, 2015,
/// <https://arxiv.org/abs/1512.03385>.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Layer,
    pool: MaxPool2d,
    blocks: Vec<Block>,
    classifier: Linear,
}

/// A convolution, followed by BatchNorm.
#[derive(Module, Debug)]
struct Layer {
    conv: Conv2d,
    norm: BatchNorm,
}

#[derive(Module, Debug)]
struct Block {
    layers: Vec<Layer>,
    shortcut: Option<Layer>,
}

impl ResNet {
    /// Builds a ResNet-18, with 11.7 million parameters.
    pub fn new_18(device: &Device) -> Self {
        Self::new([2, 2, 2, 2], BlockKind::Basic, device)
    }

    /// Builds a ResNet-50, with 25.6 million parameters.
    pub fn new_50(device: &Device) -> Self {
        Self::new([3, 4, 6, 3], BlockKind::Bottleneck, device)
    }

    /// Folds BatchNorm into the convolutions, which saves passes over the values.
    ///
    /// The result computes the same function in inference mode. It is not for training.
    pub fn folded(&self) -> Self {
        let device = self.classifier.weight.device().inner();
        let small = Tensor::<4>::ones([1, 3, 64, 64], &device);
        fold_batch_norms(self, |net| net.forward(small.clone()))
            .expect("each BatchNorm reads a convolution")
    }

    /// Builds a network; `stages` are the numbers of blocks in each stage.
    fn new(stages: [usize; 4], kind: BlockKind, device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 64;
        for (stage, count) in stages.into_iter().enumerate() {
            let inner = 64 << stage;
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let shape = BlockShape { inputs, inner, stride };
                blocks.push(Block::new(kind, shape, device));
                inputs = inner * kind.expansion();
            }
        }
        let pool = MaxPool2dConfig::new([3, 3]).with_strides([2, 2]);
        Self {
            stem: Layer::new([3, 64], 7, 2, device),
            pool: pool.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(),
            blocks,
            classifier: LinearConfig::new(inputs, 1000).init(device),
        }
    }
}

impl Model<Tensor<4>> for ResNet {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let mut x = self.pool.forward(relu(self.stem.forward(input)));
        for block in &self.blocks {
            x = block.forward(x);
        }
        let [rows, channels, ..] = x.dims();
        let x = x.flatten::<3>(2, 3).mean_dim(2).reshape([rows, channels]);
        self.classifier.forward(x)
    }
}

/// The kinds of blocks.
#[derive(Clone, Copy)]
enum BlockKind {
    /// Two layers of 3 x 3.
    Basic,
    /// A layer of 3 x 3 between two layers of 1 x 1.
    Bottleneck,
}

impl BlockKind {
    /// Returns the number of output channels divided by the number of channels inside the block.
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// The channels of a block, and its stride.
#[derive(Clone, Copy)]
struct BlockShape {
    inputs: usize,
    inner: usize,
    stride: usize,
}

impl Block {
    fn new(kind: BlockKind, shape: BlockShape, device: &Device) -> Self {
        let BlockShape { inputs, inner, stride } = shape;
        let outputs = inner * kind.expansion();
        let layers = match kind {
            BlockKind::Basic => vec![
                Layer::new([inputs, inner], 3, stride, device),
                Layer::new([inner, outputs], 3, 1, device),
            ],
            BlockKind::Bottleneck => vec![
                Layer::new([inputs, inner], 1, 1, device),
                Layer::new([inner, inner], 3, stride, device),
                Layer::new([inner, outputs], 1, 1, device),
            ],
        };
        let fits = stride == 1 && inputs == outputs;
        let shortcut = (!fits).then(|| Layer::new([inputs, outputs], 1, stride, device));
        Self { layers, shortcut }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mut x = input.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            x = layer.forward(if index == 0 { x } else { relu(x) });
        }
        let short = match &self.shortcut {
            Some(layer) => layer.forward(input),
            None => input,
        };
        relu(x + short)
    }
}

impl Layer {
    fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let side = kernel / 2;
        let conv = Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
            .with_bias(false)
            .init(device);
        Self { conv, norm: BatchNormConfig::new(channels[1]).init(device) }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn folded_it_is_the_same_function() {
        let device = Device::flex();
        device.seed(0);
        let input = || Tensor::<4>::random([2, 3, 32, 32], Distribution::Default, &device);
        let net = ResNet::new_18(&device);
        // A pass in training mode, so that the running statistics differ from their first values.
        net.clone().train().forward(input().autodiff());
        let net = net.valid();
        let input = input();
        let values =
            |net: &ResNet| net.forward(input.clone()).into_data().iter().collect::<Vec<f64>>();
        for (a, b) in values(&net).iter().zip(values(&net.folded())) {
            assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{a} {b}");
        }
    }
}
