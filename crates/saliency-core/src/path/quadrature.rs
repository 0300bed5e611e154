//! Quadrature rules: the positions on a path at which gradients are taken, and their weights.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::{Arc, Mutex, PoisonError};

/// A rule that places a fixed number of points on a path from the baseline (0) to the input (1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Rule {
    /// Gauss-Legendre: with n points, exact if the gradient along the path is a polynomial of
    /// degree 2n - 1 or less.
    #[default]
    GaussLegendre,
    /// The middle of equal intervals.
    Midpoint,
    /// The start of equal intervals, on the side of the baseline: for comparison with programs that
    /// add gradients up before each move. It errs to one side, so that it needs many points.
    Left,
    /// The end of equal intervals, on the side of the input, which is the last point. It errs like
    /// [`Rule::Left`], to the other side.
    Right,
    /// The middle of intervals that are narrow where the score changes. A pilot finds those places:
    /// nine scores at equal distances on the path of each row. The scores at both ends are known
    /// already, so that the pilot takes seven more forward passes. On deep ReLU networks this rule
    /// needs little more than half as many points as Gauss-Legendre for the same error.
    Placed,
}

/// A position on a path, with its weight in the integral.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedPosition {
    /// The position in 0..1.
    pub position: f64,
    /// The weight; the weights of a rule sum to 1.
    pub weight: f64,
}

/// The pilot of [`Rule::Placed`] cuts the path into this many equal intervals, and takes the change
/// of score over each.
pub(crate) const PILOT: usize = 8;

/// Splits the path into intervals with equal √(score change), estimated from the pilot scores, and
/// returns the middle of each with its weight. `scores` holds the scores at the ends of the pilot's
/// intervals.
pub(crate) fn placed(count: usize, scores: &[f64]) -> Vec<WeightedPosition> {
    let changes = scores.windows(2).map(|pair| (pair[1] - pair[0]).abs().sqrt());
    let changes: Vec<f64> = changes.collect();
    let largest = changes.iter().copied().fold(0.0, f64::max);
    // A score may stay the same while its gradient changes, so that every interval gets points.
    let least = if largest > 0.0 { LEAST_DENSITY * largest } else { 1.0 };
    let density: Vec<f64> = changes.iter().map(|change| change.max(least)).collect();
    let all: f64 = density.iter().sum();
    let width = 1.0 / density.len() as f64;
    // The position below which the given share of the whole density is.
    let position_of = |share: f64| {
        let mut left = share * all;
        for (k, density) in density.iter().enumerate() {
            if left <= *density {
                return (k as f64 + left / density) * width;
            }
            left -= density;
        }
        1.0
    };
    let ends: Vec<f64> = (0..=count).map(|k| position_of(k as f64 / count as f64)).collect();
    ends.windows(2)
        .map(|pair| WeightedPosition {
            position: 0.5 * (pair[0] + pair[1]),
            weight: pair[1] - pair[0],
        })
        .collect()
}

/// The least density of points, as a share of the largest.
const LEAST_DENSITY: f64 = 0.05;

impl Rule {
    /// Returns positions in (0, 1), ascending, each with its weight; the weights sum to 1. The first
    /// of [`Rule::Left`] is 0, and the last of [`Rule::Right`] is 1.
    /// [`Rule::Placed`] needs a pilot; without one its points are those of [`Rule::Midpoint`].
    pub fn positions(self, count: usize) -> Vec<WeightedPosition> {
        match self {
            Self::GaussLegendre => known_gauss_legendre(count).to_vec(),
            Self::Midpoint | Self::Placed => equal_intervals(count, 0.5),
            Self::Left => equal_intervals(count, 0.0),
            Self::Right => equal_intervals(count, 1.0),
        }
    }
}

/// Returns one position in each of `count` equal intervals, `at` of the way along it.
fn equal_intervals(count: usize, at: f64) -> Vec<WeightedPosition> {
    let n = count as f64;
    (0..count)
        .map(|k| WeightedPosition { position: (k as f64 + at) / n, weight: 1.0 / n })
        .collect()
}

/// The most tables of points that are kept.
const MOST_TABLES: usize = 64;

