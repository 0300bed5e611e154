//! Functions of one number.

use burn::tensor::{Tensor, activation};

use crate::values::{Floats, RANK, Value};

use super::Entry;
use super::call::{Call, Outputs, mapped, one};

pub(super) const TABLE: &[Entry] = &[
    ("Abs", |call| unary(call, Tensor::abs, f64::abs)),
    ("Acos", |call| unary(call, Tensor::acos, f64::acos)),
    ("Acosh", |call| unary(call, Tensor::acosh, f64::acosh)),
    ("Asin", |call| unary(call, Tensor::asin, f64::asin)),
    ("Asinh", |call| unary(call, Tensor::asinh, f64::asinh)),
    ("Atan", |call| unary(call, Tensor::atan, f64::atan)),
    ("Atanh", |call| unary(call, Tensor::atanh, f64::atanh)),
    ("Ceil", |call| unary(call, Tensor::ceil, f64::ceil)),
    ("Cos", |call| unary(call, Tensor::cos, f64::cos)),
    ("Cosh", |call| unary(call, Tensor::cosh, f64::cosh)),
    ("Erf", |call| device(call, Tensor::erf)),
    ("Exp", |call| unary(call, Tensor::exp, f64::exp)),
    ("Floor", |call| unary(call, Tensor::floor, f64::floor)),
    ("Log", |call| unary(call, Tensor::log, f64::ln)),
    ("LogSigmoid", |call| device(call, activation::log_sigmoid)),
    ("Mish", |call| device(call, |x| x.clone() * softplus(x).tanh())),
    ("Neg", |call| unary(call, Tensor::neg, |x| -x)),
    ("Reciprocal", |call| unary(call, Tensor::recip, f64::recip)),
    ("Round", |call| unary(call, Tensor::round, f64::round_ties_even)),
    ("Sigmoid", |call| device(call, activation::sigmoid)),
    ("Sign", |call| unary(call, Tensor::sign, sign)),
    ("Sin", |call| unary(call, Tensor::sin, f64::sin)),
    ("Sinh", |call| unary(call, Tensor::sinh, f64::sinh)),
    ("Softplus", |call| device(call, softplus)),
    ("Softsign", |call| device(call, |x| x.clone() / (x.abs() + 1.0))),
    ("Sqrt", |call| unary(call, Tensor::sqrt, f64::sqrt)),
    ("Tan", |call| unary(call, Tensor::tan, f64::tan)),
    ("Tanh", |call| unary(call, Tensor::tanh, f64::tanh)),
    ("Relu", |call| one(relu(call.floats(0)?))),
    ("Celu", celu),
    ("Clip", clip),
    ("Elu", |call| exponential(call, call.float("alpha", 1.0), 1.0)),
    ("Selu", |call| {
        exponential(call, call.float("alpha", 1.673_263_2), call.float("gamma", 1.050_701))
    }),
    ("Gelu", gelu),
    ("HardSigmoid", |call| hard_sigmoid(call, call.float("alpha", 0.2), call.float("beta", 0.5))),
    ("HardSwish", hard_swish),
    ("LeakyRelu", leaky_relu),
    ("LogSoftmax", |call| softmax(call, activation::log_softmax)),
    ("PRelu", prelu),
    ("Shrink", shrink),
    ("Softmax", |call| softmax(call, activation::softmax)),
    ("Swish", swish),
    ("ThresholdedRelu", thresholded_relu),
];

/// Computes a function on the host for known numbers, and on the device for others.
fn unary(
    call: &Call,
    on_device: fn(Tensor<RANK>) -> Tensor<RANK>,
    on_host: fn(f64) -> f64,
) -> Outputs {
    if let Value::Known(known) = call.value(0)? {
        return one(known.map(on_host));
    }
    device(call, on_device)
}

