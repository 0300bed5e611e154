//! The file as a model of Burn.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use saliency_core::Model;
use saliency_core::rules::Rules;

use crate::batch::{Batching, one_by_one};
use crate::error::{Error, Result};
use crate::file::{Dimension, Element, OnnxFile, Port};
use crate::graph::{Ending, Graph};
use crate::inputs::OnnxInputs;
use crate::operators::{Input, Settings};
use crate::plan::{Layout, Plan, Request, Run, Watch, Weights};
use crate::simplify::simplified;
use crate::trace::Traces;
use crate::values::{Booleans, Floats, Integers, Value, check_rank, full_dims};

/// The most values that a node may make for one row: 256 MiB in single precision.
pub(crate) const LARGEST: usize = 1 << 26;

/// A model from an ONNX file: a Burn [`Module`], and a [`Model`] that every explainer takes.
///
/// The graph is computed node by node with Burn's tensors, so that it has gradients on every
/// backend. Batch normalisations are merged into convolutions, and what is constant is computed once.
///
/// # Shapes
/// - input: that of the file, rows first: a [`Tensor`] of any rank, `Fixed` integers or booleans, or
///   a tuple of them in the order of [`inputs`](Self::inputs). If the file fixes one row, any number
///   of rows is accepted
/// - output: `[rows, scores]`, one output of the file, flattened
///
/// # Defaults
/// - output: the first that holds real numbers; see [`with_output`](Self::with_output)
/// - a Softmax or a Sigmoid at the end is left out, because explanations ask for scores: gradients
///   of a probability near one are zero. [`ending`](Self::ending) names it, and
///   [`with_ending`](Self::with_ending) keeps it
/// - precision: single
///
/// # Panics
/// [`Model::forward`] panics if a node cannot be computed, for example because the photo has the
/// wrong size. Explainers report it as an error. [`compute`](Self::compute) returns it.
///
/// # Example
/// ```no_run
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, IntegratedGradients};
/// use saliency_onnx::OnnxModel;
///
/// let device = Device::flex();
/// let model = OnnxModel::open("shop.onnx", &device)?;
/// let photo = Tensor::<4>::zeros([1, 3, 224, 224], &device);
/// let map = IntegratedGradients::new().attribute(&model, photo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct OnnxModel {
    pub(crate) weights: Weights,
    #[module(skip)]
    pub(crate) graph: Arc<Shared>,
    #[module(skip)]
    pub(crate) part: Arc<Part>,
}

/// What all parts of a model share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) graph: Graph,
    pub(crate) layout: Layout,
}

/// The part of a graph that is computed.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) inputs: Vec<Port>,
    /// The output that is explained.
    pub(crate) output: String,
    pub(crate) ending: Option<Ending>,
    pub(crate) plan: Plan,
    pub(crate) batching: Batching,
    pub(crate) rules: Rules,
    /// What runs on noise have shown, once they were asked for.
    pub(crate) traces: OnceLock<Traces>,
}

impl OnnxFile {
    /// Puts the model on a device, in single precision.
    ///
    /// If the only input is one of real numbers whose shape the file fixes, the model is run once, so
    /// that errors are found here.
    ///
    /// # Errors
    /// [`Error::Graph`], [`Error::Weight`] and [`Error::Node`].
    pub fn load(self, device: &Device) -> Result<OnnxModel> {
        let mut graph = simplified(self.graph)?;
        let (weights, layout) = Weights::new(&graph, device, DType::F32)?;
        // They are on the device now.
        graph.constants.clear();
        let inputs = graph.inputs.clone();
        // Some classifiers state the chosen class first.
        let float = graph.outputs.iter().find(|port| port.element == Element::Float);
        let output = float.unwrap_or(&graph.outputs[0]).name.clone();
        let shared = Arc::new(Shared { graph, layout });
        let part = Part {
            plan: shared.plan(&inputs, &output)?,
            batching: Batching::of(&inputs),
            rules: Rules::Plain,
            inputs,
            output,
            ending: None,
            traces: OnceLock::new(),
        };
        let model = OnnxModel { weights, graph: shared, part: Arc::new(part) };
        model.checked()?.without_ending()
    }
}

impl Shared {
    fn plan(&self, inputs: &[Port], output: &str) -> Result<Plan> {
        let names: Vec<String> = inputs.iter().map(|port| port.name.clone()).collect();
        let request = Request { inputs: &names, counted: &[], outputs: &[output.to_owned()] };
        Plan::new(&self.graph, &self.layout, &request)
    }
}

