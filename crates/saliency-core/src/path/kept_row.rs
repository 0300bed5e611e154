//! What is kept of a row whose path was found on the way.

use crate::input::batch::Batch;
use crate::path::observation::Observation;

/// The contributions of a row: at the start of the first move, at its end, at the start of the second
/// move, and so on.
#[derive(Default)]
pub(super) struct KeptRow {
    /// The contributions; empty if what is observed is the whole row.
    pub slots: Vec<Option<Batch>>,
    pub observed: Vec<Observation>,
}
