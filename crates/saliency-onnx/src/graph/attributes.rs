//! The options of a node.

use std::collections::BTreeMap;

use onnx_ir::{AttributeProto, AttributeType};

use crate::values::Constant;

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

impl Attribute {
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
