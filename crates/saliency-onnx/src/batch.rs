//! Any number of rows, also if the file fixes one.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::file::{Dimension, Port};
use crate::values::{Array, RANK, Value};

/// How the rows of an input are computed.
#[derive(Clone, Debug)]
pub(crate) enum Batching {
    /// The file leaves the number of rows open.
    Open,
    /// The file fixes one row. Several are computed together if that was found to give the same as
    /// each alone, which is tried when it is asked for first.
    One {
        /// Whether several rows can be computed together.
        together: Arc<OnceLock<bool>>,
    },
}

impl Batching {
    /// Returns the same for another part of the model, of which nothing was tried.
    pub(crate) fn untried(&self) -> Self {
        match self {
            Self::Open => Self::Open,
            Self::One { .. } => Self::One { together: Arc::default() },
        }
    }

    /// Reads off the first input whether the number of rows is open.
    pub(crate) fn of(inputs: &[Port]) -> Self {
        let first = inputs.first().and_then(|port| port.shape.as_ref()?.first());
        match first {
            Some(Dimension::Fixed(1)) => Self::One { together: Arc::default() },
            _ => Self::Open,
        }
    }
}

/// Computes each row alone, and joins the outputs.
pub(crate) fn one_by_one(
    inputs: &[Value],
    rows: usize,
    axes: &[usize],
    mut function: impl FnMut(Vec<Value>) -> Result<Vec<Value>>,
) -> Result<Vec<Value>> {
    let mut columns: Vec<Vec<Value>> = Vec::new();
    for row in 0..rows {
        let outputs = function(inputs.iter().map(|value| row_of(value, row, rows)).collect())?;
        columns.resize_with(outputs.len(), Vec::new);
        columns.iter_mut().zip(outputs).for_each(|(column, output)| column.push(output));
    }
    columns.into_iter().zip(axes).map(|(column, &axis)| joined(column, axis)).collect()
}

/// Returns one row of a value that has all.
fn row_of(value: &Value, row: usize, rows: usize) -> Value {
    let has_rows = value.dims().first() == Some(&rows);
    if !has_rows {
        return value.clone();
    }
    let axis = RANK - value.dims().len();
    match value.clone() {
        Value::Floats(array) => Array::new(array.tensor.narrow(axis, row, 1), array.rank).into(),
        Value::Integers(array) => Array::new(array.tensor.narrow(axis, row, 1), array.rank).into(),
        Value::Booleans(array) => Array::new(array.tensor.narrow(axis, row, 1), array.rank).into(),
        Value::Known(known) => Value::Known(known),
    }
}

/// Joins an output of all rows along an axis.
fn joined(rows: Vec<Value>, axis: usize) -> Result<Value> {
    let rank = rows.first().map_or(0, |first| first.dims().len());
    if axis >= rank {
        return Err(Error::no_such_part("an output is a single number, without rows"));
    }
    let (mut floats, mut integers, mut booleans) = (Vec::new(), Vec::new(), Vec::new());
    let count = rows.len();
    for row in rows {
        match row {
            Value::Floats(array) => floats.push(array),
            Value::Integers(array) => integers.push(array),
            Value::Booleans(array) => booleans.push(array),
            Value::Known(known) => return Ok(Value::Known(known)),
        }
    }
    let full = RANK - rank + axis;
    if floats.len() == count {
        Ok(Array::cat(floats, full).into())
    } else if integers.len() == count {
        Ok(Array::cat(integers, full).into())
    } else if booleans.len() == count {
        Ok(Array::cat(booleans, full).into())
    } else {
        Err(Error::graph("an output has another kind of numbers in each row"))
    }
}
