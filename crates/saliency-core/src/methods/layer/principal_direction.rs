//! The direction in which the columns of a matrix vary most.

/// The most steps between two restarts. The matrix is multiplied once in each.
const STEPS: usize = 24;

/// The most restarts. Two directions that explain nearly the same would take more.
const RESTARTS: usize = 50;

/// The relative residual at which a direction is found.
const RESIDUAL: f64 = 1e-14;

/// A symmetric matrix without negative eigenvalues.
struct Matrix {
    size: usize,
    values: Vec<f64>,
}

/// The largest eigenvalue of a matrix, and its direction, of length 1.
struct Eigen {
    value: f64,
    direction: Vec<f64>,
}

/// The direction in which a set of lines varies most.
#[derive(Debug)]
pub(super) struct PrincipalDirection {
    /// One number for each line; the sum of their squares is 1, or 0 if all lines are zero.
    pub direction: Vec<f64>,
    /// How much less the second direction explains: (λ₁ - λ₂) / λ₁, for the squares of the singular
    /// values. If it is close to 0, the first direction is arbitrary.
    pub gap: f64,
}

impl PrincipalDirection {
    /// Finds the first left singular vector of a matrix, given its lines, which are equally long.
    /// Its sign is such that the sum of its numbers is positive; if that is zero, such that its
    /// largest number, or the first of several equally large ones, is positive.
    ///
    /// Works on the products of the lines, or of the columns if these are fewer.
    pub fn of(lines: &[Vec<f64>]) -> Self {
        let length = lines.first().map_or(0, Vec::len);
        let largest = lines.iter().flatten().fold(0.0f64, |most, value| most.max(value.abs()));
        if largest == 0.0 {
            return Self { direction: vec![0.0; lines.len()], gap: 1.0 };
        }
        // Scaled, because squares of very small or large numbers are out of range.
        let scaled = |line: &Vec<f64>| line.iter().map(|value| value / largest).collect();
        let lines: Vec<Vec<f64>> = lines.iter().map(scaled).collect();
        let columns = || -> Vec<Vec<f64>> {
            (0..length).map(|at| lines.iter().map(|line| line[at]).collect()).collect()
        };
        let by_lines = lines.len() <= length;
        let mut matrix = Matrix::of_products(&if by_lines { lines.clone() } else { columns() });
        let first = matrix.largest();
        matrix.deflate(&first);
        let gap = (1.0 - matrix.largest().value / first.value).clamp(0.0, 1.0);
        let direction = if by_lines {
            first.direction
        } else {
            normalised(lines.iter().map(|line| dot(line, &first.direction)).collect())
        };
        Self { direction: with_sign(direction), gap }
    }
}

impl Matrix {
    /// Multiplies each vector with each.
    fn of_products(vectors: &[Vec<f64>]) -> Self {
        let size = vectors.len();
        let mut values = vec![0.0; size * size];
        for (i, a) in vectors.iter().enumerate() {
            for (j, b) in vectors.iter().enumerate().take(i + 1) {
                let product = dot(a, b);
                values[i * size + j] = product;
                values[j * size + i] = product;
            }
        }
        Self { size, values }
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.values.chunks(self.size).map(|line| dot(line, vector)).collect()
    }

    /// Takes a direction out of the matrix.
    fn deflate(&mut self, found: &Eigen) {
        for (i, line) in self.values.chunks_mut(self.size).enumerate() {
            let factor = found.value * found.direction[i];
            line.iter_mut()
                .zip(&found.direction)
                .for_each(|(value, other)| *value -= factor * other);
        }
    }

