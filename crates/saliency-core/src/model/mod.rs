//! The model: what is explained, which of its scores, and where it is cut.

pub(crate) mod box_layout;
pub(crate) mod detection;
pub(crate) mod embeddings;
pub(crate) mod finer;
pub(crate) mod function;
pub(crate) mod layer;
#[expect(clippy::module_inception, reason = "the trait `Model` and nothing else")]
pub(crate) mod model;
pub(crate) mod neurons;
pub(crate) mod output;
pub(crate) mod parameter;
pub(crate) mod per_row;
pub(crate) mod pixels;
pub(crate) mod rectangle;
pub(crate) mod resolved_target;
pub(crate) mod score;
pub(crate) mod similarity;
pub(crate) mod target;
