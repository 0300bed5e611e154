//! Values by their positions, and positions of values.

use burn::tensor::{Int, Tensor, TensorData};

use crate::values::{Array, Booleans, Floats, Integers, Kind, Known, RANK, Value, resolve};

use super::Entry;
use super::call::{Call, Outputs, one};
use super::layout::{each_kind, pick_of, with_dims};

pub(super) const TABLE: &[Entry] = &[
    ("ArgMax", |call| arg(call, Tensor::argmax, Tensor::argmax)),
    ("ArgMin", |call| arg(call, Tensor::argmin, Tensor::argmin)),
    ("CumSum", cumulative_sum),
    ("Gather", gather),
    ("GatherElements", gather_elements),
    ("GatherND", gather_nd),
    ("NonZero", non_zero),
    ("OneHot", one_hot),
    ("ScatterElements", scatter_elements),
    ("ScatterND", scatter_nd),
    ("TopK", top_k),
];

/// Resolves positions that may count from the end, and refuses those that do not exist.
fn resolved(indices: &[i64], size: usize) -> Result<Vec<usize>, String> {
    let resolve = |&at: &i64| {
        let from_start = if at < 0 { at + size as i64 } else { at };
        let place = usize::try_from(from_start).ok().filter(|&at| at < size);
        place.ok_or_else(|| format!("position {at} does not exist among {size}"))
    };
    indices.iter().map(resolve).collect()
}

fn gather(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let dims = value.dims();
    let axis = call.axis(0, dims.len())?;
    let size = *dims.get(axis).ok_or("a single number has no positions")?;
    let positions_shape = call.dims(1)?;
    // Positions are few, and reading them finds those that do not exist.
    let positions = resolved(&call.read_integers(1)?, size)?;
    let mut result = dims[..axis].to_vec();
    result.extend(&positions_shape);
    result.extend(&dims[axis + 1..]);
    call.check_size(&result)?;
    with_dims(pick_of(call, value, axis, &positions)?, result)
}

/// Returns positions along an axis as a tensor, none of them negative.
fn positions(call: &Call, at: usize, size: usize) -> Result<Integers, String> {
    let known = call.read(at)?;
    let numbers = resolved(&known.integers(), size)?;
    let numbers = numbers.into_iter().map(|it| it as f64).collect();
    let known = Known { dims: known.dims.clone(), numbers, kind: Kind::Integer, range: None };
    call.integers_of(known.into())
}

fn gather_elements(call: &mut Call) -> Outputs {
    let value = call.value(0)?;
    let dims = value.dims();
    let axis = call.axis(0, dims.len())?;
    let indices = positions(call, 1, *dims.get(axis).ok_or("there is no axis")?)?;
    let full = RANK - dims.len() + axis;
    // Burn gathers from all places of the other axes; ONNX from the first ones.
    let wanted = indices.dims();
    let mut value = value;
    for (at, &size) in wanted.iter().enumerate() {
        if at != axis && size < dims[at] {
            value = pick_of(call, value, at, &(0..size).collect::<Vec<_>>())?;
        }
    }
    one(each_kind!(call, value, array => {
        let rank = array.rank;
        Array::new(array.tensor.gather(full, indices.tensor), rank)
    }))
}

/// A list of places in the first axes of a shape, as positions in the flattened axes.
struct Places {
    positions: Vec<usize>,
    /// The shape of the list.
    shape: Vec<usize>,
    /// How many axes a place names.
    named: usize,
}

impl Places {
    fn read(call: &Call, at: usize, dims: &[usize]) -> Result<Self, String> {
        let known = call.read(at)?;
        let (&named, shape) = known.dims.split_last().ok_or("the places are a single number")?;
        if named > dims.len() || named == 0 {
            return Err(format!("places of {named} axes do not fit the shape {dims:?}"));
        }
        let mut positions = Vec::new();
        for place in known.integers().chunks(named) {
            let place = place.iter().zip(dims).try_fold(0, |flat, (&at, &size)| {
                Ok::<_, String>(flat * size + resolved(&[at], size)?[0])
            })?;
            positions.push(place);
        }
        Ok(Self { positions, shape: shape.to_vec(), named })
    }
}

