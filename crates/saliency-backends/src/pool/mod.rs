//! One batch, several devices.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use saliency_core::{Attribution, Error, Explainer, Inputs, Model, Result, Rows, Target, Warning};

use crate::check;
use crate::compute::ComputeDevice;

/// What a [`DevicePool`] tells while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// A device has explained some rows.
    RowsDone {
        /// The device's name.
        device: String,
        /// The rows.
        rows: Range<usize>,
        /// Rows done by all devices.
        done: usize,
        /// Rows in all.
        total: usize,
    },
    /// A device was lost; the others go on with its rows.
    DeviceLost {
        /// The device's name.
        device: String,
        /// The rows that it worked on.
        rows: Range<usize>,
        /// What was heard last.
        reason: String,
    },
}

type Observer = dyn Fn(&PoolEvent) + Send + Sync;

/// Shares the rows of a batch out over several devices, of this machine or others.
///
/// The answer is the one that a single device would give, for all rows and in their order, with the
/// same noise; it lies on the input's device. Each device takes the next few rows when it is done
/// with the last, so that a fast one does more. The model is copied to each device once for each
/// call: explain many rows in one.
///
/// A device that is lost on the way, because its server died, its driver gave up or its memory does
/// not suffice for one row, takes no more rows; the others explain those that it was working on, and
/// the answer has a [`Warning::DeviceLost`] for each of them.
///
/// # Defaults
/// - rows at once: a quarter of each device's share, at least one
/// - nobody is told
///
/// # Errors
/// Those of the explainer, for the row of the whole batch; [`Error::Device`] where all devices are
/// lost, and [`Error::InvalidOption`] for a pool without devices. Where several rows fail, the first
/// of those that were tried is named. Rows that three devices were lost with fail.
///
/// An explainer's own progress and [`Error::Cancelled`] count the rows that one device is given at a
/// time; the [observer](Self::with_observer) counts those of the whole batch. An observer must not
/// panic. Tensors inside the explainer, such as baselines, are read by several threads: keep them on a
/// CPU.
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
    devices: Vec<(ComputeDevice, E)>,
    rows_at_once: Option<usize>,
    observer: Option<Arc<Observer>>,
}

impl<E> DevicePool<E> {
    /// A pool of `devices`, each with an explainer of its own: the same, but for its schedule.
    pub fn new(
        devices: impl IntoIterator<Item = ComputeDevice>,
        explainer: impl Fn(&ComputeDevice) -> E,
    ) -> Self {
        let with_explainer = |device| {
            let explainer = explainer(&device);
            (device, explainer)
        };
        let devices = devices.into_iter().map(with_explainer).collect();
        Self { devices, rows_at_once: None, observer: None }
    }

    /// Gives a device this many rows at once; at least 1.
    pub fn with_rows_at_once(mut self, rows: usize) -> Self {
        self.rows_at_once = Some(rows);
        self
    }

