//! Where values lie: cutting, joining, turning and repeating.

use burn::tensor::ops::PadMode;
use burn::tensor::{Tensor, TensorData, kind::Basic};

use crate::values::{Array, Booleans, Kind, Known, RANK, Value, resolve};

use super::Entry;
use super::call::{Call, Outputs, one};
use super::shapes::{reshaped, with_rows};

pub(super) const TABLE: &[Entry] = &[
    ("Concat", concat),
    ("DepthToSpace", depth_to_space),
    ("Pad", pad),
    ("Slice", slice),
    ("SpaceToDepth", space_to_depth),
    ("Split", split),
    ("Tile", tile),
    ("Transpose", transpose),
    ("Trilu", trilu),
];

/// Applies a function to the array of a value, wherever its numbers are.
macro_rules! each_kind {
    ($call:expr, $value:expr, $array:ident => $result:expr) => {
        match $value {
            Value::Floats($array) => Value::from($result),
            Value::Integers($array) => Value::from($result),
            Value::Booleans($array) => Value::from($result),
            Value::Known(known) if known.kind == Kind::Float => {
                let $array = $call.put(&known)?;
                Value::from($result)
            }
            Value::Known(known) => {
                let $array = $call.integers_of(Value::Known(known))?;
                Value::from($result)
            }
        }
    };
}
pub(super) use each_kind;

/// Picks positions of an axis, in any order and as often as wanted.
pub(super) fn pick<K: Basic>(array: Array<K>, axis: usize, positions: &[usize]) -> Array<K> {
    let size = array.tensor.dims()[axis];
    let consecutive = positions.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if consecutive && !positions.is_empty() {
        if positions.len() == size {
            return array;
        }
        let tensor = array.tensor.narrow(axis, positions[0], positions.len());
        return Array::new(tensor, array.rank);
    }
    if positions.is_empty() {
        let mut dims = array.tensor.dims();
        dims[axis] = 0;
        let empty = Tensor::empty(dims, (&array.tensor.device(), array.tensor.dtype()));
        return Array::new(empty, array.rank);
    }
    let indices: Vec<i64> = positions.iter().map(|&at| at as i64).collect();
    let count = indices.len();
    let indices = Tensor::from_data(TensorData::new(indices, [count]), &array.tensor.device());
    Array::new(array.tensor.select(axis, indices), array.rank)
}

/// Picks positions of an axis of known numbers.
pub(super) fn pick_known(known: &Known, axis: usize, positions: &[usize]) -> Known {
    let before: usize = known.dims[..axis].iter().product();
    let after: usize = known.dims[axis + 1..].iter().product();
    let size = known.dims[axis];
    let mut numbers = Vec::with_capacity(before * positions.len() * after);
    for lead in 0..before {
        for &at in positions {
            let from = (lead * size + at) * after;
            numbers.extend_from_slice(&known.numbers[from..from + after]);
        }
    }
    let mut dims = known.dims.clone();
    dims[axis] = positions.len();
    Known { dims, numbers, kind: known.kind, range: None }
}

/// Picks positions of an axis of a value.
pub(super) fn pick_of(
    call: &Call,
    value: Value,
    axis: usize,
    positions: &[usize],
) -> Result<Value, String> {
    if let Value::Known(known) = &value {
        return Ok(pick_known(known, axis, positions).into());
    }
    let full = RANK - value.dims().len() + axis;
    Ok(each_kind!(call, value, array => pick(array, full, positions)))
}

fn concat(call: &mut Call) -> Outputs {
    let rank = (0..call.count())
        .map(|at| call.dims(at).map(|dims| dims.len()))
        .max_by_key(|rank| rank.clone().unwrap_or(0));
    let rank = rank.ok_or("there is nothing to join")??;
    let default = if call.settings.version < 4 { 1 } else { 0 };
    let axis = call.axis(default, rank)?;
    if let Some(known) = call.all_known() {
        return one(joined(&known, axis)?);
    }
    // Empty parts of one axis stand for "nothing yet" in some files.
    let wanted: Vec<usize> = (0..call.count())
        .filter(|&at| call.dims(at).is_ok_and(|dims| dims != [0] || rank == 1))
        .collect();
    let is_float = |&at: &usize| match call.value(at) {
        Ok(Value::Floats(_)) => true,
        Ok(Value::Known(known)) => known.kind == Kind::Float,
        _ => false,
    };
    let full = RANK - rank + axis;
    let rows = call.settings.rows;
    if wanted.iter().any(is_float) {
        let parts = wanted.iter().map(|&at| call.floats(at)).collect::<Result<Vec<_>, _>>()?;
        let parts = with_rows(parts, rows, axis)?;
        check_parts(&parts, full)?;
        return one(Array::cat(parts, full));
    }
    let booleans = |&at: &usize| matches!(call.value(at), Ok(Value::Booleans(_)));
    if wanted.iter().all(booleans) {
        let parts = wanted.iter().map(|&at| call.booleans(at)).collect::<Result<Vec<_>, _>>()?;
        let parts = with_rows(parts, rows, axis)?;
        check_parts(&parts, full)?;
        return one(Array::cat(parts, full));
    }
    let parts = wanted.iter().map(|&at| call.integers(at)).collect::<Result<Vec<_>, _>>()?;
    let parts = with_rows(parts, rows, axis)?;
    check_parts(&parts, full)?;
    one(Array::cat(parts, full))
}

