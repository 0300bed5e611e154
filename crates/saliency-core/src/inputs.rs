//! What a model takes in: tensors of any rank, alone or as a tuple.

use burn::tensor::{Bool, DType, Device, Int, Tensor};

use crate::error::{Error, Place, Result};

/// What a model takes in and an [`Attribution`](crate::Attribution) gives back: a float tensor of
/// any rank whose first dimension counts the rows, or a tuple of two to four of them.
///
/// Tensors that the model needs beside those that are explained, such as a padding mask, go into
/// the tuple as [`Fixed`].
///
/// The methods compute with every tensor flattened to `[rows, values]`; this trait converts to
/// that form and back. Implement it for a type of your own to explain models that take a struct.
///
/// # Shapes
/// `shapes` lists `[rows, ...]` once per tensor. `into_rows` and `from_rows` are inverse to each
/// other; `from_rows` must accept any number of rows.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Inputs;
///
/// let device = Device::flex();
/// let pair = (Tensor::<4>::zeros([2, 3, 8, 8], &device), Tensor::<2>::ones([2, 5], &device));
/// let shapes = pair.shapes();
/// assert_eq!(shapes, [vec![2, 3, 8, 8], vec![2, 5]]);
///
/// let flat = pair.into_rows();
/// assert_eq!(flat[0].dims(), [2, 192]);
/// let mut rows = flat.into_iter().zip(shapes.iter().map(Vec::as_slice));
/// let pair = <(Tensor<4>, Tensor<2>)>::from_rows(&mut rows);
/// assert_eq!(pair.0.dims(), [2, 3, 8, 8]);
/// ```
pub trait Inputs: Clone + Send {
    /// The shape of each tensor, rows first.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// Each tensor as `[rows, values]`, in order.
    fn into_rows(self) -> Vec<Tensor<2>>;

    /// The inverse of [`into_rows`](Self::into_rows): takes from the iterator as many tensors as
    /// it needs, each with its shape. The number of rows is that of the tensor; the other
    /// dimensions are those of the shape.
    fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self;

    /// For each tensor whether it is handed to the model as it is, see [`Fixed`]. By default none.
    fn fixed(&self) -> Vec<bool> {
        vec![false; self.shapes().len()]
    }

    /// Puts batches below each other, which must be on one device; none where there are none.
    fn stack_rows(batches: Vec<Self>) -> Option<Self> {
        let shapes = batches.first()?.shapes();
        let mut columns: Vec<Vec<Tensor<2>>> = vec![Vec::new(); shapes.len()];
        for batch in batches {
            for (column, part) in columns.iter_mut().zip(batch.into_rows()) {
                column.push(part);
            }
        }
        let parts = columns.into_iter().map(|column| Tensor::cat(column, 0));
        Some(Self::from_rows(&mut parts.zip(shapes.iter().map(Vec::as_slice))))
    }
}

impl<const D: usize> Inputs for Tensor<D> {
    fn shapes(&self) -> Vec<Vec<usize>> {
        vec![self.dims().to_vec()]
    }

    fn into_rows(self) -> Vec<Tensor<2>> {
        let dims = self.dims();
        let flat = [dims[0], dims[1..].iter().product()];
        // Burn's reshape reads a zero as "as before".
        let empty = flat.contains(&0);
        vec![if empty { Tensor::zeros(flat, &self.device()) } else { self.reshape(flat) }]
    }

    fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self {
        let (flat, shape) = rows.next().expect("one tensor per shape");
        let mut dims: [usize; D] = shape.try_into().expect("a shape of this rank");
        dims[0] = flat.dims()[0];
        flat.reshape(dims)
    }
}

