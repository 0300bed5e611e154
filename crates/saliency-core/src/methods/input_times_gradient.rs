use crate::attribution::Attribution;
use crate::error::{Place, Result};
use crate::explainer::Explainer;
use crate::gradient::Probe;
use crate::inputs::{Flat, Inputs};
use crate::model::Model;
use crate::schedule::Schedule;
use crate::target::Target;

/// The gradient times the input: a first-order guess at what each value contributes to the score.
///
/// ```text
/// A(x) = x · ∂f(x) / ∂x
/// ```
///
/// It is exact for a linear model without a constant term. Elsewhere it misses whatever has
/// saturated: see [`IntegratedGradients`](crate::IntegratedGradients).
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Cost
/// One gradient per row.
///
/// # Errors
/// Those of [`Explainer::attribute_to`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, InputTimesGradient, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, -3.0]], &Device::flex());
/// let map = InputTimesGradient::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, 18.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Shrikumar, Greenside, Shcherbina and Kundaje, *Not Just a Black Box: Learning Important
/// Features Through Propagating Activation Differences*, 2016, <https://arxiv.org/abs/1605.01713>.
#[derive(Clone, Debug, Default)]
pub struct InputTimesGradient {
    schedule: Schedule,
}

impl InputTimesGradient {
    /// Input times gradient, with the default schedule.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets chunks and progress.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

impl<M: Model<I>, I: Inputs> Explainer<M, I> for InputTimesGradient {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        let input = Flat::new(input)?;
        let probe = Probe::new(model, &input, &target)?;
        let (gradients, scored) = probe.gradients(&self.schedule, &input, &target)?;
        let values = input.widened().zip(&gradients.widened(), |input, gradient| input * gradient);
        let values = values.without_fixed();
        values.check_finite(Place::Attribution)?;
        Ok(Attribution::of(values, scored, 1))
    }
}