/// Refuses parts whose other axes differ.
fn check_parts<K: Basic>(parts: &[Array<K>], axis: usize) -> Result<(), String> {
    let other = |part: &Array<K>| {
        let mut dims = part.tensor.dims();
        dims[axis] = 1;
        dims
    };
    match parts.split_first() {
        Some((first, rest)) => match rest.iter().find(|part| other(part) != other(first)) {
            Some(part) => Err(format!("{:?} and {:?} cannot be joined", first.dims(), part.dims())),
            None => Ok(()),
        },
        None => Err("there is nothing to join".into()),
    }
}

fn joined(parts: &[std::sync::Arc<Known>], axis: usize) -> Result<Known, String> {
    let first = parts.first().ok_or("there is nothing to join")?;
    let mut dims = first.dims.clone();
    let fits = |part: &Known| {
        part.dims.len() == dims.len()
            && (0..dims.len()).all(|at| at == axis || part.dims[at] == dims[at])
    };
    if axis >= dims.len() || !parts.iter().all(|part| fits(part)) {
        return Err("the shapes of the parts do not fit together".into());
    }
    let before: usize = dims[..axis].iter().product();
    let mut numbers = Vec::new();
    for lead in 0..before {
        for part in parts {
            let each = part.numbers.len() / before.max(1);
            numbers.extend_from_slice(&part.numbers[lead * each..(lead + 1) * each]);
        }
    }
    dims[axis] = parts.iter().map(|part| part.dims[axis]).sum();
    let kind = if parts.iter().any(|it| it.kind == Kind::Float) { Kind::Float } else { first.kind };
    Ok(Known { dims, numbers, kind, range: None })
}

fn slice(call: &mut Call) -> Outputs {
    let mut value = call.value(0)?;
    let dims = value.dims();
    let starts = call.list_or_input("starts", 1)?.ok_or("the starts are missing")?;
    let ends = call.list_or_input("ends", 2)?.ok_or("the ends are missing")?;
    let axes = call.list_or_input("axes", 3)?.unwrap_or((0..starts.len() as i64).collect());
    let steps = if call.has(4) { call.read_integers(4)? } else { vec![1; starts.len()] };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("the starts, the ends, the axes and the steps differ in number".into());
    }
    for at in 0..starts.len() {
        let axis = resolve(axes[at], dims.len())?;
        let size = *dims.get(axis).ok_or("a single number has no axes")?;
        let positions = positions(size, starts[at], ends[at], steps[at])?;
        if positions.len() != size || steps[at] != 1 {
            value = pick_of(call, value, axis, &positions)?;
        }
    }
    one(value)
}

/// Returns the positions of a slice.
fn positions(size: usize, start: i64, end: i64, step: i64) -> Result<Vec<usize>, String> {
    let size = size as i64;
    let place = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    if step == 0 {
        return Err("the step is zero".into());
    }
    let step_size = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    if step > 0 {
        let (start, end) = (place(start).clamp(0, size), place(end).clamp(0, size));
        return Ok((start..end).step_by(step_size).map(|at| at as usize).collect());
    }
    let (start, end) = (place(start).clamp(-1, size - 1), place(end).clamp(-1, size - 1));
    Ok((end + 1..=start).rev().step_by(step_size).map(|at| at as usize).collect())
}

