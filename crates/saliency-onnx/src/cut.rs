//! A model cut in two at one of its tensors.

use std::collections::HashSet;

use burn::tensor::Tensor;

use crate::batch::Batching;
use crate::error::{Error, Result};
use crate::file::{Dimension, Element, Port};
use crate::graph::Node;
use crate::inputs::OnnxInputs;
use crate::model::{OnnxModel, Part};
use crate::plan::{Counted, Missing, Plan, Request};
use crate::trace::{Layer, Trace, Traces};
use crate::values::Value;

/// The most names that a message suggests.
const SUGGESTED: usize = 5;

/// A model cut in two at one of its tensors: both halves are models.
///
/// # Example
/// Integrated Gradients at a layer, from an activation of zeros:
/// ```no_run
/// # use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, IntegratedGradients};
/// # use saliency_onnx::OnnxModel;
/// # let device = Device::flex();
/// # let model = OnnxModel::open("shop.onnx", &device)?;
/// # let photo = Tensor::<4>::zeros([1, 3, 224, 224], &device);
/// let cut = model.at("layer4.1")?;
/// let activation = cut.activation::<4>(photo)?;
/// let map = IntegratedGradients::new().attribute(&cut.after, activation)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OnnxCut {
    /// The name of the tensor at the cut.
    pub name: String,
    /// The part before the cut. Its output is the tensor at the cut.
    pub before: OnnxModel,
    /// The part behind the cut. Its first input is the tensor at the cut; other inputs of the model
    /// follow, if the part needs them too.
    pub after: OnnxModel,
}

impl OnnxCut {
    /// Computes the tensor at the cut. The same as [`OnnxModel::activation`] of the part before it.
    ///
    /// # Errors
    /// As there.
    pub fn activation<const D: usize>(&self, input: impl OnnxInputs) -> Result<Tensor<D>> {
        self.before.activation(input)
    }
}

impl OnnxModel {
    /// Computes the explained output in the file's own shape, such as `[rows, boxes, numbers]`.
    ///
    /// # Errors
    /// [`Error::Inputs`] and [`Error::Node`]; [`Error::NoSuchPart`] if the rank is another.
    pub fn activation<const D: usize>(&self, input: impl OnnxInputs) -> Result<Tensor<D>> {
        self.scores(input.into_values())?.fixed::<D>().map_err(Error::no_such_part)
    }
}

impl OnnxModel {
    /// Sets the shape of an input for one row, for files that leave it open: for example
    /// `&[1, 3, 224, 224]`. [`layers`](Self::layers) and [`at`](Self::at) need it.
    ///
    /// # Errors
    /// [`Error::UnknownName`]; [`Error::Inputs`] if the file says otherwise; [`Error::Node`] if the
    /// model cannot be run on such an input.
    pub fn with_shape(self, input: &str, shape: &[usize]) -> Result<Self> {
        let mut inputs = self.part.inputs.clone();
        let known = || self.inputs().iter().map(|port| port.name.clone()).collect();
        let port = inputs.iter_mut().find(|port| port.name == input);
        let port = port.ok_or_else(|| Error::UnknownName {
            kind: "input",
            name: input.into(),
            known: known(),
        })?;
        let fits = port.shape.as_ref().is_none_or(|old| {
            old.len() == shape.len()
                && old.iter().zip(shape).all(|(old, new)| match old {
                    Dimension::Fixed(old) => old == new,
                    Dimension::Open(_) => *new > 0,
                })
        });
        if !fits {
            return Err(Error::Inputs {
                expected: vec![port.to_string()],
                found: format!("the shape {shape:?}"),
            });
        }
        // The number of rows stays open if it was.
        let open = matches!(port.shape.as_deref(), None | Some([Dimension::Open(_), ..]));
        let sizes = shape.iter().enumerate().map(|(at, &size)| match (at, open) {
            (0, true) => Dimension::Open(String::new()),
            _ => Dimension::Fixed(size),
        });
        port.shape = Some(sizes.collect());
        let model = self.with_part(|part| Part { inputs, ..part });
        if let Some(noise) = model.noise(1, 1) {
            model.scores(noise)?;
        }
        Ok(model)
    }

    /// Lists the tensors at which the model can be cut, in the order of computation, with their
    /// shapes: those on which the scores depend through nothing else.
    ///
    /// # Errors
    /// [`Error::NoSuchPart`] if the file leaves a shape open: see [`with_shape`](Self::with_shape).
    pub fn layers(&self) -> Result<Vec<Layer>> {
        let traces = self.traces()?;
        let counted = traces.counted();
        let layers = traces.one.layers.iter();
        Ok(layers.filter(|layer| self.separates(&layer.name, &counted)).cloned().collect())
    }

    /// Returns about how many bytes one row takes with everything that is kept for its gradient.
    ///
    /// # Errors
    /// As [`layers`](Self::layers).
    pub fn bytes_per_row(&self) -> Result<u64> {
        let trace = &self.traces()?.one;
        let values = trace.layers.iter().map(|layer| layer.shape.iter().product::<usize>() as u64);
        Ok(4 * values.sum::<u64>())
    }

