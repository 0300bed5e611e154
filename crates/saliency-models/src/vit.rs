use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use saliency_core::Model;

/// The side of a patch, in pixels.
const PATCH: usize = 16;
/// The number of patches along a side of the picture.
const PATCHES: usize = 14;
/// The size of a token.
const WIDTH: usize = 192;

/// A small vision transformer with random weights: the size of ViT-Ti/16 with half its layers, 3
/// million parameters. It is for measuring time and memory, which do not depend on the weights.
///
/// # Shapes
/// - input: `[rows, 3, 224, 224]`
/// - output: `[rows, 1000]` logits
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
    positions: Param<Tensor<3>>,
    encoder: TransformerEncoder,
    classifier: Linear,
}

impl VisionTransformer {
    /// Builds a network of six layers with three heads each.
    pub fn new(device: &Device) -> Self {
        let patches = Conv2dConfig::new([3, WIDTH], [PATCH; 2]).with_stride([PATCH; 2]);
        let encoder = TransformerEncoderConfig::new(WIDTH, 4 * WIDTH, 3, 6).with_norm_first(true);
        let near_zero = Initializer::Normal { mean: 0.0, std: 0.02 };
        Self {
            patches: patches.init(device),
            positions: near_zero.init([1, PATCHES * PATCHES, WIDTH], device),
            encoder: encoder.init(device),
            classifier: LinearConfig::new(WIDTH, 1000).init(device),
        }
    }
}

impl Model<Tensor<4>> for VisionTransformer {
    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let tokens = self.patches.forward(input).flatten::<3>(2, 3).swap_dims(1, 2);
        let tokens = tokens + self.positions.val();
        let tokens = self.encoder.forward(TransformerEncoderInput::new(tokens));
        let [rows, ..] = tokens.dims();
        self.classifier.forward(tokens.mean_dim(1).reshape([rows, WIDTH]))
    }
}
