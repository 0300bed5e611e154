//! Noisy linear imputation: a covered pixel is the mean of its neighbours, plus noise.

use saliency_core::kit::{Batch, Key, Stream};

use crate::bootstrap::mean;
use crate::error::{Error, Result};

/// Imputes the covered pixels of a picture from the pixels around them: ROAD's noisy linear
/// imputation.
///
/// Each covered pixel is the weighted mean of its neighbours inside the picture, plus noise. The
/// means of all covered pixels are solved for together, channel by channel:
///
/// ```text
/// x(i) = Σ w(i, j) x(j) / Σ w(i, j) + σ ε(i),   w = 1/6 for the 4 direct neighbours,
///                                                1/12 for the 4 diagonal ones
/// ```
///
/// The covered shape is harder to see than that of a constant, so that the model learns less from
/// where was covered. If a channel is covered as a whole, it is filled with its mean.
///
/// The noise of a pixel depends on the seed, the row and the pixel alone: it is the same in all
/// copies of a row.
///
/// # Shapes
/// Every tensor that is not [`Fixed`](saliency_core::Fixed) is `[rows, channels, height, width]`.
///
/// # Defaults
/// - noise: σ = 0.01, in the units of the input
/// - seed: 0
///
/// # Cost
/// For each copy, on the host: conjugate gradients, whose steps grow with the width of the covered
/// areas; each step costs about 10 operations for each covered value.
///
/// # Errors
/// [`Error::NoNeighbours`] if a tensor is not a picture, [`Error::InvalidOption`] for noise that is
/// negative or not finite.
///
/// # Source
/// Y. Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", 2022.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbours {
    noise: f64,
    seed: u64,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { noise: 0.01, seed: 0 }
    }
}

/// One picture: channel by channel, line by line.
pub(crate) struct Picture<'a> {
    pub values: &'a mut [f64],
    /// Channels, height and width.
    pub size: [usize; 3],
}

impl Neighbours {
    /// Imputes with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds normal noise of this standard deviation.
    #[must_use]
    pub fn with_noise(mut self, noise: f64) -> Self {
        self.noise = noise;
        self
    }

    /// Draws the noise from another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(crate) fn check(&self, input: &Batch) -> Result<()> {
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            let (expected, found) = ("finite and not negative", self.noise.to_string());
            return Err(Error::InvalidOption { option: "noise", expected, found });
        }
        let shapes = input.shapes();
        let mut covered = shapes.iter().zip(input.fixed()).filter(|(_, fixed)| !**fixed);
        if covered.all(|(shape, _)| shape.len() == 4) {
            return Ok(());
        }
        Err(Error::NoNeighbours { found: shapes })
    }

    /// Imputes the covered values of the picture of a row.
    pub(crate) fn impute(
        &self,
        picture: &mut Picture<'_>,
        covered: &[bool],
        row: usize,
        tensor: usize,
    ) {
        let [_, height, width] = picture.size;
        let pixels = height * width;
        let mut holes: Option<Holes> = None;
        let channels = picture.values.chunks_mut(pixels).zip(covered.chunks(pixels));
        for (channel, covered) in channels {
            // Units of pixels cover the same pixels in each channel.
            let known = holes.filter(|holes| holes.covered == covered);
            let of_channel = known.unwrap_or_else(|| Holes::new(covered, [height, width]));
            of_channel.fill(channel);
            holes = Some(of_channel);
        }
        if self.noise > 0.0 && covered.contains(&true) {
            let key = Key { seed: self.seed, row: row as u64, sample: tensor as u64 };
            let noise = key.normal(Stream::Own(5), picture.values.len());
            let covered = picture.values.iter_mut().zip(covered).zip(noise);
            for ((value, _), noise) in covered.filter(|((_, covered), _)| **covered) {
                *value += self.noise * f64::from(noise);
            }
        }
    }
}

/// The residual at which the solution is good enough, as a share of the right side.
const PRECISION: f64 = 1e-11;

