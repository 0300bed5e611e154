//! Parameters of a module, found and replaced by their path; and a parameter as an input.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::model::function::ModelFn;

/// A float parameter of a module, such as a weight or a learnt position, as the thing to be
/// explained. See [`parameter`].
#[derive(Clone, Debug)]
pub struct ParameterInput<M> {
    net: M,
    path: String,
    found: Found,
}

/// Returns a float parameter of a module as an input that can be explained: which weights made the
/// model decide so?
///
/// The path names the fields that lead to the parameter, joined by dots, such as
/// `encoder.layers.0.norm.gamma`. It may lead through private fields and other people's modules.
/// Elements of a list have their number as name. The module is not changed.
///
/// # Shapes
/// [`values`](ParameterInput::values) is `[1, values]`: one row with all values of the parameter.
/// Reshape an attribution to [`shape`](ParameterInput::shape).
///
/// # Cost
/// The model is run once for each point of a path and for each sample, because each of them is a
/// network of its own.
///
/// # Errors
/// [`Error::UnknownParameter`], which lists the parameters, nearest first, and
/// [`Error::RunningStatistic`] for a statistic such as `running_mean`, which is no parameter.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, InputTimesGradient, Target, parameter};
///
/// let device = Device::flex();
/// let net = LinearConfig::new(2, 3).init(&device);
/// let x = Tensor::<2>::from_data([[1.0, -1.0]], &device);
///
/// let weight = parameter(&net, "weight")?;
/// let model = weight.model(move |net| net.forward(x.clone()));
/// let map = InputTimesGradient::new().attribute_to(&model, weight.values(), Target::Class(1))?;
/// let values = map.values.reshape([2, 3]);
/// assert_eq!(weight.shape(), [2, 3]);
/// // The weights of another class do not matter.
/// assert_eq!(values.narrow(1, 2, 1).abs().sum().into_scalar::<f32>(), 0.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn parameter<M: Module>(net: &M, path: &str) -> Result<ParameterInput<M>> {
    let net = snapshot(net);
    let found = find(&net, path)?;
    Ok(ParameterInput { net, path: path.to_owned(), found })
}

impl<M: Module + Sync> ParameterInput<M> {
    /// Returns the values of the parameter `[1, values]`: the input to be explained.
    pub fn values(&self) -> Tensor<2> {
        self.found.values.clone().reshape([1, -1])
    }

    /// Returns the shape of the parameter.
    pub fn shape(&self) -> &[usize] {
        &self.found.shape
    }

    /// Makes a model whose input is the parameter. `forward` is given the module with the parameter
    /// in place, and returns the scores `[1, scores]` of the one input that it captures.
    ///
    /// `forward` must use the module that it is given. If it returns more than one row, explainers
    /// answer with [`Error::OutputShape`].
    pub fn model<F>(
        &self,
        forward: F,
    ) -> ModelFn<M, impl Fn(&M, Tensor<2>) -> Tensor<2> + Clone + Send + Sync + use<M, F>>
    where
        F: Fn(&M) -> Tensor<2> + Clone + Send + Sync,
    {
        let (path, shape) = (self.path.clone(), self.found.shape.clone());
        ModelFn::new(self.net.clone(), move |net: &M, rows: Tensor<2>| {
            let scores = (0..rows.dims()[0]).map(|row| {
                let value = rows.clone().narrow(0, row, 1);
                forward(&replace(net, &path, value, |_| shape.clone()))
            });
            Tensor::cat(scores.collect(), 0)
        })
    }
}

/// Takes a snapshot of a module in inference mode, with adapters (LoRA) merged into the weights that
/// they adapt. The snapshot shares no running statistics with the module.
pub(crate) fn snapshot<M: Module>(net: &M) -> M {
    net.valid().materialize()
}

/// The values of a parameter that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// All values in one row.
    pub values: Tensor<1>,
    pub shape: Vec<usize>,
}