/// A tensor that the model is given along with the others but that is not explained: it gets no
/// noise, stays the same along paths, and its attribution is zero.
///
/// It may hold infinities, as additive masks do. A tensor of booleans or integers can be fixed too;
/// integers are kept as floats meanwhile, which are exact below 2²⁴ in single precision and below 2¹¹
/// where the device's floats are in half precision, and come back in the device's integer type.
///
/// # Example
/// Tokens explained from their embeddings, with a padding mask:
/// ```
/// use burn::tensor::{Bool, Device, Tensor};
/// use saliency_core::{Explainer, Fixed, IntegratedGradients, pure_function};
///
/// let model = pure_function(|(embedded, padding): (Tensor<3>, Fixed<Tensor<2, Bool>>)| {
///     let padding = padding.0.unsqueeze_dim::<3>(2).expand(embedded.dims());
///     embedded.mask_fill(padding, 0.0).sum_dim(1).squeeze_dim::<2>(1)
/// });
/// let device = Device::flex();
/// let embedded = Tensor::<3>::ones([1, 3, 2], &device); // [rows, tokens, values]
/// let padding = Tensor::<2, Bool>::from_data([[false, false, true]], &device);
/// let explainer = IntegratedGradients::new().with_steps(2);
/// let map = explainer.attribute(&model, (embedded, Fixed(padding)))?;
/// let per_token = map.values.0.sum_dim(2).try_into_vec_as::<f32>().unwrap();
/// assert_eq!(per_token, [1.0, 1.0, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed<T>(pub T);

macro_rules! fixed_inputs {
    ($tensor:ty, $to_float:expr, $from_float:expr) => {
        impl<const D: usize> Inputs for Fixed<$tensor> {
            fn shapes(&self) -> Vec<Vec<usize>> {
                vec![self.0.dims().to_vec()]
            }

            fn into_rows(self) -> Vec<Tensor<2>> {
                let float: Tensor<D> = $to_float(self.0);
                float.into_rows()
            }

            fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self {
                let float = Tensor::<D>::from_rows(rows);
                Self($from_float(float))
            }

            fn fixed(&self) -> Vec<bool> {
                vec![true]
            }
        }
    };
}
fixed_inputs!(Tensor<D>, |tensor| tensor, |tensor| tensor);
fixed_inputs!(Tensor<D, Bool>, |tensor: Tensor<D, Bool>| tensor.float(), |tensor: Tensor<D>| tensor
    .greater_elem(0.5));
fixed_inputs!(Tensor<D, Int>, |tensor: Tensor<D, Int>| tensor.float(), |tensor: Tensor<D>| tensor
    .int());

macro_rules! tuple_inputs {
    ($($input:ident $index:tt),+) => {
        impl<$($input: Inputs),+> Inputs for ($($input,)+) {
            fn shapes(&self) -> Vec<Vec<usize>> {
                [$(self.$index.shapes()),+].concat()
            }

            fn into_rows(self) -> Vec<Tensor<2>> {
                [$(self.$index.into_rows()),+].concat()
            }

            fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self {
                ($($input::from_rows(rows),)+)
            }

            fn fixed(&self) -> Vec<bool> {
                [$(self.$index.fixed()),+].concat()
            }
        }
    };
}
tuple_inputs!(A 0, B 1);
tuple_inputs!(A 0, B 1, C 2);
tuple_inputs!(A 0, B 1, C 2, D 3);

/// A batch as the methods compute with it: each tensor `[rows, values]`, off the tape.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    pub parts: Vec<Tensor<2>>,
    pub shapes: Vec<Vec<usize>>,
    /// Which parts are handed on as they are.
    pub fixed: Vec<bool>,
}

impl Flat {
    /// Flattens `inputs`, or says which of its tensors is empty or has other rows than the first.
    pub fn new<I: Inputs>(inputs: I) -> Result<Self> {
        let shapes = inputs.shapes();
        // A type of the user's own may hold no tensor at all.
        let Some(first) = shapes.first() else {
            return Err(Error::EmptyInput { tensor: 0, shape: Vec::new() });
        };
        let rows = first.first().copied().unwrap_or(0);
        for (tensor, shape) in shapes.iter().enumerate() {
            if shape.iter().product::<usize>() == 0 {
                let shape = shape.clone();
                return Err(Error::EmptyInput { tensor, shape });
            }
            if shape[0] != rows {
                let found = shape[0];
                return Err(Error::UnequalRows { tensor, expected: rows, found });
            }
        }
        let fixed = inputs.fixed();
        let parts = inputs.into_rows().into_iter().map(Tensor::inner).collect();
        Ok(Self { parts, shapes, fixed })
    }

