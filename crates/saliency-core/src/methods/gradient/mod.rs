//! Methods of a single gradient.

mod deep_lift;
mod input_times_gradient;
mod libra;
mod vanilla;

pub use deep_lift::DeepLift;
pub use input_times_gradient::InputTimesGradient;
pub use libra::Libra;
pub use vanilla::Gradient;
