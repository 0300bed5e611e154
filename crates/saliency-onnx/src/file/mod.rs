//! From bytes to a graph: the file's format, its weights, and the types of its inputs.

mod external;
mod facts;
mod read;
mod tensor;

pub use facts::{Dimension, Element, Port};
pub use read::OnnxFile;
pub(crate) use tensor::read as read_tensor;
