//! Models whose rules can be switched.

use burn::module::Module;

use super::Rules;

/// A model that can switch the [`Rules`] of its backward pass.
///
/// Its forward pass gives the same scores under all of them. A model holds a [`Rules`] value, and
/// passes it to the functions of this [module](super). The [`ModelFn`](crate::ModelFn) of a ruled
/// module and the half [after](crate::Split::after) a cut of a ruled model are ruled too.
///
/// # Example
/// See the [module](super). Every explainer uses the rules of the model that it is given:
/// ```
/// use burn::tensor::Tensor;
/// use saliency_core::rules::{Ruled, Rules};
/// use saliency_core::{Attribution, Explainer, Model, Result, SmoothGrad};
///
/// fn smooth<M: Model<Tensor<4>> + Ruled>(net: &M, photo: Tensor<4>) -> Result<Attribution<Tensor<4>>> {
///     SmoothGrad::default().attribute(&net.with_rules(Rules::Libra), photo)
/// }
/// ```
pub trait Ruled: Module {
    /// Returns the same model with other rules.
    fn with_rules(&self, rules: Rules) -> Self;
}
