//! Nodes that hand on what they are given.

use std::collections::{HashMap, HashSet};

use crate::values::{Constant, Numbers};

use crate::graph::{Graph, Node};

/// Removes identities and dropout, and turns `Constant` nodes into weights, also in the graphs of
/// nodes.
pub(crate) fn remove(graph: &mut Graph) {
    let uses: HashSet<String> = graph.uses().into_keys().map(str::to_owned).collect();
    let kept: HashSet<String> = graph.outputs.iter().map(|port| port.name.clone()).collect();
    let mut shortcuts =
        Shortcuts { constants: &mut graph.constants, uses, kept, renamed: HashMap::new() };
    shortcuts.remove(&mut graph.nodes);
}

struct Shortcuts<'a> {
    constants: &'a mut HashMap<String, Constant>,
    uses: HashSet<String>,
    /// Outputs of the graph, whose names must remain.
    kept: HashSet<String>,
    renamed: HashMap<String, String>,
}

impl Shortcuts<'_> {
    fn remove(&mut self, nodes: &mut Vec<Node>) {
        nodes.retain_mut(|node| {
            node.rename(&self.renamed);
            for branch in &mut node.branches {
                self.remove(&mut branch.nodes);
                // What the branch hands on may have another name now.
                branch.rename_outputs(&self.renamed);
            }
            self.is_needed(node)
        });
    }

    fn is_needed(&mut self, node: &Node) -> bool {
        let Some(output) = node.outputs.first() else { return true };
        if node.operator == "Constant"
            && let Some(constant) = node.attributes.stated()
        {
            self.constants.insert(output.clone(), constant);
            return false;
        }
        let Some(input) = node.inputs.first().filter(|input| !input.is_empty()) else {
            return true;
        };
        if !self.hands_on(node) || self.kept.contains(output) {
            return true;
        }
        self.renamed.insert(output.clone(), input.clone());
        false
    }

    fn hands_on(&self, node: &Node) -> bool {
        match node.operator.as_str() {
            "Identity" => true,
            "Dropout" => {
                let mask = node.outputs.get(1).is_some_and(|mask| self.uses.contains(mask));
                let training = node.inputs.get(2).and_then(|name| self.constants.get(name));
                let training = training.is_some_and(|training| {
                    matches!(&training.numbers, Numbers::Booleans(on) if on.contains(&true))
                });
                !mask && !training
            }
            _ => false,
        }
    }
}
