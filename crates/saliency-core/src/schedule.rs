//! How the work of an explanation is cut into chunks, spread over workers, told of and called off.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use burn::tensor::Device;

use crate::error::{Error, Result, check_count};
use crate::inputs::Flat;
use crate::units::{Unit, Units};
use crate::workers::{Job, Threads, in_order};

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Work items done: gradients, or samples of a wrapped explainer.
    pub done: usize,
    /// Work items in all. Where a method goes on until its error is small, this is what it expects
    /// at the moment, and may change.
    pub total: usize,
}

/// How work items are spread over threads. The answer is the same to the last bit for any number
/// of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parallelism {
    /// Burn's CPU backends: one worker for each core, or a single one for a call from within a rayon
    /// pool of yours. Other devices: one worker.
    #[default]
    Auto,
    /// On Burn's CPU backends this many workers, from 1 to 1,024. Each works on a thread of its own,
    /// from start to end of a chunk, and leaves the other cores alone: two such workers do the work
    /// of two cores, which two threads that share every convolution do not. Other devices: one
    /// worker, for they keep memory apart for every thread that calls them.
    Workers(usize),
    /// One chunk after the other, each spread over the cores by Burn.
    WithinModel,
}

/// How much memory the model may take for the inputs that it works on at one time.
///
/// A budget lowers the number of workers first, and then the chunk. It bounds one schedule: an
/// explainer inside another one has its own, which counts once for each worker outside.
///
/// # Example
/// ```
/// use saliency_core::{MemoryBudget, Schedule};
///
/// // A gradient of this network takes 120 MB; no more than 1 GB in all.
/// let schedule = Schedule::new().with_memory(MemoryBudget::new(1 << 30, 120 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    bytes: u64,
    per_input: u64,
}

impl MemoryBudget {
    /// `bytes` in all, for a model of which one input takes `per_input` bytes with all activations
    /// that its gradient needs. Peak memory with a chunk of one, measured once, tells the latter.
    pub fn new(bytes: u64, per_input: u64) -> Self {
        Self { bytes, per_input }
    }

    /// How many inputs fit.
    fn inputs(self) -> Result<usize> {
        let inputs = self.bytes.checked_div(self.per_input).unwrap_or(u64::MAX);
        check_count("bytes per input", usize::from(self.per_input > 0), usize::MAX)?;
        match usize::try_from(inputs).unwrap_or(usize::MAX) {
            0 => Err(Error::InvalidOption {
                option: "memory budget",
                expected: format!("of at least the {} bytes of one input", self.per_input),
                found: format!("{} bytes", self.bytes),
            }),
            inputs => Ok(inputs),
        }
    }
}

/// Calls off the work of every call whose [`Schedule`] holds it, from any thread.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Cancel, Error, Explainer, Gradient, Schedule, pure_function};
///
/// let cancel = Cancel::new();
/// let explainer = Gradient::new().with_schedule(Schedule::new().with_cancel(&cancel));
/// cancel.cancel(); // from a signal handler, another thread, or the progress callback
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let error = explainer.attribute(&model, Tensor::ones([1, 1], &Device::flex())).unwrap_err();
/// assert_eq!(error, Error::Cancelled { done: 0, total: 1 });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Nothing is called off yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the work with [`Error::Cancelled`] as soon as the chunks under way are done.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work is called off.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many inputs a model is given at once, on how many threads, who is told of the progress and
/// who may end the work.
///
/// Beside a few copies of the input, peak memory depends on the chunk and the number of workers,
/// not on the number of points or samples. Results are folded in the order of the work items: the
/// same call gives the same bits, for any number of workers. The chunk changes results by rounding
/// only: a device may round a batch differently from a single row, and sums are taken within
/// chunks first.
///
/// # Defaults
/// - chunk: as many inputs at once as hold 65,536 values on Burn's CPU backends (one photo of
///   224 x 224 pixels, 21 pictures of 32 x 32, a thousand rows of a table), 64 times as many on
///   other devices
/// - parallelism: [`Parallelism::Auto`]
/// - no memory budget, no callback, nobody who may cancel
///
/// A chunk that a GPU's memory does not suffice for is halved, down to single inputs.
///
/// Where all inputs fit into one chunk, there is nothing to share out, and Burn spreads the chunk
/// over the cores.
///
/// # Example
/// ```
/// use saliency_core::{IntegratedGradients, Parallelism, Schedule};
///
/// let schedule = Schedule::new()
///     .with_chunk(8)
///     .with_parallelism(Parallelism::Workers(4))
///     .with_progress(|progress| eprintln!("{} of {}", progress.done, progress.total));
/// let explainer = IntegratedGradients::new().with_schedule(schedule);
/// ```
#[derive(Clone, Default)]
pub struct Schedule {
    chunk: Option<Chunk>,
    parallelism: Parallelism,
    memory: Option<MemoryBudget>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    cancel: Cancel,
}

