//! Does a map choose better than chance?

use saliency_core::kit::{Key, Stream};

use super::equal_scores;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment};
use crate::fill::Fill;
use crate::maps::{check_maps, flaw};
use crate::units::ranking;

/// Compares the units that a map calls strongest with random choices of as many units: the share of
/// the random choices that the map beats.
///
/// [`RandomChoices::new`] covers the units. The map beats a random choice if the score is lower when
/// the strongest units of the map are covered:
///
/// ```text
/// value = mean over sizes k, and over random choices R of k units:
///         1 if f(x without the k strongest) < f(x without R), 1/2 if equal, else 0
/// ```
///
/// [`RandomChoices::keeping`] covers everything else. The map beats a random choice if the score is
/// higher when only the strongest units of the map are kept. A map that knows nothing has 0.5, and
/// the best map 1. An edge filter or the middle of a photo has more than 0.5 too: compare a map with
/// them (see [`Controls`](crate::Controls)).
///
/// The choices depend on the seed, the row and the size, but not on the map. So maps of several
/// methods, or of one method at several layers of a network, are compared with the same choices, and
/// their differences are less uncertain than they are.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them. Units
/// should be of about the same size: cells, pixels, features or tokens.
///
/// # Defaults
/// - shares of the units that are chosen: 5, 10 and 20 % if they are covered, 10, 20 and 40 % if they
///   are kept; at least one unit, and never all
/// - draws: 20
/// - seed: 0
///
/// # Cost
/// For each row and share: `draws + 1` forward passes.
///
/// # Errors
/// [`Error::MapUnits`], [`Error::InvalidOption`] for 0 draws, no share, or a share that is not
/// between 0 and 1, and the model's. A row has no value if all values of its map are equal, or if the
/// score does not change.
///
/// # Example
/// Which of two maps is true of the model?
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, RandomChoices, Units};
///
/// // The first value matters most.
/// let model = pure_function(|x: Tensor<2>| {
///     (x * Tensor::<1>::from_data([8.0, 4.0, 2.0, 1.0], &Device::flex()).unsqueeze()).sum_dim(1)
/// });
/// let (x, units) = (Tensor::<2>::ones([1, 4], &Device::flex()), Units::values(4));
/// let experiment = Experiment::new(&model, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let zeros = experiment.fill(x.zeros_like())?;
/// let choices = RandomChoices::new();
/// let good = choices.values(&experiment, &zeros, &[vec![9.0, 5.0, 2.0, 0.0]])?;
/// let bad = choices.values(&experiment, &zeros, &[vec![0.0, 2.0, 5.0, 9.0]])?;
/// assert!(good.mean() > Some(0.8) && bad.mean() < Some(0.2));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomChoices {
    chosen: Chosen,
    shares: Vec<f64>,
    draws: usize,
    seed: u64,
}

/// The fate of the units that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Covered,
    Kept,
}

impl Default for RandomChoices {
    fn default() -> Self {
        Self { chosen: Chosen::Covered, shares: vec![0.05, 0.1, 0.2], draws: 20, seed: 0 }
    }
}

impl RandomChoices {
    /// Covers the strongest units, with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the strongest units and covers the rest, with the defaults.
    pub fn keeping() -> Self {
        Self { chosen: Chosen::Kept, shares: vec![0.1, 0.2, 0.4], ..Self::default() }
    }

    /// Chooses these shares of the units.
    #[must_use]
    pub fn with_shares(mut self, shares: impl IntoIterator<Item = f64>) -> Self {
        self.shares = shares.into_iter().collect();
        self
    }

    /// Compares with this many random choices of each size.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// Draws with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the share of random choices that the map of each row beats.
    ///
    /// # Errors
    /// See [`RandomChoices`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        self.check()?;
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        let orders: Vec<Vec<usize>> = maps.iter().map(|map| ranking(map)).collect();
        let sizes: Vec<usize> = self.shares.iter().map(|share| size(*share, units)).collect();
        // Of each row and size: the map's choice, then random ones.
        let each = self.draws + 1;
        let scores = experiment.covered_scores_by(fill, rows * sizes.len() * each, |at| {
            let (row, at) = (at / (sizes.len() * each), at % (sizes.len() * each));
            let (size, draw) = (at / each, at % each);
            let chosen = if draw == 0 {
                Cover::of(row, units, &orders[row][..sizes[size]])
            } else {
                let sample = (size * each + draw) as u64;
                let key = Key { seed: self.seed, row: row as u64, sample };
                let order = ranking(&key.uniform(Stream::Own(0), units));
                Cover::of(row, units, &order[..sizes[size]])
            };
            if self.chosen == Chosen::Kept { chosen.inverted() } else { chosen }
        })?;

        let value = |(row, scores): (usize, &[f64])| {
            if let Some(reason) = flaw(&maps[row]) {
                return Err(reason);
            }
            let largest = scores.iter().fold(0.0, |largest: f64, score| largest.max(score.abs()));
            if equal_scores(scores, largest) {
                return Err(Reason::ScoresAllEqual);
            }
            let shares = scores.chunks(each).map(|scores| self.beaten(scores));
            Ok(shares.sum::<f64>() / sizes.len() as f64)
        };
        let of_rows = scores.chunks(sizes.len() * each).enumerate();
        Ok(RowValues::new(of_rows.map(value)))
    }

    /// Returns the share of the scores after the first that the first beats.
    fn beaten(&self, scores: &[f64]) -> f64 {
        let points = scores[1..].iter().map(|other| {
            let ahead = match self.chosen {
                Chosen::Covered => other - scores[0],
                Chosen::Kept => scores[0] - other,
            };
            if ahead == 0.0 { 0.5 } else { f64::from(u8::from(ahead > 0.0)) }
        });
        points.sum::<f64>() / self.draws as f64
    }

    fn check(&self) -> Result<()> {
        if self.draws == 0 {
            let (expected, found) = ("at least 1", "0".to_owned());
            return Err(Error::InvalidOption { option: "draws", expected, found });
        }
        let fits = |share: &f64| *share > 0.0 && *share < 1.0;
        if self.shares.is_empty() || !self.shares.iter().all(fits) {
            let expected = "at least one number between 0 and 1";
            let found = format!("{:?}", self.shares);
            return Err(Error::InvalidOption { option: "shares", expected, found });
        }
        Ok(())
    }
}

