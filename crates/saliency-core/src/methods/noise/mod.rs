//! Methods that average an explainer's maps over noisy copies of the input.

mod over_noise;
mod smooth_grad;
mod smooth_grad_squared;
mod var_grad;

pub use over_noise::{OverNoise, Statistic};
pub use smooth_grad::{Mean, SmoothGrad};
pub use smooth_grad_squared::{MeanOfSquares, SmoothGradSquared};
pub use var_grad::{VarGrad, Variance};
