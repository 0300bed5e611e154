//! Points that fill the unit cube more evenly than random ones.

use crate::random::key::{Key, Stream};

/// The largest number of points of a lattice.
pub(crate) const MOST_POINTS: usize = 1024;

/// The largest number of dimensions that a lattice is made for.
pub(crate) const MOST_DIMENSIONS: usize = 256;

/// A lattice of rank 1 in the unit cube. Point k has the coordinates
///
/// ```text
/// u_j = 1 - |2 {k z_j / m + s_j} - 1|
/// ```
///
/// for m points, with a random shift `s` for each copy of the lattice; {} is the part after the point.
/// Each point alone is uniform in the cube, so that averages are unbiased. The fold by |2 u - 1|
/// makes the ends of each axis meet, so that functions that do not repeat are averaged as well as
/// those that do. A lattice of two points is a pair of opposite points.
///
/// The numbers z_j are chosen one after the other, as those with the least mean squared error over
/// functions whose mixed derivatives are bounded. There are no tables.
///
/// # Source
/// Sloan and Reztsov, *Component-by-component construction of good lattice rules*, 2002; Hickernell,
/// *Obtaining O(N^(-2+ε)) convergence for lattice quadrature rules*, 2002; Cranley and Patterson,
/// *Randomization of number theoretic methods for multiple integration*, 1976.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lattice {
    points: usize,
    generators: Vec<usize>,
}

impl Lattice {
    /// Makes a lattice of `points` points, a power of two, in the given number of dimensions.
    pub fn new(points: usize, dimensions: usize) -> Self {
        // Dimensions that follow count less, so that a few good ones are not spoilt by many.
        let weight = (3.0 / dimensions as f64).min(1.0);
        let factor = |at: usize, generator: usize| {
            let u = (at * generator % points) as f64 / points as f64;
            // The Bernoulli polynomial of degree 2.
            1.0 + weight * (u * u - u + 1.0 / 6.0)
        };
        let mut products = vec![1.0; points];
        let mut generators = Vec::with_capacity(dimensions);
        for _ in 0..dimensions {
            let error = |generator: usize| -> f64 {
                (0..points).map(|at| products[at] * factor(at, generator)).sum()
            };
            // Odd numbers visit every place; those above the half mirror those below it.
            let candidates = (1..=(points / 2).max(1)).step_by(2).map(|it| (error(it), it));
            let best = candidates.min_by(|a, b| a.0.total_cmp(&b.0));
            let (_, generator) = best.expect("1 is a candidate");
            products.iter_mut().enumerate().for_each(|(at, it)| *it *= factor(at, generator));
            generators.push(generator);
        }
        Self { points, generators }
    }

    /// Returns `count` coordinates of a point, from dimension `first` on. The key decides the shift.
    pub fn coordinates(
        &self,
        point: usize,
        key: Key,
        stream: Stream,
        first: usize,
        count: usize,
    ) -> Vec<f64> {
        let shifts = key.uniform(stream, count).into_iter();
        let place = |(shift, generator): (f64, &usize)| {
            let whole = point * generator % self.points;
            let u = (whole as f64 / self.points as f64 + shift).fract();
            1.0 - (2.0 * u - 1.0).abs()
        };
        shifts.zip(&self.generators[first..first + count]).map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(lattice: &Lattice, row: u64) -> Vec<Vec<f64>> {
        let key = Key { seed: 3, row, sample: 0 };
        let dimensions = lattice.generators.len();
        let point = |at| lattice.coordinates(at, key, Stream::Own(0), 0, dimensions);
        (0..lattice.points).map(point).collect()
    }

    #[test]
    fn two_points_are_opposite() {
        let lattice = Lattice::new(2, 5);
        let points = points(&lattice, 0);
        for (a, b) in points[0].iter().zip(&points[1]) {
            assert!((a + b - 1.0).abs() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn every_axis_is_filled_evenly() {
        let lattice = Lattice::new(16, 7);
        let points = points(&lattice, 1);
        for dimension in 0..7 {
            let mut places: Vec<f64> = points.iter().map(|point| point[dimension]).collect();
            places.sort_by(f64::total_cmp);
            let off = |(at, place): (usize, &f64)| (place - (at as f64 + 0.5) / 16.0).abs();
            let off = places.iter().enumerate().map(off).fold(0.0, f64::max);
            assert!(off <= 1.0 / 16.0 + 1e-12, "{off}");
        }
        // Each dimension has a generator of its own as long as there are some.
        let distinct: std::collections::HashSet<_> = lattice.generators[..4].iter().collect();
        assert_eq!(distinct.len(), 4);
    }

    #[test]
    fn smooth_functions_are_averaged_much_better_than_by_random_points() {
        let function = |u: &[f64]| u.iter().map(|u| 1.0 + (u - 0.5).sin()).product::<f64>();
        let squared_error = |estimate: &dyn Fn(u64) -> f64| {
            (0..200).map(|row| (estimate(row) - 1.0).powi(2)).sum::<f64>() / 200.0
        };
        let lattice = Lattice::new(64, 4);
        let mean = |points: &[Vec<f64>]| {
            points.iter().map(|point| function(point)).sum::<f64>() / points.len() as f64
        };
        let even = squared_error(&|row| mean(&points(&lattice, row)));
        let random = squared_error(&|row| {
            let point = |sample| Key { seed: 1, row, sample }.uniform(Stream::Own(0), 4);
            mean(&(0..64).map(point).collect::<Vec<_>>())
        });
        assert!(even * 50.0 < random, "{even:e} {random:e}");
    }
}