impl OnnxModel {
    /// Opens a file and puts it on a device. The same as [`OnnxFile::read`] and
    /// [`OnnxFile::load`].
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        OnnxFile::read(path)?.load(device)
    }

    /// Returns the inputs, in the order in which they are given.
    pub fn inputs(&self) -> &[Port] {
        &self.part.inputs
    }

    /// Returns the outputs of the file.
    pub fn outputs(&self) -> &[Port] {
        &self.graph.graph.outputs
    }

    /// Returns the name of the output that is explained.
    pub fn output(&self) -> &str {
        &self.part.output
    }

    /// Returns the name of the tensor with the scores, before an ending that is left out.
    pub(crate) fn scores_name(&self) -> &str {
        self.part.ending.as_ref().map_or(&self.part.output, |ending| &ending.scores)
    }

    /// Returns how many scores the explained output has for each row, by computing one.
    ///
    /// # Errors
    /// [`Error::NoSuchPart`] if the file leaves a shape open: see [`with_shape`](Self::with_shape);
    /// [`Error::Node`] if the model cannot be computed.
    pub fn scores_per_row(&self) -> Result<usize> {
        let noise = self.noise(1, 1).ok_or_else(Error::open_shape)?;
        Ok(self.scores(noise)?.len())
    }

    /// Returns `Softmax` or `Sigmoid` if it was left out at the end.
    pub fn ending(&self) -> Option<&str> {
        self.part.ending.as_ref().map(|ending| ending.operator.as_str())
    }

    /// Explains another output, by its name.
    ///
    /// # Errors
    /// [`Error::UnknownName`]; [`Error::Node`] if the model cannot be run.
    pub fn with_output(self, name: &str) -> Result<Self> {
        if !self.outputs().iter().any(|port| port.name == name) {
            let known = self.outputs().iter().map(|port| port.name.clone()).collect();
            return Err(Error::UnknownName { kind: "output", name: name.into(), known });
        }
        let plan = self.graph.plan(&self.part.inputs, name)?;
        let (output, ending) = (name.to_owned(), None);
        self.with_part(|part| Part { plan, output, ending, ..part }).checked()?.without_ending()
    }

    /// Keeps the Softmax or the Sigmoid at the end.
    ///
    /// # Errors
    /// None that [`OnnxFile::load`] has not reported.
    pub fn with_ending(self) -> Result<Self> {
        let plan = self.graph.plan(&self.part.inputs, &self.part.output)?;
        Ok(self.with_part(|part| Part { plan, ending: None, ..part }))
    }

    /// Computes in another precision, such as [`DType::F64`].
    #[must_use]
    pub fn with_precision(self, dtype: DType) -> Self {
        self.map(&mut Precision(dtype))
    }

    /// Switches rules of the backward pass on, which make the gradients of transformers complete.
    /// The outputs stay the same.
    ///
    /// Under [`Rules::Libra`], `InputTimesGradient` is LibraGrad; every other method takes the model
    /// too. Softmax is a constant, and so is what a normalisation divides by, as one operator or
    /// written out; products of two activations share their gradient, and a gate (as in `x *
    /// sigmoid(x)`, or a GELU that is written out) is a constant; activations have the slope from
    /// zero. Recurrent operators keep their gradient.
    ///
    /// # Errors
    /// [`Error::NoSuchPart`] for [`Rules::Rescale`], which needs rows in the first axis of every
    /// tensor.
    ///
    /// # Example
    /// ```no_run
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_core::rules::Rules;
    /// use saliency_core::{Explainer, InputTimesGradient};
    /// use saliency_onnx::OnnxModel;
    ///
    /// let device = Device::flex();
    /// let model = OnnxModel::open("vit.onnx", &device)?.with_rules(Rules::Libra)?;
    /// let photo = Tensor::<4>::zeros([1, 3, 224, 224], &device);
    /// let map = InputTimesGradient::new().attribute(&model, photo)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_rules(self, rules: Rules) -> Result<Self> {
        if !matches!(rules, Rules::Plain | Rules::Libra) {
            return Err(Error::no_such_part(
                "an ONNX file may have its rows in any axis, and the rescale rule needs them in the \
                 first one: use Rules::Libra",
            ));
        }
        Ok(self.with_part(|part| Part { rules, ..part }))
    }

    fn without_ending(self) -> Result<Self> {
        let Some(ending) = Ending::of(&self.graph.graph, &self.part.output) else {
            return Ok(self);
        };
        let plan = self.graph.plan(&self.part.inputs, &ending.scores)?;
        Ok(self.with_part(|part| Part { plan, ending: Some(ending), ..part }))
    }

    /// Returns another part of the model. What was found out by runs of this one is not known of it.
    pub(crate) fn with_part(&self, change: impl FnOnce(Part) -> Part) -> Self {
        let batching = self.part.batching.untried();
        let part = Part { batching, traces: OnceLock::new(), ..(*self.part).clone() };
        Self { part: Arc::new(change(part)), ..self.clone() }
    }

    /// Computes all outputs of the file, endings included, from the numbers of its inputs in order.
    ///
    /// # Errors
    /// [`Error::Inputs`] and [`Error::Node`].
    ///
    /// # Example
    /// ```no_run
    /// # use burn::tensor::{Device, TensorData};
    /// # use saliency_onnx::OnnxModel;
    /// let detector = OnnxModel::open("detector.onnx", &Device::flex())?;
    /// let photo = TensorData::zeros::<f32, _>([1, 3, 320, 320]);
    /// for output in detector.compute(vec![photo])? {
    ///     println!("{}: {:?}", output.name, output.data.shape());
    /// }
    /// # Ok::<(), saliency_onnx::Error>(())
    /// ```
    pub fn compute(&self, inputs: Vec<TensorData>) -> Result<Vec<OnnxOutput>> {
        let names: Vec<String> = self.outputs().iter().map(|port| port.name.clone()).collect();
        let given: Vec<String> = self.part.inputs.iter().map(|port| port.name.clone()).collect();
        let request = Request { inputs: &given, counted: &[], outputs: &names };
        let plan = Plan::new(&self.graph.graph, &self.graph.layout, &request)?;
        let settings = self.settings(&[], 1, None);
        let values = self.part.inputs.iter().zip(inputs);
        let values = values.map(|(port, data)| put(port, data, &settings));
        let axes: Vec<usize> = names.iter().map(|name| self.row_axis(name)).collect();
        let values = self.run(&plan, values.collect::<Result<_>>()?, &axes, &mut |_, _| ())?;
        names.into_iter().zip(values).map(|(name, value)| OnnxOutput::read(name, value)).collect()
    }

    /// Runs a plan, all rows together or one by one. `axes` says which axis of each output counts the
    /// rows.
    pub(crate) fn run(
        &self,
        plan: &Plan,
        inputs: Vec<Value>,
        axes: &[usize],
        watch: Watch<'_>,
    ) -> Result<Vec<Value>> {
        self.check_inputs(&inputs)?;
        let rows = inputs.first().and_then(|value| value.dims().first().copied()).unwrap_or(1);
        match &self.part.batching {
            Batching::One { .. } if rows > 1 => {
                if self.fits_together(&self.part.batching) {
                    return self.run_rows(plan, inputs, rows, Some(rows), watch);
                }
                one_by_one(&inputs, rows, axes, |one| self.run_rows(plan, one, 1, None, watch))
            }
            _ => self.run_rows(plan, inputs, rows, None, watch),
        }
    }

    /// Runs a plan on all rows together. `opened` is their number if the file fixes one.
    pub(crate) fn run_rows(
        &self,
        plan: &Plan,
        inputs: Vec<Value>,
        rows: usize,
        opened: Option<usize>,
        watch: Watch<'_>,
    ) -> Result<Vec<Value>> {
        let inputs: Vec<Input> = inputs.into_iter().map(Input::from).collect();
        let settings = self.settings(&inputs, rows, opened);
        let run = Run { weights: &self.weights, layout: &self.graph.layout, settings };
        let outputs = run.outputs(plan, inputs, rows, watch)?;
        Ok(outputs.into_iter().map(|output| output.value).collect())
    }

    /// Returns which axis of an output counts the rows. It is the first one, unless the file says
    /// otherwise: readers of text state `[steps, rows, letters]`.
    pub(crate) fn row_axis(&self, output: &str) -> usize {
        let rows = self.part.inputs.first().and_then(|port| port.shape.as_ref()?.first());
        let port = self.outputs().iter().find(|port| port.name == output);
        let (Some(rows), Some(shape)) = (rows, port.and_then(|port| port.shape.as_ref())) else {
            return 0;
        };
        let is_named = !matches!(rows, Dimension::Open(name) if name.is_empty());
        match shape.iter().position(|size| size == rows) {
            Some(axis) if is_named => axis,
            _ => 0,
        }
    }

    fn settings(&self, inputs: &[Input], count: usize, rows: Option<usize>) -> Settings {
        let floats = inputs.iter().find_map(|input| match &input.value {
            Value::Floats(array) => Some(array),
            _ => None,
        });
        let device = inputs.iter().find_map(|input| match &input.value {
            Value::Floats(array) => Some(array.tensor.device()),
            Value::Integers(array) => Some(array.tensor.device()),
            Value::Booleans(array) => Some(array.tensor.device()),
            Value::Known(_) => None,
        });
        let dtype = floats.map(|array| array.tensor.dtype()).or(self.weights.dtype());
        Settings {
            device: device.map_or_else(|| self.weights.device(), Device::inner),
            dtype: dtype.unwrap_or(DType::F32),
            rows,
            version: self.graph.graph.version,
            largest: LARGEST.saturating_mul(count.max(1)),
            rules: self.part.rules,
        }
    }

    fn check_inputs(&self, inputs: &[Value]) -> Result<()> {
        let fits = |(port, value): (&Port, &Value)| {
            port.shape.as_ref().is_none_or(|shape| shape.len() == value.dims().len())
        };
        let ports = &self.part.inputs;
        if ports.len() == inputs.len() && ports.iter().zip(inputs).all(fits) {
            return Ok(());
        }
        let found: Vec<String> =
            inputs.iter().map(|value| format!("{} {:?}", value.kind(), value.dims())).collect();
        Err(Error::Inputs {
            expected: ports.iter().map(ToString::to_string).collect(),
            found: if found.is_empty() { "nothing".into() } else { found.join(", ") },
        })
    }

    /// Returns the explained output.
    pub(crate) fn scores(&self, inputs: Vec<Value>) -> Result<Floats> {
        let axes = [self.row_axis(&self.part.output)];
        let mut outputs = self.run(&self.part.plan, inputs, &axes, &mut |_, _| ())?;
        match outputs.pop() {
            Some(Value::Floats(scores)) => Ok(scores),
            Some(other) => Err(Error::no_such_part(format!(
                "the output `{}` holds {}, which have no gradient: choose another output",
                self.part.output,
                other.kind(),
            ))),
            None => Err(Error::graph("it has no output")),
        }
    }
}

