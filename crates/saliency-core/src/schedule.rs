//! How the work of an explanation is cut into chunks, and how its progress is told.

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
/// Peak memory depends on the chunk, not on the number of rows, points or samples. The result
/// does not depend on it, except that a device may round a batch differently from a single row.
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

    /// Evaluates `items` in chunks and folds the results in the order of the items.
    ///
    /// `width` is the number of values that one item feeds to the model.
    pub(crate) fn run<T, R>(
        &self,
        width: usize,
        items: &[T],
        evaluate: impl Fn(&[T]) -> Result<R>,
        mut fold: impl FnMut(&[T], R) -> Result<()>,
    ) -> Result<()> {
        let chunk = match self.chunk {
            Some(0) => {
                let found = "0".to_owned();
                return Err(Error::InvalidOption {
                    option: "chunk",
                    expected: "at least 1",
                    found,
                });
            }
            Some(chunk) => chunk,
            None => (CHUNK_VALUES / width).max(1),
        };
        let report = |done| {
            if let Some(callback) = &self.progress {
                callback(Progress { done, total: items.len() });
            }
        };
        report(0);
        let mut done = 0;
        for items in items.chunks(chunk) {
            fold(items, evaluate(items)?)?;
            done += items.len();
            report(done);
        }
        Ok(())
    }

    /// Evaluates every row of `at` once, in chunks.
    pub(crate) fn rows<R>(
        &self,
        at: &Flat,
        evaluate: impl Fn(&[usize], Flat) -> Result<R>,
        fold: impl FnMut(&[usize], R) -> Result<()>,
    ) -> Result<()> {
        let rows: Vec<usize> = (0..at.rows()).collect();
        self.run(at.width(), &rows, |rows| evaluate(rows, at.narrow(rows[0], rows.len())), fold)
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
        let items: Vec<usize> = (0..7).collect();
        let fold = |items: &[usize], length: usize| {
            assert_eq!(items.len(), length);
            folded.extend_from_slice(items);
            Ok(())
        };
        schedule.run(1, &items, |items| Ok(items.len()), fold).unwrap();
        assert_eq!(folded, items);
        assert_eq!(*seen.lock().unwrap(), [0, 3, 6, 7]);
    }

    #[test]
    fn by_default_a_chunk_holds_a_bounded_number_of_values() {
        let lengths = |width| {
            let mut lengths = Vec::new();
            let fold = |items: &[usize], ()| {
                lengths.push(items.len());
                Ok(())
            };
            Schedule::new().run(width, &[0; 30], |_| Ok(()), fold).unwrap();
            lengths
        };
        assert_eq!(lengths(3 * 224 * 224), [1; 30]);
        assert_eq!(lengths(3 * 32 * 32), [21, 9]);
        assert_eq!(lengths(10), [30]);
    }

    #[test]
    fn a_chunk_of_nothing_is_refused() {
        let schedule = Schedule::new().with_chunk(0);
        let error = schedule.run(1, &[0], |_| Ok(()), |_, ()| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "expected chunk at least 1, found 0");
    }
}