/// How large a chunk is.
#[derive(Clone, Copy, Debug)]
enum Chunk {
    Inputs(usize),
    Values(usize),
}

/// Values that the inputs of one chunk hold together by default: on a CPU, and elsewhere.
const CPU_CHUNK_VALUES: usize = 1 << 16;
const GPU_CHUNK_VALUES: usize = 1 << 22;

const MOST_WORKERS: usize = 1024;

impl Schedule {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the model `chunk` inputs at once; at least 1.
    pub fn with_chunk(mut self, chunk: usize) -> Self {
        self.chunk = Some(Chunk::Inputs(chunk));
        self
    }

    /// Gives the model as many inputs at once as hold `values` values together, and at least one
    /// input.
    pub fn with_chunk_values(mut self, values: usize) -> Self {
        self.chunk = Some(Chunk::Values(values));
        self
    }

    /// Sets how chunks are spread over threads.
    pub fn with_parallelism(mut self, parallelism: Parallelism) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// Bounds the memory that the model takes.
    pub fn with_memory(mut self, budget: MemoryBudget) -> Self {
        self.memory = Some(budget);
        self
    }

    /// Calls `callback` before the first work item and after every chunk, in order, from one
    /// thread at a time.
    pub fn with_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Ends the work when `cancel` says so.
    pub fn with_cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// The same, without telling anybody: for passes that are not counted.
    pub(crate) fn silent(&self) -> Self {
        Self { progress: None, ..self.clone() }
    }

    /// The work of evaluating inputs like `input`, of which `total` are expected in all.
    pub(crate) fn start(&self, input: &Flat, total: usize) -> Result<Work<'_>> {
        let on_cpu = runs_on_calling_thread(&input.device());
        let values = if on_cpu { CPU_CHUNK_VALUES } else { GPU_CHUNK_VALUES };
        let mut chunk = match self.chunk.unwrap_or(Chunk::Values(values)) {
            Chunk::Inputs(inputs) => inputs,
            Chunk::Values(values) => (values / input.width()).max(1),
        };
        check_count("chunk", chunk, usize::MAX)?;
        let mut workers = match self.parallelism {
            // Whoever calls from a rayon pool shares out work already.
            Parallelism::Auto if on_cpu && rayon::current_thread_index().is_some() => 1,
            Parallelism::Auto if on_cpu => rayon::current_num_threads(),
            Parallelism::Workers(workers) => {
                check_count("workers", workers, MOST_WORKERS)?;
                if on_cpu { workers } else { 1 }
            }
            Parallelism::Auto | Parallelism::WithinModel => 1,
        };
        if let Some(budget) = self.memory {
            let inputs = budget.inputs()?;
            chunk = chunk.min(inputs);
            workers = workers.min(inputs / chunk);
        }
        let work = Work {
            schedule: self,
            chunk,
            workers,
            on_cpu,
            done: AtomicUsize::new(0),
            total: AtomicUsize::new(total),
        };
        work.report(0);
        Ok(work)
    }

    /// Evaluates each of `rows` rows as often as `repeats` says, in chunks, and folds the results
    /// in order.
    pub(crate) fn run<R: Send>(
        &self,
        input: &Flat,
        repeats: usize,
        evaluate: impl Fn(&Unit) -> Result<R> + Sync,
        fold: impl FnMut(&Unit, R) -> Result<()> + Send,
    ) -> Result<()> {
        let rows = input.rows();
        let work = self.start(input, rows * repeats)?;
        work.run(&work.units(rows, 0..repeats), evaluate, fold)
    }
}

