//! Transformers that show their attention weights.

use burn::tensor::Tensor;

use crate::model::model::Model;

/// A transformer that shows its attention weights, and computes with given ones.
///
/// # Shapes
/// Attention weights are `[rows, layers, heads, queries, keys]`, with as many queries as keys: one
/// for each token.
///
/// # Example
/// One layer with one head, whose values are the tokens themselves:
/// ```
/// use burn::module::Module;
/// use burn::tensor::activation::softmax;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{AttentionMaps, LeGrad, Model};
///
/// #[derive(Module, Debug)]
/// struct Net {}
///
/// impl Model<Tensor<3>> for Net {
///     fn forward(&self, tokens: Tensor<3>) -> Tensor<2> {
///         let attention = self.attention(tokens.clone());
///         self.layer_scores(tokens, attention)
///     }
/// }
///
/// impl AttentionMaps<Tensor<3>> for Net {
///     fn attention(&self, tokens: Tensor<3>) -> Tensor<5> {
///         let [rows, count, _] = tokens.dims();
///         let weights = softmax(tokens.clone().matmul(tokens.swap_dims(1, 2)), 2);
///         weights.reshape([rows, 1, 1, count, count])
///     }
///
///     fn layer_scores(&self, tokens: Tensor<3>, attention: Tensor<5>) -> Tensor<2> {
///         let [rows, count, _] = tokens.dims();
///         let mixed = attention.reshape([rows, count, count]).matmul(tokens);
///         mixed.narrow(1, 0, 1).squeeze_dim(1) // of the first token
///     }
/// }
///
/// let tokens = Tensor::<3>::from_data([[[3.0], [-1.0]]], &Device::flex());
/// let map = LeGrad::new().attribute(&Net {}, tokens)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [1.5, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub trait AttentionMaps<I>: Model<I> {
    /// Returns the attention weights of all layers.
    fn attention(&self, input: I) -> Tensor<5>;

    /// Scores the tokens behind each layer as if it were the last one, and adds the scores up:
    /// `[rows, scores]`.
    ///
    /// Each layer uses the given attention weights instead of its own. What a layer hands on to the
    /// next one must be a [`constant`](crate::rules::constant), so that the attention weights of a
    /// layer have a gradient from the score of this layer alone.
    fn layer_scores(&self, input: I, attention: Tensor<5>) -> Tensor<2>;
}
