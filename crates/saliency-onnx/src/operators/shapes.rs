//! Shapes, and values that are made from shapes.

use crate::values::{Array, Booleans, Floats, Integers, Kind, Known, Value};

use super::Entry;
use super::call::{Call, Outputs, one};
use super::types::filled;

pub(super) const TABLE: &[Entry] = &[
    ("ConstantOfShape", constant_of_shape),
    ("Expand", expand),
    ("Flatten", flatten),
    ("Range", range),
    ("Reshape", reshape),
    ("Shape", shape),
    ("Size", size),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
];

fn shape(call: &mut Call) -> Outputs {
    let dims = call.dims(0)?;
    let rank = dims.len() as i64;
    let place = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
    let (start, end) = (place(call.integer("start", 0)), place(call.integer("end", rank)));
    one(Known::list(dims[start..end.max(start)].iter().copied()))
}

fn size(call: &mut Call) -> Outputs {
    let count: usize = call.dims(0)?.iter().product();
    one(Known::scalar(count as f64, Kind::Integer))
}

/// Gives a value another shape, wherever it is.
pub(super) fn reshaped(value: Value, dims: Vec<usize>) -> Result<Value, String> {
    Ok(match value {
        Value::Floats(array) => array.reshape(&dims)?.into(),
        Value::Integers(array) => array.reshape(&dims)?.into(),
        Value::Booleans(array) => array.reshape(&dims)?.into(),
        Value::Known(known) => known.reshape(dims)?.into(),
    })
}

fn reshape(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let dims = value.dims();
    let target = call.list_or_input("shape", 1)?.ok_or("the shape is missing")?;
    let keep_zeros = call.integer("allowzero", 0) != 0;
    let mut sizes = Vec::with_capacity(target.len());
    for (at, &size) in target.iter().enumerate() {
        sizes.push(match size {
            0 if !keep_zeros => Some(
                *dims
                    .get(at)
                    .ok_or_else(|| format!("{target:?} copies an axis that is not there"))?,
            ),
            -1 => None,
            size => Some(usize::try_from(size).map_err(|_| format!("the shape is {target:?}"))?),
        });
    }
    // The file was exported for one row: the first axis counts the rows.
    if let Some(rows) = call.settings.rows
        && dims.first() == Some(&rows)
        && sizes.first() == Some(&Some(1))
    {
        sizes[0] = Some(rows);
    }
    let count: usize = dims.iter().product();
    let rest = sizes
        .iter()
        .flatten()
        .try_fold(1usize, |all, &size| all.checked_mul(size))
        .ok_or_else(|| format!("the shape {target:?} is too large"))?;
    if sizes.iter().filter(|size| size.is_none()).count() > 1 {
        return Err(format!("{target:?} leaves more than one size open"));
    }
    let open = count.checked_div(rest).unwrap_or(0);
    one(reshaped(value, sizes.into_iter().map(|size| size.unwrap_or(open)).collect())?)
}

fn flatten(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let dims = value.dims();
    let axis = call.integer("axis", 1);
    let axis = if axis < 0 { axis + dims.len() as i64 } else { axis };
    let axis = usize::try_from(axis).ok().filter(|&axis| axis <= dims.len());
    let axis = axis.ok_or_else(|| format!("there is no such axis in {dims:?}"))?;
    one(reshaped(value, vec![dims[..axis].iter().product(), dims[axis..].iter().product()])?)
}

fn squeeze(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let dims = value.dims();
    let axes = match call.list_or_input("axes", 1)? {
        Some(axes) => axes
            .iter()
            .map(|&axis| crate::values::resolve(axis, dims.len()))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..dims.len()).filter(|&at| dims[at] == 1).collect(),
    };
    if let Some(&axis) = axes.iter().find(|&&axis| dims.get(axis) != Some(&1)) {
        return Err(format!("axis {axis} of {dims:?} is not 1"));
    }
    let kept = (0..dims.len()).filter(|at| !axes.contains(at)).map(|at| dims[at]).collect();
    one(reshaped(value, kept)?)
}

