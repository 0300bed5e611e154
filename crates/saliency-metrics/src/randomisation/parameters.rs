//! The layers of a model, and random parameters in their place.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use saliency_core::kit::{Key, Stream};

use crate::error::{Error, Result};
use crate::units::ranking;

/// What parameters are replaced by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Replacement {
    /// Normal numbers with mean 0 and the root mean square of the parameter.
    #[default]
    Normal,
    /// The parameter's own values in random order. A parameter whose values are all equal stays as
    /// it is.
    Permuted,
}

/// Lists the layers of a model in the order of its fields, which is from input to output in most
/// models: the paths of all modules that have float parameters of their own.
///
/// The path of a convolution in a list of blocks is `blocks.3.conv`. A parameter that is a field of
/// the model itself is a layer of its own. The running statistics of BatchNorm are no parameters.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::Device;
/// use saliency_metrics::layers;
///
/// #[derive(Module, Debug)]
/// struct Net {
///     hidden: Vec<Linear>,
///     output: Linear,
/// }
///
/// let linear = |to| LinearConfig::new(4, to).init(&Device::flex());
/// let net = Net { hidden: vec![linear(4), linear(4)], output: linear(2) };
/// assert_eq!(layers(&net), ["hidden.0", "hidden.1", "output"]);
/// ```
pub fn layers<M: Module>(model: &M) -> Vec<String> {
    let mut found = Layers::default();
    model.visit(&mut found);
    found.layers
}

/// The path of a parameter: the names of the modules that hold it, and its own.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    /// Returns the path of the module that holds the parameter.
    fn layer(&self) -> String {
        match &self.0[..] {
            [] => "parameter".to_owned(),
            [own] => own.clone(),
            [modules @ .., _] => modules.join("."),
        }
    }

    /// Returns whether the parameter is updated by forward passes rather than by training.
    fn is_running_statistic(&self) -> bool {
        self.0.last().is_some_and(|name| name.starts_with("running_"))
    }
}

#[derive(Default)]
struct Layers {
    path: Path,
    layers: Vec<String>,
}

impl ModuleVisitor for Layers {
    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
        let layer = self.path.layer();
        if !self.path.is_running_statistic() && !self.layers.contains(&layer) {
            self.layers.push(layer);
        }
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.0.pop();
    }
}

/// Random parameters for the layers of a model.
pub(super) struct RandomParameters<'a> {
    /// The names of all layers, or of modules that hold several.
    pub layers: &'a [String],
    pub replacement: Replacement,
    pub seed: u64,
}

impl RandomParameters<'_> {
    /// Returns a copy of a model in inference mode, with random parameters in the layers for which
    /// `replaces` holds. The same layer always gets the same parameters.
    ///
    /// # Errors
    /// The device's, if parameters cannot be read back.
    pub fn put_into<M: Module>(&self, model: &M, replaces: impl Fn(usize) -> bool) -> Result<M> {
        // The copy for inference shares nothing with the model, running statistics neither.
        let path = Path::default();
        let mut mapper = Mapper { parameters: self, replaces, path, next: 0, error: None };
        let model = model.valid().map(&mut mapper);
        mapper.error.map_or(Ok(model), Err)
    }

    /// Returns the number of the layer that a module belongs to: of the innermost that is named.
    fn layer_of(&self, module: &str) -> Option<usize> {
        let holds = |layer: &str| {
            module.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let holding = self.layers.iter().enumerate().filter(|(_, layer)| holds(layer));
        holding.max_by_key(|(_, layer)| layer.len()).map(|(at, _)| at)
    }

    /// Draws values in place of those of a parameter.
    fn draw(&self, values: &[f64], parameter: u64) -> Vec<f64> {
        let key = Key { seed: self.seed, row: parameter, sample: 0 };
        let count = values.len();
        match self.replacement {
            Replacement::Normal => {
                let squares: f64 = values.iter().map(|value| value * value).sum();
                let strength = (squares / count as f64).sqrt();
                let normal = key.normal(Stream::Own(20), count);
                normal.into_iter().map(|value| f64::from(value) * strength).collect()
            }
            Replacement::Permuted => {
                let order = ranking(&key.uniform(Stream::Own(20), count));
                order.into_iter().map(|at| values[at]).collect()
            }
        }
    }
}

struct Mapper<'a, F> {
    parameters: &'a RandomParameters<'a>,
    replaces: F,
    path: Path,
    /// The number of the next parameter.
    next: u64,
    error: Option<Error>,
}

