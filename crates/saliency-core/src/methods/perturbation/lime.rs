//! LIME: the slopes of the linear function of coalitions that is nearest to the score.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::question::Question;
use crate::input::batch::Batch;
use crate::input::groups::Groups;
use crate::methods::perturbation::coalitions::Game;
use crate::methods::perturbation::local_sizes::LocalSizes;
use crate::methods::perturbation::over_covers::{Covers, OverCovers, Sampling};
use crate::random::key::Key;
use crate::sampling::samples::{SampleMaps, Samples};

/// The slopes of the linear function that is nearest to the score among copies near the input, with
/// standard errors: LIME for groups of values.
///
/// ```text
/// A(x), a  =  argmin  E π(z) (v(z) - a - Σ A_g z_g)²,    π(z) = exp(-(1 - √(|z| / G))² / w²)
///                                 g
/// ```
///
/// `v(z)` is the score of a copy of the input in which the groups outside the coalition `z` have the
/// baseline's values. Every coalition is as likely as any other, and counts by the kernel `π`, so that
/// copies near the input count most.
///
/// The distribution of coalitions is known, and so is the covariance of groups. Therefore the slopes
/// are a mean over coalitions that are drawn by their weight, without bias, and have standard errors.
/// As for [`KernelShap`](crate::KernelShap), an additive model of the score, from every group alone and
/// all but every group, takes the part that is known. The slopes of an additive model are exact.
///
/// The number of a group is shared out over its values in equal parts. The numbers do not sum to the
/// change of score between input and baseline.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - groups: every value is a group of its own. For photos, take superpixels, as the paper does.
/// - width of the kernel `w`: 0.25. The smaller it is, the fewer groups are covered; in the limit the
///   slopes are those of [`FeatureAblation`](crate::FeatureAblation).
/// - samples: 1,000 coalitions, or as many as a tolerance needs; at most 4,000 for a tolerance
/// - baseline: zeros
/// - seed: 0
///
/// # Cost
/// `samples + 2 x groups` forward passes for each row, and two for input and baseline.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error; [`Error::InvalidOption`] for an option outside its range, for groups that
/// do not fit the input, and for a width at which nothing is ever covered; [`Error::BaselineShape`]
/// and [`Error::BaselineCount`].
/// A map of zeros comes with a warning:
/// [`Warning::NoCoverChangesTheScore`](crate::Warning::NoCoverChangesTheScore).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Lime, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1) * 3 - 1);
/// let x = Tensor::<2>::from_data([[2.0, 5.0]], &Device::flex());
/// let map = Lime::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [6.0, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Ribeiro, Singh and Guestrin, *"Why should I trust you?": explaining the predictions of any
/// classifier*, 2016, <https://arxiv.org/abs/1602.04938>. The kernel is that of its program for
/// pictures; without ridge regression and without choosing features.
pub type Lime = OverCovers<LocalCoalitions>;

/// The covers of [`Lime`]: random coalitions of groups, of which most are left.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LocalCoalitions {
    groups: Groups,
    width: f64,
}

impl Default for LocalCoalitions {
    fn default() -> Self {
        Self { groups: Groups::default(), width: 0.25 }
    }
}

impl OverCovers<LocalCoalitions> {
    /// Sets the width of the kernel: positive and finite.
    pub fn with_width(mut self, width: f64) -> Self {
        self.covers.width = width;
        self
    }
}

impl Covers for LocalCoalitions {
    fn samples() -> Samples {
        Samples::new().with_count(1000).with_limit(4000)
    }

    fn set_groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    fn check(&self) -> Result<()> {
        if self.width > 0.0 && self.width.is_finite() {
            return Ok(());
        }
        Err(Error::invalid_option("width", "positive and finite", self.width))
    }

    fn explain(&self, question: &Question, sampling: &Sampling) -> Result<Attribution<Batch>> {
        let groups = self.groups.of(&question.input)?;
        let sizes = LocalSizes::new(groups.count(), self.width)?;
        sampling.play(question, &groups, |game, scored| {
            let (effects, seed) = (game.effects()?, sampling.seed);
            let draws = Draws { game, effects, sizes: &sizes, seed };
            let draw = |rows: &[usize], samples: &[usize]| draws.draw(rows, samples);
            let mut attribution = sampling.average(game.copies, scored, &draw)?;
            attribution.baseline_scores = Some(game.baseline_scores.to_vec());
            let alone = 2 * groups.count();
            attribution.evaluations.iter_mut().for_each(|evaluations| *evaluations += alone);
            Ok(attribution)
        })
    }
}

/// Everything that a sample is drawn from.
struct Draws<'a> {
    game: &'a Game<'a>,
    /// The effect of every group in the additive part, row after row.
    effects: Vec<f64>,
    sizes: &'a LocalSizes,
    seed: u64,
}

impl Draws<'_> {
    /// Draws a coalition for each of the given rows, and returns slopes whose mean over all samples
    /// is right.
    fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let Game { copies, groups, .. } = self.game;
        let Question { input, rows: all, .. } = copies.question;
        let keys = all.select(rows).keys(self.seed, samples);
        let coalition = |&key: &Key| self.sizes.coalition(key);
        let drawn: Vec<Vec<bool>> = keys.iter().map(coalition).collect();
        let covered = groups.masks(rows.len(), |copy, group| !drawn[copy][group]);
        let scores = copies.covered(rows, &covered)?;
        let mut slopes = Vec::with_capacity(rows.len() * groups.count());
        for ((&row, inside), score) in rows.iter().zip(&drawn).zip(scores) {
            let count = inside.len();
            let effects = &self.effects[row * count..(row + 1) * count];
            // The change of score by covering, minus that of the additive model: zero for the input.
            let covered = effects.iter().zip(inside).filter(|(_, inside)| !**inside);
            let additive: f64 = covered.map(|(effect, _)| effect).sum();
            let rest = score - self.game.scores[row] + additive;
            let more = self.sizes.slopes(inside, rest);
            slopes.extend(effects.iter().zip(more).map(|(effect, more)| effect + more));
        }
        Ok(SampleMaps::new(groups.spread(&slopes, input)))
    }
}