    /// Chooses the layer to cut at if nobody names one: the last feature map with a height and a
    /// width; in a transformer the last tensor with a vector for each token, before the scores.
    ///
    /// # Errors
    /// [`Error::NoSuchPart`] if there is none, or if the file leaves a shape open.
    pub fn default_layer(&self) -> Result<Layer> {
        let traces = self.traces()?;
        let counted = traces.counted();
        let attends = |layer: &Layer| match (layer.operator.as_str(), layer.shape.as_slice()) {
            ("Attention", _) => true,
            ("Softmax", [.., queries, keys]) => layer.shape.len() > 2 && queries == keys,
            _ => false,
        };
        let is_transformer = traces.one.layers.iter().any(attends);
        let is_wanted = |layer: &&Layer| match layer.shape.as_slice() {
            [1, _, height, width] => !is_transformer && *height > 1 && *width > 1,
            [1, tokens, _] => is_transformer && *tokens > 1,
            _ => false,
        };
        let layers = traces.one.layers.iter().rev().filter(is_wanted);
        let mut layers = layers.filter(|layer| layer.name != self.scores_name());
        let found = layers.find(|layer| self.separates(&layer.name, &counted));
        found.cloned().ok_or_else(|| {
            Error::no_such_part("the model has no layer with a height and a width, or with tokens")
        })
    }

    /// Cuts the model at a layer: the name of a tensor, of a node, or of a module of the network
    /// that was exported, such as `layer4.1`.
    ///
    /// # Errors
    /// [`Error::UnknownLayer`]; [`Error::NoSuchPart`] if the scores also depend on other tensors.
    pub fn at(&self, layer: &str) -> Result<OnnxCut> {
        let name = self.resolve(layer)?;
        let traces = self.traces().ok();
        let counted = traces.map(Traces::counted).unwrap_or_default();
        let layers = traces.map(|traces| traces.one.layers.as_slice()).unwrap_or_default();
        let shape = layers.iter().find(|layer| layer.name == name).map(|it| it.shape.clone());
        self.cut(name, shape, &counted)
    }

    /// Cuts the model behind the embedding of an integer input: the first tensor that is picked from
    /// a matrix of weights by the input. So texts are explained from their embeddings.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such input; [`Error::NoSuchPart`] if it picks nothing.
    pub fn embeddings(&self, input: &str) -> Result<OnnxCut> {
        if !self.inputs().iter().any(|port| port.name == input) {
            let known = self.inputs().iter().map(|port| port.name.clone()).collect();
            return Err(Error::UnknownName { kind: "input", name: input.into(), known });
        }
        let graph = &self.graph.graph;
        // The input under all names that conversions give it.
        let mut names: HashSet<&str> = HashSet::from([input]);
        for node in &graph.nodes {
            let reads = |at: usize| node.inputs.get(at).map(String::as_str);
            let is_copy = matches!(
                node.operator.as_str(),
                "Cast" | "Identity" | "Unsqueeze" | "Squeeze" | "Reshape"
            );
            if is_copy && reads(0).is_some_and(|name| names.contains(name)) {
                names.extend(node.outputs.first().map(String::as_str));
            }
            let picks = node.operator == "Gather" && reads(1).is_some_and(|it| names.contains(it));
            if picks && reads(0).is_some_and(|name| self.graph.layout.is_matrix(name)) {
                let counted = self.traces().map(Traces::counted).unwrap_or_default();
                return self.cut(node.outputs[0].clone(), None, &counted);
            }
        }
        Err(Error::no_such_part(format!("`{input}` picks no rows of a matrix of weights")))
    }

    fn cut(&self, name: String, shape: Option<Vec<usize>>, counted: &[Counted]) -> Result<OnnxCut> {
        let plan = self.part_of(&self.part.inputs, &[], &name)?;
        let output = name.clone();
        let before = self.with_part(|part| Part { plan, output, ending: None, ..part });
        let dimensions = |shape: Vec<usize>| {
            let open = |(at, size)| match at {
                0 => Dimension::Open(String::new()),
                _ => Dimension::Fixed(size),
            };
            shape.into_iter().enumerate().map(open).collect()
        };
        let port =
            Port { name: name.clone(), element: Element::Float, shape: shape.map(dimensions) };
        let mut inputs = vec![port];
        let counted: Vec<Counted> =
            counted.iter().filter(|counted| counted.name != name).cloned().collect();
        if let Err(Missing(missing)) = self.needs(&inputs, &counted) {
            let others = self.part.inputs.iter().filter(|port| missing.contains(&port.name));
            inputs.extend(others.cloned());
        }
        // A photo alone does not say what else would have to be given.
        let floats = inputs[1..].iter().find(|port| port.element == Element::Float);
        if let Some(input) = floats {
            return Err(Error::no_such_part(format!(
                "the model cannot be cut at `{name}`: its scores also depend on `{}` on another way; \
                 `OnnxModel::layers` lists where it can be cut",
                input.name,
            )));
        }
        let plan = self.part_of(&inputs, &counted, self.scores_name())?;
        let after = self.with_part(|part| Part { plan, inputs, ..part });
        Ok(OnnxCut { name, before, after })
    }

