//! Normalisations.

use burn::tensor::Tensor;
use saliency_core::rules::{self, Rules};
use saliency_flex::tensor::module::batch_norm;

use crate::values::{Floats, RANK};

use super::Entry;
use super::call::{Call, Outputs, mapped, one};

pub(super) const TABLE: &[Entry] = &[
    ("BatchNormalization", batch),
    ("GroupNormalization", group),
    ("InstanceNormalization", instance),
    ("LRN", local_response),
    ("LayerNormalization", layer),
    ("LpNormalization", lp),
    ("MeanVarianceNormalization", mean_variance),
    ("RMSNormalization", rms),
];

/// Brings numbers for each channel to a shape that broadcasts along the channels.
fn per_channel(
    call: &Call,
    at: usize,
    rank: usize,
    channels: usize,
) -> Result<Tensor<RANK>, String> {
    let array = call.floats(at)?;
    if array.dims() != [channels] {
        return Err(format!("{:?} does not fit {channels} channels", array.dims()));
    }
    let mut dims = vec![1; rank];
    dims[1.min(rank - 1)] = channels;
    Ok(array.reshape(&dims)?.tensor)
}

fn picture(x: &Floats) -> Result<usize, String> {
    match x.dims().get(1) {
        Some(&channels) if x.len() > 0 => Ok(channels),
        _ => Err(format!("{:?} has no channels", x.dims())),
    }
}

