//! A batch as the methods compute with it: every tensor flattened to `[rows, values]`.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::error::{Error, Result, Stage};
use crate::input::inputs::Inputs;

/// A batch as the methods compute with it: each tensor of the input flattened to `[rows, values]`,
/// without a gradient graph.
///
/// A batch holds `Inputs` without their type, so that the engine is compiled once for all models.
/// Batches of one question have the same tensors in the same order. Operations on two batches
/// combine them tensor by tensor.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::kit::Batch;
///
/// let device = Device::flex();
/// let pair = (Tensor::<3>::ones([2, 2, 2], &device), Tensor::<2>::ones([2, 1], &device));
/// let batch = Batch::new(pair)?;
/// assert_eq!((batch.rows(), batch.width()), (2, 5));
///
/// let half = batch.scale_rows(&[1.0, 0.5]);
/// assert_eq!(half.row_sums()?, [5.0, 2.5]);
/// let (first, _): (Tensor<3>, Tensor<2>) = half.into_inputs();
/// assert_eq!(first.dims(), [2, 2, 2]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) parts: Vec<Tensor<2>>,
    pub(crate) shapes: Vec<Vec<usize>>,
    /// For each part, whether it is passed on unchanged.
    pub(crate) fixed: Vec<bool>,
}

impl Batch {
    /// Flattens `inputs`.
    ///
    /// # Errors
    /// [`Error::EmptyInput`] if a tensor has no values, [`Error::UnequalRows`] if a tensor has more
    /// or fewer rows than the first, [`Error::InconsistentInputs`] if the tensors differ from the
    /// announced shapes, and [`Error::IntegerTooLarge`].
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
        inputs.check(0)?;
        let parts: Vec<Tensor<2>> = inputs.into_rows().into_iter().map(Tensor::inner).collect();
        // An implementation of the user's own may contradict itself.
        let expected: Vec<[usize; 2]> =
            shapes.iter().map(|shape| [shape[0], shape[1..].iter().product()]).collect();
        let found: Vec<[usize; 2]> = parts.iter().map(Tensor::dims).collect();
        if found != expected {
            let (expected, found) = (format!("tensors of {expected:?}"), format!("{found:?}"));
            return Err(Error::InconsistentInputs { expected, found });
        }
        if fixed.len() != shapes.len() {
            let expected = format!("{} tensors, and `fixed` as many answers", shapes.len());
            let found = format!("{} answers", fixed.len());
            return Err(Error::InconsistentInputs { expected, found });
        }
        Ok(Self { parts, shapes, fixed })
    }

    /// Returns the batch in the form of the inputs that it was made from.
    ///
    /// # Panics
    /// Panics if `I` does not have the tensors that the batch was made of.
    pub fn into_inputs<I: Inputs>(self) -> I {
        I::from_rows(&mut self.parts.into_iter().zip(self.shapes.iter().map(Vec::as_slice)))
    }

    /// Returns the tensors, each `[rows, values]`.
    pub fn parts(&self) -> &[Tensor<2>] {
        &self.parts
    }

    /// Returns, for each tensor, whether it is [`Fixed`](crate::Fixed).
    pub fn fixed(&self) -> &[bool] {
        &self.fixed
    }

    /// Returns the shape of each tensor before it was flattened, with the rows of this batch.
    pub fn shapes(&self) -> Vec<Vec<usize>> {
        let mut shapes = self.shapes.clone();
        shapes.iter_mut().for_each(|shape| shape[0] = self.rows());
        shapes
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.parts[0].dims()[0]
    }

    /// Returns the number of values in one row, over all tensors.
    pub fn width(&self) -> usize {
        self.parts.iter().map(|part| part.dims()[1]).sum()
    }

    /// Returns the device of the first tensor.
    pub fn device(&self) -> Device {
        self.parts[0].device()
    }

    /// Returns the given rows, in that order; a row may be given more than once.
    ///
    /// # Panics
    /// Panics if a row does not exist, on a CPU. On other devices Burn may return arbitrary values
    /// for it instead.
    pub fn select(&self, rows: &[usize]) -> Self {
        self.map(|part| select(part, rows))
    }

    /// Returns `count` rows from `start`.
    ///
    /// # Panics
    /// Panics if there are not that many rows, or if `count` is 0.
    pub fn narrow(&self, start: usize, count: usize) -> Self {
        if (start, count) == (0, self.rows()) {
            return self.clone();
        }
        self.map(|part| part.narrow(0, start, count))
    }

    /// Returns a batch with everything except the parts.
    fn rest(&self) -> Self {
        Self { parts: Vec::new(), shapes: self.shapes.clone(), fixed: self.fixed.clone() }
    }

    /// Replaces the fixed tensors by those of `other`.
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

    /// Fills the fixed tensors with zeros.
    pub fn without_fixed(self) -> Self {
        let zeros = self.map(|part| part.zeros_like());
        self.with_fixed_of(&zeros)
    }

    /// Applies `f` to every tensor.
    pub fn map(&self, f: impl FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        let parts = self.parts.iter().cloned().map(f).collect();
        Self { parts, ..self.rest() }
    }

    /// Applies `f` to every tensor together with that of `other`.
    pub fn zip(&self, other: &Self, mut f: impl FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {
        let parts = self.parts.iter().cloned().zip(other.parts.iter().cloned());
        let parts = parts.map(|(a, b)| f(a, b)).collect();
        Self { parts, ..self.rest() }
    }

    /// Combines two batches that are not needed any more, so that backends can reuse their memory.
    pub(crate) fn zip_into(
        self,
        other: Self,
        mut f: impl FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>,
    ) -> Self {
        let Self { parts, shapes, fixed } = self;
        let parts = parts.into_iter().zip(other.parts).map(|(a, b)| f(a, b)).collect();
        Self { parts, shapes, fixed }
    }

    /// Moves the batch to the device of `other`, and casts it to the precision of `other`.
    pub(crate) fn to_kind_of(&self, other: &Self) -> Self {
        self.zip(other, |part, like| part.to_device(&like.device()).cast(like.dtype()))
    }

    /// Multiplies each row by its own factor.
    pub fn scale_rows(&self, factors: &[f64]) -> Self {
        self.map(|part| {
            let column = Tensor::<1>::from_data(factors, (&part.device(), part.dtype()));
            part * column.reshape([-1, 1])
        })
    }

    /// Casts half precision to single, because sums are kept in single precision. Leaves other
    /// precisions as they are.
    pub fn widened(&self) -> Self {
        self.map(|part| match part.dtype() {
            DType::F16 | DType::BF16 => part.cast(DType::F32),
            _ => part,
        })
    }

    /// Cuts the rows into `repeats` equally long blocks, and adds the blocks up.
    pub(crate) fn sum_repeats(&self, repeats: usize) -> Self {
        if repeats == 1 {
            return self.clone();
        }
        self.map(|part| {
            let [rows, width] = part.dims();
            let rows = rows / repeats;
            part.reshape([repeats, rows * width]).sum_dim(0).reshape([rows, width])
        })
    }

    /// Makes `rows` rows from values on the host, for the explained tensors of inputs like `like`,
    /// whose number of rows may differ. Fixed tensors get zeros. Half precision is
    /// [widened](Self::widened).
    pub(crate) fn of_host(values: &[Vec<f64>], rows: usize, like: &Self) -> Self {
        let mut tensor = 0;
        like.map(|part| {
            let width = part.dims()[1];
            let precision = match part.dtype() {
                DType::F16 | DType::BF16 => DType::F32,
                precision => precision,
            };
            let options = (&part.device(), precision);
            let values = &values[tensor];
            tensor += 1;
            if like.fixed[tensor - 1] {
                return Tensor::zeros([rows, width], options);
            }
            Tensor::<1>::from_data(&values[..], options).reshape([rows, width])
        })
    }

    /// Concatenates the rows of one or more batches.
    ///
    /// # Panics
    /// Panics if there are no batches.
    pub fn stack(batches: &[Self]) -> Self {
        if let [alone] = batches {
            return alone.clone();
        }
        let parts = (0..batches[0].parts.len())
            .map(|part| Tensor::cat(batches.iter().map(|b| b.parts[part].clone()).collect(), 0))
            .collect();
        Self { parts, ..batches[0].rest() }
    }

    /// Reads all values of each row back from the device, tensor by tensor.
    ///
    /// # Errors
    /// [`Error::Device`] if the values cannot be read back.
    pub fn host_rows(&self) -> Result<Vec<Vec<f64>>> {
        if let ([part], 1) = (&self.parts[..], self.rows()) {
            // What is read back is the row already.
            return Ok(vec![to_host(part.clone())?]);
        }
        let mut rows = vec![Vec::with_capacity(self.width()); self.rows()];
        for part in &self.parts {
            let width = part.dims()[1];
            let values = to_host(part.clone())?;
            rows.iter_mut().zip(values.chunks(width)).for_each(|(row, more)| row.extend(more));
        }
        Ok(rows)
    }

    /// Returns the sum over all values of each row, added up in double precision on the host.
    ///
    /// # Errors
    /// [`Error::Device`] if the values cannot be read back.
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

    /// Refuses values that are NaN or infinite. Fixed tensors are not checked, because masks may
    /// hold infinities.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with all such rows, [`Error::Device`].
    pub fn check_finite(&self, stage: Stage) -> Result<()> {
        let mut rows = Vec::new();
        for (part, _) in self.parts.iter().zip(&self.fixed).filter(|(_, fixed)| !**fixed) {
            // A sum is finite only if every value is. It may also overflow: then look at each value.
            let sum = part.clone().sum().try_into_scalar::<f64>();
            if sum.map_err(Error::device)?.is_finite() {
                continue;
            }
            let finite = part.clone().is_finite().all().try_into_scalar::<bool>();
            if finite.map_err(Error::device)? {
                continue;
            }
            let width = part.dims()[1];
            let values = to_host(part.clone())?;
            let bad = values.iter().enumerate().filter(|(_, value)| !value.is_finite());
            let before = rows.len();
            rows.extend(bad.map(|(at, _)| at / width));
            if rows.len() == before {
                // A value that is finite in the host's type, but not in the device's.
                rows.push(0);
            }
        }
        Error::not_finite_rows(stage, rows).map_or(Ok(()), Err)
    }
}