    fn part_of(&self, inputs: &[Port], counted: &[Counted], output: &str) -> Result<Plan> {
        let names: Vec<String> = inputs.iter().map(|port| port.name.clone()).collect();
        let outputs = [output.to_owned()];
        let request = Request { inputs: &names, counted, outputs: &outputs };
        Plan::new(&self.graph.graph, &self.graph.layout, &request)
    }

    /// Returns the inputs that the scores need beyond those that are given.
    fn needs(&self, inputs: &[Port], counted: &[Counted]) -> std::result::Result<(), Missing> {
        let names: Vec<String> = inputs.iter().map(|port| port.name.clone()).collect();
        let outputs = [self.scores_name().to_owned()];
        let request = Request { inputs: &names, counted, outputs: &outputs };
        request.nodes(&self.graph.graph).map(|_| ())
    }

    fn separates(&self, name: &str, counted: &[Counted]) -> bool {
        let port = Port { name: name.to_owned(), element: Element::Float, shape: None };
        let counted: Vec<Counted> = counted.iter().filter(|it| it.name != name).cloned().collect();
        match self.needs(&[port], &counted) {
            Ok(()) => true,
            // Integers and booleans can be given beside the activation.
            Err(Missing(names)) => self
                .part
                .inputs
                .iter()
                .all(|port| !names.contains(&port.name) || port.element != Element::Float),
        }
    }

    /// Runs the model on one row and on two, once.
    fn traces(&self) -> Result<&Traces> {
        if let Some(traces) = self.part.traces.get() {
            return Ok(traces);
        }
        let one = self.trace(self.noise(1, 1).ok_or_else(Error::open_shape)?, 1)?;
        let two = match &self.part.batching {
            batching if !self.fits_together(batching) => None,
            _ => self.noise(1, 2).and_then(|noise| self.trace(noise, 2).ok()),
        };
        Ok(self.part.traces.get_or_init(|| Traces { one, two }))
    }

    fn trace(&self, inputs: Vec<Value>, rows: usize) -> Result<Trace> {
        let mut trace = Trace::default();
        let mut watch = |node: &Node, outputs: &[Value]| {
            for (name, value) in node.outputs.iter().zip(outputs) {
                match value {
                    Value::Floats(array) => trace.layers.push(Layer {
                        name: name.clone(),
                        node: node.name.clone(),
                        operator: node.operator.clone(),
                        shape: array.dims(),
                    }),
                    Value::Known(known) => {
                        trace.known.insert(name.clone(), known.clone());
                    }
                    _ => {}
                }
            }
        };
        self.run_rows(
            &self.part.plan,
            inputs,
            rows,
            (rows > 1 && self.is_opened()).then_some(rows),
            &mut watch,
        )?;
        Ok(trace)
    }

    fn is_opened(&self) -> bool {
        matches!(self.part.batching, Batching::One { .. })
    }

    /// Finds the tensor of a name.
    fn resolve(&self, layer: &str) -> Result<String> {
        let nodes = &self.graph.graph.nodes;
        let first = |node: &Node| node.outputs.first().cloned();
        if nodes.iter().any(|node| node.outputs.iter().any(|name| name == layer)) {
            return Ok(layer.to_owned());
        }
        let by_name = nodes.iter().find(|node| !layer.is_empty() && node.name == layer);
        let by_module = || nodes.iter().rev().find(|node| modules(node).any(|it| it == layer));
        by_name.or_else(by_module).and_then(first).ok_or_else(|| {
            let mut similar: Vec<String> = nodes
                .iter()
                .flat_map(|node| modules(node).map(str::to_owned).chain(first(node)))
                .filter(|name| name.contains(layer) || layer.contains(name.as_str()))
                .filter(|name| !name.is_empty())
                .collect();
            similar.dedup();
            similar.truncate(SUGGESTED);
            Error::UnknownLayer { name: layer.to_owned(), similar }
        })
    }
}

/// Returns the modules of the exported network that a node lies in, outermost first. PyTorch's old
/// exporter writes `/layer4/layer4.1/relu/Relu`, and its new one
/// `: ResNet/layer4: Sequential/layer4.1: BasicBlock/relu_16: aten.relu.default`.
fn modules(node: &Node) -> impl Iterator<Item = &str> {
    let of_name = node.name.split('/').filter(|part| !part.is_empty());
    let of_scope = node.scope.split('/').filter_map(|part| part.split(':').next());
    of_name.chain(of_scope.map(str::trim).filter(|part| !part.is_empty()))
}
