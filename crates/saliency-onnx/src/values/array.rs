//! Tensors of any rank up to eight, as tensors of rank eight with leading ones.
//!
//! ONNX aligns shapes at their last dimension, and ones stand for what is missing. With the ones
//! written out, an operator needs no case for each rank: broadcasting is that of Burn, and an axis
//! is only moved.

use burn::tensor::kind::Basic;
use burn::tensor::{Bool, Float, Int, Tensor, TensorCreationOptions};

/// The number of dimensions of the tensors inside.
pub(crate) const RANK: usize = 8;

/// A tensor with a rank of its own. The other dimensions are ones in front.
#[derive(Clone, Debug)]
pub(crate) struct Array<K: Basic> {
    pub(crate) tensor: Tensor<RANK, K>,
    pub(crate) rank: usize,
}

pub(crate) type Floats = Array<Float>;
pub(crate) type Integers = Array<Int>;
pub(crate) type Booleans = Array<Bool>;

/// Writes out the ones in front of a shape.
///
/// # Panics
/// If there are more than eight dimensions, which [`check_rank`] excludes.
pub(crate) fn full_dims(dims: &[usize]) -> [usize; RANK] {
    let mut full = [1; RANK];
    full[RANK - dims.len()..].copy_from_slice(dims);
    full
}

/// Refuses shapes of more than eight dimensions.
pub(crate) fn check_rank(dims: &[usize]) -> Result<(), String> {
    if dims.len() > RANK {
        return Err(format!("it has {} dimensions, and at most {RANK} are supported", dims.len()));
    }
    Ok(())
}

impl<K: Basic> Array<K> {
    pub(crate) fn new(tensor: Tensor<RANK, K>, rank: usize) -> Self {
        Self { tensor, rank }
    }

    /// Takes a tensor of a rank that is known here.
    pub(crate) fn of<const D: usize>(tensor: Tensor<D, K>) -> Self {
        let dims = full_dims(&tensor.dims());
        Self { tensor: reshaped(tensor, dims), rank: D }
    }

    /// Returns the tensor with a rank that is known here.
    pub(crate) fn fixed<const D: usize>(self) -> Result<Tensor<D, K>, String> {
        let dims = self.dims();
        match <[usize; D]>::try_from(dims) {
            Ok(dims) => Ok(reshaped(self.tensor, dims)),
            Err(dims) => Err(format!("expected {D} dimensions, found the shape {dims:?}")),
        }
    }

    /// Returns the shape.
    pub(crate) fn dims(&self) -> Vec<usize> {
        self.tensor.dims()[RANK - self.rank..].to_vec()
    }

    /// Returns the number of values.
    pub(crate) fn len(&self) -> usize {
        self.tensor.dims().iter().product()
    }

    /// Gives the values another shape of the same size.
    pub(crate) fn reshape(self, dims: &[usize]) -> Result<Self, String> {
        check_rank(dims)?;
        if dims.iter().product::<usize>() != self.len() {
            return Err(format!("{:?} cannot become {dims:?}", self.dims()));
        }
        Ok(Self { tensor: reshaped(self.tensor, full_dims(dims)), rank: dims.len() })
    }

    /// Returns where an axis is in the tensor of rank eight. Negative axes count from the end.
    pub(crate) fn axis(&self, axis: i64) -> Result<usize, String> {
        Ok(RANK - self.rank + resolve(axis, self.rank)?)
    }

    /// Orders the axes anew.
    pub(crate) fn permute(self, order: &[usize]) -> Result<Self, String> {
        let lead = RANK - self.rank;
        let mut axes: [usize; RANK] = std::array::from_fn(|at| at);
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..self.rank).collect::<Vec<_>>() {
            return Err(format!("{order:?} is no order of {} dimensions", self.rank));
        }
        for (at, from) in order.iter().enumerate() {
            axes[lead + at] = lead + from;
        }
        Ok(Self { tensor: self.tensor.permute(axes), rank: self.rank })
    }

    /// Repeats ones to a shape, with ONNX's broadcasting in both directions.
    pub(crate) fn expand(self, dims: &[usize]) -> Result<Self, String> {
        check_rank(dims)?;
        let dims = super::known::broadcast(&self.dims(), dims)?;
        let full = full_dims(&dims);
        Ok(Self { tensor: self.tensor.expand(full), rank: dims.len() })
    }

    /// Concatenates along an axis of the tensor of rank eight.
    pub(crate) fn cat(parts: Vec<Self>, axis: usize) -> Self {
        let rank = parts.iter().map(|part| part.rank).max().unwrap_or(0);
        let tensors: Vec<_> = parts.into_iter().map(|part| part.tensor).collect();
        Self { tensor: Tensor::cat(tensors, axis), rank }
    }
}

impl Floats {
    /// Returns what new tensors beside this one are made with: its device and its precision.
    pub(crate) fn like(&self) -> TensorCreationOptions {
        (&self.tensor.device(), self.tensor.dtype()).into()
    }
}

/// Resolves an axis that may count from the end.
pub(crate) fn resolve(axis: i64, rank: usize) -> Result<usize, String> {
    let rank = rank as i64;
    let resolved = if axis < 0 { axis + rank } else { axis };
    if !(0..rank.max(1)).contains(&resolved) {
        return Err(format!("there is no axis {axis} among {rank} dimensions"));
    }
    Ok(resolved as usize)
}

/// Reshapes, also if there are no values: Burn reads a zero as "as before".
fn reshaped<const A: usize, const B: usize, K: Basic>(
    tensor: Tensor<A, K>,
    dims: [usize; B],
) -> Tensor<B, K> {
    if dims.contains(&0) {
        return Tensor::empty(dims, (&tensor.device(), tensor.dtype()));
    }
    tensor.reshape(dims)
}
