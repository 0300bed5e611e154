//! The weights of a graph, as parameters of a module.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor};
use saliency_flex::nn::conv::Conv2d;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::operators::{Input, Layer, layer};
use crate::values::{
    Booleans, Constant, Floats, Integers, Known, Numbers, RANK, Value, check_rank,
};

/// Constants of at most so many numbers are known on the host too.
const FEW: usize = 4096;

/// The weights on a device.
#[derive(Module, Debug)]
pub(crate) struct Weights {
    floats: Vec<Param<Tensor<RANK>>>,
    integers: Vec<Param<Tensor<RANK, Int>>>,
    convolutions: Vec<Conv2d>,
    /// Says on which device the model is, also if it has no weights.
    anchor: Param<Tensor<1, Int>>,
}

/// Where each weight is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    stored: HashMap<String, Stored>,
    /// The convolution of a node, by the name of its output.
    layers: HashMap<String, Layer>,
}

#[derive(Clone, Debug)]
struct Stored {
    place: Place,
    rank: usize,
    known: Option<Arc<Known>>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Float(usize),
    Integer(usize),
    Boolean(usize),
}

impl Layout {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.stored.contains_key(name)
    }

    /// Returns whether a name is that of a matrix of floats.
    pub(crate) fn is_matrix(&self, name: &str) -> bool {
        let stored = self.stored.get(name);
        stored.is_some_and(|it| it.rank == 2 && matches!(it.place, Place::Float(_)))
    }

    pub(crate) fn layer(&self, output: &str) -> Option<&Layer> {
        self.layers.get(output)
    }
}

impl Weights {
    /// Puts the weights of a graph on a device. Convolutions of pictures become layers, whose
    /// weights are not stored a second time.
    pub(crate) fn new(graph: &Graph, device: &Device, dtype: DType) -> Result<(Self, Layout)> {
        let anchor = Param::initialized(Default::default(), Tensor::zeros([1], device));
        let mut weights = Self { floats: vec![], integers: vec![], convolutions: vec![], anchor };
        let mut layout = Layout::default();
        for node in graph.nodes.iter().filter(|node| node.operator == "Conv") {
            let constant = |at: usize| {
                node.inputs
                    .get(at)
                    .filter(|name| !name.is_empty())
                    .map(|it| graph.constants.get(it))
            };
            let Some(Some(kernel)) = constant(1) else { continue };
            let Ok(dims) = <[usize; 4]>::try_from(kernel.dims.clone()) else { continue };
            let bias = match constant(2) {
                None => None,
                Some(Some(bias)) if bias.dims == [dims[0]] && bias.is_float() => Some(bias),
                Some(_) => continue,
            };
            if !kernel.is_float() || dims.contains(&0) {
                continue;
            }
            let tensor = kernel.tensor(device, dtype).reshape(dims);
            let bias = bias.map(|bias| bias.tensor(device, dtype).reshape([dims[0]]));
            if let Some(conv) = layer(node, tensor, bias) {
                let index = weights.convolutions.len();
                layout.layers.insert(node.outputs[0].clone(), Layer { index, kernel: dims });
                weights.convolutions.push(conv);
            }
        }
        let elsewhere = graph.nodes.iter().filter(|node| {
            node.outputs.first().is_none_or(|output| !layout.layers.contains_key(output))
        });
        let mut needed: Vec<&str> = elsewhere
            .flat_map(crate::graph::Node::reads)
            .chain(graph.outputs.iter().map(|port| port.name.as_str()))
            .filter(|name| graph.constants.contains_key(*name))
            .collect();
        needed.sort_unstable();
        needed.dedup();
        for name in needed {
            let stored = weights.store(name, &graph.constants[name], device, dtype)?;
            layout.stored.insert(name.to_owned(), stored);
        }
        Ok((weights, layout))
    }

    fn store(
        &mut self,
        name: &str,
        constant: &Constant,
        device: &Device,
        dtype: DType,
    ) -> Result<Stored> {
        check_rank(&constant.dims).map_err(|reason| Error::weight(name, reason))?;
        let place = match constant.numbers {
            Numbers::Floats(_) | Numbers::Doubles(_) => {
                self.floats.push(Param::from_tensor(constant.tensor(device, dtype)));
                Place::Float(self.floats.len() - 1)
            }
            Numbers::Integers(_) | Numbers::Booleans(_) => {
                let integers = constant.integers(device);
                self.integers.push(Param::initialized(Default::default(), integers));
                let at = self.integers.len() - 1;
                let is_boolean = matches!(constant.numbers, Numbers::Booleans(_));
                if is_boolean { Place::Boolean(at) } else { Place::Integer(at) }
            }
        };
        let known = (constant.len() <= FEW).then(|| Arc::new(constant.known()));
        Ok(Stored { place, rank: constant.dims.len(), known })
    }

    /// Returns a weight.
    pub(super) fn get(&self, layout: &Layout, name: &str) -> Option<Input> {
        let Stored { place, rank, known } = layout.stored.get(name)?;
        let value: Value = match *place {
            Place::Float(at) => Floats::new(self.floats[at].val(), *rank).into(),
            Place::Integer(at) => Integers::new(self.integers[at].val(), *rank).into(),
            Place::Boolean(at) => {
                Booleans::new(self.integers[at].val().not_equal_elem(0), *rank).into()
            }
        };
        Some(Input { value, known: known.clone() })
    }

    pub(super) fn convolution(&self, at: usize) -> &Conv2d {
        &self.convolutions[at]
    }

    /// Returns the device of the weights.
    pub(crate) fn device(&self) -> Device {
        self.anchor.val().device().inner()
    }

    /// Returns the precision of the weights.
    pub(crate) fn dtype(&self) -> Option<DType> {
        self.floats.first().map(|weight| weight.val().dtype())
    }
}
