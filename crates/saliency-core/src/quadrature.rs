//! Where on a path gradients are taken, and what each counts for.

use std::f64::consts::PI;

/// A rule that places points on the straight path from the baseline (0) to the input (1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Gauss-Legendre: exact where the gradient along the path is a polynomial of degree up to
    /// twice the number of points, less one.
    #[default]
    GaussLegendre,
    /// The middle of equal intervals.
    Midpoint,
}

impl Rule {
    /// Points in (0, 1), ascending, each with its weight; the weights sum to 1.
    pub(crate) fn points(self, count: usize) -> Vec<(f64, f64)> {
        match self {
            Self::GaussLegendre => gauss_legendre(count),
            Self::Midpoint => {
                let n = count as f64;
                (0..count).map(|k| ((k as f64 + 0.5) / n, 1.0 / n)).collect()
            }
        }
    }
}

/// Gauss-Legendre points on (0, 1): the roots of the Legendre polynomial by Newton's method.
fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    let mut points = vec![(0.5, 1.0); count];
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
        points[k] = (0.5 * (1.0 - x), weight);
        points[count - 1 - k] = (0.5 * (1.0 + x), weight);
    }
    points
}

/// The Legendre polynomial of degree `count` at `x`, and its derivative.
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
                let points = rule.points(count);
                let sum: f64 = points.iter().map(|(_, weight)| weight).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{rule:?} {count}: {sum}");
                assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{rule:?} {count}");
                assert!(points[0].0 > 0.0 && points[count - 1].0 < 1.0);
                let mirrored = points.iter().zip(points.iter().rev());
                assert!(mirrored.into_iter().all(|(a, b)| (a.0 + b.0 - 1.0).abs() < 1e-14));
            }
        }
    }

    #[test]
    fn gauss_legendre_is_exact_to_twice_its_points() {
        for count in 1..=30 {
            let points = Rule::GaussLegendre.points(count);
            for degree in 0..2 * count as i32 {
                let sum: f64 = points.iter().map(|(x, weight)| weight * x.powi(degree)).sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!((sum - exact).abs() < 1e-14, "{count} points, degree {degree}: {sum}");
            }
        }
    }
}
