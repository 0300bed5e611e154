//! Nodes that hand on what they are given.

use std::collections::HashMap;

use crate::values::Numbers;

use super::{Branch, Graph, Node};

/// Removes identities and dropout, and turns `Constant` nodes into weights.
pub(crate) fn remove(graph: &mut Graph) {
    let mut renamed = HashMap::new();
    let outputs: Vec<String> = graph.outputs.iter().map(|port| port.name.clone()).collect();
    let mut constants = std::mem::take(&mut graph.constants);
    let uses: HashMap<String, usize> =
        graph.uses().into_iter().map(|(name, uses)| (name.to_owned(), uses)).collect();
    graph.nodes.retain_mut(|node| {
        rename(node, &renamed);
        if node.operator == "Constant"
            && let Some(constant) = crate::operators::constant(&node.attributes)
            && let Some(output) = node.outputs.first()
        {
            constants.insert(output.clone(), constant);
            return false;
        }
        let training = |at: usize| {
            node.inputs.get(at).and_then(|name| constants.get(name)).is_some_and(|training| {
                matches!(&training.numbers, Numbers::Booleans(on) if on.contains(&true))
            })
        };
        let hands_on = match node.operator.as_str() {
            "Identity" => true,
            "Dropout" => {
                let mask = node.outputs.get(1).is_some_and(|mask| uses.contains_key(mask));
                !mask && !training(2)
            }
            _ => false,
        };
        let (Some(input), Some(output)) = (node.inputs.first(), node.outputs.first()) else {
            return true;
        };
        // The name of an output of the graph must remain.
        if !hands_on || outputs.contains(output) || input.is_empty() {
            return true;
        }
        renamed.insert(output.clone(), input.clone());
        false
    });
    graph.constants = constants;
}

fn rename(node: &mut Node, renamed: &HashMap<String, String>) {
    let change = |name: &mut String| {
        if let Some(new) = renamed.get(name) {
            name.clone_from(new);
        }
    };
    node.inputs.iter_mut().for_each(change);
    for Branch { nodes, outputs, .. } in &mut node.branches {
        outputs.iter_mut().for_each(change);
        for node in nodes {
            rename(node, renamed);
        }
    }
}
