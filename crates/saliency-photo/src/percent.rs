//! Shares as text.

/// Writes a share in percent: as a whole number, or with one decimal if it is below 10 %.
///
/// ```
/// assert_eq!(saliency_photo::percent(0.0612), "6.1 %");
/// assert_eq!(saliency_photo::percent(0.38), "38 %");
/// ```
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0 %".to_owned(),
        _ if percent < 0.1 => "less than 0.1 %".to_owned(),
        _ if percent < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_three_digits_or_fewer() {
        let shares = [0.0, 1e-5, 0.0612, 0.099, 0.38, 1.0].map(percent);
        assert_eq!(shares, ["0 %", "less than 0.1 %", "6.1 %", "9.9 %", "38 %", "100 %"]);
    }
}
