//! The encoder of transformers, written with rules of the backward pass.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Tensor};
use saliency_core::rules::{self, Rules};

use crate::weights::{Placement, Weights, WeightsError};

/// The sizes of an encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EncoderSize {
    /// The values of a token.
    pub width: usize,
    pub heads: usize,
    /// Added to variances.
    pub epsilon: f64,
}

/// The order of a block's parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Normalises what goes into attention and perceptron, as vision transformers do.
    NormFirst,
    /// Normalises what comes out, as BERT does.
    NormLast,
}

/// The names of a block's layers in a file of weights.
pub(crate) struct BlockNames {
    pub query: String,
    pub key: String,
    pub value: String,
    pub output: String,
    /// The normalisation of the attention, and that of the perceptron.
    pub norms: [String; 2],
    /// The two layers of the perceptron.
    pub wide: String,
    pub narrow: String,
}

/// Attention and a perceptron, each with a normalisation and a skip connection.
#[derive(Module, Debug)]
pub(crate) struct Block {
    attention: Attention,
    norms: Vec<LayerNorm>,
    wide: Linear,
    narrow: Linear,
    /// Added to the variances of the normalisations.
    epsilon: f64,
}

#[derive(Module, Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
}

impl Attention {
    /// Cuts `[rows, tokens, width]` into heads: `[rows, heads, tokens, width / heads]`.
    fn heads(&self, x: Tensor<3>) -> Tensor<4> {
        let [rows, tokens, width] = x.dims();
        x.reshape([rows, tokens, self.heads, width / self.heads]).swap_dims(1, 2)
    }

    /// Returns the attention weights `[rows, heads, queries, keys]`. `mask` is added to the scores.
    fn weights(&self, x: Tensor<3>, mask: Option<&Tensor<4>>, rules: Rules) -> Tensor<4> {
        let query = self.heads(self.query.forward(x.clone()));
        let key = self.heads(self.key.forward(x));
        let scale = 1.0 / (query.dims()[3] as f64).sqrt();
        let scores = rules::matmul(query, key.swap_dims(2, 3), rules) * scale;
        let scores = match mask {
            Some(mask) => scores + mask.clone(),
            None => scores,
        };
        rules::softmax(scores, 3, rules)
    }

    fn mix(&self, x: Tensor<3>, weights: Tensor<4>, rules: Rules) -> Tensor<3> {
        let [rows, tokens, width] = x.dims();
        let value = self.heads(self.value.forward(x));
        let mixed = rules::matmul(weights, value, rules);
        self.output.forward(mixed.swap_dims(1, 2).reshape([rows, tokens, width]))
    }
}

/// The tokens after a block, and its attention weights.
pub(crate) struct Step {
    pub tokens: Tensor<3>,
    pub weights: Tensor<4>,
}

/// The parts of a pass through a block that do not depend on the tokens.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub order: Order,
    /// Added to the scores of attention.
    pub mask: Option<Tensor<4>>,
    pub rules: Rules,
}

impl Block {
    pub(crate) fn random(size: &EncoderSize, device: &Device) -> Self {
        let linear = |from: usize, to: usize| LinearConfig::new(from, to).init(device);
        let width = size.width;
        let square = || linear(width, width);
        let norm = || LayerNormConfig::new(width).with_epsilon(size.epsilon).init(device);
        Self {
            attention: Attention {
                query: square(),
                key: square(),
                value: square(),
                output: square(),
                heads: size.heads,
            },
            norms: vec![norm(), norm()],
            wide: linear(width, 4 * width),
            narrow: linear(4 * width, width),
            epsilon: size.epsilon,
        }
    }

    pub(crate) fn load(
        weights: &mut Weights,
        names: &BlockNames,
        size: &EncoderSize,
        to: Placement<'_>,
    ) -> Result<Self, WeightsError> {
        let width = size.width;
        let mut square = |name: &str| weights.linear(name, [width, width], to);
        let attention = Attention {
            query: square(&names.query)?,
            key: square(&names.key)?,
            value: square(&names.value)?,
            output: square(&names.output)?,
            heads: size.heads,
        };
        let norms =
            names.norms.iter().map(|name| weights.layer_norm(name, width, size.epsilon, to));
        Ok(Self {
            attention,
            norms: norms.collect::<Result<_, _>>()?,
            wide: weights.linear(&names.wide, [width, 4 * width], to)?,
            narrow: weights.linear(&names.narrow, [4 * width, width], to)?,
            epsilon: size.epsilon,
        })
    }

    /// Computes a block. Attention weights that are given are used instead of its own.
    pub(crate) fn forward(&self, x: Tensor<3>, pass: &Pass, given: Option<Tensor<4>>) -> Step {
        let rules = pass.rules;
        let norm =
            |at: usize, x: Tensor<3>| rules::layer_norm(&self.norms[at], self.epsilon, x, rules);
        let attended = match pass.order {
            Order::NormFirst => norm(0, x.clone()),
            Order::NormLast => x.clone(),
        };
        let mask = pass.mask.as_ref();
        let weights =
            given.unwrap_or_else(|| self.attention.weights(attended.clone(), mask, rules));
        let x = x + self.attention.mix(attended, weights.clone(), rules);
        let perceptron = |x: Tensor<3>| {
            self.narrow.forward(rules::activation(self.wide.forward(x), gelu, rules))
        };
        let tokens = match pass.order {
            Order::NormFirst => x.clone() + perceptron(norm(1, x)),
            Order::NormLast => {
                let x = norm(0, x);
                norm(1, x.clone() + perceptron(x))
            }
        };
        Step { tokens, weights }
    }
}

/// Returns a parameter for every row of a batch.
pub(crate) fn for_rows(param: &Param<Tensor<3>>, rows: usize) -> Tensor<3> {
    let [_, tokens, width] = param.dims();
    param.val().expand([rows, tokens, width])
}
