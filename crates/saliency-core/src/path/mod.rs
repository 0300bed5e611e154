//! Paths from a baseline to an input, and integrals of gradients along them.

pub(crate) mod adaptive;
pub(crate) mod contribution;
pub(crate) mod error_estimate;
pub(crate) mod fixed;
pub(crate) mod integral;
pub(crate) mod kept_row;
pub(crate) mod observation;
pub(crate) mod polyline;
pub(crate) mod quadrature;
pub(crate) mod scale_space;
pub(crate) mod score_change;
pub(crate) mod shape;
pub(crate) mod to_tolerance;
pub(crate) mod walk;
pub(crate) mod walked;
