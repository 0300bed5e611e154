//! From the file's format to a graph whose names are unique and whose nodes are in order.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use onnx_ir::{AttributeType, GraphProto, NodeProto};

use crate::error::{Error, Result};
use crate::file::{Port, read_tensor};
use crate::values::Constant;

use super::attributes::{Attribute, Attributes};
use super::{Branch, Graph, Node};

/// How many graphs may lie inside each other.
const DEEPEST: usize = 16;

impl Graph {
    /// Reads the graph of a file. `folder` is where weights may lie that are not in the file.
    pub(crate) fn read(graph: &GraphProto, folder: Option<&Path>, version: i64) -> Result<Self> {
        let mut reader = Reader { folder, constants: HashMap::new(), line: 0 };
        let mut names = Names::default();
        let weights = reader.weights(graph, &mut names, "")?;
        let mut inputs = Vec::new();
        for info in graph.input.iter().filter(|info| !weights.contains(&info.name)) {
            inputs.push(Port::read(info).map_err(Error::graph)?);
            names.define(&info.name, "")?;
        }
        let nodes = reader.nodes(graph, &mut names, "", 0)?;
        let mut outputs = Vec::new();
        for info in &graph.output {
            names.find(&info.name)?;
            outputs.push(Port::read(info).map_err(Error::graph)?);
        }
        if outputs.is_empty() {
            return Err(Error::graph("it has no output"));
        }
        Ok(Self { nodes, constants: reader.constants, inputs, outputs, version })
    }
}

struct Reader<'a> {
    folder: Option<&'a Path>,
    constants: HashMap<String, Constant>,
    line: usize,
}

impl Reader<'_> {
    /// Reads the weights of a graph, and returns their names in the file.
    fn weights(
        &mut self,
        graph: &GraphProto,
        names: &mut Names,
        prefix: &str,
    ) -> Result<HashSet<String>> {
        if let Some(sparse) = graph.sparse_initializer.first() {
            let name = sparse.values.get_or_default().name.clone();
            return Err(Error::weight(&name, "it is sparse"));
        }
        let mut weights = HashSet::new();
        for tensor in &graph.initializer {
            let constant = read_tensor(tensor, self.folder)
                .map_err(|reason| Error::weight(&tensor.name, reason))?;
            let name = names.define(&tensor.name, prefix)?;
            self.constants.insert(name, constant);
            weights.insert(tensor.name.clone());
        }
        Ok(weights)
    }

    fn nodes(
        &mut self,
        graph: &GraphProto,
        names: &mut Names,
        prefix: &str,
        depth: usize,
    ) -> Result<Vec<Node>> {
        graph.node.iter().map(|node| self.node(node, names, prefix, depth)).collect()
    }

    fn node(
        &mut self,
        proto: &NodeProto,
        names: &mut Names,
        prefix: &str,
        depth: usize,
    ) -> Result<Node> {
        self.line += 1;
        let line = self.line;
        let operator = match proto.domain.as_str() {
            "" | "ai.onnx" => proto.op_type.clone(),
            domain => format!("{domain}.{}", proto.op_type),
        };
        let inputs = proto.input.iter().map(|name| names.find(name)).collect::<Result<_>>()?;
        let mut attributes = Attributes::default();
        let mut branches = Vec::new();
        for attribute in &proto.attribute {
            let name = attribute.name.clone();
            if attribute.type_.enum_value_or_default() == AttributeType::GRAPH {
                let prefix = format!("{prefix}{line}.{name}/");
                branches.push(self.branch(
                    attribute.g.get_or_default(),
                    names,
                    prefix,
                    name,
                    depth,
                )?);
                continue;
            }
            let tensor = |tensor: &onnx_ir::TensorProto| read_tensor(tensor, self.folder);
            let read = Attribute::read(attribute, tensor)
                .map_err(|reason| Error::weight(&format!("{operator}.{name}"), reason))?;
            if let Some(expected) = read.wrong_kind(&name) {
                return Err(Error::graph(format!(
                    "the option `{name}` of a `{operator}` in line {line} is not {expected}"
                )));
            }
            attributes.0.insert(name, read);
        }
        let outputs =
            proto.output.iter().map(|name| names.define(name, prefix)).collect::<Result<_>>()?;
        let namespace = proto
            .metadata_props
            .iter()
            .find(|entry| entry.key == "namespace" || entry.key == "pkg.torch.onnx.name_scopes");
        let scope = namespace.map(|entry| entry.value.clone()).unwrap_or_default();
        let name = proto.name.clone();
        Ok(Node { operator, name, scope, line, inputs, outputs, attributes, branches })
    }

    fn branch(
        &mut self,
        graph: &GraphProto,
        outer: &Names,
        prefix: String,
        name: String,
        depth: usize,
    ) -> Result<Branch> {
        if depth >= DEEPEST {
            return Err(Error::graph(format!("more than {DEEPEST} graphs lie inside each other")));
        }
        // Inner names may hide outer ones, and vanish at the end of the branch.
        let mut names = Names { known: outer.known.clone(), own: HashSet::new() };
        self.weights(graph, &mut names, &prefix)?;
        for info in &graph.input {
            names.define(&info.name, &prefix)?;
        }
        let nodes = self.nodes(graph, &mut names, &prefix, depth + 1)?;
        let outputs =
            graph.output.iter().map(|info| names.find(&info.name)).collect::<Result<_>>()?;
        Ok(Branch { name, nodes, outputs })
    }
}

/// The names that are known at a place of the file, and the unique name of each.
#[derive(Clone, Default)]
struct Names {
    known: HashMap<String, String>,
    /// The names that this graph defines.
    own: HashSet<String>,
}

impl Names {
    fn define(&mut self, name: &str, prefix: &str) -> Result<String> {
        // An output that is left out.
        if name.is_empty() {
            return Ok(String::new());
        }
        if !self.own.insert(name.to_owned()) {
            return Err(Error::graph(format!("the name `{name}` is given to two values")));
        }
        let unique = format!("{prefix}{name}");
        self.known.insert(name.to_owned(), unique.clone());
        Ok(unique)
    }

    fn find(&self, name: &str) -> Result<String> {
        if name.is_empty() {
            return Ok(String::new());
        }
        self.known.get(name).cloned().ok_or_else(|| {
            Error::graph(format!("`{name}` is used, but no earlier node computes it"))
        })
    }
}
