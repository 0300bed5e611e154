//! Operators under rules of the backward pass.

use saliency_core::rules::{self, Rules};

use crate::values::{Floats, Value};

use super::Operator;
use super::call::{Call, Outputs, one};

/// Functions of one number whose gradient is the slope from zero. ReLU and its relatives are not
/// here: their own gradient is that slope.
const ACTIVATIONS: &[&str] = &[
    "Celu",
    "Clip",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LogSigmoid",
    "Mish",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tanh",
    "com.microsoft.Gelu",
    "com.microsoft.QuickGelu",
];

/// Computes a node under the rules of the settings. `gate` is the factor of a product that is a
/// function of the other one.
///
/// The numbers are those of the operator. Normalisations, `Attention` and fused operators follow
/// the rules themselves.
pub(crate) fn computed(operator: Operator, call: &mut Call<'_>, gate: Option<usize>) -> Outputs {
    if call.settings.rules != Rules::Libra {
        return operator(call);
    }
    match call.operator() {
        // Attention weights, and parts of normalisations that are written out.
        "Softmax" | "Reciprocal" => constants(operator(call)?),
        "Pow" if has_negative_exponent(call) => constants(operator(call)?),
        "Pow" => bent(operator, call),
        "Div" => {
            call.stop(1);
            operator(call)
        }
        "Mul" | "MatMul" | "Gemm" | "Einsum" | "com.microsoft.FusedMatMul" => match gate {
            Some(gate) => {
                call.stop(gate);
                operator(call)
            }
            None => shared(operator, call),
        },
        name if ACTIVATIONS.contains(&name) => bent(operator, call),
        _ => operator(call),
    }
}

fn has_negative_exponent(call: &Call<'_>) -> bool {
    call.known(1).is_some_and(|known| known.numbers.iter().any(|&exponent| exponent < 0.0))
}

/// Stops the gradients of all outputs.
fn constants(outputs: Vec<Value>) -> Outputs {
    let constant = |value| match value {
        Value::Floats(x) => Floats::new(rules::constant(x.tensor), x.rank).into(),
        other => other,
    };
    Ok(outputs.into_iter().map(constant).collect())
}

/// Gives half of the gradient to each factor of a product.
fn shared(operator: Operator, call: &mut Call<'_>) -> Outputs {
    if !call.is_tracked(0) || !call.is_tracked(1) {
        return operator(call);
    }
    let half = |value| match value {
        Value::Floats(x) => Floats::new(rules::half(x.tensor), x.rank).into(),
        other => other,
    };
    Ok(operator(call)?.into_iter().map(half).collect())
}

/// Computes a function of one number.
fn bent(operator: Operator, call: &mut Call<'_>) -> Outputs {
    let x = match call.value(0)? {
        Value::Floats(x) if x.tensor.is_tracked() => x,
        _ => return operator(call),
    };
    let rank = x.rank;
    let function = |tensor| {
        let outputs = operator(&mut call.with_first(Floats::new(tensor, rank)));
        match outputs.map(|mut outputs| outputs.pop()) {
            Ok(Some(Value::Floats(y))) => y.tensor,
            Ok(_) => panic!("it does not compute real numbers"),
            // The panic is caught around every operator, and becomes the reason of an error.
            Err(reason) => panic!("{reason}"),
        }
    };
    one(Floats::new(rules::activation(x.tensor, function, Rules::Libra), rank))
}
