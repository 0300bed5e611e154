//! Products of a value and its gate, such as a SiLU that is written as `x * sigmoid(x)`.

use std::collections::HashMap;

use crate::graph::Node;

/// The nodes that compute the values of a plan.
pub(super) struct Gates<'a> {
    makers: HashMap<&'a str, &'a Node>,
}

/// Functions that do not mix the numbers of a tensor. The first ones are linear.
const LINEAR: [&str; 5] = ["Add", "Sub", "Mul", "Div", "Neg"];
const BENT: [&str; 12] = [
    "Clip",
    "Erf",
    "Exp",
    "HardSigmoid",
    "Log",
    "Pow",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Softplus",
    "Sqrt",
    "Tanh",
];

/// The most nodes that are looked at for a gate. The GELU of tanh has eight.
const MOST_NODES: usize = 32;

impl<'a> Gates<'a> {
    pub(super) fn new(nodes: &[&'a Node]) -> Self {
        let outputs = nodes
            .iter()
            .flat_map(|node| node.outputs.iter().map(|output| (output.as_str(), *node)));
        Self { makers: outputs.collect() }
    }

    /// Returns which factor of a product is its gate: a function of the other factor alone, number
    /// by number, that is not linear.
    pub(super) fn of(&self, node: &'a Node, is_weight: impl Fn(&str) -> bool) -> Option<usize> {
        if node.operator != "Mul" || node.inputs.len() != 2 {
            return None;
        }
        (0..2).find(|&at| {
            let value = self.unscaled(&node.inputs[1 - at], &is_weight);
            let mut walk =
                Walk { gates: self, value, is_weight: &is_weight, nodes: 0, is_bent: false };
            walk.reads_only_the_value(&node.inputs[at]) && walk.is_bent
        })
    }

    /// Goes back over multiplications by weights.
    fn unscaled(&self, name: &'a str, is_weight: &impl Fn(&str) -> bool) -> &'a str {
        let mut name = name;
        while let Some(node) = self.makers.get(name)
            && let [a, b] = node.inputs.as_slice()
        {
            name = match node.operator.as_str() {
                "Mul" | "Div" if is_weight(b) => a,
                "Mul" if is_weight(a) => b,
                _ => return name,
            };
        }
        name
    }
}

/// The way back from a gate.
struct Walk<'w, 'a, F> {
    gates: &'w Gates<'a>,
    value: &'a str,
    is_weight: &'w F,
    nodes: usize,
    is_bent: bool,
}

impl<F: Fn(&str) -> bool> Walk<'_, '_, F> {
    fn reads_only_the_value(&mut self, name: &str) -> bool {
        if name == self.value || (self.is_weight)(name) {
            return true;
        }
        let Some(node) = self.gates.makers.get(name) else { return false };
        let operator = node.operator.as_str();
        let is_bent = BENT.contains(&operator);
        self.nodes += 1;
        self.is_bent |= is_bent;
        if self.nodes > MOST_NODES || !(is_bent || LINEAR.contains(&operator)) {
            return false;
        }
        node.reads().all(|name| self.reads_only_the_value(name))
    }
}
