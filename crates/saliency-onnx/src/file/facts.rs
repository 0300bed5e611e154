//! What a file says of its inputs and outputs.

use std::fmt;

use onnx_ir::ValueInfoProto;

/// One dimension of an input or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The file fixes the size.
    Fixed(usize),
    /// The size is open. The text is its name in the file, and may be empty.
    Open(String),
}

/// The kind of the numbers of an input or an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// Real numbers, of whatever precision the file names.
    Float,
    /// Integers.
    Integer,
    /// True or false.
    Boolean,
}

/// An input or an output of a file: its name, its numbers and its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The name in the file.
    pub name: String,
    /// The kind of its numbers.
    pub element: Element,
    /// The shape. It is `None` if the file does not say how many dimensions there are.
    pub shape: Option<Vec<Dimension>>,
}

impl Port {
    pub(crate) fn read(info: &ValueInfoProto) -> Result<Self, String> {
        let name = info.name.clone();
        let Some(kind) = info.type_.as_ref().filter(|kind| kind.has_tensor_type()) else {
            return Err(format!("`{name}` is not a tensor"));
        };
        let tensor = kind.tensor_type();
        let element = match tensor.elem_type {
            1 | 10 | 11 | 16 => Element::Float,
            2..=7 | 12 | 13 => Element::Integer,
            9 => Element::Boolean,
            0 => return Err(format!("the type of `{name}` is missing")),
            8 => return Err(format!("`{name}` holds texts rather than numbers")),
            other => return Err(format!("`{name}` holds numbers of the unknown type {other}")),
        };
        let dimension = |dim: &onnx_ir::TensorShapeProto| {
            dim.dim
                .iter()
                .map(|dim| match usize::try_from(dim.dim_value()) {
                    Ok(size) if dim.has_dim_value() && size > 0 => Dimension::Fixed(size),
                    _ => Dimension::Open(dim.dim_param().to_owned()),
                })
                .collect()
        };
        Ok(Self { name, element, shape: tensor.shape.as_ref().map(dimension) })
    }

    /// Returns the shape with one row, if only the number of rows is open.
    pub(crate) fn one_row(&self) -> Option<Vec<usize>> {
        let mut sizes = Vec::new();
        for (at, dimension) in self.shape.as_ref()?.iter().enumerate() {
            sizes.push(match dimension {
                Dimension::Fixed(size) => *size,
                Dimension::Open(_) if at == 0 => 1,
                Dimension::Open(_) => return None,
            });
        }
        Some(sizes)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.element {
            Element::Float => "numbers",
            Element::Integer => "integers",
            Element::Boolean => "true or false",
        };
        write!(f, "{}: {kind}", self.name)?;
        let Some(shape) = &self.shape else { return Ok(()) };
        let sizes: Vec<String> = shape
            .iter()
            .map(|size| match size {
                Dimension::Fixed(size) => size.to_string(),
                Dimension::Open(name) if name.is_empty() => "?".into(),
                Dimension::Open(name) => name.clone(),
            })
            .collect();
        write!(f, " [{}]", sizes.join(", "))
    }
}