/// The covered pixels of a channel. Numbers of pixels are those of a picture that has a border of
/// one pixel, so that every pixel has eight neighbours; outside of the covered pixels vectors are 0.
struct Holes<'a> {
    covered: &'a [bool],
    size: [usize; 2],
    /// The covered pixels, in the picture with a border.
    places: Vec<usize>,
    /// For each covered pixel the sum of the weights of its neighbours inside the picture.
    weights: Vec<f64>,
}

impl<'a> Holes<'a> {
    fn new(covered: &'a [bool], size: [usize; 2]) -> Self {
        let mut holes = Self { covered, size, places: Vec::new(), weights: Vec::new() };
        let inside = holes.bordered(covered, |_| 1.0);
        let pixels = (0..covered.len()).filter(|&pixel| covered[pixel]);
        holes.places = pixels.map(|pixel| holes.place(pixel)).collect();
        holes.weights = holes.places.iter().map(|&at| holes.around(&inside, at)).collect();
        holes
    }

    /// Returns the number of a pixel in the picture with a border.
    fn place(&self, pixel: usize) -> usize {
        let [_, width] = self.size;
        (pixel / width + 1) * (width + 2) + pixel % width + 1
    }

    /// Puts a border of zeros around values.
    fn bordered<T>(&self, values: &[T], value: impl Fn(usize) -> f64) -> Vec<f64> {
        let [height, width] = self.size;
        let mut bordered = vec![0.0; (height + 2) * (width + 2)];
        (0..values.len()).for_each(|pixel| bordered[self.place(pixel)] = value(pixel));
        bordered
    }

    /// Returns the weighted sum of the neighbours of a pixel.
    fn around(&self, values: &[f64], at: usize) -> f64 {
        let down = self.size[1] + 2;
        let direct = values[at - 1] + values[at + 1] + values[at - down] + values[at + down];
        let diagonal = values[at - down - 1]
            + values[at - down + 1]
            + values[at + down - 1]
            + values[at + down + 1];
        direct / 6.0 + diagonal / 12.0
    }

    /// Fills the covered pixels with the weighted means of their neighbours.
    ///
    /// The equations are symmetric and positive definite as long as a pixel is known: the covered
    /// pixels beside known ones have less weight on covered neighbours than on themselves.
    fn fill(&self, channel: &mut [f64]) {
        if self.places.is_empty() {
            return;
        }
        let known: Vec<f64> = (0..channel.len())
            .filter(|&pixel| !self.covered[pixel])
            .map(|pixel| channel[pixel])
            .collect();
        if known.is_empty() {
            let mean = mean(channel);
            channel.fill(mean);
            return;
        }
        let start = mean(&known);
        let values =
            self.bordered(channel, |at| if self.covered[at] { 0.0 } else { channel[at] - start });
        // Deviations from the mean of the known pixels, so that 0 is the place to start from.
        let right: Vec<f64> = self.places.iter().map(|&at| self.around(&values, at)).collect();
        let solution = self.solve(&right);
        let covered = (0..channel.len()).filter(|&pixel| self.covered[pixel]);
        for (pixel, deviation) in covered.zip(solution) {
            channel[pixel] = start + deviation;
        }
    }

    /// Solves the equations by conjugate gradients.
    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let count = right.len();
        let mut solution = vec![0.0; count];
        let mut residual = right.to_vec();
        let [height, width] = self.size;
        // The direction, in the picture with a border.
        let mut direction = vec![0.0; (height + 2) * (width + 2)];
        self.places.iter().zip(right).for_each(|(&at, value)| direction[at] = *value);
        let mut squares = dot(&residual, &residual);
        let enough = PRECISION.powi(2) * squares;
        // In exact arithmetic as many steps as there are unknowns suffice. NaN ends at once.
        for _ in 0..2 * count {
            if squares.is_nan() || squares <= enough {
                break;
            }
            let change = |(&at, weight): (&usize, &f64)| {
                weight * direction[at] - self.around(&direction, at)
            };
            let changes: Vec<f64> = self.places.iter().zip(&self.weights).map(change).collect();
            let along: f64 =
                self.places.iter().zip(&changes).map(|(&at, change)| direction[at] * change).sum();
            let step = squares / along;
            for (at, change) in changes.iter().enumerate() {
                solution[at] += step * direction[self.places[at]];
                residual[at] -= step * change;
            }
            let before = std::mem::replace(&mut squares, dot(&residual, &residual));
            let keep = squares / before;
            for (&at, residual) in self.places.iter().zip(&residual) {
                direction[at] = residual + keep * direction[at];
            }
        }
        solution
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imputed(values: &[f64], size: [usize; 3], covered: &[usize]) -> Vec<f64> {
        let mut values = values.to_vec();
        let mut mask = vec![false; values.len()];
        covered.iter().for_each(|&at| mask[at] = true);
        let mut picture = Picture { values: &mut values, size };
        Neighbours::new().with_noise(0.0).impute(&mut picture, &mask, 0, 0);
        values
    }

