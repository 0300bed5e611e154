//! How sure the average of a row is.

/// How sure the average of a row is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RowCertainty {
    /// The estimated relative L1 error: Σ standard error / Σ |value|. Infinite if there is no
    /// standard error yet.
    pub error: f64,
    /// Of the values that vary, the share whose spread comes to [a large part](DECISIVE) from a
    /// single sample.
    pub decided: f64,
}

impl RowCertainty {
    /// Nothing is known yet.
    pub const UNKNOWN: Self = Self { error: f64::INFINITY, decided: 0.0 };
}

/// A sample decides a value if it makes up more than this share of the value's spread. For a normal
/// distribution the largest of 50 samples makes up a tenth.
const DECISIVE: f64 = 0.3;

/// Sums over the values of a row.
#[derive(Clone, Copy, Default)]
pub(crate) struct RowSums {
    /// The sum of the absolute values.
    size: f64,
    /// The sum of the standard errors.
    errors: f64,
    /// The sum of the standard errors, each of them at least 1/n of its value.
    errors_at_least: f64,
    /// The number of values that vary, and the number of these that a single sample decides.
    varying: usize,
    decided: usize,
}

impl RowSums {
    /// Adds a value with its standard error after `n` samples.
    ///
    /// Equal samples of a value prove little: one more sample could differ by as much as the value.
    /// So the error counts as at least 1/n of the value.
    pub fn add(&mut self, value: f64, error: f64, n: f64) {
        let size = value.abs();
        self.size += size;
        self.errors += error;
        self.errors_at_least += error.max(size / n);
    }

    /// Adds the spread of a value's samples, and the part of it that the sample farthest from the mean
    /// makes up.
    pub fn add_spread(&mut self, largest: f64, spread: f64) {
        if spread > 0.0 {
            self.varying += 1;
            self.decided += usize::from(largest > DECISIVE * spread);
        }
    }

    /// Returns how sure the row is.
    pub fn certainty(self) -> RowCertainty {
        let error = self.errors_at_least / self.size;
        if self.size == 0.0 && self.errors == 0.0 {
            // All samples are zero.
            return RowCertainty { error: 0.0, decided: 1.0 };
        }
        let error = if error.is_nan() { f64::INFINITY } else { error };
        let decided = self.decided as f64 / self.varying.max(1) as f64;
        RowCertainty { error, decided }
    }
}