fn unsqueeze(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let axes = call.list_or_input("axes", 1)?.ok_or("the axes are missing")?;
    let rank = value.dims().len() + axes.len();
    let axes = axes
        .iter()
        .map(|&axis| crate::values::resolve(axis, rank))
        .collect::<Result<Vec<_>, _>>()?;
    let mut old = value.dims().into_iter();
    let dims = (0..rank).map(|at| if axes.contains(&at) { Some(1) } else { old.next() });
    let dims = dims.collect::<Option<Vec<_>>>().ok_or("an axis is named twice")?;
    one(reshaped(value, dims)?)
}

fn sizes(numbers: &[i64]) -> Result<Vec<usize>, String> {
    numbers
        .iter()
        .map(|&size| usize::try_from(size).map_err(|_| format!("the shape is {numbers:?}")))
        .collect()
}

fn expand(call: &mut Call) -> Outputs {
    let target = sizes(&call.read_integers(1)?)?;
    let dims = crate::values::broadcast(&call.dims(0)?, &target)?;
    call.check_size(&dims)?;
    one(match call.value(0)? {
        Value::Floats(array) => Value::from(array.expand(&dims)?),
        Value::Integers(array) => array.expand(&dims)?.into(),
        Value::Booleans(array) => array.expand(&dims)?.into(),
        Value::Known(known) if dims.iter().product::<usize>() <= 4096 => {
            known.expand(&dims)?.into()
        }
        Value::Known(known) => {
            let wide = call.put(&known)?.expand(&dims)?;
            of_kind(wide, known.kind)
        }
    })
}

/// Turns floats into numbers of a kind.
fn of_kind(array: Floats, kind: Kind) -> Value {
    match kind {
        Kind::Float => array.into(),
        Kind::Integer => Integers::new(array.tensor.int(), array.rank).into(),
        Kind::Boolean => Booleans::new(array.tensor.not_equal_elem(0.0), array.rank).into(),
    }
}

fn constant_of_shape(call: &mut Call) -> Outputs {
    let dims = sizes(&call.read_integers(0)?)?;
    let zero = crate::values::Constant::floats(vec![1], vec![0.0]);
    one(filled(call, call.constant("value").unwrap_or(&zero), &dims)?)
}

fn range(call: &mut Call) -> Outputs {
    let (start, limit, delta) = (call.read(0)?, call.read(1)?, call.read(2)?);
    let kind = start.kind;
    let number = |known: &Known| known.only().ok_or("a limit is not one number");
    let (start, limit, delta) = (number(&start)?, number(&limit)?, number(&delta)?);
    let count = ((limit - start) / delta).ceil().max(0.0);
    // Not a number if the step is zero.
    if !count.is_finite() || count > call.settings.largest as f64 {
        return Err(format!("the range from {start} to {limit} in steps of {delta} is too long"));
    }
    let numbers: Vec<f64> = (0..count as usize).map(|at| start + delta * at as f64).collect();
    one(Known { dims: vec![numbers.len()], numbers, kind, range: None })
}

/// Concatenation needs parts of one kind; this brings rows that the file fixed to those of the
/// input.
pub(super) fn with_rows<K: burn::tensor::kind::Basic>(
    parts: Vec<Array<K>>,
    rows: Option<usize>,
    axis: usize,
) -> Result<Vec<Array<K>>, String> {
    let Some(rows) = rows else { return Ok(parts) };
    if axis == 0 || !parts.iter().any(|part| part.dims().first() == Some(&rows)) {
        return Ok(parts);
    }
    parts
        .into_iter()
        .map(|part| {
            let mut dims = part.dims();
            if dims.first() == Some(&1) {
                dims[0] = rows;
                return part.expand(&dims);
            }
            Ok(part)
        })
        .collect()
}