impl<I: OnnxInputs> Model<I> for OnnxModel {
    fn forward(&self, input: I) -> Tensor<2> {
        let inputs = input.into_values();
        let rows = inputs.first().and_then(|value| value.dims().first().copied()).unwrap_or(1);
        let axis = self.row_axis(&self.part.output);
        let scores = self.scores(inputs).and_then(|scores| {
            let (count, dims) = (scores.len(), scores.dims());
            // Some files state another shape than they have.
            let counts = |&at: &usize| dims[at] == rows;
            let others: Vec<usize> = (0..dims.len()).filter(counts).collect();
            let axis = match others.as_slice() {
                [only] if dims.get(axis) != Some(&rows) => *only,
                _ => axis,
            };
            if dims.get(axis) != Some(&rows) || rows == 0 {
                return Err(Error::no_such_part(format!(
                    "the output `{}` has the shape {dims:?}, without an axis for the {rows} rows of \
                     the input",
                    self.part.output,
                )));
            }
            // Rows first.
            let order: Vec<usize> =
                std::iter::once(axis).chain((0..dims.len()).filter(|&it| it != axis)).collect();
            let turned = if axis == 0 { Ok(scores) } else { scores.permute(&order) };
            let flat = turned.and_then(|it| it.reshape(&[rows, count / rows])?.fixed::<2>());
            flat.map_err(Error::no_such_part)
        });
        match scores {
            Ok(scores) => scores,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Puts the numbers of an input on a device.
fn put(port: &Port, data: TensorData, settings: &Settings) -> Result<Value> {
    let dims = data.shape().to_vec();
    let wrong = |reason: String| Error::Inputs { expected: vec![port.to_string()], found: reason };
    check_rank(&dims).map_err(wrong)?;
    let (rank, device) = (dims.len(), &settings.device);
    let dtype = data.dtype();
    let data = TensorData::from_bytes(data.into_bytes(), full_dims(&dims), dtype);
    Ok(match port.element {
        Element::Float => {
            Floats::new(Tensor::from_data(data, (device, settings.dtype)), rank).into()
        }
        Element::Integer => Integers::new(Tensor::from_data(data, device), rank).into(),
        Element::Boolean => Booleans::new(Tensor::from_data(data, device), rank).into(),
    })
}

/// One output of a model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OnnxOutput {
    /// The name in the file.
    pub name: String,
    /// The shape and the numbers.
    pub data: TensorData,
}

impl OnnxOutput {
    fn read(name: String, value: Value) -> Result<Self> {
        let dims = value.dims();
        let cannot = |error: burn::tensor::ExecutionError| Error::Node {
            node: format!("`{name}`"),
            reason: error.to_string(),
        };
        let flat = match value {
            Value::Floats(array) => array.tensor.try_into_data().map_err(cannot)?,
            Value::Integers(array) => array.tensor.try_into_data().map_err(cannot)?,
            Value::Booleans(array) => array.tensor.try_into_data().map_err(cannot)?,
            Value::Known(known) => TensorData::new(known.numbers.clone(), known.dims.clone()),
        };
        let dtype = flat.dtype();
        let data = TensorData::from_bytes(flat.into_bytes(), dims, dtype);
        Ok(Self { name, data })
    }
}

struct Precision(DType);

impl ModuleMapper for Precision {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, param.val().cast(self.0))
    }
}
