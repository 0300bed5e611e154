//! A question to the engine: which model, which input, which target.

use crate::error::Result;
use crate::execution::evaluator::{Evaluator, Scored};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::model::model::Model;
use crate::model::target::Target;

/// The question that an explainer answers: why did this model give this input this score?
///
/// This is the border between the typed world of a model and the engine, which is compiled once: an
/// explainer turns its arguments into a question, answers it in terms of [`Batch`], and turns the
/// answer back with [`Attribution::into_inputs`](crate::Attribution::into_inputs).
///
/// # Example
/// An explainer of your own:
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::kit::Question;
/// use saliency_core::{
///     Attribution, Explainer, Inputs, Model, Result, Schedule, Target, pure_function,
/// };
///
/// /// The gradient without its sign.
/// struct Strength(Schedule);
///
/// impl<M: Model<I>, I: Inputs> Explainer<M, I> for Strength {
///     fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
///         let question = Question::new(model, input, target, None)?;
///         let found = question.evaluator.gradients(&self.0, &question.input, &question.target)?;
///         let values = found.gradients.map(Tensor::abs);
///         Ok(Attribution::of(values, found.scored).with_evaluations(1).into_inputs())
///     }
/// }
///
/// let model = pure_function(|x: Tensor<2>| x.sin() * -1);
/// let x = Tensor::<2>::from_data([[0.0]], &Device::flex());
/// let map = Strength(Schedule::new()).attribute(&model, x)?;
/// assert_eq!(map.values.into_scalar::<f32>(), 1.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Question<'m> {
    /// A snapshot of the model.
    pub evaluator: Evaluator<'m>,
    /// The input.
    pub input: Batch,
    /// The target, whose predictions may not be resolved yet.
    pub target: Target,
    /// The rows of the whole batch that the input was made from.
    pub rows: Rows,
}

/// Implements `Explainer` for a method that answers questions: for a type with `check`, and with
/// `explain`, which takes a [`Question`] and returns the answer for its batch.
macro_rules! answers_questions {
    ($method:ty $(, $param:ident: $bound:path)*) => {
        impl<$($param: $bound),*> $method {
            fn attribute_with<M, I>(
                &self,
                model: &M,
                input: I,
                target: $crate::Target,
                rows: Option<&$crate::Rows>,
            ) -> $crate::Result<$crate::Attribution<I>>
            where
                M: $crate::Model<I>,
                I: $crate::Inputs,
            {
                self.check()?;
                let question = $crate::kit::Question::new(model, input, target, rows)?;
                let answer = self.explain(&question)?;
                // A method that knows the errors of shares has added them already.
                let answer = match answer.shares {
                    Some(_) => answer,
                    None => answer.with_shares(&question.rows, None)?,
                };
                Ok(answer.into_inputs())
            }
        }

        impl<M: $crate::Model<I>, I: $crate::Inputs, $($param: $bound),*> $crate::Explainer<M, I>
            for $method
        {
            fn attribute_to(
                &self,
                model: &M,
                input: I,
                target: $crate::Target,
            ) -> $crate::Result<$crate::Attribution<I>> {
                self.attribute_with(model, input, target, None)
            }

            fn attribute_rows(
                &self,
                model: &M,
                input: I,
                target: $crate::Target,
                rows: &$crate::Rows,
            ) -> $crate::Result<$crate::Attribution<I>> {
                self.attribute_with(model, input, target, Some(rows))
            }
        }
    };
}
pub(crate) use answers_questions;

/// If a method calls the model this often for each row, one more call hardly counts.
const MANY_CALLS: usize = 16;

impl<'m> Question<'m> {
    /// Takes a snapshot of the model, flattens the input, and checks both and the target.
    ///
    /// A wrapping explainer passes `rows` to [`attribute_rows`](crate::Explainer::attribute_rows);
    /// `None` stands for the whole batch.
    ///
    /// # Errors
    /// Those of [`Batch::new`], [`Rows::check`] and [`Evaluator::new`].
    pub fn new<M: Model<I> + 'm, I: Inputs + 'm>(
        model: &M,
        input: I,
        target: Target,
        rows: Option<&Rows>,
    ) -> Result<Self> {
        let input = Batch::new(input)?;
        let is_inside = rows.is_some_and(Rows::are_inside);
        let rows = rows.cloned().unwrap_or_else(|| Rows::all(input.rows()));
        rows.check(&input)?;
        let mut evaluator = Evaluator::new::<M, I>(model, &input, &target)?;
        evaluator.is_inside = is_inside;
        Ok(Self { evaluator, input, target, rows })
    }

    /// Scores the input, and replaces predictions of the target by classes.
    ///
    /// # Errors
    /// Those of [`Evaluator::resolve`].
    pub fn resolve(&self, schedule: &Schedule) -> Result<Scored> {
        self.evaluator.resolve(schedule, &self.input, &self.target)
    }

    /// [Resolves](Self::resolve) the target for a method that will call the model many times, and
    /// checks whether the model mixes rows.
    ///
    /// `calls` is the number of times that the method will call the model for each row. If this is
    /// sixteen or more and the batch has two rows or more, the first row is also scored alone: in a
    /// model that mixes rows, a map would not be that of its row. [`Schedule::without_row_check`]
    /// switches this check off.
    ///
    /// # Errors
    /// Those of [`Evaluator::resolve`].
    pub fn resolve_for(&self, schedule: &Schedule, calls: usize) -> Result<Scored> {
        let mut scored = self.resolve(schedule)?;
        let looks = schedule.row_check && !self.evaluator.is_inside;
        if looks && calls >= MANY_CALLS && self.input.rows() > 1 {
            let mixed = self.evaluator.mixed_rows(schedule, &self.input, &scored)?;
            scored.warnings.extend(mixed);
        }
        Ok(scored)
    }
}
