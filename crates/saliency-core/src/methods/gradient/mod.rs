//! Methods of a single gradient.

mod input_times_gradient;
mod vanilla;

pub use input_times_gradient::InputTimesGradient;
pub use vanilla::Gradient;
