//! One batch, several devices.

mod board;
mod call;
mod errors;
mod event;
mod host;
mod partial;
mod piece;
mod question;
mod status;
mod weights;
mod worker;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use burn::module::Module;
use burn::tensor::Device;
use saliency_core::kit::Batch;
use saliency_core::{Attribution, Cancel, Explainer, Inputs, Model, Result, Rows, Target, Warning};

use crate::compute::ComputeDevice;
use crate::hardware::Hardware;
use board::{Board, Sizes};
use call::{Call, End};
use event::Observer;
use host::Host;
use piece::Shared;
use question::{Home, Question};
use weights::Weights;
use worker::Worker;

pub use event::PoolEvent;
pub use partial::Partial;

/// The maximum number of bytes of input that a device gets at once: far below the gibibyte that
/// Burn's connections can carry.
const MOST_BYTES: usize = 64 << 20;

/// The time after which a device of another machine counts as lost if it gives no sign of life.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shares out the rows of a batch over several devices, of this machine or others.
///
/// The answer is the one that a single device would give: all rows in order, with the same noise,
/// on the input's device. Each device takes the next rows when it has finished its last ones. It
/// begins with one row, and then takes as many as it explains in a second, at most 64 MiB of input.
/// At the end, a device that has nothing left to do takes a copy of a piece that is late, and the
/// first answer is used. So a slow device hardly delays a fast one.
///
/// Each device has a thread, which keeps the model's parameters on the device. The next call sends
/// only the parameters that have changed.
///
/// A device is lost if its server ends or does not answer, if its driver fails, or if its memory is
/// too small for one row. The other devices explain its rows, and the answer has a
/// [`Warning::DeviceLost`](saliency_core::Warning::DeviceLost) for each of these rows. The next
/// call tries to open the device again. Until then, each call has a warning for the rows that this
/// device would have been given first.
///
/// A server that computes for a long time is asked for a sign of life, and counts as lost only if
/// it gives none. Devices of this machine may take as long as they like.
///
/// # Defaults
/// - rows at once: as many as a device explains in a second
/// - patience: 30 seconds
/// - no observer, never cancelled
///
/// # Errors
/// - the explainer's error, with the number of the row in the whole batch; if several rows fail,
///   the error of the first row among those that were tried
/// - [`Error::Device`](saliency_core::Error::Device) if all devices are lost. If three devices fail
///   on the same rows, those rows return an error.
/// - [`Error::InvalidOption`](saliency_core::Error::InvalidOption) for a pool without devices, for
///   0 rows at once, and for no patience
///
/// [`attribute_partly`](Self::attribute_partly) returns the rows that were done before the error.
///
/// An explainer's own progress and [`Error::Cancelled`](saliency_core::Error::Cancelled) count the
/// rows that one device receives at a time. The [observer](Self::with_observer) counts the rows of
/// the whole batch. Several threads read the tensors inside the explainer, such as baselines: keep
/// these tensors on a CPU.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_backends::{Backend, DevicePool};
/// use saliency_core::{Explainer, IntegratedGradients, pure_function};
///
/// // In a real program: "cuda:0", "cuda:1", "remote:ws://gpu:3000".
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
    options: Options,
    /// The parameters that the devices got last.
    weights: Arc<Mutex<Weights>>,
}

/// A device of a pool.
#[derive(Clone)]
struct Member<E> {
    /// The device as it was when the pool was made.
    device: ComputeDevice,
    explainer: Arc<E>,
    worker: Arc<Worker>,
}

#[derive(Clone)]
struct Options {
    rows_at_once: Option<usize>,
    patience: Duration,
    cancel: Cancel,
    observer: Option<Arc<Observer>>,
}

impl Options {
    fn notify(&self, event: &PoolEvent) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}

