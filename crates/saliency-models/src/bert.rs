use burn::module::{Initializer, Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::tanh;
use burn::tensor::{Bool, DType, Device, Int, Tensor};
use saliency_core::rules::{self, Ruled, Rules};
use saliency_core::{Fixed, Model};

use crate::transformer::{Block, BlockNames, EncoderSize, Order, Pass};
use crate::weights::{Placement, Weights, WeightsError};

/// The sizes of a [`TextEncoder`]. The default is the size of BERT base with two classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextSize {
    /// The number of words that the network knows.
    pub vocabulary: usize,
    /// The most tokens of a text.
    pub positions: usize,
    /// The number of values of a token.
    pub width: usize,
    /// The number of heads, a divisor of the width.
    pub heads: usize,
    /// The number of blocks.
    pub layers: usize,
    /// The number of classes.
    pub classes: usize,
}

impl Default for TextSize {
    fn default() -> Self {
        Self { vocabulary: 30522, positions: 512, width: 768, heads: 12, layers: 12, classes: 2 }
    }
}

impl TextSize {
    fn encoder(&self) -> EncoderSize {
        EncoderSize { width: self.width, heads: self.heads, epsilon: EPSILON }
    }
}

/// The epsilon of its normalisations.
const EPSILON: f64 = 1e-12;

/// A classifier of texts in the manner of BERT. It is written with [`rules`], and takes the weights
/// of Hugging Face's `BertForSequenceClassification`.
///
/// It is a model of its embedded words, so that they can be explained: [`words`](Self::words) looks
/// them up.
///
/// # Shapes
/// - input: words `[rows, tokens, width]`, and `[rows, tokens]` with true for padding
/// - output: `[rows, classes]` logits
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use saliency_core::{Explainer, Fixed, Libra, Method, per_token};
/// use saliency_models::{TextEncoder, TextSize};
///
/// let device = Device::flex();
/// let size = TextSize {
///     vocabulary: 20, positions: 8, width: 8, heads: 2, layers: 1, classes: 2,
/// };
/// let net = TextEncoder::random(&size, &device);
/// let ids = Tensor::<2, Int>::from_data([[2, 17, 5, 0]], &device);
/// let padding = Fixed(ids.clone().equal_elem(0));
/// let map = Libra::new().attribute(&net, (net.words(ids), padding))?;
/// let tokens = per_token(&map.values.0, Method::InputTimesGradient.token_reduction())?;
/// assert_eq!((tokens[0].len(), tokens[0][3]), (4, 0.0));
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Devlin, Chang, Lee and Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers for
/// Language Understanding*, 2018, <https://arxiv.org/abs/1810.04805>.
#[derive(Module, Debug)]
pub struct TextEncoder {
    words: Embedding,
    positions: Param<Tensor<2>>,
    /// What is added to every token of the first, and here the only, sentence.
    sentence: Param<Tensor<1>>,
    norm: LayerNorm,
    blocks: Vec<Block>,
    pooler: Linear,
    classifier: Linear,
    #[module(skip)]
    rules: Rules,
}

impl TextEncoder {
    /// Builds a network with random weights.
    pub fn random(size: &TextSize, device: &Device) -> Self {
        let near_zero = Initializer::Normal { mean: 0.0, std: 0.02 };
        let (encoder, width) = (size.encoder(), size.width);
        Self {
            words: EmbeddingConfig::new(size.vocabulary, width).init(device),
            positions: near_zero.init([size.positions, width], device),
            sentence: near_zero.init([width], device),
            norm: LayerNormConfig::new(width).with_epsilon(EPSILON).init(device),
            blocks: (0..size.layers).map(|_| Block::random(&encoder, device)).collect(),
            pooler: LinearConfig::new(width, width).init(device),
            classifier: LinearConfig::new(width, size.classes).init(device),
            rules: Rules::Plain,
        }
    }

    /// Builds a network with the weights of Hugging Face's `BertForSequenceClassification`.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] and [`WeightsError::Shape`].
    pub fn from_weights(
        mut weights: Weights,
        size: &TextSize,
        device: &Device,
        precision: DType,
    ) -> Result<Self, WeightsError> {
        let to = Placement { device, precision };
        let width = size.width;
        let blocks = (0..size.layers).map(|layer| {
            let name = |part: &str| format!("bert.encoder.layer.{layer}.{part}");
            let names = BlockNames {
                query: name("attention.self.query"),
                key: name("attention.self.key"),
                value: name("attention.self.value"),
                output: name("attention.output.dense"),
                norms: [name("attention.output.LayerNorm"), name("output.LayerNorm")],
                wide: name("intermediate.dense"),
                narrow: name("output.dense"),
            };
            Block::load(&mut weights, &names, &size.encoder(), to)
        });
        let blocks = blocks.collect::<Result<_, _>>()?;
        let of = |part: &str| format!("bert.embeddings.{part}");
        let mut words = EmbeddingConfig::new(size.vocabulary, width).init(device);
        let shape = [size.vocabulary, width];
        words.weight = weights.param(&of("word_embeddings.weight"), shape, to)?;
        let positions = [size.positions, width];
        let sentence = of("token_type_embeddings");
        weights.first_row(&format!("{sentence}.weight"), &sentence)?;
        Ok(Self {
            words,
            positions: weights.param(&of("position_embeddings.weight"), positions, to)?,
            sentence: weights.param(&sentence, [width], to)?,
            norm: weights.layer_norm(&of("LayerNorm"), width, EPSILON, to)?,
            blocks,
            pooler: weights.linear("bert.pooler.dense", [width, width], to)?,
            classifier: weights.linear("classifier", [width, size.classes], to)?,
            rules: Rules::Plain,
        })
    }

    /// Looks up the words of texts: `[rows, tokens]` becomes `[rows, tokens, width]`.
    pub fn words(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        self.words.forward(ids)
    }
}

/// The score of padding, before the softmax of attention.
const PADDING: f64 = -10_000.0;

impl Model<(Tensor<3>, Fixed<Tensor<2, Bool>>)> for TextEncoder {
    fn forward(&self, (words, padding): (Tensor<3>, Fixed<Tensor<2, Bool>>)) -> Tensor<2> {
        let [rows, tokens, width] = words.dims();
        let positions = self.positions.val().narrow(0, 0, tokens);
        let constant = positions + self.sentence.val().unsqueeze();
        let x = rules::layer_norm(
            &self.norm,
            EPSILON,
            words.clone() + constant.unsqueeze(),
            self.rules,
        );
        let mask = padding.0.float().cast(words.dtype()) * PADDING;
        let mask = Some(mask.reshape([rows, 1, 1, tokens]));
        let pass = Pass { order: Order::NormLast, mask, rules: self.rules };
        let step = |x, block: &Block| block.forward(x, &pass, None).tokens;
        let x = self.blocks.iter().fold(x, step);
        let first = x.narrow(1, 0, 1).reshape([rows, width]);
        let pooled = rules::activation(self.pooler.forward(first), tanh, self.rules);
        self.classifier.forward(pooled)
    }
}

impl Ruled for TextEncoder {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }
}
