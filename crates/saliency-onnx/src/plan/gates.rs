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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Attributes;

    /// Makes nodes from lines such as `y = Mul a b`; names that start with a `w` are weights.
    fn nodes(lines: &[&str]) -> Vec<Node> {
        let node = |line: &&str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Node {
                operator: words[2].clone(),
                name: String::new(),
                scope: String::new(),
                line: 0,
                inputs: words[3..].to_vec(),
                outputs: vec![words[0].clone()],
                attributes: Attributes::default(),
                branches: Vec::new(),
            }
        };
        lines.iter().map(node).collect()
    }

    /// Returns the gate of the last node.
    fn gate(lines: &[&str]) -> Option<usize> {
        let nodes = nodes(lines);
        let nodes: Vec<&Node> = nodes.iter().collect();
        Gates::new(&nodes).of(nodes[nodes.len() - 1], |name| name.starts_with('w'))
    }

    #[test]
    fn a_gate_is_a_function_of_the_other_factor_alone() {
        assert_eq!(gate(&["s = Sigmoid x", "y = Mul x s"]), Some(1));
        assert_eq!(gate(&["s = Sigmoid x", "y = Mul s x"]), Some(0));
        // GELU, exactly and by tanh, with the half on either side.
        let exact = ["a = Div x w1", "e = Erf a", "g = Add e w2", "h = Mul x w3", "y = Mul h g"];
        assert_eq!(gate(&exact), Some(1));
        let tanh = [
            "p = Pow x w1",
            "q = Mul w2 p",
            "r = Add x q",
            "s = Mul r w3",
            "t = Tanh s",
            "g = Add w4 t",
            "h = Mul g w5",
            "y = Mul x h",
        ];
        assert_eq!(gate(&tanh), Some(1));
    }

    #[test]
    fn products_of_different_things_have_no_gate() {
        // A gated linear unit, a square, a product with a weight, and gates that mix numbers.
        assert_eq!(
            gate(&["a = MatMul x w1", "s = Sigmoid a", "b = MatMul x w2", "y = Mul b s"]),
            None
        );
        assert_eq!(gate(&["y = Mul x x"]), None);
        assert_eq!(gate(&["a = Mul x w1", "y = Mul x a"]), None);
        assert_eq!(gate(&["y = Mul x w1"]), None);
        assert_eq!(gate(&["m = ReduceMean x", "s = Sigmoid m", "y = Mul x s"]), None);
        assert_eq!(gate(&["s = Sigmoid x", "y = Add x s"]), None);
    }
}
