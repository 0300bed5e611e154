//! A network of tokens explained from its embeddings, without a change to its source.

use burn::module::Module;
use burn::tensor::module::embedding;
use burn::tensor::{DType, Int, Tensor};

use crate::error::{Error, Result, Stage};
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::execution::workers::in_pool;
use crate::input::batch::{Batch, to_host};
use crate::input::inputs::Inputs;
use crate::model::function::ModelFn;
use crate::model::parameter::{find, map_parameter, snapshot};

/// The embedded tokens of a network, and the network as a model of them. See [`embeddings`].
#[derive(Clone, Debug)]
pub struct Embeddings<M> {
    net: M,
    ids: Tensor<2, Int>,
    matrix: Tensor<2>,
    place: Place,
}

/// The place in which a network looks up its tokens.
#[derive(Clone, Debug)]
struct Place {
    path: String,
    /// The type of the integers that the network is given.
    id_type: DType,
    /// Whether the rows of the vocabulary are kept, in front of the embedded tokens.
    behind_vocabulary: bool,
}

/// Embeds the tokens of a network, so that they can be explained: which words made the model
/// decide so?
///
/// Ids are integers, so there is no gradient with respect to them. Explained is the next thing that
/// the network computes, the rows of its embedding matrix that the ids select. The network itself
/// is used as it is. For each batch, a clone of it gets the embedded tokens in place of the matrix,
/// and the ids 0, 1, 2, and so on:
///
/// `forward(net, ids) = forward(net with matrix := e.reshape([rows * tokens, width]), [0..n])`
///
/// This works for every Burn module, also for one with private fields and for one of another crate.
/// `path` names the fields that lead to the matrix, joined by dots, such as `embedding.weight`.
/// Elements of a list have their number as name. The module is not changed, and may be in training
/// mode. Adapters (LoRA) are merged into their weights first.
///
/// # Shapes
/// - `ids`: `[rows, tokens]`
/// - [`values`](Embeddings::values): `[rows, tokens, width]`
///
/// # Cost
/// Each batch makes a clone of the module, which copies no weights.
///
/// # Errors
/// [`Error::UnknownParameter`], which lists the parameters, nearest first; [`Error::NotAMatrix`] and
/// [`Error::RunningStatistic`] for a path that leads to something else; [`Error::EmptyInput`] if
/// there are no ids; [`Error::UnknownId`] if the matrix has no row for an id;
/// [`Error::DeviceMismatch`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use saliency_core::{
///     Explainer, Fixed, IntegratedGradients, Method, embeddings, per_token,
/// };
///
/// mod published {
///     # use burn::module::Module;
///     # use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
///     # use burn::tensor::{Bool, Device, Int, Tensor};
///     #[derive(Module, Debug)]
///     pub struct Classifier {
///         embedding: Embedding, // private
///         output: Linear,
///     }
///     # impl Classifier {
///     #     pub fn new(device: &Device) -> Self {
///     #         let embedding = EmbeddingConfig::new(20, 4).init(device);
///     #         Self { embedding, output: LinearConfig::new(4, 2).init(device) }
///     #     }
///     # }
///
///     impl Classifier {
///         pub fn infer(&self, ids: Tensor<2, Int>, padding: Tensor<2, Bool>) -> Tensor<2> {
///             // ...
///             # let words = self.embedding.forward(ids);
///             # let padding = padding.unsqueeze_dim::<3>(2).expand(words.dims());
///             # let sum = words.mask_fill(padding, 0.0).sum_dim(1).squeeze_dim::<2>(1);
///             # self.output.forward(sum)
///         }
///     }
/// }
///
/// let device = Device::flex();
/// let net = published::Classifier::new(&device);
/// let ids = Tensor::<2, Int>::from_data([[3, 17, 5, 0]], &device);
/// let padding = Fixed(ids.clone().equal_elem(0));
///
/// let words = embeddings(&net, "embedding.weight", ids)?;
/// let model = words.model_with(&padding, |net, ids, padding| net.infer(ids, padding.0))?;
/// let map = IntegratedGradients::new().attribute(&model, (words.values(), padding))?;
///
/// let tokens = per_token(&map.values.0, Method::IntegratedGradients.token_reduction())?;
/// assert_eq!((tokens[0].len(), tokens[0][3]), (4, 0.0));
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Layer Integrated Gradients at an embedding, as in Captum: Kokhlikyan et al.,
/// [Captum: A unified and generic model interpretability library for PyTorch](https://arxiv.org/abs/2009.07896)
/// (2020).
pub fn embeddings<M: Module>(net: &M, path: &str, ids: Tensor<2, Int>) -> Result<Embeddings<M>> {
    let net = snapshot(net);
    let found = find(&net, path)?;
    let Ok(dims) = <[usize; 2]>::try_from(&found.shape[..]) else {
        return Err(Error::NotAMatrix { path: path.to_owned(), shape: found.shape });
    };
    let matrix = found.values.reshape(dims);
    check_ids(&ids, &matrix)?;
    let place = Place { path: path.to_owned(), id_type: ids.dtype(), behind_vocabulary: false };
    Ok(Embeddings { net, ids, matrix, place })
}

