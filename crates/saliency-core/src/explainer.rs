//! The one trait behind which every method stands.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::inputs::Flat;
use crate::noise::Key;
use crate::target::Target;

/// Says which parts of an input made a model decide as it did.
///
/// `M` is the model and `I` its input; both are parameters of the trait, so that explainers of
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
    /// An [`Error`](crate::Error) that says what was expected and what was found: an empty or not
    /// finite input, a target that the model does not have, an option outside its range, a model
    /// that returns another number of rows or does not depend on its input.
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>>;

    /// Explains the given target for inputs that were made from rows of a larger batch, one after
    /// the other or several times over; explainers that wrap another one call this.
    ///
    /// Only explainers with an option per row (a tensor of baselines), or with noise, need to
    /// know, and implement it. By default it is [`attribute_to`](Self::attribute_to).
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

/// Which rows of a larger batch the rows of an input were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// For each row of the input the row of the batch.
    of: Vec<usize>,
    /// How many rows the batch has.
    total: usize,
    /// For each row of the input a number that tells the samples of wrapping explainers apart, so
    /// that their random numbers and those of an explainer inside are independent.
    draws: Vec<u64>,
}

impl Rows {
    /// A batch as it is.
    pub fn all(total: usize) -> Self {
        Self { of: (0..total).collect(), total, draws: vec![0; total] }
    }

    /// A selection of these rows, each once or several times over.
    ///
    /// # Panics
    /// Where a row is selected that is not there.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = rows.iter().map(|&row| self.of[row]).collect();
        Self { of, total: self.total, draws: rows.iter().map(|&row| self.draws[row]).collect() }
    }

    /// For each row of the input the row of the batch.
    pub fn of(&self) -> &[usize] {
        &self.of
    }

    /// How many rows the batch has.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The given rows, or all; as many as the input has.
    pub(crate) fn or_all(rows: Option<&Self>, input: &Flat) -> Result<Self> {
        let rows = rows.cloned().unwrap_or_else(|| Self::all(input.rows()));
        match (rows.of.len(), input.rows()) {
            (expected, found) if expected == found => Ok(rows),
            (expected, found) => Err(Error::UnequalRows { tensor: 0, expected, found }),
        }
    }

    /// What the random numbers for each row depend on, in the given sample of each.
    pub(crate) fn keys(&self, seed: u64, samples: &[usize]) -> Vec<Key> {
        let key = |input: usize| Key {
            seed: seed.wrapping_add(self.draws[input]),
            row: self.of[input],
            sample: samples[input],
            tensor: 0,
        };
        (0..samples.len()).map(key).collect()
    }

    /// The rows as they are in the given sample of each.
    pub(crate) fn drawn(mut self, seed: u64, samples: &[usize]) -> Self {
        let keys = self.keys(seed, samples);
        self.draws = keys.into_iter().map(|key| key.of(DRAW).bits()).collect();
        self
    }
}

/// Stands in a key for the tensor, to make a number for each sample.
const DRAW: usize = usize::MAX - 2;

/// Explainers behind a pointer are explainers.
macro_rules! forwarded {
    ($pointer:ty) => {
        impl<M, I, E: Explainer<M, I> + ?Sized> Explainer<M, I> for $pointer {
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
    };
}
forwarded!(Box<E>);
forwarded!(&E);

/// The methods of an [`Explainer`] that has a function `explain` of the question and, inside another
/// explainer, the rows.
macro_rules! explained_by_rows {
    () => {
        fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
            self.explain((model, input, target), None)
        }

        fn attribute_rows(
            &self,
            model: &M,
            input: I,
            target: Target,
            rows: &Rows,
        ) -> Result<Attribution<I>> {
            self.explain((model, input, target), Some(rows))
        }
    };
}
pub(crate) use explained_by_rows;
