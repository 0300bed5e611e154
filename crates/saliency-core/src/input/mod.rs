//! The input of a model: a typed batch, the same batch flattened, its rows, and its baseline.

pub(crate) mod baseline;
pub(crate) mod batch;
pub(crate) mod inputs;
pub(crate) mod rows;
pub(crate) mod tokens;
