//! One file per method: which inputs are fed to the model, and how gradients are aggregated.

mod expected_gradients;
mod gradient;
mod input_times_gradient;
mod integrated_gradients;
mod smooth_grad;
mod smooth_grad_squared;
mod var_grad;

pub use expected_gradients::ExpectedGradients;
pub use gradient::Gradient;
pub use input_times_gradient::InputTimesGradient;
pub use integrated_gradients::IntegratedGradients;
pub use smooth_grad::SmoothGrad;
pub use smooth_grad_squared::SmoothGradSquared;
pub use var_grad::VarGrad;
