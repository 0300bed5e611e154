//! Work under way: chunks on worker threads, with progress and cancellation.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Error, Result, check_count};
use crate::execution::chunks::{Chunk, Chunks};
use crate::execution::device::computes_on_calling_thread;
use crate::execution::ordered::{Job, Threads, in_order};
use crate::execution::outer::{Outer, Room};
use crate::execution::panics::caught;
use crate::execution::schedule::{
    Cancel, ChunkSize, MemoryBudget, Parallelism, Progress, Schedule,
};
use crate::execution::workers::calling_pool;
use crate::input::batch::Batch;

/// The default number of input values in one chunk, on a CPU and on other devices.
const CPU_CHUNK_VALUES: usize = 1 << 16;
const GPU_CHUNK_VALUES: usize = 1 << 22;

/// Work under way: the size of its chunks, its workers, and how much of it is done.
///
/// A method starts the work once, cuts it into [`Chunks`], and [runs](Self::run) them. The method
/// then has workers, progress, cancellation, and the right row numbers in errors.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Schedule;
/// use saliency_core::kit::{Batch, Work};
///
/// let batch = Batch::new(Tensor::<2>::ones([3, 2], &Device::flex()))?;
/// let schedule = Schedule::new().with_chunk(2);
/// let work = Work::start(&schedule, &batch, batch.rows())?;
/// let mut sums = Vec::new();
/// work.run(
///     &work.chunks(batch.rows(), 0..1),
///     |chunk| batch.narrow(chunk.rows.start, chunk.rows.len()).row_sums(),
///     |_, found| {
///         sums.extend(found);
///         Ok(())
///     },
/// )?;
/// assert_eq!(sums, [2.0, 2.0, 2.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Work<'a> {
    schedule: &'a Schedule,
    chunk: usize,
    on_cpu: bool,
    /// The threads for two chunks or more.
    threads: Threads,
    /// The threads for work on the host.
    host_threads: Threads,
    /// The most inputs at the same time, if there is a memory budget.
    inputs: Option<usize>,
    done: AtomicUsize,
    total: AtomicUsize,
    /// Whether more items may be needed than are expected at the moment.
    open_ended: AtomicBool,
    /// The progress that was reported last.
    told: Mutex<Option<Progress>>,
    /// The limits of this work: the schedule's token, and the limits of explainers around it.
    outer: Outer,
}

impl<'a> Work<'a> {
    /// Starts the work on inputs like `input`; `total` of them are expected in all.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the schedule has an option outside its range.
    pub fn start(schedule: &'a Schedule, input: &Batch, total: usize) -> Result<Self> {
        let on_cpu = computes_on_calling_thread(&input.device());
        // As many inputs at once as the chunk allows.
        let values = if on_cpu { CPU_CHUNK_VALUES } else { GPU_CHUNK_VALUES };
        let mut chunk = match schedule.chunk.unwrap_or(ChunkSize::Values(values)) {
            ChunkSize::Inputs(inputs) => inputs,
            ChunkSize::Values(values) => (values / input.width()).max(1),
        };
        check_count("chunk", chunk, usize::MAX)?;
        schedule.check()?;
        let mut outer = Outer::here();
        // The memory budget lowers the workers first, and then the chunk.
        let mut inputs = schedule.memory.map(MemoryBudget::inputs).transpose()?;
        chunk = chunk.min(inputs.unwrap_or(usize::MAX));
        if let Some(room) = outer.room {
            chunk = chunk.min(room.chunk);
            inputs = Some(inputs.unwrap_or(usize::MAX).min(room.inputs));
        }
        let host_threads = asked(schedule.parallelism, &outer);
        let mut threads = if on_cpu { host_threads } else { Threads::Calling };
        if let (Threads::Workers(workers), Some(inputs)) = (&mut threads, inputs) {
            *workers = (inputs / chunk).clamp(1, *workers);
        }
        let (done, total) = (AtomicUsize::new(0), AtomicUsize::new(total));
        outer.cancels.push(schedule.cancel.clone());
        let (open_ended, told) = (AtomicBool::new(false), Mutex::new(None));
        let work = Self {
            schedule,
            chunk,
            on_cpu,
            threads,
            host_threads,
            inputs,
            done,
            total,
            open_ended,
            told,
            outer,
        };
        work.report(0);
        Ok(work)
    }

