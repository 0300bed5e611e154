//! One number for each token, from the values of its embedding.

use burn::tensor::Tensor;

use crate::error::Result;
use crate::input::batch::to_host;

/// The number that stands for the values of a token's embedding.
///
/// [`Method::token_reduction`](crate::Method::token_reduction) names the right one for each method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenReduction {
    /// The sum of the values: for values that are shares of a score, such as those of Integrated
    /// Gradients.
    Sum,
    /// The length of the vector of values, √Σ v²: for values that are slopes, such as those of the
    /// gradient. The sum of slopes means nothing: behind a layer normalisation it is always zero.
    Norm,
}

/// Returns one number for each token of each row, from attributions of embeddings.
///
/// # Shapes
/// From `[rows, tokens, values]` to a list of tokens for each row.
///
/// # Errors
/// [`Error::Device`](crate::Error::Device) if the values cannot be read back.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, Method, per_token, pure_function};
///
/// let model = pure_function(|x: Tensor<3>| {
///     let weights = Tensor::<3>::from_data([[[3.0, -3.0], [1.0, 0.0]]], &x.device());
///     (x * weights).sum_dim(2).sum_dim(1).squeeze_dim::<2>(1)
/// });
/// let embedded = Tensor::<3>::ones([1, 2, 2], &Device::flex());
/// let map = Gradient::new().attribute(&model, embedded)?;
/// let tokens = per_token(&map.values, Method::Gradient.token_reduction())?;
/// assert!((tokens[0][0] - 18f64.sqrt()).abs() < 1e-6 && tokens[0][1] == 1.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn per_token(values: &Tensor<3>, reduction: TokenReduction) -> Result<Vec<Vec<f64>>> {
    let [_, tokens, width] = values.dims();
    let values = to_host(values.clone())?;
    let reduce = |values: &[f64]| match reduction {
        TokenReduction::Sum => values.iter().sum(),
        TokenReduction::Norm => values.iter().map(|value| value * value).sum::<f64>().sqrt(),
    };
    let row = |row: &[f64]| row.chunks(width.max(1)).map(reduce).collect();
    Ok(values.chunks((tokens * width).max(1)).map(row).collect())
}
