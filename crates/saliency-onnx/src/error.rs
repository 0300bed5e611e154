//! What can be wrong with a file, a name or an input.

use std::fmt;
use std::path::PathBuf;

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Says why a file cannot be explained, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    #[non_exhaustive]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        cause: std::io::Error,
    },
    /// The bytes are not an ONNX model.
    #[error("this is not an ONNX model: {reason}")]
    #[non_exhaustive]
    NotOnnx {
        /// The reason, in words.
        reason: String,
    },
    /// The file uses a version of the operators that is not known here.
    #[error(
        "the file needs version {found} of ONNX's operators, and versions {least} to {most} are \
         supported: export it again with `opset_version={most}`"
    )]
    #[non_exhaustive]
    Version {
        /// The version in the file.
        found: i64,
        /// The oldest supported version.
        least: i64,
        /// The newest supported version.
        most: i64,
    },
    /// The file describes training rather than a model that is finished.
    #[error("the file holds a graph for training: export the model for inference instead")]
    Training,
    /// The graph cannot be run whatever its operators are.
    #[error("the graph in the file is broken: {reason}")]
    #[non_exhaustive]
    Graph {
        /// The reason, in words.
        reason: String,
    },
    /// A weight in the file cannot be used.
    #[error("the weight `{name}` cannot be used: {reason}")]
    #[non_exhaustive]
    Weight {
        /// The name of the weight.
        name: String,
        /// The reason, in words.
        reason: String,
    },
    /// The file uses operators that are not supported.
    #[error("{0}")]
    Unsupported(UnsupportedOperators),
    /// A node failed on the input.
    #[error("{node} cannot be computed: {reason}")]
    #[non_exhaustive]
    Node {
        /// The node: its operator, its name, and its line in the graph.
        node: String,
        /// The reason, in words.
        reason: String,
    },
    /// There is no tensor or layer of that name.
    #[error("there is no layer `{name}`{}", did_you_mean(similar))]
    #[non_exhaustive]
    UnknownLayer {
        /// The name.
        name: String,
        /// Names that are like it.
        similar: Vec<String>,
    },
    /// The model has no input or output of that name.
    #[error("there is no {kind} `{name}`: the model has {}", listed(known))]
    #[non_exhaustive]
    UnknownName {
        /// "input" or "output".
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// The inputs are not those of the model.
    #[error("the model takes {}, and was given {found}", listed(expected))]
    #[non_exhaustive]
    Inputs {
        /// The inputs of the model, with their types and shapes.
        expected: Vec<String>,
        /// The inputs that were given.
        found: String,
    },
    /// No part of the model is suitable for the request.
    #[error("{reason}")]
    #[non_exhaustive]
    NoSuchPart {
        /// The reason, in words.
        reason: String,
    },
}

/// A node whose operator is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The operator.
    pub operator: String,
    /// The name of the node. It may be empty.
    pub node: String,
    /// The line in the graph, from 1. Nodes of inner graphs have the line of the node around them.
    pub line: usize,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.operator)?;
        if self.node.is_empty() {
            return write!(f, " (line {} of the graph)", self.line);
        }
        write!(f, " (node `{}`, line {} of the graph)", self.node, self.line)
    }
}

/// All operators of a file that are not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedOperators(pub Vec<Unsupported>);

impl fmt::Display for UnsupportedOperators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(nodes) = self;
        let shown: Vec<String> = nodes.iter().take(5).map(ToString::to_string).collect();
        let more = nodes.len().saturating_sub(shown.len());
        write!(f, "the file uses operators that are not supported: {}", shown.join("; "))?;
        if more > 0 {
            write!(f, "; and {more} more")?;
        }
        f.write_str(". `saliency_onnx::operators()` lists the supported ones")
    }
}

impl Error {
    pub(crate) fn graph(reason: impl Into<String>) -> Self {
        Self::Graph { reason: reason.into() }
    }

    pub(crate) fn weight(name: &str, reason: impl Into<String>) -> Self {
        Self::Weight { name: name.to_owned(), reason: reason.into() }
    }

    pub(crate) fn not_onnx(reason: impl Into<String>) -> Self {
        Self::NotOnnx { reason: reason.into() }
    }

    pub(crate) fn open_shape() -> Self {
        Self::no_such_part(
            "the file leaves the shape of an input open: set it with `OnnxModel::with_shape`",
        )
    }

    pub(crate) fn no_such_part(reason: impl Into<String>) -> Self {
        Self::NoSuchPart { reason: reason.into() }
    }
}

fn did_you_mean(similar: &[String]) -> String {
    if similar.is_empty() {
        return ": `OnnxModel::tensors` lists the layers".into();
    }
    format!(": did you mean {}?", listed(similar))
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "none".into(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
