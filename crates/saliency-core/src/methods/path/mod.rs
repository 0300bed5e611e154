//! Methods that average gradients along a path.

mod expected_gradients;
mod held_segments;
mod integrated_gradients;
mod timing;

pub use expected_gradients::ExpectedGradients;
pub use integrated_gradients::IntegratedGradients;
pub use timing::Timing;
