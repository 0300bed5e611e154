use burn::module::{Initializer, Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor};
use saliency_core::rules::{self, Ruled, Rules};
use saliency_core::{AttentionMaps, Cut, Fixed, Model, TokenGrid};
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};

use crate::AfterBlock;
use crate::transformer::{Block, BlockNames, EncoderSize, Order, Pass, for_rows};
use crate::weights::{Placement, Weights, WeightsError};

/// The sizes of a [`VisionTransformer`].
///
/// The default is the size of ViT-Ti/16 with half its layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VitSize {
    /// The side of a picture, in pixels.
    pub picture: usize,
    /// The side of a patch, in pixels.
    pub patch: usize,
    /// The number of values of a token.
    pub width: usize,
    /// The number of heads, a divisor of the width.
    pub heads: usize,
    /// The number of blocks.
    pub layers: usize,
    /// The number of classes.
    pub classes: usize,
}

impl Default for VitSize {
    fn default() -> Self {
        Self { picture: 224, patch: 16, width: 192, heads: 3, layers: 6, classes: 1000 }
    }
}

impl VitSize {
    /// Returns the number of tokens: the patches, and the class token in front of them.
    pub fn tokens(&self) -> usize {
        (self.picture / self.patch).pow(2) + 1
    }

    fn encoder(&self) -> EncoderSize {
        EncoderSize { width: self.width, heads: self.heads, epsilon: EPSILON }
    }

    fn patches(&self) -> Conv2dConfig {
        Conv2dConfig::new([3, self.width], [self.patch; 2]).with_stride([self.patch; 2])
    }
}

/// The epsilon of its normalisations.
const EPSILON: f64 = 1e-6;

/// A vision transformer with a class token, as ViT and DeiT are. It is written with
/// [`rules`], shows its attention maps, and takes the weights of timm's models of this kind.
///
/// # Shapes
/// - input: `[rows, 3, picture, picture]`
/// - output: `[rows, classes]` logits
/// - attention: `[rows, layers, heads, tokens, tokens]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Model;
/// use saliency_models::VisionTransformer;
///
/// let device = Device::flex();
/// let net = VisionTransformer::new(&device);
/// assert_eq!(net.forward(Tensor::<4>::zeros([1, 3, 224, 224], &device)).dims(), [1, 1000]);
/// ```
///
/// # Source
/// Dosovitskiy et al., *An Image is Worth 16x16 Words*, 2020, <https://arxiv.org/abs/2010.11929>.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    patches: Conv2d,
    class_token: Param<Tensor<3>>,
    positions: Param<Tensor<3>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    classifier: Linear,
    #[module(skip)]
    rules: Rules,
}

impl VisionTransformer {
    /// Builds a network of the default size with random weights, for measuring time and memory,
    /// which do not depend on the weights.
    pub fn new(device: &Device) -> Self {
        Self::random(&VitSize::default(), device)
    }

    /// Builds a network with random weights.
    pub fn random(size: &VitSize, device: &Device) -> Self {
        let near_zero = Initializer::Normal { mean: 0.0, std: 0.02 };
        let encoder = size.encoder();
        Self {
            patches: size.patches().init(device),
            class_token: near_zero.init([1, 1, size.width], device),
            positions: near_zero.init([1, size.tokens(), size.width], device),
            blocks: (0..size.layers).map(|_| Block::random(&encoder, device)).collect(),
            norm: LayerNormConfig::new(size.width).with_epsilon(EPSILON).init(device),
            classifier: LinearConfig::new(size.width, size.classes).init(device),
            rules: Rules::Plain,
        }
    }