    /// Finds the largest eigenvalue: the best direction among those that repeated products reach
    /// (Lanczos), started again from it until it is not improved any more.
    fn largest(&self) -> Eigen {
        // Any start will do that is not at a right angle to the direction, as uneven numbers hardly
        // are.
        let golden = 0.618_033_988_749_894_9;
        let start = (1..=self.size).map(|at| 0.5 + (at as f64 * golden).fract()).collect();
        let mut direction = normalised(start);
        let mut value = 0.0;
        for _ in 0..RESTARTS {
            let reached = self.reached_from(&direction);
            let best = reached.projection.largest_by_rotations();
            let mut better = vec![0.0; self.size];
            for (weight, vector) in best.direction.iter().zip(&reached.basis) {
                better.iter_mut().zip(vector).for_each(|(sum, it)| *sum += weight * it);
            }
            direction = normalised(better);
            let image = self.times(&direction);
            value = dot(&direction, &image);
            let misses = |(image, own): (&f64, &f64)| (image - value * own).powi(2);
            let residual: f64 = image.iter().zip(&direction).map(misses).sum::<f64>().sqrt();
            if residual <= RESIDUAL * value.abs() {
                break;
            }
        }
        Eigen { value: value.max(0.0), direction }
    }

    /// Returns an orthonormal basis of the vectors that repeated products reach from a start, and
    /// the matrix in this basis.
    fn reached_from(&self, start: &[f64]) -> Reached {
        let mut basis = vec![start.to_vec()];
        let mut images = Vec::new();
        while let Some(last) = basis.get(images.len()) {
            let image = self.times(last);
            images.push(image.clone());
            if basis.len() == STEPS.min(self.size) {
                continue;
            }
            let size = dot(&image, &image).sqrt();
            let mut next = image;
            // Twice, because once leaves rounding behind.
            for _ in 0..2 {
                for vector in &basis {
                    let part = dot(&next, vector);
                    next.iter_mut().zip(vector).for_each(|(value, it)| *value -= part * it);
                }
            }
            if dot(&next, &next).sqrt() > 1e-13 * size {
                basis.push(normalised(next));
            }
        }
        let products = basis.iter().flat_map(|a| images.iter().map(|b| dot(a, b)));
        let projection = Matrix { size: basis.len(), values: products.collect() };
        Reached { basis, projection }
    }

    /// Finds the largest eigenvalue of a small matrix by rotations (Jacobi).
    fn largest_by_rotations(mut self) -> Eigen {
        let size = self.size;
        let mut directions = vec![0.0; size * size];
        (0..size).for_each(|at| directions[at * size + at] = 1.0);
        for _ in 0..64 {
            let apart = |(i, j): (usize, usize)| self.values[i * size + j].powi(2);
            let pairs = (0..size).flat_map(|i| (i + 1..size).map(move |j| (i, j)));
            let off: f64 = pairs.clone().map(apart).sum();
            let all: f64 = self.values.iter().map(|value| value * value).sum();
            if off <= 1e-32 * all {
                break;
            }
            pairs.for_each(|(i, j)| self.rotate(&mut directions, i, j));
        }
        let value = |at: usize| self.values[at * size + at];
        let best = (1..size).fold(0, |best, at| if value(at) > value(best) { at } else { best });
        let direction = (0..size).map(|at| directions[at * size + best]).collect();
        Eigen { value: value(best), direction }
    }

    /// Rotates two axes so that the numbers that connect them become zero.
    fn rotate(&mut self, directions: &mut [f64], i: usize, j: usize) {
        let size = self.size;
        let connects = self.values[i * size + j];
        if connects == 0.0 {
            return;
        }
        let ratio = (self.values[j * size + j] - self.values[i * size + i]) / (2.0 * connects);
        let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
        let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
        let sine = tangent * cosine;
        let turn = |values: &mut [f64], a: usize, b: usize| {
            let (from, to) = (values[a], values[b]);
            values[a] = cosine * from - sine * to;
            values[b] = sine * from + cosine * to;
        };
        for at in 0..size {
            turn(&mut self.values, at * size + i, at * size + j);
        }
        for at in 0..size {
            turn(&mut self.values, i * size + at, j * size + at);
        }
        for at in 0..size {
            turn(directions, at * size + i, at * size + j);
        }
    }
}

