//! The contribution of a gradient on a path.

use crate::error::Result;
use crate::input::batch::Batch;

/// The contribution of every value at a point of a path, per length of the path.
///
/// If the contributions of a row sum to the gradient times the tangent, the integral sums to the
/// change of score (completeness).
pub trait Contribution: Send + Sync {
    /// Returns the contributions, given gradients and tangents at points with these positions, in
    /// the tensors of the input. They may be infinite if a gradient is.
    ///
    /// # Errors
    /// Those of the device.
    fn at(&self, gradients: Batch, tangents: &Batch, positions: &[f64]) -> Result<Batch>;
}

/// The gradient times the tangent: the contribution in Integrated Gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Product;

impl Contribution for Product {
    fn at(&self, gradients: Batch, tangents: &Batch, _: &[f64]) -> Result<Batch> {
        Ok(gradients.zip(tangents, |gradient, tangent| gradient * tangent))
    }
}
