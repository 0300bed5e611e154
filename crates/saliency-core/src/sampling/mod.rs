//! Averages over random samples, with standard errors.

mod device_moments;
mod host_moments;
pub(crate) mod moments;
pub(crate) mod samples;
mod share_errors;
