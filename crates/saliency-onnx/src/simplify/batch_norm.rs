//! Batch normalisations behind convolutions.

use std::collections::HashMap;

use crate::values::{Constant, Numbers};

use crate::graph::{Graph, Node};

/// The epsilon of a node that names none.
pub(crate) const EPSILON: f64 = 1e-5;

/// Merges each batch normalisation into the convolution before it, if nothing else reads the
/// convolution's result:
///
/// ```text
/// scale (w * x + b - mean) + shift  =  (scale w) * x + scale (b - mean) + shift
/// ```
pub(crate) fn merge(graph: &mut Graph) {
    let uses: HashMap<String, usize> =
        graph.uses().into_iter().map(|(name, uses)| (name.to_owned(), uses)).collect();
    let makers: HashMap<String, usize> = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.operator == "Conv" && node.outputs.len() == 1)
        .map(|(at, node)| (node.outputs[0].clone(), at))
        .collect();
    let mut merged = Vec::new();
    for at in 0..graph.nodes.len() {
        let norm = &graph.nodes[at];
        if norm.operator != "BatchNormalization" || norm.inputs.len() != 5 {
            continue;
        }
        let Some(&conv) = makers.get(&norm.inputs[0]) else { continue };
        if uses.get(&norm.inputs[0]) != Some(&1) {
            continue;
        }
        let Some(weights) = weights(&graph.nodes[conv], norm, &graph.constants) else { continue };
        let output = graph.nodes[at].outputs[0].clone();
        let conv = &mut graph.nodes[conv];
        let (weight, bias) = (format!("{output}.weight"), format!("{output}.bias"));
        conv.inputs = vec![conv.inputs[0].clone(), weight.clone(), bias.clone()];
        conv.outputs = vec![output];
        graph.constants.insert(weight, weights.weight);
        graph.constants.insert(bias, weights.bias);
        merged.push(at);
    }
    let mut at = 0;
    graph.nodes.retain(|_| {
        at += 1;
        merged.binary_search(&(at - 1)).is_err()
    });
}

struct Merged {
    weight: Constant,
    bias: Constant,
}

/// Returns the weights of the merged convolution. Returns `None` if a weight is not a constant.
fn weights(conv: &Node, norm: &Node, constants: &HashMap<String, Constant>) -> Option<Merged> {
    let weight = constants.get(conv.inputs.get(1)?)?;
    let channels = *weight.dims.first()?;
    let bias = match conv.inputs.get(2).filter(|name| !name.is_empty()) {
        Some(name) => constants.get(name)?.doubles(),
        None => vec![0.0; channels],
    };
    let part = |at: usize| Some(constants.get(&norm.inputs[at])?.doubles());
    let (scale, shift, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
    let fits = [&bias, &scale, &shift, &mean, &variance].iter().all(|it| it.len() == channels);
    let single = matches!(weight.numbers, Numbers::Floats(_));
    // In training mode the statistics come from the batch.
    let training = norm.attributes.integer("training_mode").unwrap_or(0) != 0;
    if !fits || channels == 0 || !single || training || norm.outputs.len() != 1 {
        return None;
    }
    let epsilon = norm.attributes.float("epsilon").unwrap_or(EPSILON);
    let factor: Vec<f64> =
        scale.iter().zip(&variance).map(|(scale, it)| scale / (it + epsilon).sqrt()).collect();
    let each = weight.len() / channels;
    let numbers = weight.doubles();
    let scaled = numbers.iter().enumerate().map(|(at, it)| (it * factor[at / each.max(1)]) as f32);
    let shifted = (0..channels).map(|at| (factor[at] * (bias[at] - mean[at]) + shift[at]) as f32);
    Some(Merged {
        weight: Constant::floats(weight.dims.clone(), scaled.collect()),
        bias: Constant::floats(vec![channels], shifted.collect()),
    })
}
