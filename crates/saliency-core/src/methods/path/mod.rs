//! Methods that average gradients along a path.

mod along_path;
mod expected_gradients;
mod integrated_gradients;
mod integration;

pub use along_path::{AlongPath, FromBaseline, Laid, Path};
pub use expected_gradients::ExpectedGradients;
pub use integrated_gradients::{IntegratedGradients, Straight};
