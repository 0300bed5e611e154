//! From a graph to a plan.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::{self, Graph, Node};
use crate::operators;

use super::gates::Gates;
use super::weights::Layout;
use super::{Branch, Counted, Kind, Plan, Source, Step};

/// A part of a graph: what is given, and what is wanted.
pub(crate) struct Request<'a> {
    pub(crate) inputs: &'a [String],
    pub(crate) counted: &'a [Counted],
    pub(crate) outputs: &'a [String],
}

/// The values that would have to be given too.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) Vec<String>);

impl Request<'_> {
    /// Returns the nodes that the outputs need, or the inputs of the graph that they need beyond
    /// those that are given.
    pub(crate) fn nodes<'g>(
        &self,
        graph: &'g Graph,
    ) -> std::result::Result<Vec<&'g Node>, Missing> {
        let given: HashSet<&str> = self.inputs.iter().map(String::as_str).collect();
        let given: HashSet<&str> =
            given.into_iter().chain(self.counted.iter().map(|it| it.name.as_str())).collect();
        let mut wanted: HashSet<&str> = self.outputs.iter().map(String::as_str).collect();
        let mut nodes = Vec::new();
        // Nodes are in the order of computation, so that one pass from the end is enough.
        for node in graph.nodes.iter().rev() {
            let needed = node
                .outputs
                .iter()
                .any(|name| wanted.contains(name.as_str()) && !given.contains(name.as_str()));
            if needed {
                wanted.extend(node.reads().filter(|name| !given.contains(name)));
                nodes.push(node);
            }
        }
        nodes.reverse();
        let missing: Vec<String> = graph
            .inputs
            .iter()
            .map(|port| &port.name)
            .filter(|name| wanted.contains(name.as_str()) && !given.contains(name.as_str()))
            .cloned()
            .collect();
        if missing.is_empty() { Ok(nodes) } else { Err(Missing(missing)) }
    }
}

impl Plan {
    /// Plans a part of a graph.
    pub(crate) fn new(graph: &Graph, layout: &Layout, request: &Request) -> Result<Self> {
        let nodes = request.nodes(graph).map_err(|Missing(names)| {
            Error::no_such_part(format!("the result also depends on {}", names.join(", ")))
        })?;
        let nodes: Vec<&Node> = nodes.into_iter().collect();
        Builder::new(layout).plan(&nodes, request.inputs, request.counted, request.outputs)
    }
}

struct Builder<'a> {
    layout: &'a Layout,
    places: HashMap<String, usize>,
    count: usize,
}

impl<'a> Builder<'a> {
    fn new(layout: &'a Layout) -> Self {
        Self { layout, places: HashMap::new(), count: 0 }
    }

    fn place(&mut self, name: &str) -> usize {
        let place = self.count;
        self.places.insert(name.to_owned(), place);
        self.count += 1;
        place
    }

    fn source(&self, name: &str) -> Result<Source> {
        if let Some(&place) = self.places.get(name) {
            return Ok(Source::Place(place));
        }
        if self.layout.has(name) {
            return Ok(Source::Weight(Arc::from(name)));
        }
        Err(Error::graph(format!("`{name}` is used, but nothing computes it")))
    }

    fn plan(
        mut self,
        nodes: &[&Node],
        inputs: &[String],
        counted: &[Counted],
        outputs: &[String],
    ) -> Result<Plan> {
        let inputs: Vec<usize> = inputs.iter().map(|name| self.place(name)).collect();
        let counted: Vec<Counted> = counted
            .iter()
            .map(|it| Counted { place: self.place(&it.name), ..it.clone() })
            .collect();
        let gates = Gates::new(nodes);
        let mut steps = Vec::with_capacity(nodes.len());
        for node in nodes {
            steps.push(self.step(node, &gates)?);
        }
        let outputs = outputs.iter().map(|name| self.source(name)).collect::<Result<Vec<_>>>()?;
        forget(&mut steps, &outputs);
        Ok(Plan { steps, places: self.count, inputs, counted, outputs })
    }

    fn step<'n>(&mut self, node: &'n Node, gates: &Gates<'n>) -> Result<Step> {
        let layer = node.outputs.first().and_then(|output| self.layout.layer(output)).cloned();
        let source = |(at, name): (usize, &String)| {
            // The weights of a layer are in the layer.
            if name.is_empty() || (layer.is_some() && at > 0) {
                return Ok(None);
            }
            self.source(name).map(Some)
        };
        let mut inputs = node.inputs.iter().enumerate().map(source).collect::<Result<Vec<_>>>()?;
        let kind = if node.operator == "If" {
            let branches = [self.branch(node, "then_branch")?, self.branch(node, "else_branch")?];
            // What the branches read is read here too, so that it is not forgotten before.
            for branch in &branches {
                inputs.extend(branch.reads.iter().cloned().map(Some));
            }
            Kind::Choice(Box::new(branches))
        } else {
            let operator = operators::find(&node.operator);
            Kind::Operator(operator.ok_or_else(|| Error::graph(format!("{node} is unknown")))?)
        };
        let outputs = node.outputs.iter().map(|name| (!name.is_empty()).then(|| self.place(name)));
        let outputs = outputs.collect();
        let gate = gates.of(node, |name| self.layout.has(name));
        let (node, last) = (Arc::new(node.clone()), Vec::new());
        Ok(Step { node, kind, inputs, outputs, last, layer, gate })
    }

    fn branch(&self, node: &Node, name: &str) -> Result<Branch> {
        let branch = node.branches.iter().find(|branch| branch.name == name);
        let branch: &graph::Branch =
            branch.ok_or_else(|| Error::graph(format!("{node} has no `{name}`")))?;
        // Everything that the branch reads and does not compute comes from around it.
        let own: HashSet<&str> =
            branch.nodes.iter().flat_map(|node| node.outputs.iter().map(String::as_str)).collect();
        let mut outer: Vec<String> = branch
            .nodes
            .iter()
            .flat_map(Node::reads)
            .chain(branch.outputs.iter().map(String::as_str))
            .filter(|name| !own.contains(name) && self.places.contains_key(*name))
            .map(str::to_owned)
            .collect();
        outer.sort_unstable();
        outer.dedup();
        let reads = outer.iter().map(|name| self.source(name)).collect::<Result<_>>()?;
        let nodes: Vec<&Node> = branch.nodes.iter().collect();
        let plan = Builder::new(self.layout).plan(&nodes, &outer, &[], &branch.outputs)?;
        Ok(Branch { plan, reads })
    }
}

/// Notes at each step which values no later step needs.
fn forget(steps: &mut [Step], outputs: &[Source]) {
    let mut needed: HashSet<usize> = outputs.iter().filter_map(place).collect();
    for step in steps.iter_mut().rev() {
        let reads = step.inputs.iter().flatten().filter_map(place);
        let made = step.outputs.iter().flatten().copied();
        step.last = reads.chain(made).filter(|place| needed.insert(*place)).collect();
    }
}

fn place(source: &Source) -> Option<usize> {
    match source {
        Source::Place(place) => Some(*place),
        Source::Weight(_) => None,
    }
}
