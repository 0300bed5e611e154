//! How sure counts and means over photos are.

use saliency_metrics::{Bootstrap, Interval};

/// The quantile 0.975 of the normal distribution.
const Z: f64 = 1.959_964;

/// Returns the 95 % interval of a share of photos: `count` of `all`, which is at least 1.
///
/// ```text
/// (p + z² / 2n ± z √(p (1 - p) / n + z² / 4n²)) / (1 + z² / n)
/// ```
///
/// # Source
/// E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
pub(crate) fn of_share(count: usize, all: usize) -> Interval {
    let (share, n) = (count as f64 / all as f64, all as f64);
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let end = |end: f64| (end / (1.0 + Z * Z / n)).clamp(0.0, 1.0);
    Interval { low: end(middle - reach), high: end(middle + reach) }
}

/// Returns the 95 % interval of a mean over photos, a bootstrap. Returns `None` if there are fewer
/// than two photos, or if all have the same value.
pub(crate) fn of_mean(values: &[f64]) -> Option<Interval> {
    Bootstrap::new().interval(values)
}

/// Says an interval of shares in words: "between 71 and 94 %".
pub(crate) fn in_words(interval: Interval) -> String {
    let [low, high] = [interval.low, interval.high].map(|end| 100.0 * end);
    format!("between {low:.0} and {high:.0}\u{a0}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_has_the_values_of_its_equation() {
        for (count, all, low, high) in [
            (31, 36, 0.7134, 0.9392),
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
            (1, 1, 0.2065, 1.0),
            (50, 100, 0.4038, 0.5962),
        ] {
            let found = of_share(count, all);
            assert!((found.low - low).abs() < 1e-4, "{count} of {all}: {found:?}");
            assert!((found.high - high).abs() < 1e-4, "{count} of {all}: {found:?}");
        }
        assert_eq!(in_words(of_share(31, 36)), "between 71 and 94\u{a0}%");
    }

    #[test]
    fn a_mean_of_one_photo_or_of_equal_ones_has_no_interval() {
        assert_eq!(of_mean(&[0.5]), None);
        assert_eq!(of_mean(&[0.5; 9]), None);
        assert!(of_mean(&[0.1, 0.2, 0.3, 0.4, 0.5]).unwrap().contains(0.3));
    }
}
