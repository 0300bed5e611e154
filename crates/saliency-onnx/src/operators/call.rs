//! The call of an operator: its inputs, its options, and where it computes.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use saliency_core::rules::{self, Rules};
use saliency_flex::nn::conv::Conv2d;

use crate::graph::Node;
use crate::values::{
    Booleans, Floats, Integers, Kind, Known, RANK, Value, check_rank, full_dims, integers, resolve,
};

/// The outputs of a node, or what is wrong in words.
pub(crate) type Outputs = Result<Vec<Value>, String>;

/// Where and how a graph is computed.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) device: Device,
    pub(crate) dtype: DType,
    /// The number of rows, if the file fixes a single one and there are more.
    pub(crate) rows: Option<usize>,
    /// The version of the operators.
    pub(crate) version: i64,
    /// The most values that a node may make.
    pub(crate) largest: usize,
    /// The rules of the backward pass.
    pub(crate) rules: Rules,
}

/// An input of a node.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) value: Value,
    /// The same numbers on the host, if they are known there.
    pub(crate) known: Option<Arc<Known>>,
}

impl From<Value> for Input {
    fn from(value: Value) -> Self {
        let known = match &value {
            Value::Known(known) => Some(known.clone()),
            _ => None,
        };
        Self { value, known }
    }
}

/// A convolution whose weights are constants.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) index: usize,
    pub(crate) kernel: [usize; 4],
}

