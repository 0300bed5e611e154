//! The inputs that a model from a file takes.

use burn::tensor::{Bool, Int, Tensor};
use saliency_core::{Fixed, Inputs};

use crate::values::{Booleans, Floats, Integers, Value};

/// The input of an [`OnnxModel`](crate::OnnxModel): a tensor, or a tuple of them in the order of the
/// file's inputs. Integers and booleans are [`Fixed`], because they have no gradient; floats that
/// are not explained may be.
pub trait OnnxInputs: Inputs + private::Values {}

impl<I: Inputs + private::Values> OnnxInputs for I {}

pub(crate) mod private {
    use crate::values::Value;

    /// Turns inputs into the values of a graph.
    pub trait Values {
        #[doc(hidden)]
        #[expect(private_interfaces, reason = "values are for this crate alone")]
        fn into_values(self) -> Vec<Value>;
    }
}

use private::Values;

macro_rules! values {
    ($tensor:ty, $array:ident) => {
        impl<const D: usize> Values for $tensor {
            #[expect(private_interfaces, reason = "values are for this crate alone")]
            fn into_values(self) -> Vec<Value> {
                vec![$array::of(self.into_tensor()).into()]
            }
        }
    };
}
values!(Tensor<D>, Floats);
values!(Fixed<Tensor<D>>, Floats);
values!(Fixed<Tensor<D, Int>>, Integers);
values!(Fixed<Tensor<D, Bool>>, Booleans);

/// The tensor in an input.
trait IntoTensor {
    type Tensor;

    fn into_tensor(self) -> Self::Tensor;
}

impl<const D: usize> IntoTensor for Tensor<D> {
    type Tensor = Self;

    fn into_tensor(self) -> Self {
        self
    }
}

impl<T> IntoTensor for Fixed<T> {
    type Tensor = T;

    fn into_tensor(self) -> T {
        self.0
    }
}

macro_rules! tuples {
    ($($input:ident $index:tt),+) => {
        impl<$($input: Values),+> Values for ($($input,)+) {
            #[expect(private_interfaces, reason = "values are for this crate alone")]
            fn into_values(self) -> Vec<Value> {
                [$(self.$index.into_values()),+].concat()
            }
        }
    };
}
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