/// Returns the Gauss-Legendre points on (0, 1). A service asks for the same number again and again,
/// and a small network's gradients take less time than the points.
fn known_gauss_legendre(count: usize) -> Arc<[WeightedPosition]> {
    static KNOWN: Mutex<BTreeMap<usize, Arc<[WeightedPosition]>>> = Mutex::new(BTreeMap::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(points) = known().get(&count) {
        return points.clone();
    }
    // Computed without the lock, because many points take long.
    let points: Arc<[WeightedPosition]> = gauss_legendre(count).into();
    let mut known = known();
    if known.len() >= MOST_TABLES {
        known.clear();
    }
    known.insert(count, points.clone());
    points
}

/// Computes the Gauss-Legendre points on (0, 1): the roots of the Legendre polynomial, by Newton's
/// method.
fn gauss_legendre(count: usize) -> Vec<WeightedPosition> {
    let n = count as f64;
    let mut points = vec![WeightedPosition { position: 0.5, weight: 1.0 }; count];
    for k in 0..count.div_ceil(2) {
        // Tricomi's approximation, good enough for quadratic convergence from the first step.
        let angle = PI * (k as f64 + 0.75) / (n + 0.5);
        let mut x = (1.0 - (n - 1.0) / (8.0 * n.powi(3))) * angle.cos();
        let mut slope = 1.0;
        for _ in 0..10 {
            let (value, derivative) = legendre(count, x);
            slope = derivative;
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        let weight = 1.0 / ((1.0 - x * x) * slope * slope);
        points[k] = WeightedPosition { position: 0.5 * (1.0 - x), weight };
        points[count - 1 - k] = WeightedPosition { position: 0.5 * (1.0 + x), weight };
    }
    points
}

/// Evaluates the Legendre polynomial of degree `count` at `x`, and its derivative.
fn legendre(count: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=count {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
    }
    (value, count as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_points_ascend_symmetrically() {
        for rule in [Rule::GaussLegendre, Rule::Midpoint] {
            for count in [1, 2, 3, 20, 50, 501, 2000] {
                let points = rule.positions(count);
                let sum: f64 = points.iter().map(|at| at.weight).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{rule:?} {count}: {sum}");
                assert!(
                    points.windows(2).all(|pair| pair[0].position < pair[1].position),
                    "{rule:?} {count}"
                );
                assert!(points[0].position > 0.0 && points[count - 1].position < 1.0);
                let mirrored = points.iter().zip(points.iter().rev());
                assert!(
                    mirrored
                        .into_iter()
                        .all(|(a, b)| (a.position + b.position - 1.0).abs() < 1e-14)
                );
            }
        }
    }

    #[test]
    fn points_are_at_the_starts_or_at_the_ends_of_equal_intervals() {
        let positions = |rule: Rule| rule.positions(4).into_iter().map(|at| at.position);
        assert!(positions(Rule::Left).eq([0.0, 0.25, 0.5, 0.75]));
        assert!(positions(Rule::Right).eq([0.25, 0.5, 0.75, 1.0]));
        assert!(Rule::Right.positions(4).iter().all(|at| at.weight == 0.25));
    }

    #[test]
    fn points_are_placed_where_the_score_changes() {
        let scores = [0.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0];
        for count in [1, 2, 7, 100] {
            let points = placed(count, &scores);
            let sum: f64 = points.iter().map(|at| at.weight).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{count}: {sum}");
            assert!(points.windows(2).all(|pair| pair[0].position < pair[1].position));
        }
        // Densities 2, 1 and six times 0.1.
        let points = placed(36, &scores);
        let within = |from: f64, to: f64| {
            points.iter().filter(|p| from < p.position && p.position < to).count()
        };
        assert_eq!((within(0.0, 0.125), within(0.125, 0.25), within(0.25, 1.0)), (20, 10, 6));
        for (found, even) in placed(8, &[1.0; 9]).into_iter().zip(Rule::Midpoint.positions(8)) {
            assert!(
                (found.position - even.position).abs() < 1e-12
                    && (found.weight - even.weight).abs() < 1e-12
            );
        }
    }

    #[test]
    fn points_that_are_kept_are_those_that_are_computed() {
        for count in (1..=2 * MOST_TABLES).chain([3, 50, 3]) {
            assert_eq!(Rule::GaussLegendre.positions(count), gauss_legendre(count));
        }
    }

    #[test]
    fn gauss_legendre_is_exact_to_twice_its_points() {
        for count in 1..=30 {
            let points = Rule::GaussLegendre.positions(count);
            for degree in 0..2 * count as i32 {
                let sum: f64 = points.iter().map(|at| at.weight * at.position.powi(degree)).sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!((sum - exact).abs() < 1e-14, "{count} points, degree {degree}: {sum}");
            }
        }
    }
}
