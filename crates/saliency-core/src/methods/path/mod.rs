//! Methods that average gradients along a path.

mod expected_gradients;
mod integrated_gradients;

pub use expected_gradients::ExpectedGradients;
pub use integrated_gradients::IntegratedGradients;
