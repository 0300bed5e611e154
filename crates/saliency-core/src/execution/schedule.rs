//! The options of execution: chunks, worker threads, memory, progress and cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result, check_count};

/// The progress of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Progress {
    /// Work items done: gradients, or samples of a wrapped explainer.
    pub done: usize,
    /// Work items in all. For a method that goes on until its error is small, this is the number
    /// that it expects at the moment, which may change. The share `done / total` never falls.
    pub total: usize,
}

/// The way work items are spread over threads. The answer is the same to the last bit for any
/// number of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Parallelism {
    /// On Burn's CPU backends one worker for each core. If the call comes from inside a rayon pool
    /// of yours, the calling thread. An explainer inside another one gets the outer explainer's
    /// threads that are left: all of them if there is a single chunk outside. On other devices one
    /// worker.
    #[default]
    Auto,
    /// On Burn's CPU backends this many workers, from 1 to 1,024. Each computes whole chunks on one
    /// thread of its own. Two such workers keep two cores busy; two threads that share every
    /// convolution do not. On other devices one worker, because such devices keep separate memory
    /// for every thread that calls them.
    Workers(usize),
    /// One chunk after the other, each spread over the cores by Burn.
    WithinModel,
}

/// The memory that the model may take for the inputs that it works on at the same time.
///
/// A budget lowers the number of workers first, and then the chunk. If an explainer wraps another
/// one, the budget of the outer explainer bounds all that its workers and the explainer inside take
/// together. The chunks inside are then no larger than the chunks around them.
///
/// # Example
/// ```
/// use saliency_core::{MemoryBudget, Schedule};
///
/// // A gradient of this network takes 120 MB; no more than 1 GB in all.
/// let schedule = Schedule::new().with_memory(MemoryBudget::new(1 << 30, 120 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MemoryBudget {
    bytes: u64,
    per_input: u64,
}

impl MemoryBudget {
    /// Allows `bytes` in all, for a model that takes `per_input` bytes for one input with all
    /// activations that its gradient needs. Measure `per_input` once, as the peak memory with a
    /// chunk of one input.
    ///
    /// `per_input` must be at least 1, and `bytes` at least `per_input`. Otherwise
    /// [`Schedule::check`] and every call return [`Error::InvalidOption`].
    pub fn new(bytes: u64, per_input: u64) -> Self {
        Self { bytes, per_input }
    }

    /// Returns the number of inputs that fit.
    pub(crate) fn inputs(self) -> Result<usize> {
        let inputs = self.bytes.checked_div(self.per_input).unwrap_or(u64::MAX);
        check_count("bytes per input", usize::from(self.per_input > 0), usize::MAX)?;
        match usize::try_from(inputs).unwrap_or(usize::MAX) {
            0 => Err(Error::invalid_option(
                "memory budget",
                format!("of at least the {} bytes of one input", self.per_input),
                format!("{} bytes", self.bytes),
            )),
            inputs => Ok(inputs),
        }
    }
}

