//! The unit in which the moments of a row are kept.

/// Returns the power of two that brings a row's largest value into the range from 1 to 2, with an
/// exponent of at most `most`. Zero if the row has no largest value, or if it is zero.
pub(super) fn scale_of(largest: f64, most: f64) -> f64 {
    match largest.log2().floor() {
        exponent if exponent.is_finite() => (-exponent.clamp(-most, most)).exp2(),
        _ => 0.0,
    }
}
