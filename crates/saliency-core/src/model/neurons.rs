//! The units of a cut as scores.

use std::marker::PhantomData;

use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};

use crate::input::inputs::Inputs;
use crate::model::layer::{Cut, Split};
use crate::model::model::Model;

/// The part of a model before a cut as a model of its own, whose scores are the units of the cut.
/// Made by [`Split::neurons`](crate::Split::neurons).
///
/// Any explainer can explain why a unit is active: the unit's number is the class.
///
/// # Shapes
/// The scores are `[rows, units]`: the activation, flattened. The unit of channel c at (y, x) has
/// the number (c · height + y) · width + x. If several tensors cross the cut, they follow each
/// other; [`Fixed`](crate::Fixed) tensors count too.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Cut, Explainer, Gradient, Model, Split, Target};
///
/// /// Squares its input, and adds up the squares.
/// #[derive(Module, Debug)]
/// struct Net {}
/// struct Squares;
///
/// impl Cut<Tensor<2>, Squares> for Net {
///     type Activation = Tensor<2>;
///
///     fn before(&self, x: Tensor<2>) -> Tensor<2> {
///         x.powi_scalar(2)
///     }
///
///     fn after(&self, squares: Tensor<2>) -> Tensor<2> {
///         squares.sum_dim(1)
///     }
/// }
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(x))
///     }
/// }
///
/// let neurons = Split::at(&Net {}, Squares).neurons();
/// let x = Tensor::<2>::from_data([[1.0, -3.0]], &Device::flex());
/// let map = Gradient::new().attribute_to(&neurons, x, Target::Class(1))?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [0.0, -6.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub struct Neurons<M, I, P> {
    model: M,
    cut: PhantomData<fn(I, P)>,
}

impl<I, P, M: Cut<I, P>> Split<M, I, P> {
    /// Returns the part before the cut as a model of its own, whose scores are the units of the
    /// cut: see [`Neurons`].
    pub fn neurons(&self) -> Neurons<M, I, P> {
        Neurons::new(self.model().clone())
    }
}

impl<M, I, P> Neurons<M, I, P> {
    fn new(model: M) -> Self {
        Self { model, cut: PhantomData }
    }

    fn map_model(self, map: impl FnOnce(M) -> M) -> Self {
        Self::new(map(self.model))
    }
}

impl<I, P, M: Cut<I, P>> Model<I> for Neurons<M, I, P> {
    fn forward(&self, input: I) -> Tensor<2> {
        Tensor::cat(self.model.before(input).into_rows(), 1)
    }
}

// Written by hand, because a derive would require the same trait of the input and of the point.
impl<M: Clone, I, P> Clone for Neurons<M, I, P> {
    fn clone(&self) -> Self {
        Self::new(self.model.clone())
    }
}

impl<M: std::fmt::Debug, I, P> std::fmt::Debug for Neurons<M, I, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let point = std::any::type_name::<P>();
        f.debug_struct("Neurons").field("model", &self.model).field("point", &point).finish()
    }
}

impl<M: Module, I, P> Module for Neurons<M, I, P> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.model.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_model(|model| model.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_model(|model| model.to_device(device))
    }

    fn train(self) -> Self {
        self.map_model(M::train)
    }

    fn valid(&self) -> Self {
        Self::new(self.model.valid())
    }

    fn materialize(self) -> Self {
        self.map_model(M::materialize)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.model.visit(visitor);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        self.map_model(|model| model.map(mapper))
    }
}