    /// Returns whether chunks are computed by threads of this machine.
    pub(crate) fn is_on_cpu(&self) -> bool {
        self.on_cpu
    }

    /// Cuts rows and their repeats into chunks.
    pub fn chunks(&self, rows: usize, repeats: Range<usize>) -> Chunks {
        Chunks::new(rows, repeats, self.chunk)
    }

    /// Cuts rows into chunks that hold all repeats of their rows, if there is room for them.
    pub(crate) fn chunks_of_rows(&self, rows: usize, repeats: Range<usize>) -> Chunks {
        Chunks::of_whole_rows(rows, repeats, self.chunk)
    }

    /// Sets the number of work items that are still expected. Additional work is reported little by
    /// little, so that the reported share of finished work does not fall.
    pub fn expect_more(&self, items: usize) {
        let total = self.done.load(Ordering::Relaxed) + items;
        self.total.store(total, Ordering::Relaxed);
        self.open_ended.store(true, Ordering::Relaxed);
    }

    /// Reports the work as finished, if fewer items were needed than expected.
    pub fn finish(&self) {
        self.expect_more(0);
        self.open_ended.store(false, Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed);
        let told = *self.told.lock().expect("nothing panics while it is held");
        if told.is_none_or(|told| told.total != done) {
            self.report(done);
        }
    }

    /// Returns an error if the work is cancelled, for loops outside of [`run`](Self::run).
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check_cancelled(&self) -> Result<()> {
        if !self.outer.cancels.iter().any(Cancel::is_cancelled) {
            return Ok(());
        }
        let done = self.done.load(Ordering::Relaxed);
        Err(Error::Cancelled { done, total: self.total.load(Ordering::Relaxed) })
    }

    /// Evaluates chunks on the workers and folds the results in the order of the chunks.
    ///
    /// Workers do not run ahead of the fold by more than a few chunks, so that memory stays
    /// bounded. A single chunk is evaluated on the calling thread. If an explainer inside another
    /// one calls this from a worker, it uses that worker's share of the threads. `evaluate` numbers
    /// the rows in its errors within the chunk. `run` replaces these numbers by those of the whole
    /// batch.
    ///
    /// # Errors
    /// The first error of `evaluate` or `fold` in the order of the chunks, [`Error::Panicked`] if
    /// `evaluate` panics, and [`Error::Cancelled`].
    pub fn run<R: Send>(
        &self,
        chunks: &Chunks,
        evaluate: impl Fn(&Chunk) -> Result<R> + Sync,
        mut fold: impl FnMut(&Chunk, R) -> Result<()> + Send,
    ) -> Result<()> {
        self.run_counted(chunks, evaluate, |chunk, result| {
            fold(chunk, result)?;
            Ok(chunk.items())
        })
    }

