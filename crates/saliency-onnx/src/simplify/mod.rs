//! A graph without what does not change a value.

mod batch_norm;
mod fold;
mod shortcuts;

use crate::error::Result;
use crate::graph::Graph;

/// Removes what does not change a value: constants that are computed, identities, dropout; and
/// merges batch normalisations into the convolutions before them.
pub(crate) fn simplified(mut graph: Graph) -> Result<Graph> {
    shortcuts::remove(&mut graph);
    fold::constants(&mut graph)?;
    shortcuts::remove(&mut graph);
    batch_norm::merge(&mut graph);
    Ok(graph)
}
