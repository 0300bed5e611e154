//! Nodes whose inputs are all known when the file is opened.

use std::collections::HashMap;
use std::sync::Arc;

use burn::tensor::{DType, Device};
use saliency_core::kit::caught;
use saliency_core::rules::Rules;

use crate::error::{Error, Result};
use crate::operators::{self, Call, Input, Settings};
use crate::values::{Booleans, Constant, Floats, Integers, Kind, Known, Numbers, Value};

use crate::graph::{Attributes, Graph, Node};

/// The largest result that is computed in advance, in numbers.
const LARGEST: usize = 1 << 26;

/// Computes all nodes whose inputs are constants, and replaces them by their results.
pub(crate) fn constants(graph: &mut Graph) -> Result<()> {
    let nodes = std::mem::take(&mut graph.nodes);
    let mut kept = Vec::with_capacity(nodes.len());
    let mut queue: Vec<Node> = nodes.into_iter().rev().collect();
    while let Some(mut node) = queue.pop() {
        // A condition that is known chooses one of two graphs.
        if node.operator == "If"
            && let Some(condition) = node.inputs.first().and_then(|it| graph.constants.get(it))
        {
            let chosen = chosen(&mut node, condition)?;
            queue.extend(chosen.into_iter().rev());
            continue;
        }
        let known = !node.inputs.is_empty()
            && node.reads().all(|name| graph.constants.contains_key(name))
            && node.branches.is_empty();
        match known.then(|| evaluate(&node, &graph.constants, graph.version)) {
            Some(Some(results)) => graph.constants.extend(results),
            _ => kept.push(node),
        }
    }
    graph.nodes = kept;
    // Weights that only constants were computed from are no longer needed.
    let used: std::collections::HashSet<String> =
        graph.uses().into_keys().map(str::to_owned).collect();
    graph.constants.retain(|name, _| used.contains(name));
    Ok(())
}

/// Returns the nodes of the branch that a condition chooses, with its outputs under the names of
/// the node's own.
fn chosen(node: &mut Node, condition: &Constant) -> Result<Vec<Node>> {
    let name = if condition.doubles() == [0.0] { "else_branch" } else { "then_branch" };
    let branch = node.branches.iter_mut().find(|branch| branch.name == name);
    let branch = branch.ok_or_else(|| {
        Error::graph(format!("{node_name} has no `{name}`", node_name = "an `If`"))
    })?;
    let mut nodes = std::mem::take(&mut branch.nodes);
    for (output, inner) in node.outputs.iter().zip(&branch.outputs) {
        nodes.push(Node {
            operator: "Identity".into(),
            name: node.name.clone(),
            scope: node.scope.clone(),
            line: node.line,
            inputs: vec![inner.clone()],
            outputs: vec![output.clone()],
            attributes: Attributes::default(),
            branches: Vec::new(),
        });
    }
    Ok(nodes)
}

/// Computes a node. Returns `None` if it fails, or if its result is too large: the node is then
/// computed with the others, where an error is reported.
fn evaluate(
    node: &Node,
    constants: &HashMap<String, Constant>,
    version: i64,
) -> Option<Vec<(String, Constant)>> {
    let operator = operators::find(&node.operator)?;
    // Double precision is kept where the file has it.
    let double = node.inputs.iter().filter_map(|name| constants.get(name));
    let double = double.clone().any(|it| matches!(it.numbers, Numbers::Doubles(_)));
    let dtype = if double { DType::F64 } else { DType::F32 };
    let device = Device::flex();
    let inputs = node
        .inputs
        .iter()
        .map(|name| Some(folded_input(constants.get(name)?, &device, dtype)))
        .collect();
    let (rows, rules) = (None, Rules::Plain);
    let settings = Settings { device, dtype, rows, version, largest: LARGEST, rules };
    let mut call = Call::new(node, inputs, &settings, None);
    // A node that fails is computed with the others, where the failure is reported.
    let computed = caught(|| operator(&mut call));
    let results = computed.ok()?.ok()?;
    let named = node.outputs.iter().zip(results).filter(|(name, _)| !name.is_empty());
    named.map(|(name, value)| Some((name.clone(), constant(value)?))).collect()
}

fn folded_input(constant: &Constant, device: &Device, dtype: DType) -> Input {
    let rank = constant.dims.len();
    let value = match &constant.numbers {
        Numbers::Floats(_) | Numbers::Doubles(_) => {
            Value::Floats(Floats::new(constant.tensor(device, dtype), rank))
        }
        Numbers::Integers(_) => Value::Integers(Integers::new(constant.integers(device), rank)),
        Numbers::Booleans(_) => Value::Booleans(Booleans::new(constant.booleans(device), rank)),
    };
    Input { value, known: Some(Arc::new(constant.known())) }
}

fn constant(value: Value) -> Option<Constant> {
    let dims = value.dims();
    let numbers = match value {
        Value::Floats(array) if array.tensor.dtype() == DType::F64 => {
            Numbers::Doubles(array.tensor.try_into_vec_as().ok()?)
        }
        Value::Floats(array) => Numbers::Floats(array.tensor.try_into_vec_as().ok()?),
        Value::Integers(array) => Numbers::Integers(array.tensor.try_into_vec_as().ok()?),
        Value::Booleans(array) => Numbers::Booleans(array.tensor.try_into_vec_as().ok()?),
        Value::Known(known) => return Some(from_known(&known)),
    };
    Some(Constant { dims, numbers, range: None })
}

fn from_known(known: &Known) -> Constant {
    let numbers = match known.kind {
        Kind::Float => Numbers::Floats(known.numbers.iter().map(|&it| it as f32).collect()),
        Kind::Integer => Numbers::Integers(known.integers()),
        Kind::Boolean => Numbers::Booleans(known.numbers.iter().map(|&it| it != 0.0).collect()),
    };
    Constant { dims: known.dims.clone(), numbers, range: known.range }
}
