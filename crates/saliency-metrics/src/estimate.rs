//! The value of a metric for each row, and how sure their mean is.

use crate::bootstrap::{Bootstrap, Interval, mean};

/// The values of a metric, one for each row.
///
/// A value is never NaN: a row for which the metric has no value has none, and a [`Note`] says why.
/// Mean, standard error and interval are those of the rows that have a value. They describe rows
/// that were drawn independently: several crops of one photo count as one.
///
/// ```text
/// standard error = √( Σ (value - mean)² / (n - 1) / n )
/// ```
///
/// # Example
/// ```
/// use saliency_metrics::{Reason, RowValues};
///
/// let values = RowValues::new([Ok(1.0), Err(Reason::MaskEmpty), Ok(2.0), Ok(3.0)]);
/// assert_eq!(values.values()[1], None);
/// assert_eq!(values.mean(), Some(2.0));
/// let interval = values.interval().unwrap();
/// assert!(interval.low < 2.0 && 2.0 < interval.high);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowValues {
    values: Vec<Option<f64>>,
    notes: Vec<Note>,
}

/// A remark about one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Note {
    /// The row.
    pub row: usize,
    /// The reason for the remark.
    pub reason: Reason,
}

/// A reason why a row has no value, or a value that says less than it seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// All values of the map are equal, so that it prefers nothing.
    #[error("all values of the map are equal")]
    MapAllEqual,
    /// All scores are equal: the model ignores the units that were changed.
    #[error("the score does not change")]
    ScoresAllEqual,
    /// All sums of attributions are equal, so that they can not go along with the score.
    #[error("the sums of the map are equal for all choices of units")]
    SumsAllEqual,
    /// The map adds up to zero, so that it has no shares.
    #[error("the map adds up to zero")]
    MapSumsToZero,
    /// The mask holds no unit.
    #[error("the mask holds no unit")]
    MaskEmpty,
    /// The mask holds every unit.
    #[error("the mask holds every unit")]
    MaskFull,
    /// There is one unit only, so that there is nothing to compare it with.
    #[error("there is one unit only")]
    OneUnit,
    /// The model is less sure of the input than the metric asks for.
    #[error("the model is not sure enough of the input")]
    AnswerUnsure,
    /// The answer of the model changes with every perturbation.
    #[error("the answer of the model changes with every perturbation")]
    AnswerChanges,
    /// The input holds no more information than the covered input.
    #[error("covering does not take information away")]
    InformationKept,
    /// The score does not fall if the input is covered.
    #[error("the score does not fall if the input is covered")]
    ScoreKept,
    /// A value of the map, or a score of the model, is not finite.
    #[error("a value of the map or a score is not finite")]
    NotFinite,
}

impl RowValues {
    /// Takes the value of each row, or the reason why it has none. A value that is not finite
    /// counts as [`Reason::NotFinite`].
    pub fn new(rows: impl IntoIterator<Item = Result<f64, Reason>>) -> Self {
        let mut found = Self::default();
        for (row, value) in rows.into_iter().enumerate() {
            match value {
                Ok(value) if value.is_finite() => found.values.push(Some(value)),
                Ok(_) => found.push_missing(row, Reason::NotFinite),
                Err(reason) => found.push_missing(row, reason),
            }
        }
        found
    }

    fn push_missing(&mut self, row: usize, reason: Reason) {
        self.values.push(None);
        self.notes.push(Note { row, reason });
    }

    /// Adds remarks, each once.
    pub(crate) fn with_notes(mut self, notes: impl IntoIterator<Item = Note>) -> Self {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.notes.sort_by_key(|note| note.row);
        self
    }

    /// Returns the value of each row; `None` if the metric has no value for it.
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// Returns the remarks about rows, in the order of the rows.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the values of the rows that have one.
    pub fn defined(&self) -> Vec<f64> {
        self.values.iter().copied().flatten().collect()
    }

    /// Returns the mean of the rows; `None` if no row has a value.
    pub fn mean(&self) -> Option<f64> {
        let values = self.defined();
        (!values.is_empty()).then(|| mean(&values))
    }

    /// Returns the standard error of the mean; `None` if fewer than two rows have a value.
    pub fn standard_error(&self) -> Option<f64> {
        let values = self.defined();
        if values.len() < 2 {
            return None;
        }
        let (mean, count) = (mean(&values), values.len() as f64);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some((squares / (count - 1.0) / count).sqrt())
    }

    /// Returns the 95 % interval of the mean with the defaults of [`Bootstrap`]; `None` if fewer
    /// than two rows have a value, or if all values are equal, because these do not show how much
    /// rows differ.
    pub fn interval(&self) -> Option<Interval> {
        Bootstrap::new().interval(&self.defined())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_value_are_left_out_and_noted() {
        let rows = [Ok(1.0), Ok(f64::NAN), Err(Reason::MaskEmpty), Ok(3.0), Ok(5.0)];
        let found = RowValues::new(rows);
        assert_eq!(found.values(), [Some(1.0), None, None, Some(3.0), Some(5.0)]);
        let noted = [(1, Reason::NotFinite), (2, Reason::MaskEmpty)];
        let noted = noted.map(|(row, reason)| Note { row, reason });
        assert_eq!(found.notes(), noted);
        assert_eq!(found.mean(), Some(3.0));
        // Standard deviation 2, three rows.
        assert!((found.standard_error().unwrap() - 2.0 / 3f64.sqrt()).abs() < 1e-12);
        let again = found.clone().with_notes(noted);
        assert_eq!(again, found);
    }

    #[test]
    fn one_row_and_no_row_have_no_error() {
        let one = RowValues::new([Ok(2.0)]);
        assert_eq!((one.mean(), one.standard_error(), one.interval()), (Some(2.0), None, None));
        let none = RowValues::new([Err(Reason::OneUnit)]);
        assert_eq!((none.mean(), none.standard_error(), none.interval()), (None, None, None));
        let equal = RowValues::new([Ok(0.1); 3]);
        let found = (equal.mean(), equal.standard_error(), equal.interval());
        assert_eq!(found, (Some(0.1), Some(0.0), None));
    }
}
