//! Attention rollout: attention weights multiplied over the layers.

use burn::tensor::Tensor;

use crate::error::{Error, Result};

/// Returns, for each token behind the last layer, how much attention it pays to each token of the
/// input, over all layers:
///
/// ```text
/// R = Ã(L) · ... · Ã(2) · Ã(1),   Ã = (mean over heads of A + 1) / 2
/// ```
///
/// The identity stands for the skip connection. Rollout does not look at values, perceptrons or
/// scores: it is the same for all classes.
///
/// # Shapes and units
/// - `attention`: `[rows, layers, heads, tokens, tokens]`, as
///   [`AttentionMaps::attention`](crate::AttentionMaps::attention) returns it
/// - result: `[rows, tokens, tokens]`; each of its lines sums to 1. The line of the class token is
///   the map of a vision transformer
///
/// # Cost
/// A product of matrices for each layer and row; one forward pass for the attention weights.
///
/// # Errors
/// [`Error::InvalidOption`] if there are no layers or heads, or not as many queries as keys.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::attention_rollout;
///
/// let attention = [[[[[0.0, 1.0], [0.5, 0.5]]]]];
/// let attention = Tensor::<5>::from_data(attention, &Device::flex());
/// let rollout = attention_rollout(attention)?;
/// assert_eq!(rollout.try_into_vec_as::<f32>().unwrap(), [0.5, 0.5, 0.25, 0.75]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Abnar and Zuidema, *Quantifying Attention Flow in Transformers*, 2020,
/// <https://arxiv.org/abs/2005.00928>.
pub fn attention_rollout(attention: Tensor<5>) -> Result<Tensor<3>> {
    check(&attention)?;
    let attention = attention.inner();
    let [rows, layers, _, tokens, _] = attention.dims();
    let identity = Tensor::<2>::eye(tokens, &attention.device()).cast(attention.dtype());
    let identity = identity.reshape([1, tokens, tokens]);
    let mixed = |layer: usize| {
        let heads = attention.clone().narrow(1, layer, 1).mean_dim(2);
        (heads.reshape([rows, tokens, tokens]) + identity.clone()) * 0.5
    };
    Ok((1..layers).fold(mixed(0), |rollout, layer| mixed(layer).matmul(rollout)))
}

/// Refuses tensors that are no attention weights.
pub(super) fn check(attention: &Tensor<5>) -> Result<()> {
    let dims = attention.dims();
    if dims.iter().all(|&size| size > 0) && dims[3] == dims[4] {
        return Ok(());
    }
    let expected = "of the shape [rows, layers, heads, tokens, tokens], all of them 1 or more";
    Err(Error::invalid_option("attention", expected, format!("{dims:?}")))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn lines_sum_to_one_and_layers_are_multiplied_from_the_last_to_the_first() {
        let device = Device::flex();
        // The first layer swaps two tokens, the second layer looks at the first one alone.
        let attention = [[[[[0.0, 1.0], [1.0, 0.0]]], [[[1.0, 0.0], [1.0, 0.0]]]]];
        let attention = Tensor::<5>::from_data(attention, &device);
        let rollout = attention_rollout(attention).unwrap();
        let expected = [0.5, 0.5, 0.5, 0.5];
        assert_eq!(rollout.try_into_vec_as::<f32>().unwrap(), expected);
    }

    #[test]
    fn tensors_that_are_no_attention_weights_are_refused() {
        let device = Device::flex();
        for dims in [[1, 1, 1, 2, 3], [1, 0, 1, 2, 2], [1, 1, 0, 2, 2]] {
            let error = attention_rollout(Tensor::zeros(dims, &device)).unwrap_err();
            assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
        }
    }
}