impl<E> DevicePool<E> {
    /// Makes a pool of `devices`, each with an explainer of its own. The explainers should differ
    /// only in their schedules.
    ///
    /// All CPU devices are this machine's processor. If the pool has several of them, the
    /// [`schedule`](ComputeDevice::schedule) of each has its share of the cores.
    pub fn new(
        devices: impl IntoIterator<Item = ComputeDevice>,
        explainer: impl Fn(&ComputeDevice) -> E,
    ) -> Self {
        let devices: Vec<ComputeDevice> = devices.into_iter().collect();
        let cpus = devices.iter().filter(|device| device.hardware() == Hardware::Cpu).count();
        let member = |device: ComputeDevice| {
            let device = device.beside(cpus);
            let explainer = Arc::new(explainer(&device));
            Member { explainer, worker: Arc::new(Worker::new(device.clone())), device }
        };
        let options = Options {
            rows_at_once: None,
            patience: PATIENCE,
            cancel: Cancel::new(),
            observer: None,
        };
        let members = devices.into_iter().map(member).collect();
        Self { members, options, weights: Arc::default() }
    }

    /// Gives a device this many rows at once, or as many as fit into 64 MiB of input if these are
    /// fewer. At least 1.
    ///
    /// In the last digits, some devices round a batch of another size differently. If you set this,
    /// the batches do not depend on the speed of the devices.
    pub fn with_rows_at_once(mut self, rows: usize) -> Self {
        self.options.rows_at_once = Some(rows);
        self
    }

    /// Continues without a device of another machine that gives no sign of life for this long. Must
    /// be above 0.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Ends a call at once when `cancel` is cancelled, even if no device answers. Give the same
    /// token to the explainers, so that the devices end their work too.
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.options.cancel = cancel;
        self
    }

    /// Calls `observer` when rows are done and when a device is lost, in the order of these events,
    /// on the thread that calls the pool. It must not panic.
    ///
    /// It is called an observer, unlike
    /// [`Schedule::with_progress`](saliency_core::Schedule::with_progress), because its events are
    /// more than progress.
    pub fn with_observer(mut self, observer: impl Fn(&PoolEvent) + Send + Sync + 'static) -> Self {
        self.options.observer = Some(Arc::new(observer));
        self
    }

    /// Explains the given target. If an error ends the work, also returns the rows that were done.
    ///
    /// `rows` are the rows of a larger batch that the input was made from, or [`Rows::all`] if the
    /// input is the whole batch. To explain the missing rows later with the same noise,
    /// [select](Rows::select) them.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_backends::{Backend, DevicePool};
    /// use saliency_core::{Gradient, Rows, Target, pure_function};
    ///
    /// let pool = DevicePool::new([Backend::Flex.open()?], |_| Gradient::new());
    /// let pool = pool.with_rows_at_once(1);
    /// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
    /// let x = Tensor::<2>::from_data([[1.0], [f32::NAN]], &Device::flex());
    /// let answer = pool.attribute_partly(&model, x, Target::Class(0), &Rows::all(2));
    /// assert_eq!(answer.rows, [0]);
    /// println!("{}", answer.error.expect("the second row is not finite"));
    /// # Ok::<(), saliency_backends::Error>(())
    /// ```
    pub fn attribute_partly<M, I>(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Partial<I>
    where
        M: Model<I> + 'static,
        I: Inputs + 'static,
        E: Explainer<M, I> + 'static,
    {
        let answer = self.explain(Question { model, input, target, rows: Some(rows) });
        answer.unwrap_or_else(Partial::nothing)
    }

    /// Explains a batch over all devices.
    fn explain<M, I>(&self, question: Question<'_, M, I>) -> Result<Partial<I>>
    where
        M: Model<I> + 'static,
        I: Inputs + 'static,
        E: Explainer<M, I> + 'static,
    {
        let first = self.members.first().ok_or_else(errors::no_devices)?;
        let Some(home) = question.home() else {
            // The explainer returns the right error for a batch without rows or values.
            let Question { model, input, target, .. } = question;
            let map = first.explainer.attribute_to(model, input, target)?;
            let rows = (0..map.scores.len()).collect();
            return Ok(Partial { map: Some(map), rows, error: None });
        };
        let rows = question.check()?;
        let Question { model, input, target, .. } = question;
        let home = self.home(home);

        // Read the input and the model, and let all rows wait.
        let weights = self.weights(model, &home)?;
        let batch = home.patiently({
            let input = input.clone();
            move || Host::read(input)
        })?;
        let total = batch.rows();
        let board = Board::new(total, self.members.len(), self.sizes(&batch)?);

        // Let the devices work.
        let shared = Shared { model: model.valid(), weights, batch, target, rows };
        let answers = Call::new(&self.members, &self.options, board, total).run(shared);
        let error = match answers.end {
            End::Complete => None,
            End::Failed(error) => Some(error),
            End::Cancelled => Some(errors::cancelled(&Batch::new(input)?, answers.done, total)),
        };

        // Put their answers together, on the device of the input.
        let rows: Vec<usize> = answers.maps.iter().flat_map(|(rows, _)| rows.clone()).collect();
        let device = home.device.clone();
        let map = home.patiently(move || join::<I>(answers.maps, &device))?;
        let place = |row: &usize| rows.binary_search(row).ok();
        let lost = answers.lost.iter().filter_map(place).map(Warning::device_lost);
        let map = map.map(|mut map| {
            map.warnings.extend(lost);
            map
        });
        Ok(Partial { map, rows, error })
    }

    /// Returns the device of an input, with its kind if it is one of the pool's.
    fn home(&self, device: Device) -> Home<'_> {
        let same = self.members.iter().find(|member| *member.device.device() == device);
        let hardware = same.map(|member| member.device.hardware());
        Home { device, hardware, options: &self.options }
    }

    /// Reads a model's parameters, unless the model is on the only device that there is.
    fn weights<M: Module + 'static>(&self, model: &M, home: &Home<'_>) -> Result<Weights> {
        let devices = model.devices();
        let elsewhere = |member: &Member<E>| devices.iter().any(|it| it != member.device.device());
        if !self.members.iter().any(elsewhere) {
            return Ok(Weights::new());
        }
        let (model, before) = (model.valid(), self.weights.lock());
        let before = before.unwrap_or_else(PoisonError::into_inner).clone();
        let weights = home.patiently(move || weights::read(model, &before))?;
        *self.weights.lock().unwrap_or_else(PoisonError::into_inner) = weights.clone();
        Ok(weights)
    }

    /// Returns how many rows of a batch a device gets at once.
    fn sizes(&self, batch: &Host) -> Result<Sizes> {
        let most = (MOST_BYTES / batch.bytes_per_row().max(1)).max(1);
        let fixed = self.options.rows_at_once;
        if fixed == Some(0) {
            return Err(errors::no_rows_at_once());
        }
        if self.options.patience.is_zero() {
            return Err(errors::no_patience());
        }
        Ok(Sizes { fixed: fixed.map(|rows| rows.min(most)), most })
    }
}

