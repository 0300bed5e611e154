//! How sure a map is, in words.

use burn::tensor::Tensor;
use saliency::Attribution;

/// An explainer's estimates of its own error, for the first row.
#[derive(Clone, Debug, PartialEq)]
pub struct Certainty {
    gap: Option<Gap>,
    /// The estimated relative error of the map.
    error: Option<f64>,
    is_unfinished: bool,
    warnings: Vec<String>,
}

/// The difference between the sum of the values and the change of score, which should be equal.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gap {
    gap: f64,
    change: f64,
}

impl Certainty {
    /// Reads an explainer's answer.
    pub fn of(map: &Attribution<Tensor<4>>) -> Self {
        let gap = match (&map.completeness_gap, &map.baseline_scores) {
            (Some(gap), Some(baseline)) => {
                Some(Gap { gap: gap[0], change: map.scores[0] - baseline[0] })
            }
            _ => None,
        };
        Self {
            gap,
            error: map.error_estimate.as_ref().map(|errors| errors[0]),
            is_unfinished: map.converged.as_ref().is_some_and(|converged| !converged[0]),
            warnings: map.warnings.iter().map(ToString::to_string).collect(),
        }
    }

    /// Returns everything that is known, a line each. `limit` is the most gradients that were
    /// allowed.
    pub fn lines(&self, limit: usize) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(Gap { gap, change }) = self.gap {
            lines.push(format!("completeness gap: {gap:+.3} of a score change of {change:.3}"));
        }
        if let Some(error) = self.error {
            lines.push(format!("estimated error of the map: {:.1} %", 100.0 * error));
        }
        if self.is_unfinished {
            lines.push(format!("warning: the tolerance was not reached within {limit} gradients"));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines
    }

    /// Returns the estimates of the error in few words, a line each.
    pub fn short_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(error) = self.error {
            lines.push(format!("estimated error {:.1} %", 100.0 * error));
        }
        if let Some(Gap { gap, change }) = self.gap {
            lines.push(format!("completeness gap {gap:+.2} of {change:.2}"));
        }
        lines
    }
}
