//! Conductance: the change of score that flows through each unit of a layer.

use crate::methods::layer::layer_path::UnitChange;
use crate::methods::layer::path_at_layer::{PathAtLayer, Quantity};

/// The score's change between a baseline and the input, shared out over the units of a layer.
///
/// ```text
///        1  ∂f                 d
/// A_j =  ∫ ----- (a(γ(α)))  · --- a_j(γ(α)) dα,     γ(α) = x' + α (x - x')
///        0 ∂a_j                dα
/// ```
///
/// The path is that of [`IntegratedGradients`](crate::IntegratedGradients), through *input* space.
/// The activation a of its points moves along a curve, and each unit j of the layer gets the part
/// of the change of score that flows through it. Values sum to `f(x) - f(x')` (completeness), up to
/// the error of the quadrature. `IntegratedGradients` of [`Split::after`](crate::Split::after)
/// instead takes a straight line at the layer, whose points no input may have.
///
/// # How sure it is
/// The activation's change is a difference between the ends of the part of the path that a point
/// stands for. These differences join end to end, so that nothing of the change is lost.
/// [`error_estimate`](crate::Attribution::error_estimate) takes the gradient to jump somewhere
/// between every two points, and compares the contributions there with the change of score. To a
/// tolerance, points may be anywhere, and the difference is taken over 1/256 of the path (in double
/// precision 1/65,536): a bend of the activation that is closer to a bend of the gradient than this
/// is seen only by the comparison with the scores.
///
/// # Shapes and units
/// Values have the shape of the activation. Their unit is that of the score, and they have signs.
///
/// # Parameters and defaults
/// - steps: 50 points on the path, or as many as a [tolerance](PathAtLayer::with_tolerance) needs,
///   up to 1,000
/// - rule, for a fixed number of steps: [`Rule::GaussLegendre`](crate::Rule::GaussLegendre)
/// - change of the units: [`UnitChange::Around`] each point; [`UnitChange::ToNext`] is Captum's
/// - baseline: zeros
///
/// # Cost
/// For each point of each row, one gradient of the part after the cut and up to three forward
/// passes of the part before it; and two forward passes of the whole.
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
/// use saliency_core::methods::Conductance;
/// use saliency_core::{Cut, Model, Split};
///
/// /// Two units, x and x², whose product is the score.
/// #[derive(Module, Debug)]
/// struct Cube {}
/// struct Units;
///
/// impl Cut<Tensor<2>, Units> for Cube {
///     type Activation = Tensor<2>;
///
///     fn before(&self, x: Tensor<2>) -> Tensor<2> {
///         Tensor::cat(vec![x.clone(), x.powi_scalar(2)], 1)
///     }
///
///     fn after(&self, units: Tensor<2>) -> Tensor<2> {
///         units.clone().narrow(1, 0, 1) * units.narrow(1, 1, 1)
///     }
/// }
///
/// impl Model<Tensor<2>> for Cube {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(x))
///     }
/// }
///
/// let split = Split::at(&Cube {}, Units);
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = Conductance::new().attribute(&split, x)?;
/// // Along the path, x · x² changes by x² dx and by x · 2x dx: a third, and two thirds of 27.
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 9.0).abs() < 0.01 && (values[1] - 18.0).abs() < 0.01);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Dhamdhere, Sundararajan and Yan, *How Important Is a Neuron?*, 2018,
/// <https://arxiv.org/abs/1805.12233>.
pub type Conductance = PathAtLayer<UnitChange>;

impl Quantity for UnitChange {
    fn unit_change(&self) -> Option<UnitChange> {
        Some(*self)
    }
}

impl PathAtLayer<UnitChange> {
    /// Sets which change of the units belongs to each of a fixed number of points.
    pub fn with_unit_change(mut self, change: UnitChange) -> Self {
        self.quantity = change;
        self
    }
}
