//! Functions of two or more numbers, with broadcasting.

use burn::tensor::{Int, Tensor};

use crate::values::{Floats, Integers, Kind, RANK, Value};

use super::Entry;
use super::call::{Call, Outputs, mapped, one};

pub(super) const TABLE: &[Entry] = &[
    ("Add", |call| binary(call, &ADD)),
    ("Div", |call| binary(call, &DIV)),
    ("Max", |call| many(call, &MAX)),
    ("Mean", mean),
    ("Min", |call| many(call, &MIN)),
    ("Mod", modulo),
    ("Mul", |call| binary(call, &MUL)),
    ("Pow", pow),
    ("Sub", |call| binary(call, &SUB)),
    ("Sum", |call| many(call, &ADD)),
];

/// A function of two numbers, wherever they are.
struct Binary {
    host: fn(f64, f64) -> f64,
    floats: fn(Tensor<RANK>, Tensor<RANK>) -> Tensor<RANK>,
    /// The second number is one for all.
    scalar: fn(Tensor<RANK>, f64) -> Tensor<RANK>,
    integers: fn(Tensor<RANK, Int>, Tensor<RANK, Int>) -> Tensor<RANK, Int>,
}

const ADD: Binary =
    Binary { host: |a, b| a + b, floats: Tensor::add, scalar: |x, y| x + y, integers: Tensor::add };
const SUB: Binary =
    Binary { host: |a, b| a - b, floats: Tensor::sub, scalar: |x, y| x - y, integers: Tensor::sub };
const MUL: Binary =
    Binary { host: |a, b| a * b, floats: Tensor::mul, scalar: |x, y| x * y, integers: Tensor::mul };
const DIV: Binary =
    Binary { host: |a, b| a / b, floats: Tensor::div, scalar: |x, y| x / y, integers: Tensor::div };
const MAX: Binary = Binary {
    host: f64::max,
    floats: |a, b| {
        let [a, b] = same_shape(a, b);
        a.max_pair(b)
    },
    scalar: |x, y| x.clamp_min(y),
    integers: |a, b| {
        let [a, b] = same_shape(a, b);
        a.max_pair(b)
    },
};
const MIN: Binary = Binary {
    host: f64::min,
    floats: |a, b| {
        let [a, b] = same_shape(a, b);
        a.min_pair(b)
    },
    scalar: |x, y| x.clamp_max(y),
    integers: |a, b| {
        let [a, b] = same_shape(a, b);
        a.min_pair(b)
    },
};

/// Expands two tensors to the shape of both, for functions of Burn that do not broadcast.
fn same_shape<K: burn::tensor::kind::Basic>(
    a: Tensor<RANK, K>,
    b: Tensor<RANK, K>,
) -> [Tensor<RANK, K>; 2] {
    let (left, right) = (a.dims(), b.dims());
    let dims: [usize; RANK] = std::array::from_fn(|at| left[at].max(right[at]));
    [a.expand(dims), b.expand(dims)]
}

fn binary(call: &Call, function: &Binary) -> Outputs {
    if let Some(known) = call.all_known()
        && let [a, b] = known.as_slice()
    {
        // The division of integers cuts off.
        let whole = a.kind != Kind::Float && b.kind != Kind::Float;
        let host = |x, y| {
            let result = (function.host)(x, y);
            if whole { result.trunc() } else { result }
        };
        return one(a.zip(b, host)?);
    }
    one(combined(call, call.value(0)?, 1, function)?)
}

fn many(call: &Call, function: &Binary) -> Outputs {
    if let Some(known) = call.all_known()
        && let Some((first, rest)) = known.split_first()
    {
        let all = rest.iter().try_fold((**first).clone(), |all, it| all.zip(it, function.host))?;
        return one(all);
    }
    let first = call.value(0)?;
    one((1..call.count()).try_fold(first, |all, at| combined(call, all, at, function))?)
}

