//! How the work of an explanation is cut into chunks, and how its progress is told.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::inputs::Flat;

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Work items done: gradients, or samples of a wrapped explainer.
    pub done: usize,
    /// Work items in all.
    pub total: usize,
}

/// How many inputs a model is given at once, and who is told of the progress.
///
/// Beside a few copies of the input, peak memory depends on the chunk and not on the number of
/// points or samples. The result depends on it by rounding only: a device may round a batch
/// differently from a single row, and sums are taken within chunks first.
///
/// # Defaults
/// As many inputs at once as hold 65,536 values (one photo of 224 x 224 pixels, 21 pictures of
/// 32 x 32, a thousand rows of a table), and no callback.
///
/// # Example
/// ```
/// use saliency_core::{IntegratedGradients, Schedule};
///
/// let schedule = Schedule::new()
///     .with_chunk(8)
///     .with_progress(|progress| eprintln!("{} of {}", progress.done, progress.total));
/// let explainer = IntegratedGradients::new().with_schedule(schedule);
/// ```
#[derive(Clone, Default)]
pub struct Schedule {
    chunk: Option<usize>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// Values that the inputs of one chunk hold together by default.
const CHUNK_VALUES: usize = 1 << 16;

impl Schedule {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the model `chunk` inputs at once; at least 1.
    pub fn with_chunk(mut self, chunk: usize) -> Self {
        self.chunk = Some(chunk);
        self
    }

    /// Calls `callback` before the first work item and after every chunk.
    pub fn with_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// The same chunks, without telling anybody: for passes that are not counted.
    pub(crate) fn silent(&self) -> Self {
        Self { chunk: self.chunk, progress: None }
    }

    /// Evaluates work items in chunks and folds the results in the order of the items.
    ///
    /// `width` is the number of values that one item feeds to the model.
    pub(crate) fn run<R>(
        &self,
        width: usize,
        total: usize,
        evaluate: impl Fn(Range<usize>) -> Result<R>,
        mut fold: impl FnMut(Range<usize>, R) -> Result<()>,
    ) -> Result<()> {
        let chunk = match self.chunk {
            Some(0) => {
                let (expected, found) = ("at least 1".to_owned(), "0".to_owned());
                return Err(Error::InvalidOption { option: "chunk", expected, found });
            }
            Some(chunk) => chunk,
            None => (CHUNK_VALUES / width).max(1),
        };
        let report = |done| {
            if let Some(callback) = &self.progress {
                callback(Progress { done, total });
            }
        };
        report(0);
        for start in (0..total).step_by(chunk) {
            let items = start..total.min(start.saturating_add(chunk));
            fold(items.clone(), evaluate(items.clone())?)?;
            report(items.end);
        }
        Ok(())
    }

    /// Evaluates every row of `at` once, in chunks.
    pub(crate) fn rows<R>(
        &self,
        at: &Flat,
        evaluate: impl Fn(Vec<usize>, Flat) -> Result<R>,
        mut fold: impl FnMut(usize, R) -> Result<()>,
    ) -> Result<()> {
        let evaluate = |rows: Range<usize>| {
            let chunk = at.narrow(rows.start, rows.len());
            evaluate(rows.clone().collect(), chunk).map_err(|error| error.after_rows(rows.start))
        };
        self.run(at.width(), at.rows(), evaluate, |rows, result| fold(rows.len(), result))
    }
}

impl Error {
    /// The error of a chunk as that of the whole batch, in which `before` rows come before it.
    fn after_rows(self, before: usize) -> Self {
        match self {
            Self::NotFinite { place, row } => Self::NotFinite { place, row: before + row },
            other => other,
        }
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Schedule");
        out.field("chunk", &self.chunk).field("progress", &self.progress.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn chunks_cover_every_item_in_order_and_progress_ends_at_the_total() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let schedule = Schedule::new()
            .with_chunk(3)
            .with_progress(move |progress| log.lock().unwrap().push(progress.done));
        let mut folded = Vec::new();
        let fold = |items: Range<usize>, length: usize| {
            assert_eq!(items.len(), length);
            folded.extend(items);
            Ok(())
        };
        schedule.run(1, 7, |items| Ok(items.len()), fold).unwrap();
        assert_eq!(folded, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(*seen.lock().unwrap(), [0, 3, 6, 7]);
    }

    #[test]
    fn by_default_a_chunk_holds_a_bounded_number_of_values() {
        let lengths = |width| {
            let mut lengths = Vec::new();
            let fold = |items: Range<usize>, ()| {
                lengths.push(items.len());
                Ok(())
            };
            Schedule::new().run(width, 30, |_| Ok(()), fold).unwrap();
            lengths
        };
        assert_eq!(lengths(3 * 224 * 224), [1; 30]);
        assert_eq!(lengths(3 * 32 * 32), [21, 9]);
        assert_eq!(lengths(10), [30]);
    }

    #[test]
    fn a_chunk_of_nothing_is_refused_and_one_of_everything_is_not() {
        let run = |chunk| Schedule::new().with_chunk(chunk).run(1, 1, |_| Ok(()), |_, ()| Ok(()));
        assert_eq!(run(0).unwrap_err().to_string(), "expected chunk at least 1, found 0");
        assert_eq!(run(usize::MAX), Ok(()));
    }
}