fn batch(call: &mut Call) -> Outputs {
    if call.integer("training_mode", 0) != 0 {
        return Err("it is in training mode: export the model for inference".into());
    }
    let x = call.floats(0)?;
    let (dims, channels) = (x.dims(), picture(&x)?);
    let part = |at: usize| -> Result<Tensor<1>, String> {
        let array = call.floats(at)?;
        if array.dims() != [channels] {
            return Err(format!("{:?} does not fit {channels} channels", array.dims()));
        }
        array.fixed()
    };
    let (scale, shift, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
    let area: usize = dims[2..].iter().product();
    let x = x.reshape(&[dims[0], channels, area])?.fixed::<3>()?;
    let y = batch_norm(x, scale, shift, mean, variance, call.float("epsilon", 1e-5));
    one(Floats::of(y).reshape(&dims)?)
}

fn instance(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let channels = picture(&x)?;
    if x.rank < 3 {
        return Err(format!("{:?} is no picture", x.dims()));
    }
    let axes: Vec<usize> = (RANK - x.rank + 2..RANK).collect();
    let (scale, shift) =
        (per_channel(call, 1, x.rank, channels)?, per_channel(call, 2, x.rank, channels)?);
    let epsilon = call.float("epsilon", 1e-5);
    let rules = call.settings.rules;
    one(mapped(x, |x| rules::normalise(x, &axes, epsilon, rules) * scale + shift))
}

fn group(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let channels = picture(&x)?;
    let groups = call.size("num_groups", 1)?;
    if groups == 0 || channels % groups != 0 {
        return Err(format!("{channels} channels do not make {groups} groups"));
    }
    let dims = x.dims();
    let each = x.len() / dims[0] / groups;
    let epsilon = call.float("epsilon", 1e-5);
    let rank = x.rank;
    let flat = mapped(x.reshape(&[dims[0], groups, each])?, |x| {
        rules::normalise(x, &[RANK - 1], epsilon, call.settings.rules)
    });
    let y = flat.reshape(&dims)?;
    // Before version 21 there was one scale for each group.
    let widened = |at: usize| {
        let array = call.floats(at)?;
        let wide = if call.settings.version < 21 && array.dims() == [groups] {
            array
                .reshape(&[groups, 1])?
                .expand(&[groups, channels / groups])?
                .reshape(&[channels])?
        } else {
            array
        };
        let mut shape = vec![1; rank];
        shape[1] = channels;
        wide.reshape(&shape)
    };
    let (scale, shift) = (widened(1)?, widened(2)?);
    one(mapped(y, |y| y * scale.tensor + shift.tensor))
}

/// Returns the axes from the one that an option names to the last.
fn last_axes(call: &Call, x: &Floats) -> Result<Vec<usize>, String> {
    let axis = call.axis(-1, x.rank)?;
    if x.len() == 0 {
        return Err("there are no values".into());
    }
    Ok((RANK - x.rank + axis..RANK).collect())
}

fn layer(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let axes = last_axes(call, &x)?;
    let scale = call.floats(1)?;
    let shift = if call.has(2) { Some(call.floats(2)?) } else { None };
    let epsilon = call.float("epsilon", 1e-5);
    let rules = call.settings.rules;
    // Under a rule, the values are constants, and zeros with its gradient are added to them.
    let (values, change) = if rules == Rules::Plain {
        (x.tensor, None)
    } else {
        let y = rules::normalise(x.tensor.clone(), &axes, epsilon, rules);
        (rules::constant(x.tensor), Some(y.clone() - rules::constant(y)))
    };
    let mean = values.clone().mean_dims(&axes);
    let centred = values - mean.clone();
    let variance = (centred.clone() * centred.clone()).mean_dims(&axes);
    let inverse = (variance + epsilon).sqrt().recip();
    let y = centred * inverse.clone() * scale.tensor.clone();
    let y = match change {
        Some(change) => y + change * scale.tensor,
        None => y,
    };
    let y = match shift {
        Some(shift) => y + shift.tensor,
        None => y,
    };
    let array = |tensor| Floats::new(tensor, x.rank).into();
    Ok(vec![array(y), array(mean), array(inverse)])
}

fn rms(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let axes = last_axes(call, &x)?;
    let scale = call.floats(1)?;
    let epsilon = call.float("epsilon", 1e-5);
    let rules = call.settings.rules;
    one(mapped(x, |x| rules::root_mean_square(x, &axes, epsilon, rules) * scale.tensor))
}

fn lp(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let axis = RANK - x.rank + call.axis(-1, x.rank)?;
    let order = call.integer("p", 2);
    one(mapped(x, |x| {
        let length = match order {
            1 => x.clone().abs().sum_dim(axis),
            _ => (x.clone() * x.clone()).sum_dim(axis).sqrt(),
        };
        x / stopped(call, length)
    }))
}

fn mean_variance(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let axes = call.list("axes").unwrap_or(&[0, 2, 3]);
    let axes = axes.iter().map(|&axis| x.axis(axis)).collect::<Result<Vec<_>, _>>()?;
    one(mapped(x, |x| {
        let centred = x.clone() - x.mean_dims(&axes);
        let variance = (centred.clone() * centred.clone()).mean_dims(&axes);
        centred / stopped(call, variance.sqrt() + 1e-9)
    }))
}

/// Takes what a value is divided by as a constant, under a rule.
fn stopped(call: &Call, length: Tensor<RANK>) -> Tensor<RANK> {
    if call.settings.rules == Rules::Plain { length } else { rules::constant(length) }
}

/// Divides by the strength of the neighbouring channels.
fn local_response(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let channels = picture(&x)?;
    let (alpha, beta) = (call.float("alpha", 1e-4), call.float("beta", 0.75));
    let (bias, size) = (call.float("bias", 1.0), call.size("size", 1)?);
    if size == 0 || size > 1 << 16 {
        return Err(format!("{size} channels cannot be summed"));
    }
    let axis = RANK - x.rank + 1;
    // So many channels before and after.
    let (before, after) = ((size - 1) / 2, size / 2);
    let mut pairs = [(0, 0); RANK];
    pairs[axis] = (before, after);
    one(mapped(x, |x| {
        let squares = (x.clone() * x.clone()).pad(pairs, burn::tensor::ops::PadMode::Constant(0.0));
        let part = |at: usize| squares.clone().narrow(axis, at, channels);
        let sum = (1..size).fold(part(0), |sum, at| sum + part(at));
        x / stopped(call, (sum * (alpha / size as f64) + bias).powf_scalar(beta))
    }))
}
