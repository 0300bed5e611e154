//! The normal distribution, as far as noise needs it.

use std::f64::consts::{PI, SQRT_2};

use rand_distr::{Distribution as _, StandardNormal, StandardUniform};

/// More standard deviations than a probability in double precision can tell from infinity.
const FAR: f64 = 9.0;

/// From this width on, a normal number lies between limits on both sides of zero about as often as
/// a uniform number between them is accepted: √(2π).
const WIDE: f64 = 2.506_628_274_631_000_5;

/// Returns the probability that a standard normal number is at most `z` away from zero.
fn probability_within(z: f64) -> f64 {
    // erf by a series without cancellation: 2/√π · exp(-x²) · Σ 2^n x^(2n+1) / (1 · 3 ⋯ (2n+1)).
    let x = z / SQRT_2;
    let (mut term, mut sum, mut n) = (x, 0.0, 0.0);
    while term > f64::EPSILON * 1e-2 * sum {
        sum += term;
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// Returns the distance from zero within which a standard normal number lies with the given
/// probability, which must be in (0, 1).
pub(crate) fn distance_holding(probability: f64) -> f64 {
    let (mut near, mut far) = (0.0, FAR);
    loop {
        let middle = 0.5 * (near + far);
        if middle <= near || middle >= far {
            return middle;
        }
        if probability_within(middle) < probability {
            near = middle;
        } else {
            far = middle;
        }
    }
}

/// Returns the probability that a standard normal number is at most `z`.
pub(crate) fn probability_below(z: f64) -> f64 {
    0.5 + 0.5 * probability_within(z.abs().min(FAR)).copysign(z)
}

/// Returns the number that a standard normal number is below with the given probability, to nine
/// digits. Probabilities of 0 and 1 give numbers that are far away but finite.
///
/// # Source
/// The rational approximations of Acklam, *An algorithm for computing the inverse normal cumulative
/// distribution function*, 2003.
pub(crate) fn quantile(probability: f64) -> f64 {
    const INNER: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const INNER_BELOW: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const OUTER: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const OUTER_BELOW: [f64; 5] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    let polynomial = |factors: &[f64], x: f64| factors.iter().fold(0.0, |sum, it| sum * x + it);
    // The nearer end decides.
    let tail = probability.min(1.0 - probability).max(f64::MIN_POSITIVE);
    if tail > 0.02425 {
        let off = probability - 0.5;
        let square = off * off;
        return polynomial(&INNER, square) * off / polynomial(&INNER_BELOW, square);
    }
    let x = (-2.0 * tail.ln()).sqrt();
    let below = polynomial(&OUTER, x) / polynomial(&OUTER_BELOW, x);
    if probability < 0.5 { below } else { -below }
}

/// Draws a standard normal number under the condition that it is between two limits: the first is
/// zero or below, the second zero or above.
///
/// Numbers are drawn until one is accepted: normal ones between wide limits, uniform ones between
/// narrow limits. Either way, about half of them are accepted or more.
pub(crate) fn between(
    [low, high]: [f64; 2],
    generator: &mut impl rand_chacha::rand_core::Rng,
) -> f64 {
    // A single point has nothing to draw.
    if low == high {
        return low;
    }
    loop {
        if high - low >= WIDE {
            let z: f64 = StandardNormal.sample(generator);
            if (low..=high).contains(&z) {
                return z;
            }
        } else {
            let place: f64 = StandardUniform.sample(generator);
            let z = low + (high - low) * place;
            let accepted: f64 = StandardUniform.sample(generator);
            if accepted < (-0.5 * z * z).exp() {
                return z;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn distances_are_the_quantiles_of_tables() {
        for (probability, distance) in [
            (0.5, 0.674_489_750_196_081_7),
            (0.682_689_492_137_085_9, 1.0),
            (0.95, 1.959_963_984_540_054),
            (0.99, 2.575_829_303_548_900_4),
            (0.999, 3.290_526_731_491_926),
        ] {
            assert!((distance_holding(probability) - distance).abs() < 1e-12, "{probability}");
        }
        assert!(distance_holding(1.0 - f64::EPSILON) < FAR);
        assert!(distance_holding(1e-300) >= 0.0);
    }

    #[test]
    fn quantiles_invert_the_probability_below() {
        for at in 1..1000 {
            let probability = f64::from(at) / 1000.0;
            let z = quantile(probability);
            assert!((probability_below(z) - probability).abs() < 1e-9, "{probability}: {z}");
        }
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-8);
        assert!((quantile(1e-6) + 4.753_424_308_822_899).abs() < 1e-7);
        assert!(quantile(0.0) < -30.0 && quantile(1.0) > 30.0 && quantile(1.0).is_finite());
        assert!(probability_below(f64::NEG_INFINITY).abs() < 1e-15);
        assert!((probability_below(f64::INFINITY) - 1.0).abs() < 1e-15);
    }

    /// Returns the mean and the mean square of numbers between limits.
    fn moments(limits: [f64; 2], count: usize) -> [f64; 2] {
        let mut generator = ChaCha8Rng::from_seed([7; 32]);
        let mut sums = [0.0; 2];
        for _ in 0..count {
            let z = between(limits, &mut generator);
            assert!((limits[0]..=limits[1]).contains(&z), "{z}");
            sums = [sums[0] + z, sums[1] + z * z];
        }
        sums.map(|sum| sum / count as f64)
    }

    #[test]
    fn numbers_between_limits_have_the_moments_of_a_truncated_normal() {
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let below = |z: f64| 0.5 + 0.5 * probability_within(z.abs()).copysign(z);
        let count = 100_000;
        for limits in [[-0.5, 0.5], [0.0, 1.0], [-0.2, 2.0], [0.0, 3.0], [-4.0, 1.0], [-0.01, 0.0]]
        {
            let [a, b] = limits;
            let mass = below(b) - below(a);
            let mean = (density(a) - density(b)) / mass;
            let square = 1.0 + (a * density(a) - b * density(b)) / mass;
            let found = moments(limits, count);
            let error = ((square - mean * mean) / count as f64).sqrt();
            assert!((found[0] - mean).abs() < 4.5 * error, "{limits:?}: {found:?}, {mean}");
            // A square varies by at most the largest square.
            let error = a.abs().max(b).powi(2) / (count as f64).sqrt();
            assert!((found[1] - square).abs() < 4.5 * error, "{limits:?}: {found:?}, {square}");
        }
        let infinite = moments([f64::NEG_INFINITY, f64::INFINITY], count);
        assert!(infinite[0].abs() < 0.015 && (infinite[1] - 1.0).abs() < 0.02, "{infinite:?}");
        assert_eq!(moments([0.0, 0.0], 3), [0.0, 0.0]);
    }
}
