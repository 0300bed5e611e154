//! Sums, means and the like, over some axes.

use burn::tensor::Tensor;

use crate::values::{Floats, Integers, Kind, Known, RANK, Value, resolve};

use super::Entry;
use super::call::{Call, Outputs, one};

pub(super) const TABLE: &[Entry] = &[
    ("ReduceL1", |call| floats(call, |x, axes| sum(x.abs(), axes))),
    ("ReduceL2", |call| floats(call, |x, axes| sum(x.clone() * x, axes).sqrt())),
    ("ReduceLogSum", |call| floats(call, |x, axes| sum(x, axes).log())),
    ("ReduceLogSumExp", |call| floats(call, log_sum_exp)),
    ("ReduceMax", |call| reduce(call, f64::max, largest)),
    ("ReduceMean", |call| {
        floats(call, |x, axes| if axes.is_empty() { x } else { x.mean_dims(axes) })
    }),
    ("ReduceMin", |call| reduce(call, f64::min, |x, axes| -largest(-x, axes))),
    ("ReduceProd", |call| {
        reduce(call, |a, b| a * b, |x, axes| axes.iter().fold(x, |x, &axis| x.prod_dim(axis)))
    }),
    ("ReduceSum", |call| reduce(call, |a, b| a + b, sum)),
    ("ReduceSumSquare", |call| floats(call, |x, axes| sum(x.clone() * x, axes))),
];

type OnDevice = fn(Tensor<RANK>, &[usize]) -> Tensor<RANK>;

fn sum(x: Tensor<RANK>, axes: &[usize]) -> Tensor<RANK> {
    if axes.is_empty() { x } else { x.sum_dims(axes) }
}

fn largest(x: Tensor<RANK>, axes: &[usize]) -> Tensor<RANK> {
    axes.iter().fold(x, |x, &axis| x.max_dim(axis))
}

fn log_sum_exp(x: Tensor<RANK>, axes: &[usize]) -> Tensor<RANK> {
    let most = largest(x.clone(), axes).detach();
    sum((x - most.clone()).exp(), axes).log() + most
}

/// The axes of a reduction, and the shape of its result.
struct Axes {
    axes: Vec<usize>,
    kept: Vec<usize>,
}

impl Axes {
    fn read(call: &Call) -> Result<Self, String> {
        let dims = call.dims(0)?;
        let named = call.list_or_input("axes", 1)?.filter(|axes| !axes.is_empty());
        let axes = match named {
            Some(axes) => {
                axes.iter().map(|&axis| resolve(axis, dims.len())).collect::<Result<Vec<_>, _>>()?
            }
            None if call.integer("noop_with_empty_axes", 0) != 0 => Vec::new(),
            None => (0..dims.len()).collect(),
        };
        let keep = call.integer("keepdims", 1) != 0;
        let size = |at: usize| match axes.contains(&at) {
            false => Some(dims[at]),
            true => keep.then_some(1),
        };
        let kept = (0..dims.len()).filter_map(size).collect();
        Ok(Self { axes, kept })
    }
}

fn floats(call: &Call, function: OnDevice) -> Outputs {
    let axes = Axes::read(call)?;
    let x = call.floats(0)?;
    let full: Vec<usize> = axes.axes.iter().map(|axis| RANK - x.rank + axis).collect();
    if x.len() == 0 {
        return Err("there are no values".into());
    }
    let result = Floats::new(function(x.tensor, &full), x.rank);
    one(result.reshape(&axes.kept)?)
}

/// Reduces numbers of any kind.
fn reduce(call: &Call, host: fn(f64, f64) -> f64, device: OnDevice) -> Outputs {
    match call.value(0)? {
        // A list of the host, such as a shape.
        Value::Known(known) if known.dims.len() <= 1 && known.kind != Kind::Float => {
            let axes = Axes::read(call)?;
            let all = known.numbers.iter().copied().reduce(host).ok_or("there are no values")?;
            if axes.axes.is_empty() {
                return one(Value::Known(known));
            }
            one(Known { dims: axes.kept, numbers: vec![all], kind: known.kind, range: None })
        }
        Value::Integers(array) => {
            // Exact up to 2^53 in double precision.
            let x = array.tensor.float().cast(burn::tensor::DType::F64);
            let axes = Axes::read(call)?;
            let full: Vec<usize> = axes.axes.iter().map(|axis| RANK - array.rank + axis).collect();
            let result = Integers::new(device(x, &full).int(), array.rank);
            one(result.reshape(&axes.kept)?)
        }
        _ => floats(call, device),
    }
}