fn split(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let dims = value.dims();
    let axis = call.axis(0, dims.len())?;
    let size = *dims.get(axis).ok_or("a single number cannot be split")?;
    let sizes = match call.list_or_input("split", 1)? {
        Some(sizes) => sizes
            .iter()
            .map(|&size| usize::try_from(size).map_err(|_| format!("the parts are {sizes:?}")))
            .collect::<Result<Vec<_>, _>>()?,
        None => {
            let parts = call.positive("num_outputs", call.outputs())?;
            let each = size.div_ceil(parts);
            (0..parts).map(|part| each.min(size.saturating_sub(part * each))).collect()
        }
    };
    let total = sizes.iter().try_fold(0usize, |all, &size| all.checked_add(size));
    if total != Some(size) {
        return Err(format!("{size} values cannot be split into {sizes:?}"));
    }
    let mut start = 0;
    let part = |size: usize| {
        let positions: Vec<usize> = (start..start + size).collect();
        start += size;
        pick_of(call, value.clone(), axis, &positions)
    };
    sizes.into_iter().map(part).collect()
}

fn transpose(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let rank = value.dims().len();
    let order: Vec<usize> = match call.list("perm") {
        Some(order) => {
            order.iter().map(|&axis| resolve(axis, rank)).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..rank).rev().collect(),
    };
    if rank <= 1 && order.len() == rank {
        return one(value);
    }
    one(each_kind!(call, value, array => array.permute(&order)?))
}

fn tile(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let repeats = call.read_integers(1)?;
    let mut dims = value.dims();
    if repeats.len() != dims.len() {
        return Err(format!("{repeats:?} does not fit the shape {dims:?}"));
    }
    let mut times = [1; RANK];
    for (at, &repeat) in repeats.iter().enumerate() {
        let repeat = usize::try_from(repeat).map_err(|_| format!("the repeats are {repeats:?}"))?;
        times[RANK - dims.len() + at] = repeat;
        dims[at] = dims[at].saturating_mul(repeat);
    }
    call.check_size(&dims)?;
    if let Value::Known(known) = &value
        && known.dims.len() == 1
    {
        let size = known.dims[0];
        let positions: Vec<usize> = (0..dims[0]).map(|at| at % size.max(1)).collect();
        return one(pick_known(known, 0, &positions));
    }
    if dims.contains(&0) {
        return Err("the result has no values".into());
    }
    one(each_kind!(call, value, array => {
        let rank = array.rank;
        Array::new(array.tensor.repeat(&times), rank)
    }))
}

fn pad(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let rank = value.dims().len();
    // In the oldest version the option is called `paddings`.
    let name = if call.has_option("paddings") { "paddings" } else { "pads" };
    let pads = call.list_or_input(name, 1)?.ok_or("the pads are missing")?;
    let axes = if call.has(3) {
        let axes = call.read_integers(3)?;
        axes.iter().map(|&axis| resolve(axis, rank)).collect::<Result<Vec<_>, _>>()?
    } else {
        (0..rank).collect()
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("{} pads do not fit {} axes", pads.len(), axes.len()));
    }
    let fill =
        if call.has(2) { call.read(2)?.only().unwrap_or(0.0) } else { call.float("value", 0.0) };
    let mode = call.text("mode", "constant");
    let pads: Vec<Pads> = axes
        .iter()
        .enumerate()
        .map(|(at, &axis)| Pads { axis, before: pads[at], after: pads[axes.len() + at] })
        .collect();
    if let (Value::Known(known), [Pads { axis: 0, before, after }], "constant") =
        (&value, pads.as_slice(), mode)
    {
        return padded_known(call, known, *before, *after, fill);
    }
    let is_float = match &value {
        Value::Floats(_) => true,
        Value::Known(known) => known.kind == Kind::Float,
        _ => false,
    };
    if is_float {
        return one(padded(call, call.floats(0)?, &pads, mode, fill)?);
    }
    let padded = padded(call, call.integers(0)?, &pads, mode, fill)?;
    if matches!(value, Value::Booleans(_)) {
        return one(Booleans::new(padded.tensor.not_equal_elem(0), padded.rank));
    }
    one(padded)
}

/// How far an axis is extended. Negative pads crop.
struct Pads {
    axis: usize,
    before: i64,
    after: i64,
}

/// Pads known numbers, which are shapes and lists, by a constant.
fn padded_known(call: &Call, known: &Known, before: i64, after: i64, fill: f64) -> Outputs {
    let (Ok(before), Ok(after)) = (usize::try_from(before), usize::try_from(after)) else {
        return Err("a list of the host cannot be cropped".into());
    };
    call.check_size(&[before.saturating_add(after).saturating_add(known.numbers.len())])?;
    let mut numbers = vec![fill; before];
    numbers.extend(&known.numbers);
    numbers.resize(numbers.len() + after, fill);
    one(Known { dims: vec![numbers.len()], numbers, kind: known.kind, range: None })
}

