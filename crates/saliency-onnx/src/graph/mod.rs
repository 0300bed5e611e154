//! The graph of a file: nodes in the order of computation, and weights by name.

mod attributes;
mod ending;
mod node;
mod read;

use attributes::Attribute;
pub(crate) use attributes::Attributes;
pub(crate) use ending::Ending;
pub(crate) use node::{Branch, Node};

use std::collections::HashMap;

use crate::file::Port;
use crate::values::Constant;

/// A graph, ready to be computed node by node.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: HashMap<String, Constant>,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    /// The version of the operators.
    pub(crate) version: i64,
}

impl Graph {
    /// Orders the axes of an input before any node reads it.
    pub(crate) fn turn_input(&mut self, input: &str, order: Vec<i64>) {
        let turned = format!("{input}/turned");
        let renamed = HashMap::from([(input.to_owned(), turned.clone())]);
        self.nodes.iter_mut().for_each(|node| node.rename(&renamed));
        let order = Attribute::Integers(order);
        let node = Node {
            operator: "Transpose".into(),
            name: String::new(),
            scope: String::new(),
            line: 0,
            inputs: vec![input.to_owned()],
            outputs: vec![turned],
            attributes: Attributes([("perm".to_owned(), order)].into()),
            branches: Vec::new(),
        };
        self.nodes.insert(0, node);
    }

    /// Counts how often each value is used, outputs of the graph included.
    pub(crate) fn uses(&self) -> HashMap<&str, usize> {
        let mut uses = HashMap::new();
        for name in self.nodes.iter().flat_map(Node::reads) {
            *uses.entry(name).or_insert(0) += 1;
        }
        for output in &self.outputs {
            *uses.entry(output.name.as_str()).or_insert(0) += 1;
        }
        uses
    }
}
