//! One file per method: which inputs are fed to the model, and how gradients are aggregated.

mod gradient;
mod input_times_gradient;
mod integrated_gradients;
mod smooth_grad;

pub use gradient::Gradient;
pub use input_times_gradient::InputTimesGradient;
pub use integrated_gradients::IntegratedGradients;
pub use smooth_grad::{NoiseScale, SmoothGrad};
