//! LeGrad: the gradient with respect to attention weights.

use burn::tensor::Tensor;

use super::maps::AttentionMaps;
use super::rollout::check;
use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::evaluator::Evaluator;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::execution::workers::in_pool;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::model::function::ModelFn;
use crate::model::target::Target;

/// How much the score of each layer would rise if the tokens attended more to a token.
///
/// ```text
///           1
/// A(key) = --- Σ  mean over heads and queries of  max(0, ∂s(l) / ∂A(l)(head, query, key))
///           L  l
/// ```
///
/// Here s(l) is the score of the tokens behind layer l, read as if it were the last layer.
///
/// # Shapes and units
/// Values are `[rows, tokens]`, without a sign; score per unit of attention. Take the class token
/// away and reshape the rest to see a map. The authors stretch it from 0 to 1.
///
/// # Which models
/// Those that implement [`AttentionMaps`].
///
/// # Cost
/// A forward pass, another one for the attention weights, and one gradient for all layers together.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to); [`Error::InvalidOption`] if
/// the attention weights have another shape than
/// `[rows, layers, heads, tokens, tokens]`.
///
/// # Example
/// See [`AttentionMaps`].
///
/// # Source
/// Bousselham, Boggust, Chaybouti, Strobelt and Kuehne, *LeGrad: An Explainability Method for Vision
/// Transformers via Feature Formation Sensitivity*, 2024, <https://arxiv.org/abs/2404.03214>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeGrad {
    schedule: Schedule,
}

impl LeGrad {
    /// Returns LeGrad with the default schedule.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets chunks, workers and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()
    }

    /// Explains the class that the model predicts for each row.
    ///
    /// # Errors
    /// See [`LeGrad`].
    pub fn attribute<M, I>(&self, model: &M, input: I) -> Result<Attribution<Tensor<2>>>
    where
        M: AttentionMaps<I>,
        I: Inputs,
    {
        self.attribute_to(model, input, Target::Predicted)
    }

    /// Explains the given target.
    ///
    /// # Errors
    /// See [`LeGrad`].
    pub fn attribute_to<M, I>(
        &self,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<Attribution<Tensor<2>>>
    where
        M: AttentionMaps<I>,
        I: Inputs,
    {
        self.check()?;
        let question = Question::new(model, input, target, None)?;
        let Question { input, target, .. } = &question;
        let scored = question.resolve(&self.schedule)?;
        let model = model.valid();
        let layers = ModelFn::new(model.clone(), layer_scores::<M, I>);
        let evaluator = Evaluator::new::<_, Attended<I>>(&layers, input, target)?;
        let mut maps = Vec::new();
        let work = Work::start(&self.schedule, input, input.rows())?;
        work.run(
            &work.chunks(input.rows(), 0..1),
            |chunk| {
                let rows = input.narrow(chunk.rows.start, chunk.rows.len());
                let copy = rows.clone();
                let attention = in_pool(&rows.device(), || model.attention(copy.into_inputs()));
                check(&attention)?;
                let dims = attention.dims();
                let target = scored.target.select(&chunk.row_of_each());
                let found = evaluator.gradient(attended(rows, attention)?, &target)?;
                let gradient = found.gradients.parts.into_iter().next_back();
                Ok(of_keys(gradient.expect("the attention weights"), dims))
            },
            |_, map| {
                maps.push(map);
                Ok(())
            },
        )?;
        let values = Batch::new(Tensor::cat(maps, 0))?;
        values.check_finite(Stage::Attribution)?;
        Ok(Attribution::of(values, scored).with_evaluations(1).into_inputs())
    }
}

/// Averages what is positive over layers, heads and queries: `[rows, keys]`.
fn of_keys(gradient: Tensor<2>, [rows, layers, heads, queries, keys]: [usize; 5]) -> Tensor<2> {
    let positive = gradient.clamp_min(0.0);
    positive.reshape([rows, layers * heads * queries, keys]).mean_dim(1).reshape([rows, keys])
}

/// Puts attention weights behind the tensors of an input, which become constants.
fn attended(input: Batch, attention: Tensor<5>) -> Result<Batch> {
    let maps = Batch::new(attention)?;
    if maps.rows() != input.rows() {
        let (expected, found) = (input.rows(), maps.rows());
        return Err(Error::UnequalRows { tensor: 0, expected, found });
    }
    let mut fixed = vec![true; input.parts.len()];
    fixed.push(false);
    Ok(Batch {
        parts: [input.parts, maps.parts].concat(),
        shapes: [input.shapes, maps.shapes].concat(),
        fixed,
    })
}

/// An input with attention weights.
#[derive(Clone)]
struct Attended<I> {
    input: I,
    attention: Tensor<5>,
}

impl<I: Inputs> Inputs for Attended<I> {
    fn shapes(&self) -> Vec<Vec<usize>> {
        [self.input.shapes(), self.attention.shapes()].concat()
    }

    fn into_rows(self) -> Vec<Tensor<2>> {
        [self.input.into_rows(), self.attention.into_rows()].concat()
    }

    fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self {
        Self { input: I::from_rows(rows), attention: Tensor::from_rows(rows) }
    }

    fn fixed(&self) -> Vec<bool> {
        let mut fixed = vec![true; self.input.shapes().len()];
        fixed.push(false);
        fixed
    }
}

/// Scores the tokens behind each layer.
fn layer_scores<M: AttentionMaps<I>, I>(model: &M, given: Attended<I>) -> Tensor<2> {
    model.layer_scores(given.input, given.attention)
}
