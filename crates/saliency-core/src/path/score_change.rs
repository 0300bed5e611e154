//! The change of score along a path.

use burn::tensor::DType;

/// The change of score along a path, to which the values of a row must sum if the path has no
/// places of its own.
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
    /// The places of both ends, if the path counts parts of the way more than others.
    places: Option<[f64; 2]>,
}

/// A point between gaps: its score, and its place if the path has places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub score: f64,
    pub place: Option<f64>,
}

/// The part of a path between two marks.
pub(crate) struct Part {
    pub from: Mark,
    pub to: Mark,
    /// Its width in positions.
    pub width: f64,
    /// The sum of its contributions.
    pub sum: f64,
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
        Self { from, to, digits, epsilon, without_path: false, is_sum: true, places: None }
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

    /// Sets the places of both ends of a path that counts parts of the way more than others.
    pub(crate) fn with_places(mut self, start: Option<f64>, end: Option<f64>) -> Self {
        self.places = start.zip(end).map(|(start, end)| [start, end]);
        self
    }

    /// Returns whether the values sum to the change.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_sum && self.places.is_none()
    }

    /// Returns the difference between the scores at the ends of the path.
    pub(crate) fn by(&self) -> f64 {
        self.to - self.from
    }

    /// Returns the least L1 norm that the values can have, as far as the scores show.
    pub(crate) fn least_size(&self) -> f64 {
        if self.is_complete() { self.by().abs() } else { 0.0 }
    }

    /// Returns the start of the path.
    pub(crate) fn start(&self) -> Mark {
        Mark { score: self.from, place: self.places.map(|places| places[0]) }
    }

    /// Returns the end of the path.
    pub(crate) fn end(&self) -> Mark {
        Mark { score: self.to, place: self.places.map(|places| places[1]) }
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

    /// Returns the sum of the contributions of a part minus its change of score, reduced by the part
    /// that may be rounding.
    ///
    /// If the path has places, a position counts for more or less of the way than its width. The sum
    /// is compared over the way, and the difference is what it counts for in the integral.
    pub(crate) fn missing_in(&self, part: &Part) -> f64 {
        let Part { from, to, width, sum } = part;
        let Some((start, end)) = from.place.zip(to.place) else {
            return self.missing(*sum, from.score, to.score);
        };
        let stretch = (end - start) / width;
        if stretch > 0.0 && stretch.is_finite() {
            return self.missing(sum * stretch, from.score, to.score) / stretch;
        }
        0.0
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

    #[test]
    fn a_part_of_a_measured_path_is_compared_over_the_way() {
        let change = ScoreChange::new(0.0, 1.0, DType::F64).with_places(Some(0.0), Some(1.0));
        assert_eq!((change.is_complete(), change.least_size()), (false, 0.0));
        // The score rises by 3 for each unit of the way; this part counts for a half of its way.
        let mark = |score, place| Mark { score, place: Some(place) };
        let (from, to) = (mark(0.3, 0.1), mark(0.9, 0.3));
        let part = |slope: f64| Part { from, to, width: 0.1, sum: 0.1 * slope };
        assert!(change.missing_in(&part(3.0)).abs() < 1e-12);
        assert!((change.missing_in(&part(4.0)) - 0.1).abs() < 1e-9);
        let still = Part { from, to: mark(0.9, 0.1), width: 0.1, sum: 1.0 };
        assert_eq!(change.missing_in(&still), 0.0);
    }
}
