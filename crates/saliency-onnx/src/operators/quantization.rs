//! Quantised numbers, computed as floats.
//!
//! Rounding has no gradient. Where data is rounded, the gradient is that of the numbers before
//! rounding, within the range of the type, and zero outside (Bengio et al., 2013, "straight
//! through").

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use crate::values::{Floats, Known, RANK};

use super::Entry;
use super::call::{Call, Outputs, mapped, one};
use super::convolutions::Window;
use super::matrices::product;

pub(super) const TABLE: &[Entry] = &[
    ("ConvInteger", conv_integer),
    ("DequantizeLinear", dequantize),
    ("DynamicQuantizeLinear", dynamic),
    ("MatMulInteger", matmul_integer),
    ("QuantizeLinear", quantize),
];

/// Rounds, with the gradient of a function that does not.
fn rounded(x: Tensor<RANK>) -> Tensor<RANK> {
    let change = (x.clone().round() - x.clone()).detach();
    x + change
}

/// Brings a scale or a zero point to a shape that broadcasts along an axis.
fn along(call: &Call, at: usize, x: &Floats) -> Result<Tensor<RANK>, String> {
    let array = call.floats(at)?;
    if array.len() == 1 {
        return Ok(array.reshape(&[])?.tensor);
    }
    if call.integer("block_size", 0) != 0 {
        return Err("blocks are not supported".into());
    }
    let axis = call.axis(1, x.rank)?;
    let mut dims = vec![1; x.rank];
    dims[axis] = x.dims()[axis];
    Ok(array.reshape(&dims)?.tensor)
}

fn dequantize(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let scale = along(call, 1, &x)?;
    let zero = if call.has(2) { Some(along(call, 2, &x)?) } else { None };
    one(mapped(x, |x| match zero {
        Some(zero) => (x - zero) * scale,
        None => x * scale,
    }))
}

fn quantize(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let scale = along(call, 1, &x)?;
    let zero = if call.has(2) { Some(along(call, 2, &x)?) } else { None };
    let range = call.known(2).and_then(|zero: std::sync::Arc<Known>| zero.range);
    let (least, most) = match (range, call.has(2), call.integer("output_dtype", 0)) {
        (Some(range), ..) => range,
        (None, false, 0 | 2) => (0.0, 255.0),
        (None, false, 3) => (-128.0, 127.0),
        _ => return Err("the type of the zero point is not known".into()),
    };
    one(mapped(x, |x| {
        let scaled = rounded(x / scale);
        let moved = match zero {
            Some(zero) => scaled + zero,
            None => scaled,
        };
        moved.clamp(least, most)
    }))
}

/// Quantises data by its own range, to integers from 0 to 255.
fn dynamic(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    if x.len() == 0 {
        return Err("there are no values".into());
    }
    // The range and what follows from it are constants of the gradient.
    let fixed = x.tensor.clone().detach();
    let single = |x: Tensor<1>| x.reshape([1; RANK]);
    let least = single(fixed.clone().min()).clamp_max(0.0);
    let most = single(fixed.max()).clamp_min(0.0);
    let scale = (most - least.clone()) / 255.0;
    // A constant zero has no range.
    let scale = scale.clone().mask_fill(scale.equal_elem(0.0), 1.0);
    let zero = (-least / scale.clone()).round().clamp(0.0, 255.0);
    let (by, to) = (scale.clone(), zero.clone());
    let y = mapped(x, |x| (rounded(x / by) + to).clamp(0.0, 255.0));
    Ok(vec![y.into(), Floats::new(scale, 0).into(), Floats::new(zero, 0).into()])
}

/// Subtracts a zero point, which is a number, or one for each row or column.
fn centred(call: &Call, at: usize, zero: usize, column: bool) -> Result<Floats, String> {
    let x = call.floats(at)?;
    if !call.has(zero) {
        return Ok(x);
    }
    let mut zero = call.floats(zero)?;
    if zero.len() == 1 {
        zero = zero.reshape(&[])?;
    } else if zero.rank == 1 && !column {
        let rows = zero.len();
        zero = zero.reshape(&[rows, 1])?;
    }
    Ok(mapped(x, |x| x - zero.tensor))
}

fn matmul_integer(call: &mut Call) -> Outputs {
    one(product(call, centred(call, 0, 2, false)?, centred(call, 1, 3, true)?)?)
}

fn conv_integer(call: &mut Call) -> Outputs {
    let (x, weight) = (centred(call, 0, 2, false)?, call.floats(1)?);
    let weight = if call.has(3) {
        let zero = call.floats(3)?;
        let channels = zero.len();
        let zero = zero.reshape(&[channels, 1, 1, 1])?;
        mapped(weight, |weight| weight - zero.tensor)
    } else {
        weight
    };
    let (x, weight) = (x.fixed::<4>()?, weight.fixed::<4>()?);
    let [_, channels, height, width] = x.dims();
    let [_, each, high, wide] = weight.dims();
    let groups = call.positive("group", 1)?;
    if each * groups != channels {
        return Err("the kernel does not fit".into());
    }
    let window = Window::read(call, [high, wide], &[height, width])?;
    let options =
        ConvOptions::new_with_padding(window.strides, window.pads, window.dilations, groups);
    one(Floats::of(conv2d(x, weight, None, options)))
}
