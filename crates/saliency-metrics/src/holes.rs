//! Covered pixels as the weighted means of their neighbours: the solution of linear equations.

use crate::bootstrap::mean;

/// The residual at which the solution is good enough, as a share of the right side.
const PRECISION: f64 = 1e-9;

/// The weights of the neighbours beside a pixel, and of those across its corners.
const DIRECT: f64 = 1.0 / 6.0;
const DIAGONAL: f64 = 1.0 / 12.0;

/// The covered pixels of a channel.
///
/// Vectors are pictures with a border of one pixel, so that every pixel has eight neighbours. They
/// are 0 outside of the covered pixels. So all loops run over whole lines, which compilers make fast.
pub(crate) struct Holes<'a> {
    pub covered: &'a [bool],
    size: [usize; 2],
    /// 1 for covered pixels.
    inside: Vec<f64>,
    /// For each covered pixel the sum of the weights of its neighbours in the picture.
    weights: Vec<f64>,
}

impl<'a> Holes<'a> {
    pub fn new(covered: &'a [bool], size: [usize; 2]) -> Self {
        let mut holes = Self { covered, size, inside: Vec::new(), weights: Vec::new() };
        holes.inside = holes.bordered(|pixel| f64::from(covered[pixel]));
        let picture = holes.bordered(|_| 1.0);
        holes.weights = holes.around(&picture);
        holes
    }

    /// Makes a picture with a border of zeros.
    fn bordered(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        let [height, width] = self.size;
        let mut bordered = vec![0.0; (height + 2) * (width + 2)];
        for (y, line) in bordered.chunks_mut(width + 2).skip(1).take(height).enumerate() {
            let pixels = line[1..=width].iter_mut().enumerate();
            pixels.for_each(|(x, pixel)| *pixel = value(y * width + x));
        }
        bordered
    }

    /// Returns the weighted sum of the neighbours of each covered pixel.
    fn around(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; values.len()];
        self.write_around(values, &mut sums);
        sums
    }

    /// Writes the weighted sum of the neighbours of each covered pixel.
    fn write_around(&self, values: &[f64], sums: &mut [f64]) {
        let [height, width] = self.size;
        let stride = width + 2;
        for y in 1..=height {
            let line = |y: usize, shift: usize| &values[y * stride + shift..][..width];
            let [up_left, up, up_right] = [0, 1, 2].map(|shift| line(y - 1, shift));
            let [left, right] = [0, 2].map(|shift| line(y, shift));
            let [down_left, down, down_right] = [0, 1, 2].map(|shift| line(y + 1, shift));
            let inside = &self.inside[y * stride + 1..][..width];
            let sums = &mut sums[y * stride + 1..][..width];
            for x in 0..width {
                let direct = up[x] + left[x] + right[x] + down[x];
                let diagonal = up_left[x] + up_right[x] + down_left[x] + down_right[x];
                sums[x] = inside[x] * (DIRECT * direct + DIAGONAL * diagonal);
            }
        }
    }

    /// Fills the covered pixels with the weighted means of their neighbours.
    ///
    /// The equations are symmetric, and positive definite as long as a pixel is known.
    pub fn fill(&self, channel: &mut [f64]) {
        let known = channel.iter().zip(self.covered).filter(|(_, covered)| !**covered);
        let known: Vec<f64> = known.map(|(value, _)| *value).collect();
        if known.len() == channel.len() {
            return;
        }
        if known.is_empty() {
            let mean = mean(channel);
            channel.fill(mean);
            return;
        }
        // Deviations from the mean of the known pixels, so that 0 is the place to start from.
        let start = mean(&known);
        let deviation = |at: usize| if self.covered[at] { 0.0 } else { channel[at] - start };
        let solution = self.solve(self.around(&self.bordered(deviation)));
        let [_, width] = self.size;
        let lines = solution.chunks(width + 2).skip(1);
        for (y, (pixels, solution)) in channel.chunks_mut(width).zip(lines).enumerate() {
            let covered = &self.covered[y * width..][..width];
            for ((pixel, covered), deviation) in pixels.iter_mut().zip(covered).zip(&solution[1..])
            {
                if *covered {
                    *pixel = start + deviation;
                }
            }
        }
    }

    /// Solves the equations by conjugate gradients.
    fn solve(&self, right: Vec<f64>) -> Vec<f64> {
        let mut solution = vec![0.0; right.len()];
        let mut change = solution.clone();
        let mut direction = right.clone();
        let mut residual = right;
        let mut squares = dot(&residual, &residual);
        let enough = PRECISION.powi(2) * squares;
        // In exact arithmetic as many steps as there are unknowns are enough. NaN ends at once.
        for _ in 0..2 * self.covered.len() {
            if squares.is_nan() || squares <= enough {
                break;
            }
            self.write_around(&direction, &mut change);
            for ((change, weight), direction) in
                change.iter_mut().zip(&self.weights).zip(&direction)
            {
                *change = weight * direction - *change;
            }
            let step = squares / dot(&direction, &change);
            add(&mut solution, step, &direction);
            add(&mut residual, -step, &change);
            let before = std::mem::replace(&mut squares, dot(&residual, &residual));
            let keep = squares / before;
            for (direction, residual) in direction.iter_mut().zip(&residual) {
                *direction = residual + keep * *direction;
            }
        }
        solution
    }
}

/// Adds a multiple of a vector.
fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

/// Returns the sum of products, in a fixed order: eight sums side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_holes_satisfy_their_equations() {
        let [height, width] = [23, 31];
        let value = |at: usize| ((at * 7919) % 1009) as f64 / 100.0 - 3.0;
        let values: Vec<f64> = (0..height * width).map(value).collect();
        // All but one pixel in 40.
        let covered: Vec<usize> = (0..values.len()).filter(|at| at % 40 != 3).collect();
        let mask: Vec<bool> = (0..values.len()).map(|at| covered.contains(&at)).collect();
        let mut found = values;
        Holes::new(&mask, [height, width]).fill(&mut found);
        for at in covered {
            let (y, x) = ((at / width) as isize, (at % width) as isize);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (down, right) in (-1..=1).flat_map(|down| (-1..=1).map(move |it| (down, it))) {
                let (y, x) = (y + down, x + right);
                let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                if !inside || (down, right) == (0, 0) {
                    continue;
                }
                let weight = if down == 0 || right == 0 { 1.0 / 6.0 } else { 1.0 / 12.0 };
                sum += weight * found[y as usize * width + x as usize];
                weights += weight;
            }
            assert!((found[at] - sum / weights).abs() < 1e-8, "{at}");
        }
    }
}