    #[test]
    fn a_pixel_is_the_weighted_mean_of_its_neighbours() {
        let pixels = [1.0, 2.0, 3.0, 4.0, 99.0, 6.0, 7.0, 8.0, 10.0];
        let found = imputed(&pixels, [1, 3, 3], &[4]);
        assert!((found[4] - (20.0 / 6.0 + 21.0 / 12.0)).abs() < 1e-12);
        // A corner has two direct neighbours and one diagonal one.
        let found = imputed(&pixels, [1, 3, 3], &[0]);
        let by_hand = (6.0 / 6.0 + 99.0 / 12.0) / (2.0 / 6.0 + 1.0 / 12.0);
        assert!((found[0] - by_hand).abs() < 1e-11);
        assert_eq!(found[1..], pixels[1..]);
    }

    #[test]
    fn pixels_between_two_known_ones_are_on_a_line() {
        let found = imputed(&[1.0, 0.0, 0.0, 0.0, 5.0], [1, 1, 5], &[1, 2, 3]);
        for (found, expected) in found.iter().zip([1.0, 2.0, 3.0, 4.0, 5.0]) {
            assert!((found - expected).abs() < 1e-10, "{found}, expected {expected}");
        }
    }

    #[test]
    fn large_holes_satisfy_their_equations() {
        let [height, width] = [23, 31];
        let value = |at: usize| ((at * 7919) % 1009) as f64 / 100.0 - 3.0;
        let values: Vec<f64> = (0..height * width).map(value).collect();
        // All but one pixel in 40.
        let covered: Vec<usize> = (0..values.len()).filter(|at| at % 40 != 3).collect();
        let found = imputed(&values, [1, height, width], &covered);
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

    #[test]
    fn a_channel_that_is_covered_as_a_whole_has_its_mean() {
        let values = [1.0, 2.0, 3.0, 6.0, 10.0, 20.0, 30.0, 60.0];
        let found = imputed(&values, [2, 2, 2], &[0, 1, 2, 3, 7]);
        assert_eq!(found[..4], [3.0; 4]);
        assert_eq!(found[4..7], values[4..7]);
        assert!((found[7] - (50.0 / 6.0 + 10.0 / 12.0) / (5.0 / 12.0)).abs() < 1e-9);
        // A picture of one pixel, and one colour.
        assert_eq!(imputed(&[5.0], [1, 1, 1], &[0]), [5.0]);
        assert_eq!(imputed(&[0.1; 6], [1, 2, 3], &[0, 1, 2, 4, 5]), [0.1; 6]);
    }

    #[test]
    fn noise_is_keyed_by_the_seed_and_the_row() {
        let run = |seed, row| {
            let mut values = vec![1.0; 2_000];
            let mut picture = Picture { values: &mut values, size: [2, 25, 40] };
            let mask: Vec<bool> = (0..2_000).map(|at| at % 4 != 0).collect();
            Neighbours::new().with_seed(seed).impute(&mut picture, &mask, row, 0);
            assert!(values.chunks(4).all(|four| four[0] == 1.0));
            values
        };
        let found = run(0, 0);
        assert_eq!(run(0, 0), found);
        assert_ne!(run(1, 0), found);
        assert_ne!(run(0, 1), found);
        // 1,500 draws: the standard deviation within 5 standard errors.
        let squares: f64 = found.iter().map(|value| (value - 1.0).powi(2)).sum();
        assert!(((squares / 1_500.0).sqrt() / 0.01 - 1.0).abs() < 5.0 / 3_000f64.sqrt());
    }
}