/// Returns the given rows of a matrix, in that order.
pub(crate) fn select(part: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    if rows.iter().copied().eq(0..part.dims()[0]) {
        return part;
    }
    let index: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let index = Tensor::<1, Int>::from_data(&index[..], &part.device());
    part.select(0, index)
}

/// Returns a batch of the given rows in the tensors, the precision and on the device of `like`.
pub(crate) fn from_host(rows: &[Vec<f64>], like: &Batch) -> Batch {
    let mut before = 0;
    like.map(|part| {
        let width = part.dims()[1];
        let mut values = Vec::with_capacity(rows.len() * width);
        rows.iter().for_each(|row| values.extend_from_slice(&row[before..before + width]));
        let values = TensorData::new(values, [rows.len(), width]);
        before += width;
        Tensor::from_data(values, (&part.device(), part.dtype()))
    })
}

/// Adds `more` to a sum, or starts the sum with it.
pub(crate) fn add(sum: &mut Option<Batch>, more: Batch) {
    *sum = Some(match sum.take() {
        Some(sum) => sum.zip(&more, |sum, more| sum + more),
        None => more,
    });
}

/// Reads a tensor of any precision back from its device.
pub(crate) fn to_host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>> {
    let read = tensor.try_into_vec_as::<f64>();
    read.map_err(Error::device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_narrowed_and_stacked_in_every_tensor() {
        let device = Device::flex();
        let a = Tensor::<3>::from_data([[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]], &device);
        let b = Tensor::<1>::from_data([7.0, 8.0, 9.0], &device);
        let flat = Batch::new((a, b)).unwrap();
        assert_eq!((flat.rows(), flat.width()), (3, 3));

        let picked = flat.select(&[2, 0, 2]);
        assert_eq!(picked.row_sums().unwrap(), [20.0, 10.0, 20.0]);
        let stacked = Batch::stack(&[flat.narrow(1, 1), flat.narrow(0, 1)]);
        assert_eq!(stacked.row_sums().unwrap(), [15.0, 10.0]);

        let (a, b): (Tensor<3>, Tensor<1>) = stacked.into_inputs();
        assert_eq!((a.dims(), b.dims()), ([2, 1, 2], [2]));
    }

    #[test]
    fn empty_and_uneven_inputs_are_errors() {
        let device = Device::flex();
        let empty = Batch::new(Tensor::<2>::zeros([0, 4], &device)).unwrap_err();
        assert_eq!(empty, Error::EmptyInput { tensor: 0, shape: vec![0, 4] });
        let no_values = (Tensor::<2>::zeros([2, 1], &device), Tensor::<2>::zeros([2, 0], &device));
        let no_values = Batch::new(no_values).unwrap_err();
        assert_eq!(no_values, Error::EmptyInput { tensor: 1, shape: vec![2, 0] });
        let uneven = (Tensor::<2>::zeros([2, 4], &device), Tensor::<2>::zeros([3, 4], &device));
        let uneven = Batch::new(uneven).unwrap_err();
        assert_eq!(uneven, Error::UnequalRows { tensor: 1, expected: 2, found: 3 });
    }

    #[test]
    fn rows_with_values_that_are_not_finite_are_named() {
        let values = [[1.0, 2.0], [f32::INFINITY, 0.0], [f32::NAN, 0.0]];
        let flat = Batch::new(Tensor::<2>::from_data(values, &Device::flex())).unwrap();
        let error = flat.check_finite(Stage::Input).unwrap_err();
        assert_eq!(error, Error::not_finite_rows(Stage::Input, [1, 2]).unwrap());
    }
}
