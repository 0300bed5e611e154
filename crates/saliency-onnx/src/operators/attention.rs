//! Attention as one operator.

use burn::tensor::Tensor;
use saliency_core::rules;

use crate::values::{Floats, Value};

use super::Entry;
use super::call::{Call, Outputs, one};

pub(super) const TABLE: &[Entry] = &[("Attention", attention)];

/// Vaswani et al., 2017: `softmax(scale q k^T + mask) v`.
fn attention(call: &mut Call) -> Outputs {
    if call.has(4) || call.has(5) || (1..4).any(|output| call.wants(output)) {
        return Err("keys and values of earlier steps are not supported".into());
    }
    if call.float("softcap", 0.0) != 0.0 {
        return Err("`softcap` is not supported".into());
    }
    let in_three = call.dims(0)?.len() == 3;
    // `[rows, tokens, heads * width]` becomes `[rows, heads, tokens, width]`.
    let heads = |at: usize, option: &str| {
        let array = call.floats(at)?;
        let &[rows, tokens, width] = array.dims().as_slice() else { return array.fixed::<4>() };
        let heads = call.size(option, 0)?;
        if heads == 0 || width % heads != 0 {
            return Err(format!("{width} values do not make {heads} heads"));
        }
        array.reshape(&[rows, tokens, heads, width / heads])?.permute(&[0, 2, 1, 3])?.fixed::<4>()
    };
    let query = heads(0, "q_num_heads")?;
    let (mut key, mut value) = (heads(1, "kv_num_heads")?, heads(2, "kv_num_heads")?);
    let [rows, count, queries, width] = query.dims();
    let [_, key_heads, keys, _] = key.dims();
    if key_heads == 0 || count % key_heads != 0 {
        return Err(format!("{key_heads} heads of keys do not fit {count} of queries"));
    }
    // Several heads of queries share one of keys.
    let shared = count / key_heads;
    if shared > 1 {
        let widen = |x: Tensor<4>| {
            let [rows, heads, tokens, width] = x.dims();
            let wide = x.reshape([rows, heads, 1, tokens, width]);
            wide.expand([rows, heads, shared, tokens, width]).reshape([
                rows,
                heads * shared,
                tokens,
                width,
            ])
        };
        (key, value) = (widen(key), widen(value));
    }
    let scale = call.float("scale", 1.0 / (width as f64).sqrt());
    let mut scores = query.matmul(key.transpose()) * scale;
    if call.has(3) {
        let dims = [rows, count, queries, keys];
        scores = match call.value(3)? {
            Value::Booleans(mask) => {
                let mask = mask.expand(&dims)?.fixed::<4>()?;
                scores.mask_fill(mask.bool_not(), f32::NEG_INFINITY)
            }
            _ => scores + call.floats(3)?.expand(&dims)?.fixed::<4>()?,
        };
    }
    if call.integer("is_causal", 0) != 0 {
        let mask = Tensor::<2, burn::tensor::Bool>::tril_mask([queries, keys], 0, &scores.device());
        scores = scores.mask_fill(
            mask.unsqueeze::<4>().expand([rows, count, queries, keys]),
            f32::NEG_INFINITY,
        );
    }
    let result = rules::softmax(scores, 3, call.settings.rules).matmul(value);
    if !in_three {
        return one(Floats::of(result));
    }
    let [rows, heads, tokens, width] = result.dims();
    one(Floats::of(result.swap_dims(1, 2).reshape([rows, tokens, heads * width])))
}