    /// Does the same as [`run`](Self::run), for chunks whose number of work items is known only when
    /// they are done: `fold` returns it.
    pub(crate) fn run_counted<R: Send>(
        &self,
        chunks: &Chunks,
        evaluate: impl Fn(&Chunk) -> Result<R> + Sync,
        mut fold: impl FnMut(&Chunk, R) -> Result<usize> + Send,
    ) -> Result<()> {
        let job = Job { count: chunks.count(), threads: self.threads.for_items(chunks.count()) };
        let inside = self.inside(job.threads);
        let before = self.done.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let panicked = |chunk: &Chunk, message| {
            let item = before + chunks.items_before(chunk);
            Error::Panicked { rows: chunk.rows.clone(), item, total, message }
        };
        let result = in_order(
            &job,
            |at| {
                self.check_cancelled()?;
                let chunk = chunks.get(at);
                inside.clone().limit(|| evaluate(&chunk)).map_err(|error| match error {
                    // An explainer inside does not know the whole batch.
                    Error::Panicked { message, .. } => panicked(&chunk, message),
                    error => error.with_rows(|input| chunk.rows.start + input % chunk.rows.len()),
                })
            },
            |at, message| panicked(&chunks.get(at), message),
            |at, result| {
                let items = fold(&chunks.get(at), result)?;
                self.report(self.done.load(Ordering::Relaxed) + items);
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

    /// Calls `f` for every item, for work on the host. Items are shared out over the workers in groups
    /// of `group`. The items of a group share what `scratch` returns.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(crate) fn for_each<T: Send, S>(
        &self,
        items: &mut [T],
        group: usize,
        scratch: impl Fn() -> S + Sync,
        f: impl Fn(&mut T, &mut S) + Sync,
    ) -> Result<()> {
        let groups: Vec<Mutex<&mut [T]>> = items.chunks_mut(group).map(Mutex::new).collect();
        in_order(
            &Job { count: groups.len(), threads: self.host_threads.for_items(groups.len()) },
            |at| {
                self.check_cancelled()?;
                // Each group is locked once.
                let mut group = groups[at].lock().expect("no panic");
                let mut scratch = scratch();
                Ok(caught(|| group.iter_mut().for_each(|item| f(item, &mut scratch))))
            },
            |_, _| unreachable!("panics are caught"),
            |_, done| {
                // A panic here is not the model's.
                done.unwrap_or_else(|panic| resume_unwind(panic));
                Ok(())
            },
        )
    }

    /// Returns the limits of explainers inside a chunk, if chunks are evaluated on these threads.
    fn inside(&self, threads: Threads) -> Outer {
        let (at_once, workers) = match (threads, self.threads) {
            (Threads::Workers(used), Threads::Workers(all)) => (used, Some(all / used)),
            _ => (1, self.outer.workers),
        };
        let room = |inputs: usize| Room { chunk: self.chunk, inputs: inputs / at_once };
        let cancels = self.outer.cancels.clone();
        Outer { cancels, workers, room: self.inputs.map(room) }
    }

    fn report(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
        let Some(callback) = &self.schedule.progress else { return };
        // All work is done only when the method says so.
        let least = done + usize::from(self.open_ended.load(Ordering::Relaxed));
        let mut total = self.total.load(Ordering::Relaxed).max(least);
        let mut told = self.told.lock().expect("nothing panics while it is held");
        if let Some(before) = told.filter(|before| before.done > 0) {
            // With this total the share stays the same.
            let most = (done as f64 * before.total as f64 / before.done as f64) as usize;
            total = total.min(most.max(least));
        }
        let progress = Progress { done, total };
        *told = Some(progress);
        drop(told);
        callback(progress);
    }
}

/// Returns the threads that are asked for, as far as the caller leaves room for them.
fn asked(parallelism: Parallelism, outer: &Outer) -> Threads {
    let pool = calling_pool();
    let workers = match parallelism {
        Parallelism::WithinModel => return Threads::Calling,
        Parallelism::Auto => None,
        Parallelism::Workers(workers) => Some(workers),
    };
    match (outer.workers, workers) {
        // A worker has a share of the threads. With a single one it does everything itself.
        (Some(share), asked) => match asked.unwrap_or(share).min(share) {
            1 => Threads::Calling,
            workers => Threads::Workers(workers),
        },
        // A caller inside a rayon pool of the user's own shares out work already.
        (None, None) if pool.inside => Threads::Calling,
        (None, Some(_)) if pool.inside && pool.threads == 1 => Threads::Calling,
        (None, workers) => Threads::Workers(workers.unwrap_or(pool.threads)),
    }
}
