//! The inputs of a model: tensors of any rank, alone or as a tuple.

use std::any::Any;

use burn::tensor::{Bool, DType, Int, Tensor};

use crate::error::{Error, Result};

/// The input of a model, and the form of an [`Attribution`](crate::Attribution): a float tensor of
/// any rank whose first dimension counts the rows, or a tuple of two to four of them.
///
/// Tensors that the model needs but that are not explained, such as a padding mask, go into the
/// tuple as [`Fixed`].
///
/// The methods flatten every tensor to `[rows, values]`; this trait converts to that form and back.
/// Implement it for a type of your own to explain models that take a struct.
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
    /// Returns the shape of each tensor, rows first.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// Flattens each tensor to `[rows, values]`, in order.
    fn into_rows(self) -> Vec<Tensor<2>>;

    /// Inverts [`into_rows`](Self::into_rows): takes from the iterator as many tensors as it needs,
    /// each with its shape. The tensor gives the number of rows, and the shape gives the other
    /// dimensions.
    fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self;

    /// Returns, for each tensor, whether it is [`Fixed`]. By default none is.
    fn fixed(&self) -> Vec<bool> {
        vec![false; self.shapes().len()]
    }

    /// Refuses values that [`into_rows`](Self::into_rows) would change. `tensor` is the position of
    /// the first tensor in the whole input. By default all values are accepted.
    ///
    /// # Errors
    /// [`Error::IntegerTooLarge`] for [`Fixed`] integers; [`Error::Device`].
    fn check(&self, tensor: usize) -> Result<()> {
        let _ = tensor;
        Ok(())
    }

    /// Concatenates the rows of batches, which must be on one device. Returns `None` if there are
    /// no batches.
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
        if D == 2 {
            // The rows of a table as they are: a reshape would be two more operations of each gradient.
            let mut flat = Some(flat);
            let same = (&mut flat as &mut dyn Any).downcast_mut::<Option<Self>>();
            return same.and_then(Option::take).expect("a matrix");
        }
        let mut dims: [usize; D] = shape.try_into().expect("a shape of this rank");
        dims[0] = flat.dims()[0];
        flat.reshape(dims)
    }
}

/// A tensor that the model needs but that is not explained: it gets no noise, stays the same along
/// paths, and its attribution is zero.
///
/// It may hold infinities, as additive masks do. Tensors of booleans and integers can be fixed too.
/// Integers are kept as floats meanwhile and come back in the device's integer type. They are exact
/// up to 2²⁴ in single precision, up to 2¹¹ in half precision, and up to 2⁸ in `bf16`. Larger
/// integers are refused.
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
    ($tensor:ty, $to_float:expr, $from_float:expr, $check:expr) => {
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

            fn check(&self, tensor: usize) -> Result<()> {
                $check(&self.0, tensor)
            }
        }
    };
}
fixed_inputs!(Tensor<D>, |tensor| tensor, |tensor| tensor, |_, _| Ok(()));
fixed_inputs!(
    Tensor<D, Bool>,
    |tensor: Tensor<D, Bool>| tensor.float(),
    |tensor: Tensor<D>| tensor.greater_elem(0.5),
    |_, _| Ok(())
);
fixed_inputs!(
    Tensor<D, Int>,
    |tensor: Tensor<D, Int>| tensor.float(),
    |tensor: Tensor<D>| tensor.int(),
    check_integers
);

/// Refuses integers that are not exact as floats of their device.
fn check_integers<const D: usize>(integers: &Tensor<D, Int>, tensor: usize) -> Result<()> {
    let precision = integers.clone().float().dtype();
    let most = match precision {
        DType::F64 => 1 << 53,
        DType::F16 => 1 << 11,
        DType::BF16 => 1 << 8,
        _ => 1i64 << 24,
    };
    let read = integers.clone().try_into_vec_as::<i64>().map_err(Error::device)?;
    match read.into_iter().find(|integer| !(-most..=most).contains(integer)) {
        Some(found) => {
            let precision = format!("{precision:?}");
            Err(Error::IntegerTooLarge { tensor, most, precision, found })
        }
        None => Ok(()),
    }
}

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

            fn check(&self, tensor: usize) -> Result<()> {
                let mut tensor = tensor;
                $(
                    self.$index.check(tensor)?;
                    tensor += self.$index.shapes().len();
                )+
                let _ = tensor;
                Ok(())
            }
        }
    };
}
tuple_inputs!(A 0, B 1);
tuple_inputs!(A 0, B 1, C 2);
tuple_inputs!(A 0, B 1, C 2, D 3);
