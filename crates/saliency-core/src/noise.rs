//! Random numbers that depend on nothing but their key.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

/// `count` standard normal numbers for one row of one input tensor in one sample.
///
/// They are drawn on the host from a counter-based generator whose key is exactly these four
/// numbers, so they are the same on every device, in every chunk and in any order of work.
pub(crate) fn normal(
    seed: u64,
    row: usize,
    sample: usize,
    tensor: usize,
    count: usize,
) -> Vec<f32> {
    let mut key = [0; 32];
    for (bytes, part) in key.chunks_mut(8).zip([seed, row as u64, sample as u64, tensor as u64]) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    let mut generator = ChaCha8Rng::from_seed(key);
    (0..count).map(|_| StandardNormal.sample(&mut generator)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_changes_the_numbers_and_nothing_else_does() {
        let draw = |seed, row, sample, tensor| normal(seed, row, sample, tensor, 8);
        assert_eq!(draw(1, 2, 3, 4), draw(1, 2, 3, 4));
        for other in [draw(2, 2, 3, 4), draw(1, 3, 3, 4), draw(1, 2, 4, 4), draw(1, 2, 3, 5)] {
            assert_ne!(draw(1, 2, 3, 4), other);
        }
        assert_eq!(normal(1, 2, 3, 4, 8), normal(1, 2, 3, 4, 100)[..8]);
    }

    #[test]
    fn the_numbers_are_standard_normal() {
        let values = normal(7, 0, 0, 0, 100_000);
        let n = values.len() as f64;
        let moment = |k| values.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
        // Within 4.5 standard errors of 0, 1 and 3.
        assert!(moment(1).abs() < 4.5 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 4.5 * (2.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 4.5 * (96.0 / n).sqrt());
    }

    #[test]
    fn the_numbers_stay_the_same_from_version_to_version() {
        let values = normal(0, 0, 0, 0, 3);
        assert_eq!(values, [1.377_697_2, 0.405_346_8, -1.196_268_9]);
    }
}