/// Writes answers to a device and joins them in order. Returns `None` if there are no answers.
fn join<I: Inputs>(
    maps: Vec<(Range<usize>, Attribution<Host>)>,
    device: &Device,
) -> Result<Option<Attribution<I>>> {
    let write = |(_, map): (Range<usize>, Attribution<Host>)| {
        map.try_map(|host| Ok(host.write::<I>(0..host.rows(), device)))
    };
    let maps = maps.into_iter().map(write).collect::<Result<Vec<_>>>()?;
    Ok(Attribution::stack_rows(maps))
}

impl<E: fmt::Debug> fmt::Debug for DevicePool<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices = self.members.iter().map(|member| (&member.device, &member.explainer));
        f.debug_struct("DevicePool")
            .field("devices", &devices.collect::<Vec<_>>())
            .field("rows_at_once", &self.options.rows_at_once)
            .field("patience", &self.options.patience)
            .field("cancel", &self.options.cancel)
            .field("observed", &self.options.observer.is_some())
            .finish()
    }
}

impl<M, I, E> Explainer<M, I> for DevicePool<E>
where
    M: Model<I> + 'static,
    I: Inputs + 'static,
    E: Explainer<M, I> + 'static,
{
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.explain(Question { model, input, target, rows: None })?.whole()
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.explain(Question { model, input, target, rows: Some(rows) })?.whole()
    }
}
