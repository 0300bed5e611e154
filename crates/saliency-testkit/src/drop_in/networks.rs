// Included twice, with another `nn` each time. Nothing else says which layers are used.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use nn::conv::{Conv2d, Conv2dConfig};
use nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use nn::activation::Relu6;
use nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d, Relu};
use saliency_core::Model;

/// Sets the statistics of BatchNorm to those of random pictures, so that values neither vanish nor
/// grow from layer to layer. A momentum of 1 takes the statistics of one batch.
fn settle<M: Model<Tensor<4>>>(net: M, device: &Device) -> M {
    let net = net.train();
    let pictures = Tensor::<4>::random([4, 3, 64, 64], Distribution::Normal(0.0, 1.0), device);
    net.forward(pictures.autodiff());
    net.valid()
}

/// Builds a BatchNorm.
fn norm(channels: usize, epsilon: f64, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).with_epsilon(epsilon).with_momentum(1.0).init(device)
}

/// ResNet-18 with random weights. Fields are named as in torchvision.
#[derive(Module, Debug)]
pub struct ResNet18 {
    conv1: Conv2d,
    bn1: BatchNorm,
    relu: Relu,
    maxpool: MaxPool2d,
    blocks: Vec<Residual>,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

/// A residual block.
#[derive(Module, Debug)]
pub struct Residual {
    conv1: Conv2d,
    bn1: BatchNorm,
    relu: Relu,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<Downsample>,
}

/// A short cut with a stride.
#[derive(Module, Debug)]
pub struct Downsample {
    conv: Conv2d,
    bn: BatchNorm,
}

/// Builds a convolution without bias that keeps the size at a stride of 1.
fn conv(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Conv2d {
    let side = kernel / 2;
    Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
        .with_bias(false)
        .init(device)
}

impl ResNet18 {
    /// Builds the network.
    pub fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 64;
        for (outputs, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
            blocks.push(Residual::new([inputs, outputs], stride, device));
            blocks.push(Residual::new([outputs, outputs], 1, device));
            inputs = outputs;
        }
        let maxpool = MaxPool2dConfig::new([3, 3])
            .with_strides([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let net = Self {
            conv1: conv([3, 64], 7, 2, device),
            bn1: norm(64, 1e-5, device),
            relu: Relu::new(),
            maxpool: maxpool.init(),
            blocks,
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            fc: LinearConfig::new(512, 1000).init(device),
        };
        settle(net, device)
    }
}

impl Model<Tensor<4>> for ResNet18 {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let x = self.relu.forward(self.bn1.forward(self.conv1.forward(input)));
        let x = self.maxpool.forward(x);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.fc.forward(self.avgpool.forward(x).flatten(1, 3))
    }
}

impl Residual {
    fn new(channels: [usize; 2], stride: usize, device: &Device) -> Self {
        let [inputs, outputs] = channels;
        let norm = || norm(outputs, 1e-5, device);
        let downsample = (stride > 1)
            .then(|| Downsample { conv: conv([inputs, outputs], 1, stride, device), bn: norm() });
        Self {
            conv1: conv(channels, 3, stride, device),
            bn1: norm(),
            relu: Relu::new(),
            conv2: conv([outputs, outputs], 3, 1, device),
            bn2: norm(),
            downsample,
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let short = match &self.downsample {
            Some(short) => short.bn.forward(short.conv.forward(input.clone())),
            None => input.clone(),
        };
        let x = self.relu.forward(self.bn1.forward(self.conv1.forward(input)));
        self.relu.forward(self.bn2.forward(self.conv2.forward(x)) + short)
    }
}

/// A network of inverted residuals with random weights: EfficientNet-Lite0 or MobileNetV2.
#[derive(Module, Debug)]
pub struct MobileNet {
    stem: Conv2d,
    bn0: BatchNorm,
    blocks: Vec<Inverted>,
    head: Conv2d,
    bn1: BatchNorm,
    relu6: Relu6,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

/// Widens, filters each channel in space, and narrows.
#[derive(Module, Debug)]
pub struct Inverted {
    expand: Option<Expand>,
    depthwise: Conv2d,
    bn1: BatchNorm,
    project: Conv2d,
    bn2: BatchNorm,
    relu6: Relu6,
    shortcut: bool,
}

/// Widens.
#[derive(Module, Debug)]
pub struct Expand {
    conv: Conv2d,
    bn: BatchNorm,
}

/// Blocks that follow one another. The first one has the stride.
#[derive(Clone, Copy)]
struct Stage {
    blocks: usize,
    kernel: usize,
    outputs: usize,
    expansion: usize,
    stride: usize,
}

impl MobileNet {
    /// Builds EfficientNet-Lite0.
    pub fn efficientnet_lite0(device: &Device) -> Self {
        let stages = [
            Stage { blocks: 1, kernel: 3, outputs: 16, expansion: 1, stride: 1 },
            Stage { blocks: 2, kernel: 3, outputs: 24, expansion: 6, stride: 2 },
            Stage { blocks: 2, kernel: 5, outputs: 40, expansion: 6, stride: 2 },
            Stage { blocks: 3, kernel: 3, outputs: 80, expansion: 6, stride: 2 },
            Stage { blocks: 3, kernel: 5, outputs: 112, expansion: 6, stride: 1 },
            Stage { blocks: 4, kernel: 5, outputs: 192, expansion: 6, stride: 2 },
            Stage { blocks: 1, kernel: 3, outputs: 320, expansion: 6, stride: 1 },
        ];
        Self::new(&stages, device)
    }

    /// Builds MobileNetV2.
    pub fn v2(device: &Device) -> Self {
        let stages = [
            Stage { blocks: 1, kernel: 3, outputs: 16, expansion: 1, stride: 1 },
            Stage { blocks: 2, kernel: 3, outputs: 24, expansion: 6, stride: 2 },
            Stage { blocks: 3, kernel: 3, outputs: 32, expansion: 6, stride: 2 },
            Stage { blocks: 4, kernel: 3, outputs: 64, expansion: 6, stride: 2 },
            Stage { blocks: 3, kernel: 3, outputs: 96, expansion: 6, stride: 1 },
            Stage { blocks: 3, kernel: 3, outputs: 160, expansion: 6, stride: 2 },
            Stage { blocks: 1, kernel: 3, outputs: 320, expansion: 6, stride: 1 },
        ];
        Self::new(&stages, device)
    }

    fn new(stages: &[Stage], device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 32;
        for stage in stages {
            for index in 0..stage.blocks {
                let stride = if index == 0 { stage.stride } else { 1 };
                blocks.push(Inverted::new(inputs, &Stage { stride, ..*stage }, device));
                inputs = stage.outputs;
            }
        }
        let net = Self {
            stem: conv([3, 32], 3, 2, device),
            bn0: norm(32, 1e-3, device),
            blocks,
            head: conv([320, 1280], 1, 1, device),
            bn1: norm(1280, 1e-3, device),
            relu6: Relu6::new(),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            fc: LinearConfig::new(1280, 1000).init(device),
        };
        settle(net, device)
    }
}

impl Model<Tensor<4>> for MobileNet {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let x = self.relu6.forward(self.bn0.forward(self.stem.forward(input)));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let x = self.relu6.forward(self.bn1.forward(self.head.forward(x)));
        self.fc.forward(self.avgpool.forward(x).flatten(1, 3))
    }
}

impl Inverted {
    fn new(inputs: usize, stage: &Stage, device: &Device) -> Self {
        let Stage { kernel, outputs, expansion, stride, .. } = *stage;
        let wide = inputs * expansion;
        let norm = |channels| norm(channels, 1e-3, device);
        let side = kernel / 2;
        let depthwise = Conv2dConfig::new([wide, wide], [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
            .with_groups(wide)
            .with_bias(false);
        let expand = (expansion > 1)
            .then(|| Expand { conv: conv([inputs, wide], 1, 1, device), bn: norm(wide) });
        Self {
            expand,
            depthwise: depthwise.init(device),
            bn1: norm(wide),
            project: conv([wide, outputs], 1, 1, device),
            bn2: norm(outputs),
            relu6: Relu6::new(),
            shortcut: stride == 1 && inputs == outputs,
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = match &self.expand {
            Some(expand) => {
                self.relu6.forward(expand.bn.forward(expand.conv.forward(input.clone())))
            }
            None => input.clone(),
        };
        let x = self.relu6.forward(self.bn1.forward(self.depthwise.forward(x)));
        let x = self.bn2.forward(self.project.forward(x));
        if self.shortcut { x + input } else { x }
    }
}
