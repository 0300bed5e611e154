//! Does a map stay as it is if the input hardly changes?

mod avg_sensitivity;
mod max_sensitivity;
mod relative_input_stability;
mod relative_output_stability;
mod relative_stability;
mod sensitivity;

pub use avg_sensitivity::AvgSensitivity;
pub use max_sensitivity::MaxSensitivity;
pub use relative_input_stability::RelativeInputStability;
pub use relative_output_stability::RelativeOutputStability;
