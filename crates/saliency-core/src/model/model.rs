//! The one trait that a network implements to be explained.

use burn::module::Module;
use burn::tensor::Tensor;

/// A Burn model that can be explained: a batch in, `[rows, scores]` out.
///
/// Rows must not influence each other. In a network this holds once BatchNorm and Dropout are in
/// inference mode. Every explainer takes care of that: it calls [`valid`](Module::valid) on a
/// snapshot of the model. The model that you pass may be in training mode, on a plain or an
/// autodiff device, and is not changed.
///
/// # Shapes
/// - `input`: `[rows, ...]`, or a tuple of such tensors
/// - output: `[rows, scores]`, usually logits, one score per class
///
/// A network of another crate needs no `impl`: see [`ModelFn`](crate::ModelFn). Detectors, segmentation
/// networks and encoders flatten their output, and are explained by a
/// [`Detection`](crate::Detection), [`Pixels`](crate::Pixels) or a
/// [`Similarity`](crate::Similarity).
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, Model};
///
/// #[derive(Module, Debug)]
/// struct Net {
///     linear: Linear,
/// }
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
///         self.linear.forward(input)
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net { linear: LinearConfig::new(4, 3).init(&device) };
/// let map = Gradient::new().attribute(&net, Tensor::ones([1, 4], &device))?;
/// assert_eq!(map.values.dims(), [1, 4]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Model<{I}>`, so it cannot be explained",
    label = "expected a model that takes `{I}` and returns `[rows, scores]`",
    note = "implement `saliency::Model<{I}>` for your module: one function, `forward`",
    note = "for a network of another crate: `ModelFn::new(net, Net::forward)`, or with a closure \
            `|net, input| ...` that returns `[rows, scores]`"
)]
pub trait Model<I>: Module + Sync {
    /// Scores a batch.
    fn forward(&self, input: I) -> Tensor<2>;
}
