//! How many units does a map need to say what it says?

mod effective_complexity;
mod entropy;
mod sparseness;

pub use effective_complexity::EffectiveComplexity;
pub use entropy::Entropy;
pub use sparseness::Sparseness;

use crate::estimate::Reason;

/// Returns the absolute values of a map.
///
/// # Errors
/// [`Reason::NotFinite`].
fn magnitudes(map: &[f64]) -> Result<Vec<f64>, Reason> {
    if !map.iter().all(|value| value.is_finite()) {
        return Err(Reason::NotFinite);
    }
    Ok(map.iter().map(|value| value.abs()).collect())
}

/// Returns the share of each unit in the sum of the absolute values.
///
/// # Errors
/// [`Reason::NotFinite`], and [`Reason::MapSumsToZero`].
fn shares(map: &[f64]) -> Result<Vec<f64>, Reason> {
    let magnitudes = magnitudes(map)?;
    // Divided by the largest first, so that the sum is finite and above 0.
    let largest = magnitudes.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(Reason::MapSumsToZero);
    }
    let scaled: Vec<f64> = magnitudes.iter().map(|value| value / largest).collect();
    let sum: f64 = scaled.iter().sum();
    Ok(scaled.iter().map(|value| value / sum).collect())
}