/// A token that cancels calls, from any thread: every call whose [`Schedule`] holds the token, and
/// the calls of the explainers inside. Clones cancel the same calls.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Cancel, Error, Explainer, Gradient, Schedule, pure_function};
///
/// let cancel = Cancel::new();
/// let explainer = Gradient::new().with_schedule(Schedule::new().with_cancel(cancel.clone()));
/// cancel.cancel(); // from a signal handler, another thread, or the progress callback
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let error = explainer.attribute(&model, Tensor::ones([1, 1], &Device::flex())).unwrap_err();
/// assert!(matches!(error, Error::Cancelled { done: 0, total: 1, .. }));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Returns a token that cancels nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the work with [`Error::Cancelled`] as soon as the chunks under way are done.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the work is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The options of execution: how many inputs the model is given at once, on how many threads, and
/// the callbacks for progress and cancellation.
///
/// Apart from a few copies of the input, peak memory depends on the chunk and the number of
/// workers, not on the number of points or samples. There is one exception: Integrated Gradients
/// with a tolerance keeps gradients. Its memory grows with the number of points, up to a bound that
/// is given in the section "Memory" of [`IntegratedGradients`](crate::IntegratedGradients#memory).
/// Results are combined in the order of the work items, so the same call gives the same bits for
/// any number of workers. The chunk changes results by rounding only: a device may round a batch
/// differently from a single row, and sums are taken within chunks first.
///
/// With the feature `serde` a schedule can be saved: chunk, parallelism and memory budget, but not
/// the callbacks.
///
/// # Defaults
/// - chunk: as many inputs at once as fit into 65,536 values, at least one, on Burn's CPU backends
///   (one photo of 224 x 224 pixels, 21 pictures of 32 x 32, a thousand rows of a table); 64 times
///   as many values on other devices
/// - parallelism: [`Parallelism::Auto`]
/// - no memory budget, progress callback or cancellation token
/// - methods that call the model sixteen times or more also score the first row alone once, to see
///   whether the model mixes rows
///
/// If the device runs out of memory, a chunk is split in half, down to single inputs.
///
/// If all inputs fit into one chunk, there is nothing to share out between workers, and Burn
/// spreads the chunk over the cores. A chunk that is too small for that stays on the calling thread.
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
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Schedule {
    pub(crate) chunk: Option<ChunkSize>,
    pub(crate) parallelism: Parallelism,
    pub(crate) memory: Option<MemoryBudget>,
    pub(crate) row_check: bool,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) cancel: Cancel,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            chunk: None,
            parallelism: Parallelism::default(),
            memory: None,
            row_check: true,
            progress: None,
            cancel: Cancel::default(),
        }
    }
}

/// The size of a chunk.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum ChunkSize {
    Inputs(usize),
    Values(usize),
}

/// The most workers that may be asked for.
const MOST_WORKERS: usize = 1024;

impl Schedule {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the model `chunk` inputs at once; at least 1.
    pub fn with_chunk(mut self, chunk: usize) -> Self {
        self.chunk = Some(ChunkSize::Inputs(chunk));
        self
    }

    /// Gives the model as many inputs at once as fit into `values` values together, and at least
    /// one input.
    pub fn with_chunk_values(mut self, values: usize) -> Self {
        self.chunk = Some(ChunkSize::Values(values));
        self
    }

    /// Sets the way chunks are spread over threads.
    pub fn with_parallelism(mut self, parallelism: Parallelism) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// Bounds the memory that the model takes.
    pub fn with_memory(mut self, budget: MemoryBudget) -> Self {
        self.memory = Some(budget);
        self
    }

    /// Does not score the first row alone to see whether the model mixes rows.
    pub fn without_row_check(mut self) -> Self {
        self.row_check = false;
        self
    }

    /// Calls `callback` before the first work item and after every chunk, in order, from one
    /// thread at a time.
    pub fn with_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Ends the work when `cancel` is cancelled.
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a chunk of 0 inputs, for 0 workers or more than 1,024, and for
    /// a memory budget that has 0 bytes per input or is too small for one input.
    pub fn check(&self) -> Result<()> {
        if let Some(ChunkSize::Inputs(inputs)) = self.chunk {
            check_count("chunk", inputs, usize::MAX)?;
        }
        if let Parallelism::Workers(workers) = self.parallelism {
            check_count("workers", workers, MOST_WORKERS)?;
        }
        self.memory.map_or(Ok(()), |budget| budget.inputs().map(drop))
    }

    /// Returns the same schedule without the progress callback, for passes that are not counted.
    pub(crate) fn silent(&self) -> Self {
        Self { progress: None, ..self.clone() }
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Schedule");
        out.field("chunk", &self.chunk)
            .field("parallelism", &self.parallelism)
            .field("memory", &self.memory)
            .field("row_check", &self.row_check)
            .field("progress", &self.progress.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}