    /// Builds a network with the weights of one of timm's, such as `vit_tiny_patch16_224`.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] and [`WeightsError::Shape`].
    pub fn from_weights(
        mut weights: Weights,
        size: &VitSize,
        device: &Device,
        precision: DType,
    ) -> Result<Self, WeightsError> {
        let to = Placement { device, precision };
        let width = size.width;
        let blocks = (0..size.layers).map(|layer| {
            let name = |part: &str| format!("blocks.{layer}.{part}");
            let [query, key, value] = ["q", "k", "v"].map(|part| name(&format!("attn.{part}")));
            // One layer computes all three.
            weights.split(&name("attn.qkv"), &[&query, &key, &value])?;
            let names = BlockNames {
                query,
                key,
                value,
                output: name("attn.proj"),
                norms: [name("norm1"), name("norm2")],
                wide: name("mlp.fc1"),
                narrow: name("mlp.fc2"),
            };
            Block::load(&mut weights, &names, &size.encoder(), to)
        });
        let blocks = blocks.collect::<Result<_, _>>()?;
        Ok(Self {
            patches: weights.conv("patch_embed.proj", &size.patches(), to)?,
            class_token: weights.param("cls_token", [1, 1, width], to)?,
            positions: weights.param("pos_embed", [1, size.tokens(), width], to)?,
            blocks,
            norm: weights.layer_norm("norm", width, EPSILON, to)?,
            classifier: weights.linear("head", [width, size.classes], to)?,
            rules: Rules::Plain,
        })
    }

    fn pass(&self) -> Pass {
        Pass { order: Order::NormFirst, mask: None, rules: self.rules }
    }

    /// Cuts a picture into tokens.
    fn tokens(&self, input: Tensor<4>) -> Tensor<3> {
        let patches = self.patches.forward(input).flatten::<3>(2, 3).swap_dims(1, 2);
        let rows = patches.dims()[0];
        Tensor::cat(vec![for_rows(&self.class_token, rows), patches], 1) + self.positions.val()
    }

    /// Returns the patches as a grid, behind the class token.
    fn grid(&self) -> TokenGrid {
        let patches = self.positions.dims()[1] - 1;
        let side = patches.isqrt();
        TokenGrid::new(side, side).with_leading(1)
    }

    /// Computes some blocks, one after the other.
    fn run(&self, blocks: &[Block], tokens: Tensor<3>) -> Tensor<3> {
        let pass = self.pass();
        blocks.iter().fold(tokens, |x, block| block.forward(x, &pass, None).tokens)
    }

    /// Scores the class token.
    fn classify(&self, tokens: Tensor<3>) -> Tensor<2> {
        let [rows, _, width] = tokens.dims();
        // Tokens do not mix any more.
        let class = tokens.narrow(1, 0, 1).reshape([rows, width]);
        self.classifier.forward(rules::layer_norm(&self.norm, EPSILON, class, self.rules))
    }
}

impl Model<Tensor<4>> for VisionTransformer {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        self.classify(self.run(&self.blocks, self.tokens(input)))
    }
}

/// The tokens behind a block: the patches as a grid, and the class token, which is not a place.
///
/// Explain the tokens that enter the last block, which are those behind the last block but one. The
/// scores depend on the last block's patches no more: only its class token is scored.
impl<const INDEX: usize> Cut<Tensor<4>, AfterBlock<INDEX>> for VisionTransformer {
    type Activation = (Tensor<4>, Fixed<Tensor<3>>);

    fn before(&self, input: Tensor<4>) -> Self::Activation {
        let tokens = self.run(&self.blocks[..=INDEX], self.tokens(input));
        let (class, grid) = self.grid().split(tokens).expect("a token for each patch");
        (grid, Fixed(class))
    }

    fn after(&self, (grid, Fixed(class)): Self::Activation) -> Tensor<2> {
        let tokens = self.grid().join(class, grid).expect("a token for each patch");
        self.classify(self.run(&self.blocks[INDEX + 1..], tokens))
    }
}

impl Ruled for VisionTransformer {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }
}

impl AttentionMaps<Tensor<4>> for VisionTransformer {
    fn attention(&self, input: Tensor<4>) -> Tensor<5> {
        let pass = self.pass();
        let mut tokens = self.tokens(input);
        let mut maps = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let step = block.forward(tokens, &pass, None);
            maps.push(step.weights);
            tokens = step.tokens;
        }
        Tensor::stack(maps, 1)
    }

    fn layer_scores(&self, input: Tensor<4>, attention: Tensor<5>) -> Tensor<2> {
        let pass = self.pass();
        let mut tokens = self.tokens(input);
        let layers = self.blocks.iter().enumerate().map(|(layer, block)| {
            let map = attention.clone().narrow(1, layer, 1).squeeze_dim::<4>(1);
            let after = block.forward(tokens.clone(), &pass, Some(map)).tokens;
            // The next layer has a score of its own.
            tokens = rules::constant(after.clone());
            self.classify(after)
        });
        layers.reduce(|sum, scores| sum + scores).expect("there are layers")
    }
}
