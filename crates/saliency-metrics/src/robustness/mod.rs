//! Does a map stay as it is if the input hardly changes?

mod avg_sensitivity;
mod max_sensitivity;
mod sensitivity;

pub use avg_sensitivity::AvgSensitivity;
pub use max_sensitivity::MaxSensitivity;
