//! Averages over random samples, with standard errors.

pub(crate) mod aggregate;
mod certainty;
pub(crate) mod design;
mod device_moments;
pub(crate) mod draws;
mod host_moments;
pub(crate) mod moments;
pub(crate) mod samples;
mod scale;
mod share_errors;
