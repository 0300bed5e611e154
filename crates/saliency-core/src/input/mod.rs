//! The input of a model: a typed batch, the same batch flattened, its rows, its baseline, and
//! groups of its values.

pub(crate) mod baseline;
pub(crate) mod batch;
pub(crate) mod groups;
pub(crate) mod inputs;
pub(crate) mod rows;
pub(crate) mod tokens;