/// The call of an operator.
pub(crate) struct Call<'a> {
    node: &'a Node,
    inputs: Vec<Option<Input>>,
    pub(crate) settings: &'a Settings,
    /// The convolution of the node, if its weights are constants.
    pub(crate) layer: Option<(&'a Conv2d, &'a Layer)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        node: &'a Node,
        inputs: Vec<Option<Input>>,
        settings: &'a Settings,
        layer: Option<(&'a Conv2d, &'a Layer)>,
    ) -> Self {
        Self { node, inputs, settings, layer }
    }

    // Inputs.

    /// Returns the number of inputs, those that are left out included.
    pub(crate) fn count(&self) -> usize {
        self.inputs.len()
    }

    /// Returns whether an input is given.
    pub(crate) fn has(&self, at: usize) -> bool {
        self.inputs.get(at).is_some_and(Option::is_some)
    }

    /// Returns the name of the operator.
    pub(crate) fn operator(&self) -> &'a str {
        &self.node.operator
    }

    /// Returns whether an input has a gradient.
    pub(crate) fn is_tracked(&self, at: usize) -> bool {
        matches!(self.value(at), Ok(Value::Floats(x)) if x.tensor.is_tracked())
    }

    /// Takes an input as a constant.
    pub(crate) fn stop(&mut self, at: usize) {
        if let Some(Some(input)) = self.inputs.get_mut(at)
            && let Value::Floats(x) = &input.value
        {
            input.value = Floats::new(rules::constant(x.tensor.clone()), x.rank).into();
        }
    }

    /// Returns the same call with another first input.
    pub(crate) fn with_first(&self, first: Floats) -> Self {
        let mut inputs = self.inputs.clone();
        inputs[0] = Some(Value::from(first).into());
        Self { node: self.node, inputs, settings: self.settings, layer: self.layer }
    }

    fn input(&self, at: usize) -> Result<&Input, String> {
        let input = self.inputs.get(at).and_then(Option::as_ref);
        input.ok_or_else(|| format!("input {at} is missing"))
    }

    pub(crate) fn value(&self, at: usize) -> Result<Value, String> {
        Ok(self.input(at)?.value.clone())
    }

    pub(crate) fn dims(&self, at: usize) -> Result<Vec<usize>, String> {
        Ok(self.input(at)?.value.dims())
    }

    /// Returns an input as floats.
    pub(crate) fn floats(&self, at: usize) -> Result<Floats, String> {
        Ok(match self.value(at)? {
            Value::Floats(array) => array,
            Value::Integers(array) => {
                Floats::new(array.tensor.float().cast(self.settings.dtype), array.rank)
            }
            Value::Booleans(array) => {
                Floats::new(array.tensor.float().cast(self.settings.dtype), array.rank)
            }
            Value::Known(known) => self.put(&known)?,
        })
    }

    /// Returns an input as integers. Fractions are cut off.
    pub(crate) fn integers(&self, at: usize) -> Result<Integers, String> {
        Ok(match self.value(at)? {
            Value::Floats(array) => Integers::new(array.tensor.int(), array.rank),
            Value::Integers(array) => array,
            Value::Booleans(array) => Integers::new(array.tensor.int(), array.rank),
            Value::Known(known) => {
                check_rank(&known.dims)?;
                let tensor = integers(known.integers(), &known.dims, &self.settings.device);
                Integers::new(tensor, known.dims.len())
            }
        })
    }

    /// Returns an input as booleans: whether each value differs from zero.
    pub(crate) fn booleans(&self, at: usize) -> Result<Booleans, String> {
        if let Value::Booleans(array) = self.value(at)? {
            return Ok(array);
        }
        let array = self.integers(at)?;
        Ok(Booleans::new(array.tensor.not_equal_elem(0), array.rank))
    }

    /// Puts known numbers on the device as floats.
    pub(crate) fn put(&self, known: &Known) -> Result<Floats, String> {
        check_rank(&known.dims)?;
        let data = TensorData::new(known.numbers.clone(), full_dims(&known.dims));
        let tensor = Tensor::from_data(data, (&self.settings.device, self.settings.dtype));
        Ok(Floats::new(tensor, known.dims.len()))
    }

    /// Returns an input if its numbers are known without reading the device.
    pub(crate) fn known(&self, at: usize) -> Option<Arc<Known>> {
        self.inputs.get(at)?.as_ref()?.known.clone()
    }

    /// Returns the numbers of an input, which are read from the device if they must be.
    pub(crate) fn read(&self, at: usize) -> Result<Arc<Known>, String> {
        if let Some(known) = self.known(at) {
            return Ok(known);
        }
        let (dims, kind) = (self.dims(at)?, self.input(at)?.value.kind());
        let cannot = |error: burn::tensor::TensorReadError| error.to_string();
        let (numbers, kind) = match self.value(at)? {
            Value::Floats(array) => {
                (array.tensor.try_into_vec_as::<f64>().map_err(cannot)?, Kind::Float)
            }
            Value::Integers(array) => {
                let numbers = array.tensor.try_into_vec_as::<i64>().map_err(cannot)?;
                (numbers.into_iter().map(|it| it as f64).collect(), Kind::Integer)
            }
            Value::Booleans(array) => {
                let numbers = array.tensor.try_into_vec_as::<bool>().map_err(cannot)?;
                (numbers.into_iter().map(f64::from).collect(), Kind::Boolean)
            }
            Value::Known(_) => return Err(format!("{kind} are always known")),
        };
        Ok(Arc::new(Known { dims, numbers, kind, range: None }))
    }

    /// Returns the integers of an input, which are read from the device if they must be.
    pub(crate) fn read_integers(&self, at: usize) -> Result<Vec<i64>, String> {
        Ok(self.read(at)?.integers())
    }

    /// Returns all inputs if the node can be computed on the host: its inputs are known, and at
    /// least one is not a weight.
    pub(crate) fn all_known(&self) -> Option<Vec<Arc<Known>>> {
        let of_host =
            |input: &Option<Input>| matches!(input, Some(Input { value: Value::Known(_), .. }));
        if !self.inputs.iter().any(of_host) {
            return None;
        }
        (0..self.count()).filter(|&at| self.has(at)).map(|at| self.known(at)).collect()
    }

    // Options.

    pub(crate) fn has_option(&self, name: &str) -> bool {
        self.node.attributes.has(name)
    }

    pub(crate) fn integer(&self, name: &str, default: i64) -> i64 {
        self.node.attributes.integer(name).unwrap_or(default)
    }

    pub(crate) fn float(&self, name: &str, default: f64) -> f64 {
        self.node.attributes.float(name).unwrap_or(default)
    }

    pub(crate) fn text(&self, name: &str, default: &'a str) -> &'a str {
        self.node.attributes.text(name).unwrap_or(default)
    }

    pub(crate) fn list(&self, name: &str) -> Option<&'a [i64]> {
        self.node.attributes.integers(name)
    }

    pub(crate) fn float_list(&self, name: &str) -> Option<&'a [f32]> {
        self.node.attributes.floats(name)
    }

    pub(crate) fn texts(&self, name: &str) -> Option<&'a [String]> {
        self.node.attributes.texts(name)
    }

    pub(crate) fn constant(&self, name: &str) -> Option<&'a crate::values::Constant> {
        self.node.attributes.tensor(name)
    }

    /// Returns a list that is an option in old versions and an input in new ones.
    pub(crate) fn list_or_input(&self, name: &str, at: usize) -> Result<Option<Vec<i64>>, String> {
        match self.list(name) {
            Some(list) => Ok(Some(list.to_vec())),
            None if self.has(at) => self.read_integers(at).map(Some),
            None => Ok(None),
        }
    }

    /// Returns a size that is an option.
    pub(crate) fn size(&self, name: &str, default: usize) -> Result<usize, String> {
        let found = self.integer(name, default as i64);
        usize::try_from(found).map_err(|_| format!("`{name}` is {found}"))
    }

    /// Returns a count that is an option, which is not zero.
    pub(crate) fn positive(&self, name: &str, default: usize) -> Result<usize, String> {
        match self.size(name, default)? {
            0 => Err(format!("`{name}` is zero")),
            size => Ok(size),
        }
    }

    /// Returns a list of sizes that is an option, with one size for each dimension.
    pub(crate) fn sizes<const N: usize>(
        &self,
        name: &str,
        default: usize,
    ) -> Result<[usize; N], String> {
        let Some(list) = self.list(name) else { return Ok([default; N]) };
        let wrong = || format!("`{name}` is {list:?}, and {N} sizes were expected");
        let sizes = list.iter().map(|&it| usize::try_from(it)).collect::<Result<Vec<_>, _>>();
        sizes.map_err(|_| wrong())?.try_into().map_err(|_| wrong())
    }

    /// Returns the axis of an input that an option names.
    pub(crate) fn axis(&self, default: i64, rank: usize) -> Result<usize, String> {
        resolve(self.integer("axis", default), rank)
    }

    /// Returns how many outputs the node has.
    pub(crate) fn outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// Returns whether an output has a name, so that it may be used.
    pub(crate) fn wants(&self, output: usize) -> bool {
        self.node.outputs.get(output).is_some_and(|name| !name.is_empty())
    }

    /// Refuses a shape that would take too much memory.
    pub(crate) fn check_size(&self, dims: &[usize]) -> Result<(), String> {
        check_rank(dims)?;
        let count = dims.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
        if count.is_none_or(|count| count > self.settings.largest) {
            return Err(format!("the result of shape {dims:?} is too large"));
        }
        Ok(())
    }
}

/// Makes the only output of a node.
pub(crate) fn one(value: impl Into<Value>) -> Outputs {
    Ok(vec![value.into()])
}

/// Changes the tensor of an array, which keeps its rank.
pub(crate) fn mapped(x: Floats, change: impl FnOnce(Tensor<RANK>) -> Tensor<RANK>) -> Floats {
    Floats::new(change(x.tensor), x.rank)
}

impl Call<'_> {
    /// Turns a value into floats, as [`Call::floats`] does with an input.
    pub(crate) fn floats_of(&self, value: Value) -> Result<Floats, String> {
        Call::new(self.node, vec![Some(value.into())], self.settings, None).floats(0)
    }

    /// Turns a value into integers, as [`Call::integers`] does with an input.
    pub(crate) fn integers_of(&self, value: Value) -> Result<Integers, String> {
        Call::new(self.node, vec![Some(value.into())], self.settings, None).integers(0)
    }
}
