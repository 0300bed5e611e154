//! The number that summarises the samples of a value.

/// The number that summarises the samples of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aggregate {
    /// The mean.
    Mean,
    /// The mean of the squares.
    MeanOfSquares,
    /// The unbiased variance.
    Variance,
}

impl Aggregate {
    /// Returns the least number of samples that it needs.
    pub(crate) fn least_samples(self) -> usize {
        match self {
            Self::Mean | Self::MeanOfSquares => 1,
            Self::Variance => 2,
        }
    }

    /// Returns the number of sums of powers of deviations that it needs.
    pub(crate) fn sums(self) -> usize {
        match self {
            Self::Mean | Self::MeanOfSquares => 1,
            Self::Variance => 3,
        }
    }
}