/// Finds a float parameter of a [`snapshot`].
///
/// # Errors
/// [`Error::UnknownParameter`] and [`Error::RunningStatistic`].
pub(crate) fn find<M: Module>(net: &M, path: &str) -> Result<Found> {
    let mut search = Search { wanted: path, at: Vec::new(), known: Vec::new(), found: None };
    net.visit(&mut search);
    let Some(found) = search.found else {
        let mut known = search.known;
        known.sort_by_key(|other| std::cmp::Reverse(alike(path, other)));
        return Err(Error::UnknownParameter { path: path.to_owned(), known });
    };
    if is_shared(net, path, &found) {
        return Err(Error::RunningStatistic { path: path.to_owned() });
    }
    Ok(found)
}

/// Counts the characters that two paths have in common at their beginnings and at their ends.
fn alike(a: &str, b: &str) -> usize {
    let start = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let end = a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).count();
    start + end
}

/// Returns whether the clones of a module share a value, as they do with the running statistics of
/// BatchNorm. To replace the value in a clone would change the module itself, on other threads too.
fn is_shared<M: Module>(net: &M, path: &str, found: &Found) -> bool {
    // A snapshot of the snapshot, because the value is lost if it is shared.
    let trial = net.valid();
    // A shape that the value does not have tells the two apart without reading them.
    let mut other = vec![1; found.shape.len()];
    if let Some(first) = other.first_mut().filter(|_| found.shape.iter().all(|&size| size == 1)) {
        *first = 2;
    }
    let zeros = Tensor::<2>::zeros([1, other.iter().product()], &found.values.device());
    replace(&trial, path, zeros, |_| other.clone());
    let mut search = Search { wanted: path, at: Vec::new(), known: Vec::new(), found: None };
    trial.visit(&mut search);
    search.found.is_none_or(|after| after.shape != found.shape)
}

/// Returns a clone of a module in which a parameter has other values. `shape` is given the shape of
/// the parameter before, and returns the new one.
///
/// All other parameters are passed on as they are, so that running statistics, which clones share,
/// stay the same.
pub(crate) fn replace<M: Module>(
    net: &M,
    path: &str,
    values: Tensor<2>,
    shape: impl Fn(&[usize]) -> Vec<usize>,
) -> M {
    map_parameter(net, path, |_, before| (values.clone(), shape(before)))
}

/// Returns a clone of a module in which `map` has replaced a parameter. `map` is given the values in
/// one row and the shape, and returns the same of the new parameter.
pub(crate) fn map_parameter<M: Module>(
    net: &M,
    path: &str,
    map: impl FnMut(Tensor<2>, &[usize]) -> (Tensor<2>, Vec<usize>),
) -> M {
    net.clone().map(&mut Replace { wanted: path, at: Vec::new(), map })
}

/// Visits all float parameters of a module, and takes the values of one.
struct Search<'a> {
    wanted: &'a str,
    at: Vec<String>,
    known: Vec<String>,
    found: Option<Found>,
}

impl ModuleVisitor for Search<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.at.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.at.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.at.join(".");
        if path == self.wanted {
            let values = param.val().inner();
            let shape = values.dims().to_vec();
            self.found = Some(Found { values: values.reshape([-1]), shape });
        }
        self.known.push(path);
    }
}

/// Replaces one float parameter.
struct Replace<'a, F> {
    wanted: &'a str,
    at: Vec<String>,
    map: F,
}

impl<F: FnMut(Tensor<2>, &[usize]) -> (Tensor<2>, Vec<usize>)> ModuleMapper for Replace<'_, F> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.at.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.at.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.at.join(".") != self.wanted {
            return param;
        }
        let before = param.val();
        let dims = before.dims();
        let (values, shape) = (self.map)(before.reshape([1, -1]), &dims);
        let shape: [usize; D] = shape.try_into().expect("the rank of the parameter");
        Param::initialized(param.id, values.reshape(shape))
    }
}