    pub fn into_inputs<I: Inputs>(self) -> I {
        I::from_rows(&mut self.parts.into_iter().zip(self.shapes.iter().map(Vec::as_slice)))
    }

    /// The shape of each tensor with the rows that are here.
    pub fn shapes_of_rows(&self) -> Vec<Vec<usize>> {
        let mut shapes = self.shapes.clone();
        shapes.iter_mut().for_each(|shape| shape[0] = self.rows());
        shapes
    }

    pub fn rows(&self) -> usize {
        self.parts[0].dims()[0]
    }

    /// Values in one row, over all tensors.
    pub fn width(&self) -> usize {
        self.parts.iter().map(|part| part.dims()[1]).sum()
    }

    pub fn device(&self) -> Device {
        self.parts[0].device()
    }

    /// The rows named by `rows`, in that order; a row may be named more than once.
    pub fn select(&self, rows: &[usize]) -> Self {
        self.map(|part| select(part, rows))
    }

    /// `count` rows from `start`.
    pub fn narrow(&self, start: usize, count: usize) -> Self {
        if (start, count) == (0, self.rows()) {
            return self.clone();
        }
        self.map(|part| part.narrow(0, start, count))
    }

    /// Everything but the parts.
    fn rest(&self) -> Self {
        Self { parts: Vec::new(), shapes: self.shapes.clone(), fixed: self.fixed.clone() }
    }

    /// The same with the parts that are fixed taken from `other`.
    pub fn with_fixed_of(mut self, other: &Self) -> Self {
        for (part, (other, fixed)) in
            self.parts.iter_mut().zip(other.parts.iter().zip(&other.fixed))
        {
            if *fixed {
                *part = other.clone();
            }
        }
        self
    }

    /// The same with zeros in the parts that are fixed.
    pub fn without_fixed(self) -> Self {
        let zeros = self.map(|part| part.zeros_like());
        self.with_fixed_of(&zeros)
    }

    pub fn map(&self, f: impl FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        let parts = self.parts.iter().cloned().map(f).collect();
        Self { parts, ..self.rest() }
    }

    pub fn zip(&self, other: &Self, mut f: impl FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {
        let parts = self.parts.iter().cloned().zip(other.parts.iter().cloned());
        let parts = parts.map(|(a, b)| f(a, b)).collect();
        Self { parts, ..self.rest() }
    }

    /// The same numbers on the device and in the precision of another batch.
    pub fn to_kind_of(&self, other: &Self) -> Self {
        self.zip(other, |part, like| part.to_device(&like.device()).cast(like.dtype()))
    }

    /// Multiplies each row by its own factor.
    pub fn scale_rows(&self, factors: &[f64]) -> Self {
        self.map(|part| {
            let column = Tensor::<1>::from_data(factors, (&part.device(), part.dtype()));
            part * column.reshape([-1, 1])
        })
    }

    /// Half precision as single, to add up in; everything else as it is.
    pub fn widened(&self) -> Self {
        self.map(|part| match part.dtype() {
            DType::F16 | DType::BF16 => part.cast(DType::F32),
            _ => part,
        })
    }

    /// Adds up the `repeats` equally long parts that the rows consist of.
    pub fn sum_repeats(&self, repeats: usize) -> Self {
        if repeats == 1 {
            return self.clone();
        }
        self.map(|part| {
            let [rows, width] = part.dims();
            let rows = rows / repeats;
            part.reshape([repeats, rows * width]).sum_dim(0).reshape([rows, width])
        })
    }

    /// Puts batches of rows below each other.
    pub fn stack(batches: &[Self]) -> Self {
        if let [alone] = batches {
            return alone.clone();
        }
        let parts = (0..batches[0].parts.len())
            .map(|part| Tensor::cat(batches.iter().map(|b| b.parts[part].clone()).collect(), 0))
            .collect();
        Self { parts, ..batches[0].rest() }
    }

    /// The sum over all values of each row, added up in double precision on the host.
    pub fn row_sums(&self) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; self.rows()];
        for part in &self.parts {
            let width = part.dims()[1];
            let values = to_host(part.clone())?;
            for (sum, row) in sums.iter_mut().zip(values.chunks(width)) {
                *sum += row.iter().sum::<f64>();
            }
        }
        Ok(sums)
    }

    /// Names the first row that holds a NaN or an infinity. What is fixed may: masks do.
    pub fn check_finite(&self, place: Place) -> Result<()> {
        for (part, _) in self.parts.iter().zip(&self.fixed).filter(|(_, fixed)| !**fixed) {
            let finite = part.clone().is_finite().all().try_into_scalar::<bool>();
            if finite.map_err(|error| Error::Device { reason: error.to_string() })? {
                continue;
            }
            let width = part.dims()[1];
            let values = to_host(part.clone())?;
            let bad = values.iter().position(|value| !value.is_finite());
            let row = bad.map_or(0, |at| at / width);
            return Err(Error::NotFinite { place, row });
        }
        Ok(())
    }
}

