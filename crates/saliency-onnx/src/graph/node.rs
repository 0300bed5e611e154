//! A node of a graph.

use std::collections::HashMap;
use std::fmt;

use super::attributes::Attributes;

/// One use of an operator.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The operator, such as `Conv`. Operators that are not ONNX's own have their domain in front,
    /// such as `com.microsoft.Gelu`.
    pub(crate) operator: String,
    /// The name in the file. It may be empty.
    pub(crate) name: String,
    /// The module of the network that the node comes from, if the file says so.
    pub(crate) scope: String,
    /// The line in the graph of the file, from 1.
    pub(crate) line: usize,
    /// The values that the node reads. An input that is left out has an empty name.
    pub(crate) inputs: Vec<String>,
    /// The values that the node computes. An output that is left out has an empty name.
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: Attributes,
    /// The graphs inside the node: two for `If`.
    pub(crate) branches: Vec<Branch>,
}

/// A graph inside a node. It may read the values of the graph around it.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// The name of the attribute, such as `then_branch`.
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) outputs: Vec<String>,
}

impl Node {
    /// Returns all values that the node reads, those of the graphs inside it included.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &str> {
        let own = self.inputs.iter().map(String::as_str).filter(|name| !name.is_empty());
        let inner = self.branches.iter().flat_map(Branch::reads);
        own.chain(inner)
    }
}

impl Node {
    /// Replaces the names that the node reads, and those that its branches read from around it.
    pub(crate) fn rename(&mut self, renamed: &HashMap<String, String>) {
        self.inputs.iter_mut().for_each(|name| change(name, renamed));
        for branch in &mut self.branches {
            branch.rename_outputs(renamed);
            branch.nodes.iter_mut().for_each(|node| node.rename(renamed));
        }
    }
}

fn change(name: &mut String, renamed: &HashMap<String, String>) {
    if let Some(new) = renamed.get(name) {
        name.clone_from(new);
    }
}

impl Branch {
    /// Replaces the names that the branch hands on.
    pub(crate) fn rename_outputs(&mut self, renamed: &HashMap<String, String>) {
        self.outputs.iter_mut().for_each(|name| change(name, renamed));
    }

    fn reads(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        let nodes = self.nodes.iter().flat_map(Node::reads);
        Box::new(nodes.chain(self.outputs.iter().map(String::as_str)))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.operator)?;
        if !self.name.is_empty() {
            write!(f, " (node `{}`, line {} of the graph)", self.name, self.line)
        } else if let Some(output) = self.outputs.iter().find(|name| !name.is_empty()) {
            write!(f, " (the node of `{output}`, line {} of the graph)", self.line)
        } else {
            write!(f, " (line {} of the graph)", self.line)
        }
    }
}
