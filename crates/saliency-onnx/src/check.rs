//! Which operators a file uses, and which of them are not supported.

use std::collections::BTreeMap;
use std::path::Path;

use onnx_ir::{GraphProto, NodeProto};

use crate::error::{Error, Result, Unsupported, UnsupportedOperators};
use crate::file::OnnxFile;
use crate::operators;

/// The operators of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// How often each operator is used, by name.
    pub operators: BTreeMap<String, usize>,
    /// The nodes whose operators are not supported.
    pub unsupported: Vec<Unsupported>,
}

impl Check {
    /// Checks a file, without reading its weights.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::NotOnnx`].
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        OnnxFile::check(path.as_ref())
    }

    /// Checks a graph.
    pub(crate) fn of(graph: &GraphProto) -> Self {
        let mut check = Self::default();
        check.add(graph, None, 0);
        check
    }

    fn add(&mut self, graph: &GraphProto, around: Option<usize>, depth: usize) {
        for (at, node) in graph.node.iter().enumerate() {
            let operator = name(node);
            let line = around.unwrap_or(at + 1);
            if !operators::is_supported(&operator) {
                let node = node.name.clone();
                self.unsupported.push(Unsupported { operator: operator.clone(), node, line });
            }
            *self.operators.entry(operator).or_default() += 1;
            // The depth of a file's graphs is checked where the graph is read.
            for inner in node.attribute.iter().filter_map(|it| it.g.as_ref()) {
                if depth < 32 {
                    self.add(inner, Some(line), depth + 1);
                }
            }
        }
    }
}

/// Refuses a graph with operators that are not supported.
pub(crate) fn refuse_unsupported(graph: &GraphProto) -> Result<()> {
    let unsupported = Check::of(graph).unsupported;
    if unsupported.is_empty() {
        return Ok(());
    }
    Err(Error::Unsupported(UnsupportedOperators(unsupported)))
}

fn name(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}
