//! The distribution of noise.

use crate::random::normal::distance_holding;

/// The largest uniform noise of standard deviation 1: √3.
pub(crate) const MOST_UNIFORM: f64 = 1.732_050_807_568_877_2;

/// The distribution of noise. Its standard deviation is always that of the [`NoiseScale`](crate::NoiseScale).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Distribution {
    /// Normal, as published.
    #[default]
    Gaussian,
    /// Uniform from -√3 to √3 standard deviations: bounded.
    Uniform,
}

impl Distribution {
    /// Returns the distance from zero within which noise of standard deviation 1 stays with the
    /// given probability.
    pub(crate) fn distance_holding(self, probability: f64) -> f64 {
        match self {
            Self::Gaussian => distance_holding(probability),
            Self::Uniform => MOST_UNIFORM * probability,
        }
    }
}
