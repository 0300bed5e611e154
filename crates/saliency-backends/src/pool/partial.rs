use saliency_core::{Attribution, Error, Result};

/// The answer for the rows that a [`DevicePool`](crate::DevicePool) has explained, and the error
/// that prevented the explanation of the other rows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Partial<I> {
    /// The answer for the rows that are done, one after the other; `None` if no row is done.
    ///
    /// Its warnings number these rows from 0.
    pub map: Option<Attribution<I>>,
    /// The positions of these rows in the input, ascending.
    pub rows: Vec<usize>,
    /// The error; `None` if every row is done.
    pub error: Option<Error>,
}

impl<I> Partial<I> {
    /// Returns the answer if every row is done.
    pub(super) fn whole(self) -> Result<Attribution<I>> {
        match (self.map, self.error) {
            (Some(map), None) => Ok(map),
            (_, error) => Err(error.expect("an error, because rows are missing")),
        }
    }

    /// Returns an answer without rows.
    pub(super) fn nothing(error: Error) -> Self {
        Self { map: None, rows: Vec::new(), error: Some(error) }
    }
}
