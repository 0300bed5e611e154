//! Copies of an input's rows in which some values are covered, and their scores: forward passes
//! only.

pub(crate) mod copies;
pub(crate) mod soft;
pub(crate) mod windows;
