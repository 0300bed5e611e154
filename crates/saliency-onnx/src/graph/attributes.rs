//! The options of a node.

use std::collections::BTreeMap;

use onnx_ir::{AttributeProto, AttributeType};

use crate::values::{Constant, Numbers};

/// One option of a node.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Integer(i64),
    Float(f32),
    Text(String),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    Tensor(Constant),
    /// Something that no operator here reads.
    Other,
}

/// The options of a node, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes(pub(crate) BTreeMap<String, Attribute>);

impl Attributes {
    /// Returns the numbers of a `Constant` node.
    pub(crate) fn stated(&self) -> Option<Constant> {
        if let Some(constant) = self.tensor("value") {
            return Some(constant.clone());
        }
        let (dims, numbers) = if let Some(number) = self.integer("value_int") {
            (vec![], Numbers::Integers(vec![number]))
        } else if let Some(number) = self.float("value_float") {
            (vec![], Numbers::Floats(vec![number as f32]))
        } else if let Some(numbers) = self.integers("value_ints") {
            (vec![numbers.len()], Numbers::Integers(numbers.to_vec()))
        } else {
            let numbers = self.floats("value_floats")?;
            (vec![numbers.len()], Numbers::Floats(numbers.to_vec()))
        };
        Some(Constant { dims, numbers, range: None })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Attribute::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn float(&self, name: &str) -> Option<f64> {
        match self.0.get(name) {
            Some(Attribute::Float(number)) => Some(f64::from(*number)),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Attribute::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.0.get(name) {
            Some(Attribute::Integers(numbers)) => Some(numbers),
            _ => None,
        }
    }

    pub(crate) fn floats(&self, name: &str) -> Option<&[f32]> {
        match self.0.get(name) {
            Some(Attribute::Floats(numbers)) => Some(numbers),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Option<&[String]> {
        match self.0.get(name) {
            Some(Attribute::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&Constant> {
        match self.0.get(name) {
            Some(Attribute::Tensor(constant)) => Some(constant),
            _ => None,
        }
    }
}

/// Options whose meaning is the same for all operators, by the kind of their value. An option of
/// another kind would be read as if it were not there.
const KINDS: [(&[&str], &str); 5] = [
    (
        &[
            "axis",
            "batch_dims",
            "blocksize",
            "ceil_mode",
            "count_include_pad",
            "fmod",
            "group",
            "hidden_size",
            "is_causal",
            "keepdims",
            "largest",
            "layout",
            "linear_before_reset",
            "num_groups",
            "num_outputs",
            "size",
            "to",
            "transA",
            "transB",
            "upper",
        ],
        "an integer",
    ),
    (
        &["axes", "dilations", "kernel_shape", "output_padding", "pads", "perm", "strides"],
        "integers",
    ),
    (&["alpha", "beta", "bias", "epsilon", "gamma", "lambd"], "a number"),
    (&["auto_pad", "coordinate_transformation_mode", "direction", "equation", "mode"], "a text"),
    (&["scales"], "numbers"),
];

impl Attribute {
    /// Returns the kind of value that an option of this name must have, if the value is of another.
    pub(crate) fn wrong_kind(&self, name: &str) -> Option<&'static str> {
        let (_, expected) = KINDS.iter().find(|(names, _)| names.contains(&name))?;
        let found = match self {
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Integers(_) => "integers",
            Self::Floats(_) => "numbers",
            Self::Texts(_) | Self::Tensor(_) | Self::Other => "something else",
        };
        (found != *expected).then_some(expected)
    }

    /// Reads an attribute. `tensor` reads a weight.
    pub(crate) fn read(
        proto: &AttributeProto,
        tensor: impl FnOnce(&onnx_ir::TensorProto) -> Result<Constant, String>,
    ) -> Result<Self, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match proto.type_.enum_value_or_default() {
            AttributeType::INT => Self::Integer(proto.i),
            AttributeType::FLOAT => Self::Float(proto.f),
            AttributeType::STRING => Self::Text(text(&proto.s)),
            AttributeType::INTS => Self::Integers(proto.ints.clone()),
            AttributeType::FLOATS => Self::Floats(proto.floats.clone()),
            AttributeType::STRINGS => {
                Self::Texts(proto.strings.iter().map(|bytes| text(bytes)).collect())
            }
            AttributeType::TENSOR => Self::Tensor(tensor(proto.t.get_or_default())?),
            _ => Self::Other,
        })
    }
}
