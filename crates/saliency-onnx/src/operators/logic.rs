//! Comparisons, and what follows from them.

use burn::tensor::{Bool, Int, Tensor};

use crate::values::{Booleans, Floats, Integers, Kind, Known, RANK, Value, broadcast, full_dims};

use super::Entry;
use super::call::{Call, Outputs, one};

pub(super) const TABLE: &[Entry] = &[
    ("And", |call| connect(call, |a, b| a && b, Tensor::bool_and)),
    ("Equal", |call| compare(call, |a, b| a == b, Tensor::equal, Tensor::equal)),
    ("Greater", |call| compare(call, |a, b| a > b, Tensor::greater, Tensor::greater)),
    ("GreaterOrEqual", |call| {
        compare(call, |a, b| a >= b, Tensor::greater_equal, Tensor::greater_equal)
    }),
    ("IsInf", is_inf),
    ("IsNaN", |call| test(call, f64::is_nan, Tensor::is_nan)),
    ("Less", |call| compare(call, |a, b| a < b, Tensor::lower, Tensor::lower)),
    ("LessOrEqual", |call| compare(call, |a, b| a <= b, Tensor::lower_equal, Tensor::lower_equal)),
    ("Not", not),
    ("Or", |call| connect(call, |a, b| a || b, Tensor::bool_or)),
    ("Where", choose),
    ("Xor", |call| connect(call, |a, b| a != b, Tensor::bool_xor)),
];

type Compare<K> = fn(Tensor<RANK, K>, Tensor<RANK, K>) -> Tensor<RANK, Bool>;

fn truth(mut known: Known) -> Known {
    known.kind = Kind::Boolean;
    known
}

fn compare(
    call: &Call,
    host: fn(f64, f64) -> bool,
    floats: Compare<burn::tensor::Float>,
    integers: Compare<Int>,
) -> Outputs {
    if let Some(known) = call.all_known()
        && let [a, b] = known.as_slice()
    {
        return one(truth(a.zip(b, |a, b| f64::from(host(a, b)))?));
    }
    let dims = broadcast(&call.dims(0)?, &call.dims(1)?)?;
    call.check_size(&dims)?;
    let is_float = [0, 1].iter().any(|&at| matches!(call.value(at), Ok(Value::Floats(_))));
    let tensor = if is_float {
        let (a, b) = (call.floats(0)?.expand(&dims)?, call.floats(1)?.expand(&dims)?);
        floats(a.tensor, b.tensor)
    } else {
        let (a, b) = (call.integers(0)?.expand(&dims)?, call.integers(1)?.expand(&dims)?);
        integers(a.tensor, b.tensor)
    };
    one(Booleans::new(tensor, dims.len()))
}

fn connect(call: &Call, host: fn(bool, bool) -> bool, device: Compare<Bool>) -> Outputs {
    if let Some(known) = call.all_known()
        && let [a, b] = known.as_slice()
    {
        return one(truth(a.zip(b, |a, b| f64::from(host(a != 0.0, b != 0.0)))?));
    }
    let dims = broadcast(&call.dims(0)?, &call.dims(1)?)?;
    call.check_size(&dims)?;
    let (a, b) = (call.booleans(0)?.expand(&dims)?, call.booleans(1)?.expand(&dims)?);
    one(Booleans::new(device(a.tensor, b.tensor), dims.len()))
}

fn not(call: &mut Call) -> Outputs {
    if let Value::Known(known) = call.value(0)? {
        return one(truth(known.map(|it| f64::from(it == 0.0))));
    }
    let x = call.booleans(0)?;
    one(Booleans::new(x.tensor.bool_not(), x.rank))
}

fn test(
    call: &Call,
    host: fn(f64) -> bool,
    device: fn(Tensor<RANK>) -> Tensor<RANK, Bool>,
) -> Outputs {
    if let Value::Known(known) = call.value(0)? {
        return one(truth(known.map(|it| f64::from(host(it)))));
    }
    let x = call.floats(0)?;
    one(Booleans::new(device(x.tensor), x.rank))
}

fn is_inf(call: &mut Call) -> Outputs {
    let negative = call.integer("detect_negative", 1) != 0;
    let positive = call.integer("detect_positive", 1) != 0;
    match (negative, positive) {
        (true, true) => test(call, f64::is_infinite, Tensor::is_inf),
        (true, false) => {
            test(call, |it| it == f64::NEG_INFINITY, |x| x.equal_elem(f32::NEG_INFINITY))
        }
        (false, true) => test(call, |it| it == f64::INFINITY, |x| x.equal_elem(f32::INFINITY)),
        (false, false) => test(call, |_| false, |x| x.clone().not_equal(x)),
    }
}

/// Chooses between two values.
fn choose(call: &mut Call) -> Outputs {
    let dims = broadcast(&call.dims(0)?, &broadcast(&call.dims(1)?, &call.dims(2)?)?)?;
    if let Some(known) = call.all_known()
        && let [condition, yes, no] = known.as_slice()
    {
        let condition = condition.expand(&dims)?;
        let (yes, no) = (yes.expand(&dims)?, no.expand(&dims)?);
        let numbers = (0..condition.numbers.len())
            .map(|at| if condition.numbers[at] != 0.0 { yes.numbers[at] } else { no.numbers[at] });
        let kind = if yes.kind == Kind::Float { Kind::Float } else { no.kind };
        return one(Known { dims, numbers: numbers.collect(), kind, range: None });
    }
    call.check_size(&dims)?;
    let condition = call.booleans(0)?.expand(&dims)?.tensor;
    let is_float = |at: usize| match call.value(at) {
        Ok(Value::Floats(_)) => true,
        Ok(Value::Known(known)) => known.kind == Kind::Float,
        _ => false,
    };
    let full = full_dims(&dims);
    if is_float(1) || is_float(2) {
        let (yes, no) = (call.floats(1)?.tensor.expand(full), call.floats(2)?.tensor.expand(full));
        return one(Floats::new(no.mask_where(condition, yes), dims.len()));
    }
    let (yes, no) = (call.integers(1)?.tensor.expand(full), call.integers(2)?.tensor.expand(full));
    let chosen = Integers::new(no.mask_where(condition, yes), dims.len());
    if matches!(call.value(1)?, Value::Booleans(_)) {
        return one(Booleans::new(chosen.tensor.not_equal_elem(0), chosen.rank));
    }
    one(chosen)
}
