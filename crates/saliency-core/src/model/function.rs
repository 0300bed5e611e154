//! A module and a function of it as a model.

use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};

use crate::model::model::Model;
use crate::rules::{Ruled, Rules};

/// A module together with a function of that module. Use it for a network of another crate
/// (`ModelFn::new(net, Net::forward)`), for a module that does not implement [`Model`], or to explain something other than the module's own scores: another head, a sum over
/// pixels, a fixed second input.
///
/// # Example
/// A segmentation network explained by the sum of its scores over all pixels:
/// ```
/// use burn::nn::conv::{Conv2d, Conv2dConfig};
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, ModelFn};
///
/// let device = Device::flex();
/// let segmenter = Conv2dConfig::new([3, 5], [3, 3]).init(&device);
/// let summed = ModelFn::new(segmenter, |net: &Conv2d, photo: Tensor<4>| {
///     net.forward(photo).sum_dims(&[2, 3]).flatten(1, 3)
/// });
/// let map = Gradient::new().attribute(&summed, Tensor::ones([1, 3, 8, 8], &device))?;
/// assert_eq!(map.values.dims(), [1, 3, 8, 8]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ModelFn<M, F> {
    module: M,
    function: F,
}

impl<M, F> ModelFn<M, F> {
    /// Wraps a module and a function of it, which returns `[rows, scores]`.
    ///
    /// The function is given the module in inference mode. It must use this argument rather than a
    /// captured module, which would stay in training mode.
    pub fn new<I>(module: M, function: F) -> Self
    where
        F: Fn(&M, I) -> Tensor<2>,
    {
        Self { module, function }
    }

    fn map_module(self, map: impl FnOnce(M) -> M) -> Self {
        Self { module: map(self.module), function: self.function }
    }
}

impl<I, M: Module + Sync, F: Fn(&M, I) -> Tensor<2> + Clone + Send + Sync> Model<I>
    for ModelFn<M, F>
{
    fn forward(&self, input: I) -> Tensor<2> {
        (self.function)(&self.module, input)
    }
}

/// The module of a [`ModelFn`] that has none: see [`pure_function`].
#[derive(Module, Debug)]
pub struct NoModule {}

/// Makes a model without parameters from any differentiable function of the input.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, pure_function};
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let map = Gradient::new().attribute(&square, x)?;
/// assert_eq!(map.values.into_scalar::<f32>(), 6.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn pure_function<I>(
    function: impl Fn(I) -> Tensor<2> + Clone + Send + Sync,
) -> ModelFn<NoModule, impl Fn(&NoModule, I) -> Tensor<2> + Clone + Send + Sync> {
    ModelFn::new(NoModule {}, move |_: &NoModule, input: I| function(input))
}

// Written by hand, because the derive requires closures to be `Debug`.
impl<M: Module, F: Clone + Send> Module for ModelFn<M, F> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.module.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_module(|module| module.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_module(|module| module.to_device(device))
    }

    fn train(self) -> Self {
        self.map_module(M::train)
    }

    fn valid(&self) -> Self {
        Self { module: self.module.valid(), function: self.function.clone() }
    }

    fn materialize(self) -> Self {
        self.map_module(M::materialize)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.module.visit(visitor);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        self.map_module(|module| module.map(mapper))
    }
}

impl<M: Ruled, F: Clone + Send> Ruled for ModelFn<M, F> {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { module: self.module.with_rules(rules), function: self.function.clone() }
    }
}

impl<M: std::fmt::Debug, F> std::fmt::Debug for ModelFn<M, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let function = std::any::type_name::<F>();
        f.debug_struct("ModelFn")
            .field("module", &self.module)
            .field("function", &function)
            .finish()
    }
}
