//! One value for all rows, or one for each.

use crate::error::{Error, Result};

/// One value for all rows, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PerRow<T> {
    All(T),
    Each(Vec<T>),
}

impl<T: Clone> PerRow<T> {
    /// Returns the value of a row.
    pub(crate) fn of(&self, row: usize) -> &T {
        match self {
            Self::All(value) => value,
            Self::Each(values) => &values[row],
        }
    }

    /// Returns the values of the given rows.
    ///
    /// # Panics
    /// Panics if there is a value for each row and a selected row does not exist.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::All(_) => self.clone(),
            Self::Each(values) => Self::Each(rows.iter().map(|&row| values[row].clone()).collect()),
        }
    }

    /// Appends the values of the rows in `more`. Both must be parts of one list, or one value.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        match (self, more) {
            (Self::Each(mut values), Self::Each(more)) => {
                values.extend(more);
                Self::Each(values)
            }
            (same, _) => same,
        }
    }

    /// Refuses a list that is not as long as the batch.
    ///
    /// # Errors
    /// [`Error::TargetCount`].
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        match self {
            Self::Each(values) if values.len() != rows => {
                Err(Error::TargetCount { expected: rows, found: values.len() })
            }
            _ => Ok(()),
        }
    }

    /// Returns all values.
    pub(crate) fn values(&self) -> &[T] {
        match self {
            Self::All(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }

    /// Returns whether every row has the same value.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        matches!(self, Self::All(_))
    }
}