/// Pads each axis in turn.
fn padded<K: burn::tensor::kind::Numeric>(
    call: &Call,
    mut array: Array<K>,
    pads: &[Pads],
    mode: &str,
    fill: f64,
) -> Result<Array<K>, String> {
    for &Pads { axis, before, after } in pads {
        if (before, after) == (0, 0) {
            continue;
        }
        let mut dims = array.dims();
        let size = dims[axis] as i64;
        let (full, rank) = (RANK - array.rank + axis, array.rank);
        let total = before.checked_add(after).and_then(|pads| pads.checked_add(size));
        let total = total.and_then(|it| usize::try_from(it).ok());
        let total = total.ok_or_else(|| format!("{size} values cannot be padded so"))?;
        dims[axis] = total;
        call.check_size(&dims)?;
        if mode == "constant" {
            let crop = |pad: i64| pad.min(0).unsigned_abs() as usize;
            let kept: Vec<usize> =
                (crop(before)..(size as usize).saturating_sub(crop(after))).collect();
            let kept = pick(array, full, &kept);
            let mut pairs = [(0, 0); RANK];
            pairs[full] = (before.max(0) as usize, after.max(0) as usize);
            array = Array::new(kept.tensor.pad(pairs, PadMode::Constant(fill as f32)), rank);
            continue;
        }
        let positions = (0..total as i64).map(|at| reflected(at - before, size, mode));
        array = pick(array, full, &positions.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(array)
}

/// Returns the position that stands at a place outside of the data.
fn reflected(at: i64, size: i64, mode: &str) -> Result<usize, String> {
    let last = size - 1;
    let position = match mode {
        _ if size == 0 => return Err("there are no values".into()),
        "edge" => at.clamp(0, last),
        "reflect" if last == 0 => 0,
        "reflect" => {
            let at = at.rem_euclid(2 * last);
            if at > last { 2 * last - at } else { at }
        }
        "wrap" => at.rem_euclid(size),
        other => return Err(format!("the mode `{other}` is not supported")),
    };
    Ok(position as usize)
}

fn depth_to_space(call: &mut Call) -> Outputs {
    let block = call.positive("blocksize", 1)?;
    let &[rows, channels, height, width] = call.dims(0)?.as_slice() else {
        return Err("four dimensions were expected".into());
    };
    let depth = channels / (block * block);
    let value = call.floats(0)?;
    let (dims, order) = match call.text("mode", "DCR") {
        "DCR" => ([rows, block, block, depth, height, width], [0, 3, 4, 1, 5, 2]),
        "CRD" => ([rows, depth, block, block, height, width], [0, 1, 4, 2, 5, 3]),
        other => return Err(format!("the mode `{other}` is not supported")),
    };
    let turned = value.reshape(&dims)?.permute(&order)?;
    one(turned.reshape(&[rows, depth, height * block, width * block])?)
}

fn space_to_depth(call: &mut Call) -> Outputs {
    let block = call.positive("blocksize", 1)?;
    let &[rows, channels, height, width] = call.dims(0)?.as_slice() else {
        return Err("four dimensions were expected".into());
    };
    let dims = [rows, channels, height / block, block, width / block, block];
    let turned = call.floats(0)?.reshape(&dims)?.permute(&[0, 3, 5, 1, 2, 4])?;
    one(turned.reshape(&[rows, channels * block * block, height / block, width / block])?)
}

fn trilu(call: &mut Call) -> Outputs {
    let diagonal =
        if call.has(1) { call.read_integers(1)?.first().copied().unwrap_or(0) } else { 0 };
    let upper = call.integer("upper", 1) != 0;
    let x = match call.value(0)? {
        Value::Booleans(array) => {
            let turned = triangle(Array::new(array.tensor.int(), array.rank), diagonal, upper);
            return one(Booleans::new(turned.tensor.not_equal_elem(0), turned.rank));
        }
        Value::Integers(array) => return one(triangle(array, diagonal, upper)),
        _ => call.floats(0)?,
    };
    one(triangle(x, diagonal, upper))
}

fn triangle<K: burn::tensor::kind::Numeric>(x: Array<K>, diagonal: i64, upper: bool) -> Array<K> {
    if x.len() == 0 {
        return x;
    }
    let tensor = if upper { x.tensor.triu(diagonal) } else { x.tensor.tril(diagonal) };
    Array::new(tensor, x.rank)
}

/// Reshapes a value: see [`reshaped`].
pub(super) fn with_dims(value: Value, dims: Vec<usize>) -> Outputs {
    one(reshaped(value, dims)?)
}
