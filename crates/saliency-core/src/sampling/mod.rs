//! Averages over random samples, with standard errors.

pub(crate) mod design;
pub(crate) mod draws;
pub(crate) mod moments;
pub(crate) mod samples;
mod share_errors;