impl<F: Fn(usize) -> bool> ModuleMapper for Mapper<'_, F> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let parameter = self.next;
        self.next += 1;
        let layer = self.parameters.layer_of(&self.path.layer());
        let is_replaced = layer.is_some_and(&self.replaces) && !self.path.is_running_statistic();
        let tensor = param.base();
        if !is_replaced || matches!(tensor.dtype(), DType::QFloat(_)) {
            return param;
        }
        let (shape, device, dtype) = (tensor.dims(), tensor.device(), tensor.dtype());
        match tensor.try_into_vec_as::<f64>() {
            Ok(values) => {
                let values = self.parameters.draw(&values, parameter);
                let values = Tensor::<1>::from_data(&values[..], (&device, dtype));
                param.map(|_| values.reshape(shape))
            }
            Err(error) => {
                self.error = Some(saliency_core::Error::device(error).into());
                param
            }
        }
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.0.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.0.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Block {
        linear: Linear,
        scale: Param<Tensor<1>>,
    }

    #[derive(Module, Debug)]
    struct Net {
        gate: Param<Tensor<1>>,
        norm: BatchNorm,
        blocks: Vec<Block>,
    }

    fn net() -> Net {
        let device = Device::flex();
        let numbers = |from: f32| Param::from_data([from, from + 1.0, from + 2.0], &device);
        let linear = || LinearConfig::new(3, 3).init(&device);
        let block = |scale| Block { linear: linear(), scale: numbers(scale) };
        let norm = BatchNormConfig::new(3).init(&device);
        Net { gate: numbers(5.0), norm, blocks: vec![block(1.0), block(10.0)] }
    }

    fn numbers(param: &Param<Tensor<1>>) -> Vec<f64> {
        param.val().try_into_vec_as().unwrap()
    }

    const LAYERS: [&str; 6] =
        ["gate", "norm", "blocks.0.linear", "blocks.0", "blocks.1.linear", "blocks.1"];

    fn put(net: &Net, replaced: &[&str], replacement: Replacement) -> Net {
        let layers = LAYERS.map(str::to_owned);
        let random = RandomParameters { layers: &layers, replacement, seed: 3 };
        random.put_into(net, |at| replaced.contains(&LAYERS[at])).unwrap()
    }

    #[test]
    fn modules_with_parameters_of_their_own_are_layers() {
        assert_eq!(layers(&net()), LAYERS);
        assert_eq!(layers(&Param::<Tensor<1>>::from_data([1.0], &Device::flex())), ["parameter"]);
    }

    #[test]
    fn only_the_named_layers_are_replaced() {
        let net = net();
        let found = put(&net, &["blocks.0"], Replacement::Permuted);
        assert_eq!(numbers(&found.gate), numbers(&net.gate));
        let weight = |net: &Net| net.blocks[0].linear.weight.val().into_data();
        assert_eq!(weight(&found), weight(&net));
        let mut permuted = numbers(&found.blocks[0].scale);
        permuted.sort_by(f64::total_cmp);
        assert_eq!(permuted, [1.0, 2.0, 3.0]);
        // The module that holds a layer stands for all of it.
        let layers = ["blocks".to_owned()];
        let random =
            RandomParameters { layers: &layers, replacement: Replacement::Normal, seed: 0 };
        let found = random.put_into(&net, |_| true).unwrap();
        assert_ne!(weight(&found), weight(&net));
        assert_ne!(numbers(&found.blocks[1].scale), numbers(&net.blocks[1].scale));
    }

    #[test]
    fn normal_numbers_have_the_parameters_strength_and_are_the_same_again() {
        let weight = |net: &Net| -> Vec<f64> {
            net.blocks[1].linear.weight.val().try_into_vec_as().unwrap()
        };
        let strength = |values: &[f64]| values.iter().map(|it| it * it).sum::<f64>().sqrt();
        let device = Device::flex();
        let wide = LinearConfig::new(100, 100).init(&device);
        let all = ["weight".to_owned(), "bias".to_owned()];
        let random = RandomParameters { layers: &all, replacement: Replacement::Normal, seed: 1 };
        let found = random.put_into(&wide, |_| true).unwrap();
        let values = |linear: &Linear| linear.weight.val().try_into_vec_as::<f64>().unwrap();
        let ratio = strength(&values(&found)) / strength(&values(&wide));
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
        // Whatever else is replaced.
        let net = net();
        let alone = put(&net, &["blocks.1.linear"], Replacement::Normal);
        let among = put(&net, &LAYERS, Replacement::Normal);
        assert_eq!(weight(&alone), weight(&among));
        assert_ne!(weight(&alone), weight(&net));
    }

    #[test]
    fn running_statistics_stay_and_the_model_is_not_changed() {
        let net = net();
        let before = net.norm.running_var.value().into_data();
        let found = put(&net, &LAYERS, Replacement::Normal);
        assert_eq!(found.norm.running_var.value().into_data(), before);
        assert_eq!(net.norm.running_var.value().into_data(), before);
        assert_eq!(numbers(&net.gate), [5.0, 6.0, 7.0]);
        assert_ne!(numbers(&found.gate), [5.0, 6.0, 7.0]);
    }
}