/// Combines a value with an input.
fn combined(call: &Call, left: Value, at: usize, function: &Binary) -> Result<Value, String> {
    let right = call.value(at)?;
    let is_float = |value: &Value| match value {
        Value::Floats(_) => true,
        Value::Known(known) => known.kind == Kind::Float,
        _ => false,
    };
    match crate::values::broadcast(&left.dims(), &right.dims()) {
        Ok(dims) => call.check_size(&dims)?,
        // Before version 7 the shapes were aligned by an option.
        Err(_) if call.settings.version < 7 && call.has_option("broadcast") => {}
        Err(problem) => return Err(problem),
    }
    if !is_float(&left) && !is_float(&right) {
        let left = Call::integers_of(call, left)?;
        let right = call.integers(at)?;
        let rank = left.rank.max(right.rank);
        return Ok(Integers::new((function.integers)(left.tensor, right.tensor), rank).into());
    }
    let left = Call::floats_of(call, left)?;
    // One number for all needs no tensor.
    let single = call.known(at).filter(|known| known.dims.len() <= left.rank);
    if let Some(number) = single.and_then(|known| known.only()) {
        return Ok(mapped(left, |x| (function.scalar)(x, number)).into());
    }
    let right = aligned(call, call.floats(at)?, left.rank)?;
    let rank = left.rank.max(right.rank);
    Ok(Floats::new((function.floats)(left.tensor, right.tensor), rank).into())
}

/// Aligns the second operand of versions before 7 at the axis that an option names.
fn aligned(call: &Call, right: Floats, rank: usize) -> Result<Floats, String> {
    if call.settings.version >= 7 || !call.has_option("axis") || right.rank >= rank {
        return Ok(right);
    }
    let axis = call.axis(0, rank)?;
    let mut dims = right.dims();
    dims.resize((rank - axis).max(dims.len()), 1);
    right.reshape(&dims)
}

fn mean(call: &mut Call) -> Outputs {
    let count = call.count() as f64;
    let sum = many(call, &ADD)?;
    let Some(Value::Floats(sum)) = sum.into_iter().next() else {
        return Err("the mean of integers is not defined".into());
    };
    one(mapped(sum, |x| x / count))
}

fn modulo(call: &mut Call) -> Outputs {
    // With `fmod` the result has the sign of the first number, otherwise that of the second.
    let truncated = call.integer("fmod", 0) != 0;
    if let Some(known) = call.all_known()
        && let [a, b] = known.as_slice()
    {
        let floored = |a: f64, b: f64| a - b * (a / b).floor();
        return one(if truncated { a.zip(b, |a, b| a % b)? } else { a.zip(b, floored)? });
    }
    let is_float = matches!(call.value(0)?, Value::Floats(_));
    match (is_float, truncated) {
        (false, false) => {
            let (a, b) = (call.integers(0)?, call.integers(1)?);
            let rank = a.rank.max(b.rank);
            one(Integers::new(a.tensor.remainder(b.tensor), rank))
        }
        (true, true) => {
            let (a, b) = (call.floats(0)?, call.floats(1)?);
            let rank = a.rank.max(b.rank);
            // `x - trunc(x / y) y`
            let quotient = a.tensor.clone() / b.tensor.clone();
            let whole = quotient.clone().abs().floor() * quotient.sign();
            one(Floats::new(a.tensor - whole * b.tensor, rank))
        }
        (true, false) => Err("fractions need `fmod`".into()),
        (false, true) => Err("`fmod` of integers is not supported".into()),
    }
}

fn pow(call: &mut Call) -> Outputs {
    if let Some(known) = call.all_known()
        && let [a, b] = known.as_slice()
    {
        return one(a.zip(b, f64::powf)?);
    }
    let x = call.floats(0)?;
    let Some(exponent) = call.known(1).and_then(|known| known.only()) else {
        let y = call.floats(1)?;
        let rank = x.rank.max(y.rank);
        return one(Floats::new(x.tensor.powf(y.tensor), rank));
    };
    one(mapped(x, |x| match exponent {
        1.0 => x,
        2.0 => x.clone() * x,
        3.0 => x.clone() * x.clone() * x,
        0.5 => x.sqrt(),
        _ if exponent.fract() == 0.0 && exponent.abs() < 64.0 => x.powi_scalar(exponent as i32),
        _ => x.powf_scalar(exponent),
    }))
}
