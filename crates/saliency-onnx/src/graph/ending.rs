//! The Softmax or Sigmoid at the end of a classifier.

use crate::file::Dimension;

use super::Graph;

/// What the last node of a classifier does to its scores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// `Softmax` or `Sigmoid`.
    pub(crate) operator: String,
    /// The scores before it.
    pub(crate) scores: String,
}

impl Ending {
    /// Finds the ending of an output: a Softmax over the classes of `[rows, classes]`, which ones may
    /// follow, or a Sigmoid.
    pub(crate) fn of(graph: &Graph, output: &str) -> Option<Self> {
        let port = graph.outputs.iter().find(|port| port.name == output)?;
        let shape = port.shape.as_deref()?;
        let node = graph.nodes.iter().find(|node| node.outputs.iter().any(|it| it == output))?;
        let scores = node.inputs.first()?.clone();
        let axis =
            node.attributes.integer("axis").unwrap_or(if graph.version < 13 { 1 } else { -1 });
        let is_ending = match node.operator.as_str() {
            "Softmax" => {
                let classes = axis == 1 || (axis == -1 && shape.len() == 2);
                classes
                    && shape.len() >= 2
                    && shape[2..].iter().all(|it| *it == Dimension::Fixed(1))
            }
            "Sigmoid" => matches!(shape.len(), 1 | 2),
            _ => false,
        };
        is_ending.then(|| Self { operator: node.operator.clone(), scores })
    }
}
