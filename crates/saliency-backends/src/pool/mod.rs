//! One batch, several devices.

mod errors;
mod event;
mod host;
mod job;
mod member;
mod run;

use std::fmt;
use std::sync::Arc;

use saliency_core::{Attribution, Explainer, Inputs, Model, Result, Rows, Target};

use crate::compute::ComputeDevice;
use event::Observer;
use member::Member;
use run::{Question, Run};

pub use event::PoolEvent;

/// Shares the rows of a batch out over several devices, of this machine or others.
///
/// The answer is the one that a single device would give: all rows in order, with the same noise,
/// on the input's device. Each device takes the next few rows when it is done with the last, so a
/// fast one does more. Each call copies the model to each device once: explain many rows in one
/// call.
///
/// A device is lost if its server dies, its driver gives up or its memory is too small for one row.
/// It then takes no more rows; the others explain those that it was working on, and the answer has
/// a [`Warning::DeviceLost`](saliency_core::Warning::DeviceLost) for each of them.
///
/// # Defaults
/// - rows at once: a quarter of each device's share, at least one
/// - no observer
///
/// # Errors
/// - the explainer's, for the row of the whole batch; if several rows fail, the first of those that
///   were tried
/// - [`Error::Device`](saliency_core::Error::Device) if all devices are lost. If three devices fail
///   on the same rows, those rows return an error.
/// - [`Error::InvalidOption`](saliency_core::Error::InvalidOption) for a pool without devices
///
/// An explainer's own progress and [`Error::Cancelled`](saliency_core::Error::Cancelled) count the
/// rows that one device receives at a time; the [observer](Self::with_observer) counts those of the
/// whole batch. Several threads read tensors inside the explainer, such as baselines: keep them on
/// a CPU.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_backends::{Backend, DevicePool};
/// use saliency_core::{Explainer, IntegratedGradients, pure_function};
///
/// // In earnest: "cuda:0", "cuda:1", "remote:ws://gpu:3000".
/// let devices = vec![Backend::Flex.open()?, Backend::Flex.open()?];
/// let pool = DevicePool::new(devices, |device| {
///     IntegratedGradients::new().with_schedule(device.schedule())
/// });
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let map = pool.attribute(&model, Tensor::ones([8, 3], &Device::flex()))?;
/// assert_eq!(map.scores, [3.0; 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DevicePool<E> {
    members: Vec<Member<E>>,
    rows_at_once: Option<usize>,
    observer: Option<Arc<Observer>>,
}

impl<E> DevicePool<E> {
    /// Makes a pool of `devices`, each with an explainer of its own: the same but for its schedule.
    pub fn new(
        devices: impl IntoIterator<Item = ComputeDevice>,
        explainer: impl Fn(&ComputeDevice) -> E,
    ) -> Self {
        let member = |device| Member { explainer: explainer(&device), device };
        let members = devices.into_iter().map(member).collect();
        Self { members, rows_at_once: None, observer: None }
    }

    /// Gives a device this many rows at once; at least 1.
    pub fn with_rows_at_once(mut self, rows: usize) -> Self {
        self.rows_at_once = Some(rows);
        self
    }

    /// Calls `observer` when rows are done and when a device is lost, from any thread. It must not
    /// panic.
    ///
    /// It is called an observer, unlike
    /// [`Schedule::with_progress`](saliency_core::Schedule::with_progress), because its events are
    /// more than progress.
    pub fn with_observer(mut self, observer: impl Fn(&PoolEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Explains a batch over all devices.
    fn explain<M: Model<I>, I: Inputs>(
        &self,
        question: Question<'_, M, I>,
    ) -> Result<Attribution<I>>
    where
        E: Explainer<M, I>,
    {
        let first = self.members.first().ok_or_else(errors::no_devices)?;
        let Some(home) = question.home() else {
            // The explainer returns the right error for a batch without rows or values.
            let Question { model, input, target, .. } = question;
            return first.explainer.attribute_to(model, input, target);
        };
        let model = question.model;
        let observer = self.observer.as_deref();
        let run = Run::new(question, self.members.len(), self.rows_at_once, observer)?;
        run.work::<M, I, E>(&self.members, model);
        run.finish(&home)
    }
}

impl<E: fmt::Debug> fmt::Debug for DevicePool<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevicePool")
            .field("members", &self.members)
            .field("rows_at_once", &self.rows_at_once)
            .field("observed", &self.observer.is_some())
            .finish()
    }
}

impl<M: Model<I>, I: Inputs, E: Explainer<M, I>> Explainer<M, I> for DevicePool<E> {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.explain(Question { model, input, target, rows: None })
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.explain(Question { model, input, target, rows: Some(rows) })
    }
}
