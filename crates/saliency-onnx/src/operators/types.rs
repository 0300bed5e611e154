//! Kinds of numbers, and numbers that the graph states.

use crate::values::{Booleans, Constant, Integers, Kind, Known, Value};

use super::Entry;
use super::call::{Call, Outputs, one};

pub(super) const TABLE: &[Entry] = &[
    ("Cast", |call| {
        if !call.has_option("to") {
            return Err("it does not say to which kind of number".into());
        }
        cast(call, kind(call.integer("to", 1))?)
    }),
    ("CastLike", cast_like),
    ("Constant", |call| Err(format!("it holds no numbers, but {} inputs", call.count()))),
    ("Dropout", dropout),
    ("Identity", |call| one(call.value(0)?)),
];

/// Returns the kind of a type of ONNX. All precisions of floats are the model's own.
fn kind(code: i64) -> Result<Kind, String> {
    match code {
        1 | 10 | 11 | 16 => Ok(Kind::Float),
        2..=7 | 12 | 13 => Ok(Kind::Integer),
        9 => Ok(Kind::Boolean),
        other => Err(format!("numbers cannot become the type {other}")),
    }
}

fn cast(call: &Call, kind: Kind) -> Outputs {
    if let Value::Known(known) = call.value(0)? {
        let mut known = match kind {
            Kind::Float => known.map(|it| it),
            Kind::Integer => known.map(f64::trunc),
            Kind::Boolean => known.map(|it| f64::from(it != 0.0)),
        };
        known.kind = kind;
        return one(known);
    }
    match kind {
        Kind::Float => one(call.floats(0)?),
        Kind::Integer => one(call.integers(0)?),
        Kind::Boolean => match call.value(0)? {
            // Fractions are true.
            Value::Floats(x) => one(Booleans::new(x.tensor.not_equal_elem(0.0), x.rank)),
            _ => one(call.booleans(0)?),
        },
    }
}

fn cast_like(call: &mut Call) -> Outputs {
    let kind = match call.value(1)? {
        Value::Floats(_) => Kind::Float,
        Value::Integers(_) => Kind::Integer,
        Value::Booleans(_) => Kind::Boolean,
        Value::Known(known) => known.kind,
    };
    cast(call, kind)
}

/// Hands on its input: in inference nothing is dropped.
fn dropout(call: &mut Call) -> Outputs {
    if call.has(2) && call.read(2)?.numbers.contains(&1.0) {
        return Err("it is in training mode: export the model for inference".into());
    }
    let x = call.value(0)?;
    let kept = call.integers_of(x.clone())?.tensor.ones_like().not_equal_elem(0);
    let mask = Booleans::new(kept, x.dims().len());
    Ok(vec![x, mask.into()])
}

/// Makes a value from the numbers of a node's option: known if there are few.
pub(super) fn filled(call: &Call, constant: &Constant, dims: &[usize]) -> Result<Value, String> {
    call.check_size(dims)?;
    let known = constant.known();
    let number = known.only().ok_or("`value` is not one number")?;
    let count: usize = dims.iter().product();
    if count <= 4096 {
        let numbers = vec![number; count];
        return Ok(Known { dims: dims.to_vec(), numbers, kind: known.kind, range: None }.into());
    }
    let one =
        Known { dims: vec![1; dims.len()], numbers: vec![number], kind: known.kind, range: None };
    let value = Call::floats_of(call, one.clone().into())?.expand(dims)?;
    Ok(match known.kind {
        Kind::Float => value.into(),
        Kind::Integer => Integers::new(value.tensor.int(), value.rank).into(),
        Kind::Boolean => Booleans::new(value.tensor.not_equal_elem(0.0), value.rank).into(),
    })
}
