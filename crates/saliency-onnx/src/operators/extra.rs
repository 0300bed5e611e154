//! Operators that onnxruntime's optimiser writes into files.

use burn::tensor::activation;
use saliency_core::rules;

use crate::values::RANK;

use super::Entry;
use super::activations::{gelu_exact, gelu_tanh, relu};
use super::call::{Call, Outputs, mapped, one};
use super::matrices::product;

pub(super) const TABLE: &[Entry] = &[
    ("com.microsoft.BiasGelu", |call| {
        let bias = call.floats(1)?.tensor;
        one(mapped(call.floats(0)?, |x| {
            rules::activation(x + bias, gelu_exact, call.settings.rules)
        }))
    }),
    ("com.microsoft.FastGelu", |call| {
        let bias = if call.has(1) { Some(call.floats(1)?.tensor) } else { None };
        one(mapped(call.floats(0)?, |x| {
            let x = match bias {
                Some(bias) => x + bias,
                None => x,
            };
            rules::activation(x, gelu_tanh, call.settings.rules)
        }))
    }),
    ("com.microsoft.FusedMatMul", fused_matmul),
    ("com.microsoft.Gelu", |call| one(mapped(call.floats(0)?, gelu_exact))),
    ("com.microsoft.QuickGelu", |call| {
        let alpha = call.float("alpha", 1.702);
        one(mapped(call.floats(0)?, |x| activation::sigmoid(x.clone() * alpha) * x))
    }),
    ("com.microsoft.SkipLayerNormalization", skip_layer),
    ("com.microsoft.FusedGemm", fused_gemm),
];

fn fused_matmul(call: &mut Call) -> Outputs {
    if call.integer("transBatchA", 0) != 0 || call.integer("transBatchB", 0) != 0 {
        return Err("turned batches are not supported".into());
    }
    let turned = |at: usize, name: &str| {
        let matrix = call.floats(at)?;
        if call.integer(name, 0) == 0 || matrix.rank < 2 {
            return Ok::<_, String>(matrix);
        }
        Ok(mapped(matrix, |x| x.swap_dims(RANK - 1, RANK - 2)))
    };
    let alpha = call.float("alpha", 1.0);
    let result = product(call, turned(0, "transA")?, turned(1, "transB")?)?;
    one(mapped(result, |x| if alpha == 1.0 { x } else { x * alpha }))
}

fn fused_gemm(call: &mut Call) -> Outputs {
    if call.text("activation", "") != "Relu" {
        return Err(format!("the activation `{}` is not supported", call.text("activation", "")));
    }
    let gemm = super::find("Gemm").ok_or("`Gemm` is missing")?;
    let result = gemm(call)?.into_iter().next().ok_or("`Gemm` has no result")?;
    one(relu(call.floats_of(result)?))
}

fn skip_layer(call: &mut Call) -> Outputs {
    if call.wants(1) || call.wants(2) {
        return Err("the mean and the deviation are not supported as outputs".into());
    }
    let (x, skip) = (call.floats(0)?, call.floats(1)?);
    let mut sum = mapped(x, |x| x + skip.tensor);
    if call.has(4) {
        let bias = call.floats(4)?.tensor;
        sum = mapped(sum, |x| x + bias);
    }
    let scale = call.floats(2)?.tensor;
    let shift = if call.has(3) { Some(call.floats(3)?.tensor) } else { None };
    let epsilon = call.float("epsilon", 1e-12);
    let y = mapped(sum.clone(), |x| {
        let y = rules::normalise(x, &[RANK - 1], epsilon, call.settings.rules) * scale;
        match shift {
            Some(shift) => y + shift,
            None => y,
        }
    });
    // The fourth output is the sum before the normalisation.
    if call.wants(3) {
        return Ok(vec![y.clone().into(), y.clone().into(), y.into(), sum.into()]);
    }
    one(y)
}
