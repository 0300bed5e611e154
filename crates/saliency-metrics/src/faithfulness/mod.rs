//! Does the score change as the map says?

mod curve;
mod deletion;
mod infidelity;
mod information_curve;
mod insertion;
mod monotonicity;
mod monotonicity_correlation;
mod pixel_flipping;
mod random_choices;
mod road;
mod saco;
mod sensitivity_n;

pub use curve::{Curves, Order, Scale};
pub use deletion::Deletion;
pub use infidelity::Infidelity;
pub use information_curve::InformationCurve;
pub use insertion::Insertion;
pub use monotonicity::Monotonicity;
pub use monotonicity_correlation::MonotonicityCorrelation;
pub use pixel_flipping::PixelFlipping;
pub use random_choices::RandomChoices;
pub use road::Road;
pub use saco::SaCo;
pub use sensitivity_n::SensitivityN;

/// Differences below this share of the largest score are rounding of single precision.
pub(crate) const ROUNDING: f64 = 2e-7;

/// Returns whether scores, or differences of scores, are equal but for rounding, given the size of
/// the scores.
pub(crate) fn equal_scores(scores: &[f64], size: f64) -> bool {
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low <= ROUNDING * size
}