impl<M: Module + Sync> Embeddings<M> {
    /// Returns the embedded tokens `[rows, tokens, width]`: the input to be explained.
    pub fn values(&self) -> Tensor<3> {
        embedding(self.matrix.clone(), self.ids.clone()).inner()
    }

    /// Embeds other ids `[rows, tokens]`, for instance the ids of a baseline: the same text with a
    /// padding or mask token in place of each word.
    ///
    /// # Errors
    /// [`Error::EmptyInput`], [`Error::UnknownId`] and [`Error::DeviceMismatch`].
    pub fn embed(&self, ids: Tensor<2, Int>) -> Result<Tensor<3>> {
        check_ids(&ids, &self.matrix)?;
        Ok(embedding(self.matrix.clone(), ids).inner())
    }

    /// Puts the embedded tokens behind the rows of the vocabulary, and not in their place. The ids
    /// then count from the size of the vocabulary on.
    ///
    /// For a network that makes a padding mask of the ids by itself: the function of the model
    /// writes the padding's id where the padding is, for example
    /// `net.infer(ids.mask_fill(padding.0, 0))`. And for a network that uses the matrix again at its
    /// output: the function leaves out the scores behind the vocabulary.
    ///
    /// It costs a copy of the matrix for each batch.
    #[must_use]
    pub fn behind_vocabulary(mut self) -> Self {
        self.place.behind_vocabulary = true;
        self
    }

    /// Makes a model whose input is the embedded tokens. `forward` gives ids to the network that it
    /// is given, and returns `[rows, scores]`.
    ///
    /// Each row is scored twice, once as it is and once by its embedded tokens, because a network
    /// may use ids for more than to look up their embeddings.
    ///
    /// # Errors
    /// [`Error::IdsMatter`] if the two scores differ, [`Error::OutputShape`],
    /// [`Error::NotFinite`] and [`Error::Panicked`].
    pub fn model<F>(
        &self,
        forward: F,
    ) -> Result<ModelFn<M, impl Fn(&M, Tensor<3>) -> Tensor<2> + Clone + Send + Sync + use<M, F>>>
    where
        F: Fn(&M, Tensor<2, Int>) -> Tensor<2> + Clone + Send + Sync,
    {
        self.check(|net, ids, _| forward(net, ids))?;
        let place = self.place.clone();
        Ok(ModelFn::new(self.net.clone(), move |net: &M, embedded: Tensor<3>| {
            let (net, ids) = place.filled(net, embedded);
            forward(&net, ids)
        }))
    }

    /// Makes a model whose input is the embedded tokens and another input, usually a
    /// [`Fixed`](crate::Fixed) mask or a tuple of fixed tensors. `forward` gives ids and the other
    /// input to the network that it is given, and returns `[rows, scores]`.
    ///
    /// Each row is scored twice, as in [`model`](Self::model).
    ///
    /// # Errors
    /// Those of [`model`](Self::model), and those of an input that does not have as many rows as
    /// the ids: [`Error::UnequalRows`] and [`Error::EmptyInput`].
    #[expect(clippy::type_complexity, reason = "the type of a closure has no name")]
    pub fn model_with<R, F>(
        &self,
        others: &R,
        forward: F,
    ) -> Result<
        ModelFn<M, impl Fn(&M, (Tensor<3>, R)) -> Tensor<2> + Clone + Send + Sync + use<M, R, F>>,
    >
    where
        R: Inputs,
        F: Fn(&M, Tensor<2, Int>, R) -> Tensor<2> + Clone + Send + Sync,
    {
        let others = Batch::new(others.clone())?;
        if others.rows() != self.ids.dims()[0] {
            let expected = self.ids.dims()[0];
            return Err(Error::UnequalRows { tensor: 1, expected, found: others.rows() });
        }
        self.check(|net, ids, row| forward(net, ids, others.narrow(row, 1).into_inputs()))?;
        let place = self.place.clone();
        Ok(ModelFn::new(self.net.clone(), move |net: &M, (embedded, others): (Tensor<3>, R)| {
            let (net, ids) = place.filled(net, embedded);
            forward(&net, ids, others)
        }))
    }

