//! The change of score along a path.

use burn::tensor::DType;

/// The change of score along a path, to which the values of a row must sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreChange {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// The share of a score that may be rounding.
    digits: f64,
    /// The share of the values that is lost to rounding.
    pub(crate) epsilon: f64,
    /// Whether the path is a single point, so that nothing can contribute to the change.
    pub(crate) without_path: bool,
    /// Whether the values of a row sum to the change.
    is_sum: bool,
}

impl ScoreChange {
    /// Returns the change from one score to another, of a model that computes with tensors of the
    /// given precision.
    pub fn new(from: f64, to: f64, precision: DType) -> Self {
        let digits = match precision {
            DType::F64 => 1e-13,
            DType::F16 => 1e-2,
            DType::BF16 => 1e-1,
            _ => 1e-5,
        };
        let epsilon = match precision {
            // The rounding of the model and of the sum counts more than that of the position.
            DType::F64 => 4.0 * f64::EPSILON,
            DType::F16 => 2f64.powi(-11),
            DType::BF16 => 2f64.powi(-8),
            _ => 4.0 * f64::from(f32::EPSILON),
        };
        Self { from, to, digits, epsilon, without_path: false, is_sum: true }
    }

    /// Returns the same change for a path whose ends are the same point: its integral is known to be
    /// zero.
    pub fn without_path(mut self) -> Self {
        self.without_path = true;
        self
    }

    /// Returns the change for an integral whose values do not sum to a change of score, such as a mean
    /// of gradients. Scores then say nothing about its error.
    pub fn unrelated(precision: DType) -> Self {
        Self { is_sum: false, ..Self::new(0.0, 0.0, precision) }
    }

    /// Returns the difference between the scores at the ends of the path.
    pub(crate) fn by(&self) -> f64 {
        self.to - self.from
    }

    /// Returns a sum of contributions minus the change between two scores on the path, reduced by
    /// the part that may be rounding.
    pub(crate) fn missing(&self, sum: f64, from: f64, to: f64) -> f64 {
        if !self.is_sum {
            return 0.0;
        }
        let missing = sum - (to - from);
        let rounding = self.digits * (from.abs() + to.abs());
        missing.signum() * (missing.abs() - rounding).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_not_missing() {
        let change = ScoreChange::new(0.0, 1.0, DType::F32);
        assert_eq!(change.by(), 1.0);
        assert_eq!(change.missing(1.0 + 1e-6, 0.0, 1.0), 0.0);
        assert!((change.missing(0.5, 0.0, 1.0) + 0.5).abs() < 1e-4);
        assert!((change.missing(1.5, 0.0, 1.0) - 0.5).abs() < 1e-4);
    }

    #[test]
    fn nothing_is_missing_from_values_that_are_no_shares_of_a_score() {
        let change = ScoreChange::unrelated(DType::F32);
        assert_eq!((change.missing(5.0, 0.0, 1.0), change.by()), (0.0, 0.0));
    }
}