/// The rows of a matrix named by `rows`, in that order.
pub(crate) fn select(part: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    if rows.iter().copied().eq(0..part.dims()[0]) {
        return part;
    }
    let index: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let index = Tensor::<1, Int>::from_data(&index[..], &part.device());
    part.select(0, index)
}

/// Adds to a sum that may not have been started.
pub(crate) fn add(sum: &mut Option<Flat>, more: Flat) {
    *sum = Some(match sum.take() {
        Some(sum) => sum.zip(&more, |sum, more| sum + more),
        None => more,
    });
}

/// Reads a tensor of any precision back from its device.
pub(crate) fn to_host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>> {
    let read = tensor.try_into_vec_as::<f64>();
    read.map_err(|error| Error::Device { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_narrowed_and_stacked_in_every_tensor() {
        let device = Device::flex();
        let a = Tensor::<3>::from_data([[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]], &device);
        let b = Tensor::<1>::from_data([7.0, 8.0, 9.0], &device);
        let flat = Flat::new((a, b)).unwrap();
        assert_eq!((flat.rows(), flat.width()), (3, 3));

        let picked = flat.select(&[2, 0, 2]);
        assert_eq!(picked.row_sums().unwrap(), [20.0, 10.0, 20.0]);
        let stacked = Flat::stack(&[flat.narrow(1, 1), flat.narrow(0, 1)]);
        assert_eq!(stacked.row_sums().unwrap(), [15.0, 10.0]);

        let (a, b): (Tensor<3>, Tensor<1>) = stacked.into_inputs();
        assert_eq!((a.dims(), b.dims()), ([2, 1, 2], [2]));
    }

    #[test]
    fn empty_and_uneven_inputs_are_errors() {
        let device = Device::flex();
        let empty = Flat::new(Tensor::<2>::zeros([0, 4], &device)).unwrap_err();
        assert_eq!(empty, Error::EmptyInput { tensor: 0, shape: vec![0, 4] });
        let no_values = (Tensor::<2>::zeros([2, 1], &device), Tensor::<2>::zeros([2, 0], &device));
        let no_values = Flat::new(no_values).unwrap_err();
        assert_eq!(no_values, Error::EmptyInput { tensor: 1, shape: vec![2, 0] });
        let uneven = (Tensor::<2>::zeros([2, 4], &device), Tensor::<2>::zeros([3, 4], &device));
        let uneven = Flat::new(uneven).unwrap_err();
        assert_eq!(uneven, Error::UnequalRows { tensor: 1, expected: 2, found: 3 });
    }

    #[test]
    fn the_first_row_with_a_value_that_is_not_finite_is_named() {
        let values = [[1.0, 2.0], [f32::INFINITY, 0.0], [f32::NAN, 0.0]];
        let flat = Flat::new(Tensor::<2>::from_data(values, &Device::flex())).unwrap();
        let error = flat.check_finite(Place::Input).unwrap_err();
        assert_eq!(error, Error::NotFinite { place: Place::Input, row: 1 });
    }
}