    /// Refuses a network that gives other scores by embedded tokens than by ids. `forward` is given
    /// a network, the ids of a row, and the number of the row.
    fn check(&self, forward: impl Fn(&M, Tensor<2, Int>, usize) -> Tensor<2> + Sync) -> Result<()> {
        let embedded = Batch::new(self.values())?;
        // One row at a time, because there are models that take no more.
        let schedule = Schedule::new().with_chunk(1);
        let work = Work::start(&schedule, &embedded, embedded.rows())?;
        work.run(
            &work.chunks(embedded.rows(), 0..1),
            |chunk| {
                let row = chunk.rows.start;
                let pass = |net: &M, ids| in_pool(&embedded.device(), || forward(net, ids, row));
                let expected = scores(pass(&self.net, self.ids.clone().narrow(0, row, 1)))?;
                let (net, ids) =
                    self.place.filled(&self.net, embedded.narrow(row, 1).into_inputs());
                let found = scores(pass(&net, ids))?;
                if are_equal(&expected, &found) {
                    return Ok(());
                }
                let path = self.place.path.clone();
                Err(Error::IdsMatter { path, row: 0, expected, found })
            },
            |_, ()| Ok(()),
        )
    }
}

impl Place {
    /// Returns a clone of the network that has the embedded tokens `[rows, tokens, width]` where it
    /// looks up its tokens, and the ids that select them. The ids follow from the shape alone, so
    /// that any rows can be given at once.
    fn filled<M: Module>(&self, net: &M, embedded: Tensor<3>) -> (M, Tensor<2, Int>) {
        let ([rows, tokens, width], device) = (embedded.dims(), embedded.device());
        let embedded = embedded.reshape([rows * tokens, width]);
        let mut first = 0;
        let net = map_parameter(net, &self.path, |matrix, before| {
            if !self.behind_vocabulary {
                return (embedded.clone(), vec![rows * tokens, width]);
            }
            first = before[0] as i64;
            let matrix = matrix.reshape([before[0], width]);
            let joined = Tensor::cat(vec![matrix, embedded.clone()], 0);
            (joined, vec![before[0] + rows * tokens, width])
        });
        let numbers = first..first + (rows * tokens) as i64;
        let ids = Tensor::<1, Int>::arange(numbers, (&device, self.id_type)).inner();
        (net, ids.reshape([rows, tokens]))
    }
}

/// Refuses ids that a matrix has no rows for.
fn check_ids(ids: &Tensor<2, Int>, matrix: &Tensor<2>) -> Result<()> {
    let (shape, vocabulary) = (ids.dims(), matrix.dims()[0]);
    if shape.contains(&0) {
        return Err(Error::EmptyInput { tensor: 0, shape: shape.to_vec() });
    }
    let (expected, found) = (matrix.device(), ids.device());
    if expected != found {
        let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
        return Err(Error::DeviceMismatch { tensor: 0, expected, found });
    }
    let read = ids.clone().try_into_vec_as::<i64>().map_err(Error::device)?;
    let known = |id: i64| usize::try_from(id).is_ok_and(|id| id < vocabulary);
    match read.iter().position(|&id| !known(id)) {
        None => Ok(()),
        Some(at) => {
            let (row, token) = (at / shape[1], at % shape[1]);
            Err(Error::UnknownId { row, token, id: read[at], vocabulary })
        }
    }
}

/// Reads the scores of one row.
fn scores(output: Tensor<2>) -> Result<Vec<f64>> {
    match output.dims() {
        [1, scores] if scores > 0 => {}
        found => return Err(Error::OutputShape { rows: 1, found }),
    }
    let scores = to_host(output)?;
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(Error::not_finite(Stage::Score, 0));
    }
    Ok(scores)
}

/// Returns whether scores are equal up to rounding.
fn are_equal(expected: &[f64], found: &[f64]) -> bool {
    let largest = expected.iter().fold(0f64, |most, score| most.max(score.abs()));
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-3 * largest;
    expected.len() == found.len() && expected.iter().zip(found).all(near)
}