fn gather_nd(call: &mut Call) -> Outputs {
    if call.integer("batch_dims", 0) != 0 {
        return Err("`batch_dims` is not supported".into());
    }
    let value = call.value(0)?;
    let dims = value.dims();
    let places = Places::read(call, 1, &dims)?;
    let rest = &dims[places.named..];
    let flat = [vec![dims[..places.named].iter().product()], rest.to_vec()].concat();
    let flat = super::shapes::reshaped(value, flat)?;
    let picked = pick_of(call, flat, 0, &places.positions)?;
    with_dims(picked, [places.shape, rest.to_vec()].concat())
}

/// Returns, for each position of a flattened axis, which update is written there last.
fn last_writers(positions: &[usize], size: usize) -> Vec<Option<usize>> {
    let mut writers = vec![None; size];
    for (update, &at) in positions.iter().enumerate() {
        writers[at] = Some(update);
    }
    writers
}

/// Replaces rows of a flattened array by rows of another.
fn replaced(
    call: &Call,
    data: Floats,
    updates: Floats,
    positions: &[usize],
) -> Result<Floats, String> {
    let dims = data.dims();
    let writers = last_writers(positions, dims[0]);
    if updates.dims()[0] == 0 {
        return Ok(data);
    }
    // Old and new rows one below the other, of which each place picks one.
    let rows: Vec<usize> =
        writers.iter().enumerate().map(|(at, new)| new.map_or(at, |new| dims[0] + new)).collect();
    let both = Array::cat(vec![data, updates], RANK - dims.len());
    let picked = pick_of(call, both.into(), 0, &rows)?;
    call.floats_of(picked)
}

fn scatter_nd(call: &mut Call) -> Outputs {
    let reduction = call.text("reduction", "none");
    if reduction != "none" {
        return Err(format!("the reduction `{reduction}` is not supported"));
    }
    let known = call.all_known().is_some();
    let kind = call.value(0)?;
    let data = call.floats(0)?;
    let dims = data.dims();
    let places = Places::read(call, 1, &dims)?;
    let rest: usize = dims[places.named..].iter().product();
    let data = data.reshape(&[dims[..places.named].iter().product(), rest])?;
    let updates = call.floats(2)?.reshape(&[places.positions.len(), rest])?;
    let result = replaced(call, data, updates, &places.positions)?.reshape(&dims)?;
    if known || !matches!(kind, Value::Floats(_)) {
        return one(Integers::new(result.tensor.int(), result.rank));
    }
    one(result)
}

fn scatter_elements(call: &mut Call) -> Outputs {
    let reduction = call.text("reduction", "none");
    if reduction != "none" {
        return Err(format!("the reduction `{reduction}` is not supported"));
    }
    let data = call.floats(0)?;
    let dims = data.dims();
    let axis = call.axis(0, dims.len())?;
    let known = call.read(1)?;
    let along = resolved(&known.integers(), *dims.get(axis).ok_or("there is no axis")?)?;
    // The place of each update in the flattened data.
    let mut positions = Vec::with_capacity(along.len());
    for (at, along) in along.into_iter().enumerate() {
        let mut place = at;
        let mut coordinates = vec![0; dims.len()];
        for axis in (0..dims.len()).rev() {
            coordinates[axis] = place % known.dims[axis];
            place /= known.dims[axis];
        }
        coordinates[axis] = along;
        positions.push(coordinates.iter().zip(&dims).fold(0, |flat, (at, size)| flat * size + at));
    }
    let flat = data.reshape(&[dims.iter().product(), 1])?;
    let updates = call.floats(2)?.reshape(&[positions.len(), 1])?;
    one(replaced(call, flat, updates, &positions)?.reshape(&dims)?)
}

fn arg(
    call: &Call,
    floats: fn(Tensor<RANK>, usize) -> Tensor<RANK, Int>,
    integers: fn(Tensor<RANK, Int>, usize) -> Tensor<RANK, Int>,
) -> Outputs {
    if call.integer("select_last_index", 0) != 0 {
        return Err("`select_last_index` is not supported".into());
    }
    let value = call.value(0)?;
    let dims = value.dims();
    let axis = call.axis(0, dims.len())?;
    let full = RANK - dims.len() + axis;
    let tensor = match value {
        Value::Integers(array) => integers(array.tensor, full),
        _ => floats(call.floats(0)?.tensor, full),
    };
    let mut kept = dims.clone();
    kept[axis] = 1;
    if call.integer("keepdims", 1) == 0 {
        kept.remove(axis);
    }
    one(Integers::new(tensor, dims.len()).reshape(&kept)?)
}

