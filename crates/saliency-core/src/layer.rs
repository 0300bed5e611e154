//! Attribution at a layer: a model cut in two at a point of its forward pass.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::inputs::{Flat, Inputs};
use crate::model::{Model, ModelFn};
use crate::schedule::Schedule;

/// A [`Model`] that can be cut in two at the point `P`: what comes before, and what comes after.
///
/// `P` is a name for the point, usually a unit struct of yours; a model with several points
/// implements the trait once for each. A model that is never cut needs nothing of this.
///
/// # Shapes
/// The activation is a tensor of any rank whose first dimension counts the rows, or a tuple of them
/// where more than one tensor crosses the cut (as short cuts do). `after(before(input))` must be
/// what [`forward`](Model::forward) returns; best, `forward` is written so.
///
/// # Example
/// See [`cut`].
pub trait Cut<I, P>: Model<I> {
    /// What crosses the cut.
    type Activation: Inputs;

    /// From the input to the activation.
    fn before(&self, input: I) -> Self::Activation;

    /// From the activation to the scores.
    fn after(&self, activation: Self::Activation) -> Tensor<2>;
}

/// Cuts a model at the point `P`, and returns the activation there with the rest of the model,
/// which any explainer explains: the activation is its input.
///
/// Nothing that lies before the cut is computed again, let alone differentiated.
///
/// For [`IntegratedGradients`](crate::IntegratedGradients) the path leads from a baseline of the
/// *activation*: zeros, or that of a baseline of the input, had by cutting the model there.
///
/// # Errors
/// [`Error::EmptyInput`] and [`Error::UnequalRows`] for an input or an activation that is no batch,
/// [`Error::Activation`] for an activation of other rows than the input or of a shape that changes,
/// and [`Error::Panicked`].
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::activation::relu;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Baseline, Cut, Explainer, IntegratedGradients, Model, cut};
///
/// #[derive(Module, Debug)]
/// struct Net {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// /// The point behind the hidden layer.
/// struct Hidden;
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(input))
///     }
/// }
///
/// impl Cut<Tensor<2>, Hidden> for Net {
///     type Activation = Tensor<2>;
///
///     fn before(&self, input: Tensor<2>) -> Tensor<2> {
///         relu(self.hidden.forward(input))
///     }
///
///     fn after(&self, activation: Tensor<2>) -> Tensor<2> {
///         self.output.forward(activation)
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net {
///     hidden: LinearConfig::new(4, 16).init(&device),
///     output: LinearConfig::new(16, 3).init(&device),
/// };
/// let (activation, rest) = cut::<Hidden, _, _>(&net, Tensor::ones([1, 4], &device))?;
/// let (nothing, _) = cut::<Hidden, _, _>(&net, Tensor::zeros([1, 4], &device))?;
/// let explainer = IntegratedGradients::new().with_baseline(Baseline::tensor(nothing));
/// let map = explainer.attribute(&rest, activation)?;
/// assert_eq!(map.values.dims(), [1, 16]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn cut<P, I: Inputs, M: Cut<I, P>>(
    model: &M,
    input: I,
) -> Result<(M::Activation, impl Model<M::Activation> + use<P, I, M>)> {
    // Everything in inference mode, as for explanations.
    let model = model.valid();
    let input = Flat::new(input)?;
    let mut activations: Vec<Flat> = Vec::new();
    Schedule::new().run(
        &input,
        1,
        |unit| {
            let input = input.narrow(unit.rows.start, unit.rows.len()).into_inputs();
            Flat::new(model.before(input))
        },
        |unit, activation| {
            let found = activation.shapes_of_rows();
            let mut expected = activations.first().unwrap_or(&activation).shapes.clone();
            expected.iter_mut().for_each(|shape| shape[0] = unit.rows.len());
            if found != expected {
                return Err(Error::Activation { expected, found });
            }
            activations.push(activation);
            Ok(())
        },
    )?;
    let activation = Flat::stack(&activations).into_inputs();
    let rest = ModelFn::new(model, |model: &M, activation| model.after(activation));
    Ok((activation, rest))
}
