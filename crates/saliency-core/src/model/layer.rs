//! Attribution at a layer: a model cut in two at a point of its forward pass.

use std::marker::PhantomData;

use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};

use crate::error::{Error, Result};
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::execution::workers::in_pool;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::model::model::Model;
use crate::rules::{Ruled, Rules};

/// A [`Model`] that can be cut in two at the point `P`: the part before the cut, and the part
/// after.
///
/// `P` is a name for the point, usually a unit struct of yours; a model with several points
/// implements the trait once for each. A model that is never cut needs none of this.
///
/// # Shapes
/// The activation is a tensor of any rank whose first dimension counts the rows. If more than one
/// tensor crosses the cut, as with short cuts, it is a tuple of such tensors.
/// `after(before(input))` must equal the result of [`forward`](Model::forward). It is best to write
/// `forward` in this way.
///
/// # Example
/// See [`Split`].
pub trait Cut<I, P>: Model<I> {
    /// The tensors that cross the cut.
    type Activation: Inputs;

    /// Computes the activation from the input.
    fn before(&self, input: I) -> Self::Activation;

    /// Computes the scores from the activation.
    fn after(&self, activation: Self::Activation) -> Tensor<2>;
}

/// A model cut at the point `P`, both halves in inference mode.
///
/// - [`before`](Self::before) computes the activation from the input in one pass.
///   [`activation`](Self::activation) does so in chunks, for a large batch.
/// - [`after`](Self::after) is a model of its own, whose input is the activation. Any explainer can
///   explain it. The part before the cut is neither computed again nor differentiated.
///
/// - [`neurons`](Self::neurons) is the part before the cut as a model, whose scores are the units
///   of the cut: any explainer can explain why a unit is active.
///
/// A path through *input* space is followed at the layer by
/// [`Conductance`](crate::methods::Conductance) and
/// [`InternalInfluence`](crate::methods::InternalInfluence).
///
/// For [`IntegratedGradients`](crate::IntegratedGradients) the path leads from a baseline of the
/// *activation*: zeros, or the activation of a baseline of the input.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::activation::relu;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{
///     Baseline, Cut, Explainer, IntegratedGradients, Model, Schedule, Split,
/// };
///
/// #[derive(Module, Debug)]
/// struct Net {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// /// The point behind the hidden layer.
/// struct Hidden;
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, input: Tensor<2>) -> Tensor<2> {
///         self.after(self.before(input))
///     }
/// }
///
/// impl Cut<Tensor<2>, Hidden> for Net {
///     type Activation = Tensor<2>;
///
///     fn before(&self, input: Tensor<2>) -> Tensor<2> {
///         relu(self.hidden.forward(input))
///     }
///
///     fn after(&self, activation: Tensor<2>) -> Tensor<2> {
///         self.output.forward(activation)
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net {
///     hidden: LinearConfig::new(4, 16).init(&device),
///     output: LinearConfig::new(16, 3).init(&device),
/// };
/// let split: Split<Net, Tensor<2>, Hidden> = Split::at(&net, Hidden);
/// let activation = split.activation(Tensor::ones([1, 4], &device), &Schedule::new())?;
/// let nothing = split.before(Tensor::zeros([1, 4], &device));
/// let explainer = IntegratedGradients::new().with_baseline(Baseline::tensor(nothing));
/// let map = explainer.attribute(split.after(), activation)?;
/// assert_eq!(map.values.dims(), [1, 16]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub struct Split<M, I, P> {
    after: After<M, I, P>,
}

/// The part of a model after a cut, as a model of the activation. See [`Split::after`].
pub struct After<M, I, P> {
    model: M,
    cut: PhantomData<fn(I, P)>,
}

impl<I, P, M: Cut<I, P>> Split<M, I, P> {
    /// Cuts a snapshot of the model, in inference mode, at the given point.
    pub fn at(model: &M, point: P) -> Self {
        // The point is only a name: its type says everything.
        let _ = point;
        Self { after: After { model: model.valid(), cut: PhantomData } }
    }

    /// Computes the activation of the input, in one pass.
    pub fn before(&self, input: I) -> M::Activation {
        self.after.model.before(input)
    }

    /// Returns the whole model, in inference mode.
    pub fn model(&self) -> &M {
        &self.after.model
    }

    /// Returns the part after the cut: a model whose input is the activation.
    pub fn after(&self) -> &After<M, I, P> {
        &self.after
    }
}

impl<I: Inputs, P, M: Cut<I, P>> Split<M, I, P> {
    /// Computes the activation of a batch of any size, in the chunks of a schedule and on its
    /// workers.
    ///
    /// # Errors
    /// [`Error::EmptyInput`] and [`Error::UnequalRows`] for an input or an activation that is no
    /// batch, [`Error::Activation`] for an activation that has more or fewer rows than the input or
    /// whose shape changes between chunks, [`Error::Cancelled`] and [`Error::Panicked`].
    pub fn activation(&self, input: I, schedule: &Schedule) -> Result<M::Activation> {
        let input = Batch::new(input)?;
        let mut activations: Vec<Batch> = Vec::new();
        let work = Work::start(schedule, &input, input.rows())?;
        work.run(
            &work.chunks(input.rows(), 0..1),
            |chunk| {
                let rows = input.narrow(chunk.rows.start, chunk.rows.len());
                in_pool(&rows.device(), || Batch::new(self.before(rows.into_inputs())))
            },
            |chunk, activation: Batch| {
                // Every chunk must come out in the shape of the first.
                let found = activation.shapes();
                let mut expected = activations.first().unwrap_or(&activation).shapes();
                expected.iter_mut().for_each(|shape| shape[0] = chunk.rows.len());
                if found != expected {
                    return Err(Error::Activation { expected, found });
                }
                activations.push(activation);
                Ok(())
            },
        )?;
        Ok(Batch::stack(&activations).into_inputs())
    }
}

impl<I, P, M: Cut<I, P>> Model<M::Activation> for After<M, I, P> {
    fn forward(&self, activation: M::Activation) -> Tensor<2> {
        self.model.after(activation)
    }
}

impl<M, I, P> After<M, I, P> {
    fn map_model(self, map: impl FnOnce(M) -> M) -> Self {
        Self { model: map(self.model), cut: PhantomData }
    }
}

// Written by hand, because a derive would require the same trait of the input and of the point.
impl<M: Clone, I, P> Clone for After<M, I, P> {
    fn clone(&self) -> Self {
        Self { model: self.model.clone(), cut: PhantomData }
    }
}

impl<M: Clone, I, P> Clone for Split<M, I, P> {
    fn clone(&self) -> Self {
        Self { after: self.after.clone() }
    }
}

impl<M: std::fmt::Debug, I, P> std::fmt::Debug for After<M, I, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let point = std::any::type_name::<P>();
        f.debug_struct("After").field("model", &self.model).field("point", &point).finish()
    }
}

impl<M: std::fmt::Debug, I, P> std::fmt::Debug for Split<M, I, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Split").field("after", &self.after).finish()
    }
}

impl<M: Module, I, P> Module for After<M, I, P> {
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
        Self { model: self.model.valid(), cut: PhantomData }
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

impl<M: Ruled, I, P> Ruled for After<M, I, P> {
    fn with_rules(&self, rules: Rules) -> Self {
        Self { model: self.model.with_rules(rules), cut: PhantomData }
    }
}
