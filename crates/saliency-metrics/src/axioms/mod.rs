//! Does a map keep what its method promises, whatever the model is?

mod completeness;
mod input_invariance;
mod null_sensitivity;

pub use completeness::Completeness;
pub use input_invariance::{InputInvariance, ShiftedModel};
pub use null_sensitivity::NullSensitivity;