    /// Calls `observer` when rows are done and when a device is lost, from any thread.
    pub fn with_observer(mut self, observer: impl Fn(&PoolEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    fn tell(&self, event: PoolEvent) {
        if let Some(observer) = &self.observer {
            observer(&event);
        }
    }

    fn explain<M: Model<I>, I: Inputs>(
        &self,
        (model, input, target): (&M, I, Target),
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>>
    where
        E: Explainer<M, I>,
    {
        let refused = |option, expected: &str, found: &str| {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            Err(Error::InvalidOption { option, expected, found })
        };
        if self.devices.is_empty() {
            return refused("a pool", "of at least one device", "none");
        }
        let shapes = input.shapes();
        let home = input.clone().into_rows().first().map(Tensor::device);
        let (false, Some(home)) = (shapes.iter().any(|shape| shape.contains(&0)), home) else {
            // The explainer knows what to say to a batch without rows or values.
            return self.devices[0].1.attribute_to(model, input, target);
        };
        let total = shapes[0].first().copied().unwrap_or(0);
        target.check_rows(total)?;
        let rows = rows.cloned().unwrap_or_else(|| Rows::all(total));
        if rows.of().len() != total {
            return Err(Error::UnequalRows { tensor: 0, expected: rows.of().len(), found: total });
        }
        let share = total.div_ceil(4 * self.devices.len());
        let together = match self.rows_at_once.unwrap_or(share) {
            0 => return refused("rows at once", "at least 1", "0"),
            together => together,
        };
        for (tensor, shape) in shapes.iter().enumerate() {
            if shape.first() != Some(&total) {
                let found = shape.first().copied().unwrap_or(0);
                return Err(Error::UnequalRows { tensor, expected: total, found });
            }
        }
        let whole = Host::read(input)?;
        // Here and now, and finished before other threads touch them.
        let copy = |device: &ComputeDevice| {
            let copy = model.valid().to_device(&device.device);
            synchronised(&device.device).map(|()| copy)
        };
        let copies = self.devices.iter().map(|(device, _)| attempt(|| copy(device)));
        let copies: Vec<Result<M>> = copies.collect();
        let pieces = (0..total).step_by(together).map(|start| start..total.min(start + together));
        let job = Job {
            state: Mutex::new(State { waiting: pieces.collect(), ..State::default() }),
            changed: Condvar::new(),
            total,
        };
        std::thread::scope(|scope| {
            for ((device, explainer), copy) in self.devices.iter().zip(copies) {
                let (job, whole, target, rows) = (&job, &whole, &target, &rows);
                let copy = match copy {
                    Ok(copy) => copy,
                    Err(error) => {
                        self.lose(job, device, 0..0, error.to_string());
                        continue;
                    }
                };
                scope.spawn(move || {
                    self.work(job, device, |piece| {
                        let which: Vec<usize> = piece.clone().collect();
                        let input = whole.write(piece.clone(), &device.device);
                        let (target, rows) = (target.select(&which), rows.select(&which));
                        explainer.attribute_rows(&copy, input, target, &rows)?.try_map(Host::read)
                    });
                    drop(copy);
                    // A GPU keeps memory apart for every thread, and this one is never seen again.
                    let _ = attempt(|| {
                        device.device.memory_cleanup();
                        Ok(())
                    });
                });
            }
        });
        let (maps, lost) = job.finish()?;
        let at_home =
            |map: Attribution<Host>| map.try_map(|host| Ok(host.write::<I>(0..host.rows(), &home)));
        let maps = maps.into_iter().map(at_home).collect::<Result<Vec<_>>>()?;
        let mut map = Attribution::stack_rows(maps).expect("at least one row");
        map.warnings.extend(lost.into_iter().map(|row| Warning::DeviceLost { row }));
        Ok(map)
    }

    /// What each device does until nothing is left, somebody failed, or it is lost.
    fn work(
        &self,
        job: &Job,
        device: &ComputeDevice,
        mut explain: impl FnMut(&Range<usize>) -> Result<Attribution<Host>>,
    ) {
        let name = device.backend.to_string();
        while let Some(rows) = job.take() {
            let error = match attempt(|| explain(&rows)) {
                Ok(map) => {
                    let (done, total) = (job.done(&rows, map), job.total);
                    self.tell(PoolEvent::RowsDone { device: name.clone(), rows, done, total });
                    continue;
                }
                Err(error) => error,
            };
            let lost = match &error {
                // Another device may have more.
                Error::OutOfMemory { .. } => Some("no memory for one row".to_owned()),
                // A device that still answers is not to blame.
                _ => attempt(|| synchronised(&device.device)).err().map(|lost| lost.to_string()),
            };
            match lost {
                // Rows that take every device with them are to blame themselves.
                Some(reason) if !job.took(&rows, MOST_LOST) => {
                    let reason = format!("{reason} (after: {error})");
                    return self.lose(job, device, rows, reason);
                }
                _ => return job.fail(rows.start, error.with_rows(|row| rows.start + row)),
            }
        }
    }

    /// Goes on without a device.
    fn lose(&self, job: &Job, device: &ComputeDevice, rows: Range<usize>, reason: String) {
        let name = device.backend.to_string();
        job.give_back(rows.clone(), format!("{name}: {reason}"));
        self.tell(PoolEvent::DeviceLost { device: name, rows, reason });
    }
}

/// How many devices may be lost with the same rows.
const MOST_LOST: usize = 3;

/// Waits for a device, and hears what went wrong on it.
fn synchronised(device: &Device) -> Result<()> {
    device.sync().map_err(|error| Error::Device { reason: error.reason().to_owned() })
}

fn attempt<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    check::attempt(call, |reason| Error::Device { reason })
}

/// Tensors in this machine's memory, where no device needs to wait for another one.
struct Host {
    /// Each `[rows, values]`.
    parts: Vec<TensorData>,
    shapes: Vec<Vec<usize>>,
}

impl Host {
    fn read<I: Inputs>(inputs: I) -> Result<Self> {
        let shapes = inputs.shapes();
        let read = |part: Tensor<2>| {
            let data = part.inner().try_into_data();
            data.map_err(|error| Error::Device { reason: error.reason().to_owned() })
        };
        let parts = inputs.into_rows().into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { parts, shapes })
    }

    fn rows(&self) -> usize {
        self.shapes[0][0]
    }

    /// Some of the rows, on a device.
    fn write<I: Inputs>(&self, rows: Range<usize>, device: &Device) -> I {
        let parts = self.parts.iter().map(|data| {
            let bytes = data.as_bytes();
            let row = bytes.len() / self.rows();
            let bytes = bytes[rows.start * row..rows.end * row].to_vec();
            let shape = [rows.len(), data.shape()[1]];
            let data = TensorData::from_bytes_vec(bytes, shape, data.dtype());
            let dtype = data.dtype();
            Tensor::from_data(data, (device, dtype))
        });
        I::from_rows(&mut parts.zip(self.shapes.iter().map(Vec::as_slice)))
    }
}

/// What the devices share.
struct Job {
    state: Mutex<State>,
    changed: Condvar,
    total: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Range<usize>>,
    /// How many pieces are being worked on.
    under_way: usize,
    /// By their first row.
    done: BTreeMap<usize, Attribution<Host>>,
    rows_done: usize,
    lost_rows: Vec<usize>,
    lost: Vec<String>,
    /// The one for the first rows that failed.
    error: Option<(usize, Error)>,
}

impl Job {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next rows. While others are at work, waits for what they may give back.
    fn take(&self) -> Option<Range<usize>> {
        let waits = |state: &mut State| {
            state.error.is_none() && state.waiting.is_empty() && state.under_way > 0
        };
        let state = self.changed.wait_while(self.state(), waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.error.is_some() {
            return None;
        }
        let rows = state.waiting.pop_front()?;
        state.under_way += 1;
        Some(rows)
    }

    /// Keeps the answer for some rows; how many there are now.
    fn done(&self, rows: &Range<usize>, map: Attribution<Host>) -> usize {
        let mut state = self.state();
        state.done.insert(rows.start, map);
        state.rows_done += rows.len();
        state.under_way -= 1;
        self.changed.notify_all();
        state.rows_done
    }

    fn give_back(&self, rows: Range<usize>, lost: String) {
        let mut state = self.state();
        state.lost.push(lost);
        if !rows.is_empty() {
            state.lost_rows.extend(rows.clone());
            state.waiting.push_front(rows);
            state.under_way -= 1;
        }
        self.changed.notify_all();
    }

    /// Whether all but one of so many devices were lost with these rows before.
    fn took(&self, rows: &Range<usize>, devices: usize) -> bool {
        let state = self.state();
        state.lost_rows.iter().filter(|&&row| row == rows.start).count() + 1 >= devices
    }

    fn fail(&self, start: usize, error: Error) {
        let mut state = self.state();
        if state.error.as_ref().is_none_or(|(before, _)| start < *before) {
            state.error = Some((start, error));
        }
        state.under_way -= 1;
        self.changed.notify_all();
    }

    /// The answers in the order of their rows, and the rows that a device was lost with.
    fn finish(self) -> Result<(Vec<Attribution<Host>>, Vec<usize>)> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, error)) = state.error {
            return Err(error);
        }
        if state.rows_done < self.total {
            let reason = format!("every device was lost ({})", state.lost.join("; "));
            return Err(Error::Device { reason });
        }
        let mut lost = state.lost_rows;
        lost.sort_unstable();
        lost.dedup();
        Ok((state.done.into_values().collect(), lost))
    }
}

impl<M: Model<I>, I: Inputs, E: Explainer<M, I>> Explainer<M, I> for DevicePool<E> {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        self.explain((model, input, target), None)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: I,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<I>> {
        self.explain((model, input, target), Some(rows))
    }
}
