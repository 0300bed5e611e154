//! The model: what is explained, which of its scores, and where it is cut.

pub(crate) mod embeddings;
pub(crate) mod function;
pub(crate) mod layer;
#[expect(clippy::module_inception, reason = "the trait `Model` and nothing else")]
pub(crate) mod model;
pub(crate) mod parameter;
pub(crate) mod resolved_target;
pub(crate) mod score;
pub(crate) mod target;
