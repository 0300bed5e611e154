//! The parameters of a model, copied to a device only if they have changed since the last call.
//!
//! Everything else in a model is copied again for every call: settings, functions, and tensors that
//! are not parameters.

use std::any::Any;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{DType, Device, Tensor, TensorData};
use saliency_core::{Error, Result};

use super::errors;

/// After this many bytes have been sent, the device must have received them.
const AT_ONCE: usize = 1 << 20;

/// The parameters of a model in this machine's memory, in the order in which the model lists them.
pub(super) type Weights = Vec<Option<Arc<Weight>>>;

/// A parameter in this machine's memory.
pub(super) struct Weight {
    id: ParamId,
    data: TensorData,
}

impl Weight {
    fn is_same(&self, id: ParamId, data: &TensorData) -> bool {
        let like = |data: &TensorData| (data.dtype(), data.shape().clone());
        self.id == id && like(&self.data) == like(data) && self.data.as_bytes() == data.as_bytes()
    }
}

/// Reads the parameters of a model from their device. A parameter that is the same as in `before`
/// shares its memory.
pub(super) fn read<M: Module>(model: M, before: &Weights) -> Result<Weights> {
    let mut reader = Reader { before, read: Vec::new(), error: None };
    drop(model.map(&mut reader));
    reader.error.map_or(Ok(reader.read), Err)
}

struct Reader<'a> {
    before: &'a Weights,
    read: Weights,
    error: Option<Error>,
}

impl ModuleMapper for Reader<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tensor = param.base();
        let mut weight = None;
        // Burn copies quantised values itself.
        if !matches!(tensor.dtype(), DType::QFloat(_)) {
            match tensor.inner().try_into_data() {
                Ok(data) => {
                    let before = self.before.get(self.read.len()).and_then(Option::as_ref);
                    let same = before.filter(|before| before.is_same(param.id, &data)).cloned();
                    weight = Some(same.unwrap_or_else(|| Arc::new(Weight { id: param.id, data })));
                }
                Err(error) => self.error = Some(errors::device(error.reason())),
            }
        }
        self.read.push(weight);
        param
    }
}

/// The copies of parameters that a device has.
#[derive(Default)]
pub(super) struct Copies(Vec<Option<Copy>>);

struct Copy {
    of: Arc<Weight>,
    /// A `Tensor<D>`.
    tensor: Box<dyn Any + Send>,
}

impl Copies {
    /// Copies a model to a device. `received` waits until the device has everything that was sent
    /// to it.
    ///
    /// # Errors
    /// Those of `received`.
    pub fn place<M: Module>(
        &mut self,
        model: M,
        weights: &Weights,
        device: &Device,
        received: impl FnMut() -> Result<()>,
    ) -> Result<M> {
        self.0.resize_with(weights.len(), || None);
        let (copies, next, sent) = (self, 0, 0);
        let mut placer = Placer { copies, weights, device, received, next, sent, error: None };
        let model = model.map(&mut placer).to_device(device);
        match placer.error {
            Some(error) => Err(error),
            None => (placer.received)().map(|()| model),
        }
    }
}

struct Placer<'a, F> {
    copies: &'a mut Copies,
    weights: &'a Weights,
    device: &'a Device,
    received: F,
    /// The position of the next parameter.
    next: usize,
    /// The bytes that were sent since the device last received everything.
    sent: usize,
    error: Option<Error>,
}

impl<F: FnMut() -> Result<()>> ModuleMapper for Placer<'_, F> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let at = self.next;
        self.next += 1;
        let weight = self.weights.get(at).and_then(Option::as_ref);
        let weight = weight.filter(|weight| weight.id == param.id);
        let (Some(weight), None) = (weight, &self.error) else { return param };
        if param.base().device() == *self.device {
            return param;
        }
        // The device has this parameter from the last call.
        let copy = self.copies.0[at].as_ref().filter(|copy| Arc::ptr_eq(&copy.of, weight));
        if let Some(tensor) = copy.and_then(|copy| copy.tensor.downcast_ref::<Tensor<D>>()) {
            return param.map(|_| tensor.clone());
        }
        // Send the parameter, and keep it for the next call.
        let dtype = weight.data.dtype();
        let tensor = Tensor::<D>::from_data(weight.data.clone(), (self.device, dtype));
        let (of, kept) = (Arc::clone(weight), Box::new(tensor.clone()));
        self.copies.0[at] = Some(Copy { of, tensor: kept });
        self.sent += weight.data.as_bytes().len();
        if self.sent >= AT_ONCE {
            self.sent = 0;
            self.error = (self.received)().err();
        }
        param.map(|_| tensor)
    }
}