/// Returns how many units a share of them is: at least one, and not all.
fn size(share: f64, units: usize) -> usize {
    let size = (share * units as f64).round() as usize;
    size.min(units.saturating_sub(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Lab, constant, linear};

    /// Forty values that matter less and less, in two rows.
    fn falling() -> (Lab, Vec<f64>) {
        let weights: [f32; 40] = std::array::from_fn(|at| (40 - at) as f32);
        let map = weights.map(f64::from).to_vec();
        (linear(weights, [[1.0; 40]; 2]), map)
    }

    #[test]
    fn the_order_of_a_linear_model_beats_chance_and_its_opposite_is_beaten() {
        let (Lab { experiment, zeros }, map) = falling();
        let opposite: Vec<f64> = map.iter().map(|value| -value).collect();
        for choices in [RandomChoices::new(), RandomChoices::keeping()] {
            let share = |map: &Vec<f64>| {
                choices.values(&experiment, &zeros, &vec![map.clone(); 2]).unwrap()
            };
            // Two of forty: chance finds both in one of 780 draws.
            assert!(share(&map).values().iter().all(|value| *value > Some(0.99)));
            assert!(share(&opposite).values().iter().all(|value| *value < Some(0.01)));
        }
    }

    #[test]
    fn an_equal_choice_counts_half() {
        // Each choice of one of two equal values is as good as the other.
        let Lab { experiment, zeros } = linear([1.0, 1.0], [[1.0, 1.0]]);
        let found = RandomChoices::new().values(&experiment, &zeros, &[vec![1.0, 0.0]]).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::ScoresAllEqual);
        let Lab { experiment, zeros } = linear([2.0, 1.0], [[1.0, 1.0]]);
        let choices = RandomChoices::new().with_draws(1_000).with_shares([0.5]);
        let found = choices.values(&experiment, &zeros, &[vec![1.0, 0.0]]).unwrap();
        // Half of the draws choose the same value, the others the lesser.
        assert!((found.mean().unwrap() - 0.75).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn random_maps_have_a_half() {
        let weights: [f32; 12] = std::array::from_fn(|at| ((at * 7) % 12) as f32 - 4.0);
        let Lab { experiment, zeros } = linear(weights, [[1.0; 12]; 200]);
        let maps: Vec<Vec<f64>> = (0..200)
            .map(|row| Key { seed: 9, row, sample: 0 }.uniform(Stream::Own(3), 12))
            .collect();
        let found = RandomChoices::new().values(&experiment, &zeros, &maps).unwrap();
        let interval = found.interval().unwrap();
        assert!(interval.contains(0.5) && interval.high - interval.low < 0.12, "{interval:?}");
    }

    #[test]
    fn all_maps_meet_the_same_choices_and_the_seed_changes_them() {
        let (Lab { experiment, zeros }, _) = falling();
        let map: Vec<f64> = (0..40).map(|at| f64::from((at * 11) % 40)).collect();
        let values = |choices: RandomChoices| {
            choices.values(&experiment, &zeros, &vec![map.clone(); 2]).unwrap()
        };
        assert_eq!(values(RandomChoices::new()), values(RandomChoices::new()));
        assert_ne!(values(RandomChoices::new()), values(RandomChoices::new().with_seed(1)));
        // Rows meet choices of their own.
        let values = values(RandomChoices::new());
        assert_ne!(values.values()[0], values.values()[1]);
    }

    #[test]
    fn rows_that_say_nothing_have_a_note() {
        let Lab { experiment, zeros } = constant(1, 3);
        let found = RandomChoices::new().values(&experiment, &zeros, &[vec![1.0, 2.0, 3.0]]);
        assert_eq!(found.unwrap().notes()[0].reason, Reason::ScoresAllEqual);
        let (Lab { experiment, zeros }, map) = falling();
        let maps = [vec![1.0; 40], map];
        let found = RandomChoices::new().values(&experiment, &zeros, &maps).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::MapAllEqual);
        assert!(found.values()[1].is_some());
        let Lab { experiment, zeros } = linear([1.0], [[1.0]]);
        let found = RandomChoices::new().values(&experiment, &zeros, &[vec![1.0]]).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::OneUnit);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (Lab { experiment, zeros }, map) = falling();
        let error = |choices: RandomChoices, maps: &[Vec<f64>]| {
            choices.values(&experiment, &zeros, maps).unwrap_err().to_string()
        };
        let maps = vec![map; 2];
        let draws = error(RandomChoices::new().with_draws(0), &maps);
        assert_eq!(draws, "expected draws to be at least 1, found 0");
        for shares in [vec![], vec![0.0], vec![0.5, 1.0], vec![f64::NAN]] {
            let found = format!("{shares:?}");
            let error = error(RandomChoices::new().with_shares(shares), &maps);
            assert!(error.ends_with(&format!("between 0 and 1, found {found}")), "{error}");
        }
        let error = error(RandomChoices::new(), &maps[..1]);
        assert!(error.starts_with("expected 2 rows with 40 units each"), "{error}");
    }
}
