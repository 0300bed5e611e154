//! What several benches need. The benches are the files beside `src`, one for each question.

mod files;
mod measure;
mod peer;

pub use files::{read_floats, write_floats};
pub use measure::{median, process_memory, seconds};
pub use peer::Peer;