fn cumulative_sum(call: &mut Call) -> Outputs {
    let rank = call.dims(0)?.len();
    let axis = call.read_integers(1)?.first().copied().unwrap_or(0);
    let full = RANK - rank + resolve(axis, rank)?;
    let backwards = call.integer("reverse", 0) != 0;
    // Without the value itself.
    let exclusive = call.integer("exclusive", 0) != 0;
    let is_float = match call.value(0)? {
        Value::Known(known) => known.kind == Kind::Float,
        Value::Floats(_) => true,
        _ => false,
    };
    if is_float {
        let x = call.floats(0)?;
        return one(Floats::new(summed_up(x.tensor, full, backwards, exclusive), rank));
    }
    let x = call.integers(0)?;
    one(Integers::new(summed_up(x.tensor, full, backwards, exclusive), rank))
}

fn summed_up<K: burn::tensor::kind::Numeric>(
    x: Tensor<RANK, K>,
    axis: usize,
    backwards: bool,
    exclusive: bool,
) -> Tensor<RANK, K> {
    let turned = if backwards { x.flip([axis]) } else { x };
    let sum = turned.clone().cumsum(axis);
    let sum = if exclusive { sum - turned } else { sum };
    if backwards { sum.flip([axis]) } else { sum }
}

fn non_zero(call: &mut Call) -> Outputs {
    let known = call.read(0)?;
    let places: Vec<usize> =
        (0..known.numbers.len()).filter(|&at| known.numbers[at] != 0.0).collect();
    let rank = known.dims.len().max(1);
    let mut numbers = vec![0.0; rank * places.len()];
    for (column, &place) in places.iter().enumerate() {
        let mut place = place;
        for axis in (0..known.dims.len()).rev() {
            numbers[axis * places.len() + column] = (place % known.dims[axis]) as f64;
            place /= known.dims[axis];
        }
    }
    one(Known { dims: vec![rank, places.len()], numbers, kind: Kind::Integer, range: None })
}

fn one_hot(call: &mut Call) -> Outputs {
    let depth = call.read(1)?.only().ok_or("the depth is not one number")?;
    let depth = if depth >= 1.0 { depth as usize } else { return Err("the depth is zero".into()) };
    let values = call.read(2)?;
    let &[off, on] = values.numbers.as_slice() else { return Err("two values are needed".into()) };
    let indices = call.integers(0)?;
    let mut dims = indices.dims();
    let axis = resolve(call.integer("axis", -1), dims.len() + 1)?;
    dims.insert(axis, 1);
    let mut wide = dims.clone();
    wide[axis] = depth;
    call.check_size(&wide)?;
    let indices = indices.reshape(&dims)?.expand(&wide)?;
    let mut steps = vec![1; wide.len()];
    steps[axis] = depth;
    let count: Vec<i64> = (0..depth as i64).collect();
    let count =
        Tensor::<1, Int>::from_data(TensorData::new(count, [depth]), &indices.tensor.device());
    let count = Integers::of(count).reshape(&steps)?.expand(&wide)?;
    // Positions may count from the end.
    let negative = indices.tensor.clone().lower_elem(0);
    let indices = indices.tensor.clone().mask_where(negative, indices.tensor + depth as i64);
    let hit = indices.equal(count.tensor);
    if values.kind == Kind::Boolean {
        return one(Booleans::new(hit, wide.len()));
    }
    let hot = hit.float().cast(call.settings.dtype) * (on - off) + off;
    let hot = Floats::new(hot, wide.len());
    if values.kind == Kind::Integer {
        return one(Integers::new(hot.tensor.int(), hot.rank));
    }
    one(hot)
}

fn top_k(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let count = if call.has(1) {
        call.read(1)?.only().ok_or("the number of values is not one number")? as i64
    } else {
        call.integer("k", 0)
    };
    let axis = call.axis(-1, x.rank)?;
    let size = x.dims()[axis];
    let count = usize::try_from(count).ok().filter(|&count| count <= size);
    let count = count.ok_or_else(|| format!("there are only {size} values"))?;
    let full = RANK - x.rank + axis;
    let rank = x.rank;
    // The sorted order of the first values; equal values keep theirs.
    let largest = call.integer("largest", 1) != 0;
    let order = if largest {
        x.tensor.clone().detach().argsort_descending(full)
    } else {
        x.tensor.clone().detach().argsort(full)
    };
    let order = order.narrow(full, 0, count);
    let values = Floats::new(x.tensor.gather(full, order.clone()), rank);
    Ok(vec![values.into(), Integers::new(order, rank).into()])
}
