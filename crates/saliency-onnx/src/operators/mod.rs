//! The operators of ONNX: one small function each, in families.
//!
//! An operator is given its [`Call`]: the inputs and the options of its node. Shapes are computed
//! on the host, and data on the device, so that everything that is differentiable stays so.

mod activations;
mod arithmetic;
mod attention;
mod call;
mod convolutions;
mod extra;
mod indices;
mod layout;
mod logic;
mod matrices;
mod normalization;
mod pools;
mod quantization;
mod recurrent;
mod reductions;
mod resize;
mod ruled;
mod shapes;
mod types;

pub(crate) use call::{Call, Input, Layer, Outputs, Settings};
pub(crate) use convolutions::layer;
pub(crate) use ruled::computed;

/// Computes the outputs of a node.
pub(crate) type Operator = fn(&mut Call<'_>) -> Outputs;

/// An operator under its name.
type Entry = (&'static str, Operator);

/// Operators that run graphs of their own: see [`crate::plan`].
const WITH_GRAPHS: [&str; 1] = ["If"];

/// All families.
const FAMILIES: [&[Entry]; 17] = [
    activations::TABLE,
    arithmetic::TABLE,
    attention::TABLE,
    convolutions::TABLE,
    extra::TABLE,
    indices::TABLE,
    layout::TABLE,
    logic::TABLE,
    matrices::TABLE,
    normalization::TABLE,
    pools::TABLE,
    quantization::TABLE,
    recurrent::TABLE,
    reductions::TABLE,
    resize::TABLE,
    shapes::TABLE,
    types::TABLE,
];

/// Returns the names of all supported operators, in alphabetical order. Operators that are not
/// ONNX's own have their domain in front.
///
/// # Example
/// ```
/// assert!(saliency_onnx::operators().contains(&"Conv"));
/// ```
pub fn operators() -> Vec<&'static str> {
    let mut names: Vec<_> = FAMILIES.iter().copied().flatten().map(|entry| entry.0).collect();
    names.extend(WITH_GRAPHS);
    names.sort_unstable();
    names
}

/// Finds an operator by its name.
pub(crate) fn find(name: &str) -> Option<Operator> {
    FAMILIES.iter().copied().flatten().find(|entry| entry.0 == name).map(|entry| entry.1)
}

pub(crate) fn is_supported(name: &str) -> bool {
    find(name).is_some() || WITH_GRAPHS.contains(&name)
}