/// The vectors that were reached, and the matrix between them.
struct Reached {
    basis: Vec<Vec<f64>>,
    projection: Matrix,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns a vector of length 1; zeros stay zeros.
fn normalised(mut vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

/// Turns a direction so that the sum of its numbers is positive.
fn with_sign(mut direction: Vec<f64>) -> Vec<f64> {
    let sum: f64 = direction.iter().sum();
    let size = direction.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    // The first of those that differ by rounding only.
    let is_largest = |value: &&f64| value.abs() >= (1.0 - 1e-9) * size;
    let largest = direction.iter().find(is_largest).copied().unwrap_or(0.0);
    let rounding = 1e-12 * (direction.len() as f64).sqrt();
    let decides = if sum.abs() > rounding { sum } else { largest };
    if decides < 0.0 {
        direction.iter_mut().for_each(|value| *value = -*value);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) -> bool {
        found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn one_direction_is_found_whatever_its_sign_and_size_are() {
        for scale in [1.0, -1.0, 1e-160, 1e150] {
            // 3 : 4, times (1, -1, 2).
            let lines = [3.0, 4.0].map(|of| [1.0, -1.0, 2.0].map(|at| scale * of * at).to_vec());
            let found = PrincipalDirection::of(&lines);
            assert!(close(&found.direction, &[0.6, 0.8]), "{found:?}");
            assert!((found.gap - 1.0).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn the_stronger_of_two_directions_wins_with_more_lines_or_more_columns() {
        // Singular values 2 and 1, along (1, 1, 0) / √2 and (1, -1, 0) / √2.
        let half = 0.5f64.sqrt();
        let wide = [[2.0, 1.0, 0.0, 0.0], [2.0, -1.0, 0.0, 0.0], [0.0; 4]];
        let tall = [[2.0, 1.0], [2.0, -1.0], [0.0; 2]];
        let wide: Vec<Vec<f64>> = wide.map(|line| line.map(|it| half * it).to_vec()).into();
        let tall: Vec<Vec<f64>> = tall.map(|line| line.map(|it| half * it).to_vec()).into();
        for lines in [wide, tall] {
            let found = PrincipalDirection::of(&lines);
            assert!(close(&found.direction, &[half, half, 0.0]), "{found:?}");
            assert!((found.gap - 0.75).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn a_large_matrix_takes_several_restarts() {
        // Diagonal, so that the directions are the axes; the strongest two are close to each other.
        let size = 100;
        let line = |at: usize| {
            let value = if at == 7 { 1.01 } else { 1.0 - at as f64 / 200.0 };
            (0..size).map(|column| if column == at { value } else { 0.0 }).collect()
        };
        let lines: Vec<Vec<f64>> = (0..size).map(line).collect();
        let found = PrincipalDirection::of(&lines);
        assert!((found.direction[7] - 1.0).abs() < 1e-12, "{}", found.direction[7]);
        assert!((found.gap - (1.0 - 1.0 / 1.0201)).abs() < 1e-9, "{}", found.gap);
    }

    #[test]
    fn two_equal_directions_have_no_gap_and_nothing_has_no_direction() {
        let tie = PrincipalDirection::of(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
        assert!(tie.gap < 1e-12, "{tie:?}");
        let nothing = PrincipalDirection::of(&[vec![0.0; 3], vec![0.0; 3]]);
        assert_eq!((&nothing.direction[..], nothing.gap), (&[0.0, 0.0][..], 1.0));
    }

    #[test]
    fn numbers_that_cancel_leave_the_sign_to_the_largest() {
        let found = PrincipalDirection::of(&[vec![-2.0, 2.0], vec![2.0, -2.0]]);
        let half = 0.5f64.sqrt();
        assert!(close(&found.direction, &[half, -half]), "{found:?}");
    }
}
