//! Internal influence: the mean gradient at a layer, along a path through input space.

use crate::methods::layer::layer_path::UnitChange;
use crate::methods::layer::path_at_layer::{PathAtLayer, Quantity};

/// The gradient of the score with respect to the units of a layer, averaged along a path through
/// input space.
///
/// ```text
///        1  ∂f
/// A_j =  ∫ ----- (a(γ(α))) dα,     γ(α) = x' + α (x - x')
///        0 ∂a_j
/// ```
///
/// It shows which units the score reacts to, anywhere between the baseline and the input. A unit
/// that never moves may have a large value: it is [`Conductance`](crate::methods::Conductance) that
/// counts how much units move.
///
/// # How sure it is
/// [`error_estimate`](crate::Attribution::error_estimate) takes the gradient to jump somewhere
/// between every two points. The values do not sum to a change of score, so that nothing shows a
/// gradient that changes between two points and back. In 200 questions about small networks, the
/// estimate was an upper bound in 175 or more.
///
/// # Shapes and units
/// Values have the shape of the activation; score per unit of activation, signed.
///
/// # Parameters and defaults
/// - steps: 50 points on the path, or as many as a [tolerance](PathAtLayer::with_tolerance) needs,
///   up to 1,000
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`](crate::Rule::GaussLegendre)
/// - baseline: zeros
///
/// # Cost
/// For each point of each row, one gradient of the part after the cut and one forward pass of the
/// part before it; and two forward passes of the whole.
///
/// # Errors
/// Those of [`Split::activation`](crate::Split::activation) and of
/// [`Explainer::attribute_to`](crate::Explainer::attribute_to);
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for an option outside its range; those of
/// the [`Baseline`](crate::Baseline).
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::InternalInfluence;
/// use saliency_core::{Cut, Model, Split};
///
/// /// One unit, x², whose square is the score.
/// #[derive(Module, Debug)]
/// struct Fourth {}
/// struct Unit;
///
/// impl Cut<Tensor<2>, Unit> for Fourth {
///     type Activation = Tensor<2>;
///
///     fn before(&self, x: Tensor<2>) -> Tensor<2> {
///         x.powi_scalar(2)
///     }
///
///     fn after(&self, unit: Tensor<2>) -> Tensor<2> {
///         unit.powi_scalar(2)
///     }
/// }
///
/// impl Model<Tensor<2>> for Fourth {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(x))
///     }
/// }
///
/// let split = Split::at(&Fourth {}, Unit);
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = InternalInfluence::new().attribute(&split, x)?;
/// // The mean of 2 (3 α)² is 6.
/// assert!((map.values.into_scalar::<f32>() - 6.0).abs() < 1e-4);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Leino, Sen, Datta, Fredrikson and Li, *Influence-Directed Explanations for Deep Convolutional
/// Networks*, 2018, <https://arxiv.org/abs/1802.03788>.
pub type InternalInfluence = PathAtLayer<GradientAlone>;

/// No quantity: [`InternalInfluence`] averages the gradients alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GradientAlone;

impl Quantity for GradientAlone {
    fn unit_change(&self) -> Option<UnitChange> {
        None
    }
}
