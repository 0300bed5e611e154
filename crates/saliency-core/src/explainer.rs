//! The one trait that every method implements.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::input::rows::Rows;
use crate::model::target::Target;

/// Finds the parts of an input that made a model decide as it did.
///
/// `M` is the model and `I` its input. Both are parameters of the trait, so that explainers of
/// different kinds fit into one list, and a model may explain itself. Explainers can be shared
/// between threads, as Burn's modules can.
///
/// # Example
/// A model that explains itself (here by its own weights) is an explainer like any other: in a
/// list, or with noise around it.
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{
///     Attribution, Explainer, Gradient, Model, Result, SmoothGrad, Target,
/// };
///
/// #[derive(Module, Debug)]
/// struct Gated {
///     gate: Param<Tensor<2>>, // [1, values]
/// }
///
/// impl Model<Tensor<2>> for Gated {
///     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
///         (input * self.gate.val()).sum_dim(1)
///     }
/// }
///
/// impl Explainer<Gated, Tensor<2>> for Gated {
///     fn attribute_to(
///         &self,
///         model: &Gated,
///         input: Tensor<2>,
///         target: Target,
///     ) -> Result<Attribution<Tensor<2>>> {
///         let output = model.valid().forward(input.clone());
///         let target = target.resolve(&output)?;
///         let targets = target.classes(output.dims()[0]);
///         let scores = target.score(output)?.into_data().iter().collect();
///         let values = input.zeros_like() + self.gate.val().inner();
///         Ok(Attribution::new(values, scores, targets))
///     }
/// }
///
/// let device = Device::flex();
/// let gate = Param::from_tensor(Tensor::<2>::from_data([[2.0, -1.0]], &device));
/// let net = Gated { gate };
/// let explainers: Vec<Box<dyn Explainer<Gated, Tensor<2>>>> = vec![
///     Box::new(net.clone()),
///     Box::new(Gradient::new()),
///     Box::new(SmoothGrad::new(net.clone()).with_samples(4)),
/// ];
/// for explainer in explainers {
///     let map = explainer.attribute(&net, Tensor::ones([1, 2], &device))?;
///     assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, -1.0]);
/// }
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub trait Explainer<M, I>: Send + Sync {
    /// Explains the class that the model predicts for each row.
    ///
    /// # Errors
    /// Those of [`attribute_to`](Self::attribute_to).
    fn attribute(&self, model: &M, input: I) -> Result<Attribution<I>> {
        self.attribute_to(model, input, Target::Predicted)
    }

    /// Explains the given target.
    ///
    /// # Errors
    /// An [`Error`](crate::Error) says what is wrong: an empty input or one that is not finite, a
    /// target that the model does not have, an option outside its range, a model that returns
    /// another number of rows or does not depend on its input.
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>>;

    /// Explains the given target for inputs that were made from rows of a larger batch. A row may
    /// be used several times. Explainers that wrap another one call this.
    ///
    /// Implement it for an explainer with an option per row (a tensor of baselines) or with noise.
    /// By default it calls [`attribute_to`](Self::attribute_to).
    ///
    /// # Errors
    /// Those of [`attribute_to`](Self::attribute_to).
    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        let _ = rows;
        self.attribute_to(model, input, target)
    }
}

impl<M, I, E: Explainer<M, I> + ?Sized> Explainer<M, I> for Box<E> {
    fn attribute(&self, model: &M, input: I) -> Result<Attribution<I>> {
        (**self).attribute(model, input)
    }

    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        (**self).attribute_to(model, input, target)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        (**self).attribute_rows(model, input, target, rows)
    }
}

impl<M, I, E: Explainer<M, I> + ?Sized> Explainer<M, I> for &E {
    fn attribute(&self, model: &M, input: I) -> Result<Attribution<I>> {
        (**self).attribute(model, input)
    }

    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        (**self).attribute_to(model, input, target)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        (**self).attribute_rows(model, input, target, rows)
    }
}