/// Whether a device computes on the threads of whoever calls it. Burn tells this by its name only.
fn runs_on_calling_thread(device: &Device) -> bool {
    let name = format!("{:?}", device.clone().inner());
    ["Flex", "NdArray"].iter().any(|backend| name.contains(backend))
}

/// Work under way: its chunks and workers, and how much of it is done.
pub(crate) struct Work<'a> {
    schedule: &'a Schedule,
    chunk: usize,
    workers: usize,
    on_cpu: bool,
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Work<'_> {
    /// Cuts rows and their repeats into units of about a chunk.
    pub fn units(&self, rows: usize, repeats: Range<usize>) -> Units {
        Units::new(rows, repeats, self.chunk)
    }

    /// Changes what is still expected.
    pub fn expect_more(&self, items: usize) {
        let total = self.done.load(Ordering::Relaxed) + items;
        self.total.store(total, Ordering::Relaxed);
    }

    /// Evaluates units on the workers and folds the results in the order of the units.
    ///
    /// Workers do not run ahead of the fold by more than a few units, so that memory stays bounded.
    /// A call from within a worker, by an explainer inside another one, stays on its thread.
    pub fn run<R: Send>(
        &self,
        units: &Units,
        evaluate: impl Fn(&Unit) -> Result<R> + Sync,
        mut fold: impl FnMut(&Unit, R) -> Result<()> + Send,
    ) -> Result<()> {
        let in_pool = rayon::current_thread_index().is_some();
        let within_worker = in_pool && rayon::current_num_threads() == 1;
        let share = self.schedule.parallelism == Parallelism::WithinModel || units.len() < 2;
        let threads = match self.on_cpu && !within_worker {
            false => Threads::Calling,
            true if share && in_pool => Threads::Calling,
            true if share => Threads::Shared,
            true => Threads::Workers(self.workers),
        };
        let job = Job { count: units.len(), threads };
        let before = self.done.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let panicked = |unit: &Unit, message| {
            let item = before + units.items_before(unit);
            Error::Panicked { rows: unit.rows.clone(), item, total, message }
        };
        let result = in_order(
            &job,
            |at| {
                if self.schedule.cancel.is_cancelled() {
                    return Err(Error::Cancelled { done: 0, total });
                }
                let unit = units.get(at);
                evaluate(&unit).map_err(|error| match error {
                    // Of an explainer inside, which does not know the whole batch.
                    Error::Panicked { message, .. } => panicked(&unit, message),
                    error => error.with_rows(|input| unit.rows.start + input % unit.rows.len()),
                })
            },
            |at, message| panicked(&units.get(at), message),
            |at, result| {
                let unit = units.get(at);
                fold(&unit, result)?;
                self.report(before + units.items_before(&unit) + unit.items());
                Ok(())
            },
        );
        result.map_err(|error| match error {
            Error::Cancelled { .. } => {
                let done = self.done.load(Ordering::Relaxed);
                Error::Cancelled { done, total: self.total.load(Ordering::Relaxed) }
            }
            error => error,
        })
    }

    fn report(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
        if let Some(callback) = &self.schedule.progress {
            callback(Progress { done, total: self.total.load(Ordering::Relaxed) });
        }
    }
}

impl Error {
    /// The same error about other rows: those that the ones it names stand for. For explainers of
    /// your own that hand rows on.
    pub fn with_rows(self, row_of: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::NotFinite { place, row } => Self::NotFinite { place, row: row_of(row) },
            Self::Panicked { rows, item, total, message } => {
                let rows = row_of(rows.start)..row_of(rows.end - 1) + 1;
                Self::Panicked { rows, item, total, message }
            }
            other => other,
        }
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Schedule");
        out.field("chunk", &self.chunk)
            .field("parallelism", &self.parallelism)
            .field("memory", &self.memory)
            .field("progress", &self.progress.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}
