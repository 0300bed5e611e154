//! The input times the gradient, under LibraGrad's rules.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::schedule::Schedule;
use crate::explainer::Explainer;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::methods::InputTimesGradient;
use crate::model::model::Model;
use crate::model::target::Target;
use crate::rules::{Ruled, Rules};

/// The input times the gradient of a model whose gradients are complete ([`Rules::Libra`]): what
/// each value contributes to the score of a transformer.
///
/// ```text
/// A(x) = x · ∂f(x) / ∂x, with attention weights, deviations and gates as constants
/// ```
///
/// The values sum to the score minus what the constants of the network contribute: biases, learnt
/// positions, a class token. For a network without them they sum to the score. A plain gradient does
/// not add up in a transformer, because each softmax, normalisation, gate and product passes on too
/// much or too little.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Which models
/// Those that are [`Ruled`]: their forward pass is written with the functions of
/// [`rules`](crate::rules). Other methods can be given such a model under the same rules:
/// `Gradient::new().attribute(&net.with_rules(Rules::Libra), x)`.
///
/// # Cost
/// One gradient per row.
///
/// # Errors
/// Those of [`Explainer::attribute_to`].
///
/// # Example
/// See [`rules`](crate::rules).
///
/// # Source
/// Mehri, Baghshah and Pilehvar, *LibraGrad: Balancing Gradient Flow for Universally Better Vision
/// Transformer Attributions*, 2024, <https://arxiv.org/abs/2411.16760>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Libra {
    product: InputTimesGradient,
}

impl Libra {
    /// Returns LibraGrad with the default schedule.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets chunks and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.product = self.product.with_schedule(schedule);
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    pub fn check(&self) -> Result<()> {
        self.product.check()
    }
}

impl<M: Model<I> + Ruled, I: Inputs> Explainer<M, I> for Libra {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.product.attribute_to(&model.with_rules(Rules::Libra), input, target)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.product.attribute_rows(&model.with_rules(Rules::Libra), input, target, rows)
    }
}
