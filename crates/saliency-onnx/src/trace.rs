//! What a run of a model shows: its layers, and the numbers of the host.

use std::collections::HashMap;
use std::sync::Arc;

use crate::plan::Counted;
use crate::values::Known;

/// A tensor at which a model can be cut: the result of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// The name of the tensor.
    pub name: String,
    /// The name of the node that computes it. It may be empty.
    pub node: String,
    /// The operator of the node.
    pub operator: String,
    /// The shape for one row.
    pub shape: Vec<usize>,
}

/// What a run on one row and one on two rows shows.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    pub(crate) one: Trace,
    /// Missing if several rows are computed one by one.
    pub(crate) two: Option<Trace>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) layers: Vec<Layer>,
    pub(crate) known: HashMap<String, Arc<Known>>,
}

impl Traces {
    /// Returns the numbers of the host that depend on the number of rows alone.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        let mut counted = Vec::new();
        for (name, one) in &self.one.known {
            let two = self.two.as_ref().map_or(Some(one), |two| two.known.get(name));
            if let Some(two) = two.filter(|two| two.dims == one.dims) {
                counted.push(Counted::new(name, one.clone(), two.clone()));
            }
        }
        counted.sort_by(|a, b| a.name.cmp(&b.name));
        counted
    }
}