fn device(call: &Call, function: impl FnOnce(Tensor<RANK>) -> Tensor<RANK>) -> Outputs {
    one(mapped(call.floats(0)?, function))
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// Computes a ReLU by the layer that keeps the least for the backward pass.
pub(super) fn relu(x: Floats) -> Floats {
    mapped(x, saliency_flex::tensor::activation::relu)
}

/// Computes `log(1 + exp(x))` without overflow.
pub(super) fn softplus(x: Tensor<RANK>) -> Tensor<RANK> {
    -activation::log_sigmoid(-x)
}

/// Returns a limit of `Clip`. Before version 11 the limits were options.
fn limit(call: &Call, name: &str, at: usize) -> Result<Option<f64>, String> {
    if call.has_option(name) {
        return Ok(Some(call.float(name, 0.0)));
    }
    if !call.has(at) {
        return Ok(None);
    }
    call.read(at)?.only().map(Some).ok_or_else(|| format!("`{name}` is not one number"))
}

/// Limits values. `Clip` from 0 to 6 is ReLU6.
fn clip(call: &mut Call) -> Outputs {
    let (least, most) = (limit(call, "min", 1)?, limit(call, "max", 2)?);
    if let Value::Known(known) = call.value(0)? {
        let (least, most) = (least.unwrap_or(f64::MIN), most.unwrap_or(f64::MAX));
        return one(known.map(|it| it.max(least).min(most)));
    }
    if let Value::Integers(x) = call.value(0)? {
        let mut tensor = x.tensor;
        if let Some(least) = least {
            tensor = tensor.clamp_min(least as i64);
        }
        if let Some(most) = most {
            tensor = tensor.clamp_max(most as i64);
        }
        return one(crate::values::Integers::new(tensor, x.rank));
    }
    let x = call.floats(0)?;
    one(match (least, most) {
        (Some(0.0), Some(6.0)) => mapped(x, saliency_flex::tensor::activation::relu6),
        (Some(0.0), None) => relu(x),
        (Some(least), None) => mapped(x, |x| x.clamp_min(least)),
        (None, Some(most)) => mapped(x, |x| x.clamp_max(most)),
        (Some(least), Some(most)) => mapped(x, |x| x.clamp_min(least).clamp_max(most)),
        (None, None) => x,
    })
}

/// Computes `scale * (x if x > 0, otherwise alpha (exp(x) - 1))`. The exponential never sees large
/// numbers, whose gradient would be NaN.
fn exponential(call: &Call, alpha: f64, scale: f64) -> Outputs {
    let x = call.floats(0)?;
    one(mapped(x, |x| {
        let below = -activation::relu(-x.clone());
        (activation::relu(x) + (below.exp() - 1.0) * alpha) * scale
    }))
}

fn celu(call: &mut Call) -> Outputs {
    let (x, alpha) = (call.floats(0)?, call.float("alpha", 1.0));
    one(mapped(x, |x| {
        let below = -activation::relu(-x.clone());
        activation::relu(x) + ((below / alpha).exp() - 1.0) * alpha
    }))
}

fn gelu(call: &mut Call) -> Outputs {
    match call.text("approximate", "none") {
        "tanh" => device(call, gelu_tanh),
        "none" => device(call, gelu_exact),
        other => Err(format!("`approximate` is `{other}`")),
    }
}

pub(super) fn gelu_exact(x: Tensor<RANK>) -> Tensor<RANK> {
    let scaled = x.clone() * std::f64::consts::FRAC_1_SQRT_2;
    (scaled.erf() + 1.0) * x * 0.5
}

pub(super) fn gelu_tanh(x: Tensor<RANK>) -> Tensor<RANK> {
    let cube = x.clone() * x.clone() * x.clone() * 0.044_715;
    let inner = (x.clone() + cube) * (2.0 / std::f64::consts::PI).sqrt();
    (inner.tanh() + 1.0) * x * 0.5
}

fn hard_sigmoid(call: &Call, alpha: f64, beta: f64) -> Outputs {
    device(call, |x| (x * alpha + beta).clamp(0.0, 1.0))
}

fn hard_swish(call: &mut Call) -> Outputs {
    device(call, |x| (x.clone() / 6.0 + 0.5).clamp(0.0, 1.0) * x)
}

fn leaky_relu(call: &mut Call) -> Outputs {
    let alpha = call.float("alpha", 0.01);
    device(call, |x| activation::relu(x.clone()) - activation::relu(-x) * alpha)
}

fn prelu(call: &mut Call) -> Outputs {
    let (x, mut slope) = (call.floats(0)?, call.floats(1)?);
    // Before version 7 there was one slope for each channel, whatever follows them.
    if call.settings.version < 7 && slope.rank == 1 && x.rank > 2 {
        let mut dims = vec![1; x.rank - 1];
        dims[0] = slope.len();
        slope = slope.reshape(&dims)?;
    }
    crate::values::broadcast(&x.dims(), &slope.dims())?;
    one(mapped(x, |x| activation::relu(x.clone()) - activation::relu(-x) * slope.tensor))
}

fn shrink(call: &mut Call) -> Outputs {
    let (limit, bias) = (call.float("lambd", 0.5), call.float("bias", 0.0));
    device(call, |x| {
        let above = (x.clone() - bias).mask_fill(x.clone().lower_equal_elem(limit), 0.0);
        let below = (x.clone() + bias).mask_fill(x.greater_equal_elem(-limit), 0.0);
        above + below
    })
}

fn swish(call: &mut Call) -> Outputs {
    let alpha = call.float("alpha", 1.0);
    device(call, |x| activation::sigmoid(x.clone() * alpha) * x)
}

fn thresholded_relu(call: &mut Call) -> Outputs {
    let alpha = call.float("alpha", 1.0);
    device(call, |x| x.clone().mask_fill(x.lower_equal_elem(alpha), 0.0))
}

/// Computes a softmax over one axis. Before version 13 it is over all axes from the given one on.
fn softmax(call: &mut Call, function: fn(Tensor<RANK>, usize) -> Tensor<RANK>) -> Outputs {
    let x = call.floats(0)?;
    if call.settings.version >= 13 {
        let axis = x.axis(call.integer("axis", -1))?;
        return one(mapped(x, |x| function(x, axis)));
    }
    let dims = x.dims();
    let axis = call.axis(1, x.rank)?;
    let flat = [dims[..axis].iter().product(), dims[axis..].iter().product()];
    let flat = mapped(x.reshape(&flat)?, |x| function(x, RANK - 1));
    one(flat.reshape(&dims)?)
}
