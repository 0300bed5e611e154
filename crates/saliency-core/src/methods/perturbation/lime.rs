//! LIME: the slopes of the linear function of coalitions that is nearest to the score.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::groups::Groups;
use crate::masks::copies::Copies;
use crate::methods::perturbation::coalitions::Game;
use crate::methods::perturbation::local_sizes::LocalSizes;
use crate::random::key::Key;
use crate::sampling::moments::Aggregate;
use crate::sampling::samples::{Averaged, SampleMaps, Samples};

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
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lime {
    groups: Groups,
    width: f64,
    pub(crate) samples: Samples,
    baseline: Baseline,
    seed: u64,
    schedule: Schedule,
}

impl Default for Lime {
    fn default() -> Self {
        Self {
            groups: Groups::default(),
            width: 0.25,
            samples: Samples::new().with_count(1000).with_limit(4000),
            baseline: Baseline::default(),
            seed: 0,
            schedule: Schedule::default(),
        }
    }
}

impl Lime {
    /// Returns LIME with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the groups of values that are covered together.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.groups = groups;
        self
    }

    /// Sets the width of the kernel: positive and finite.
    pub fn with_width(mut self, width: f64) -> Self {
        self.width = width;
        self
    }

    /// Sets a fixed number of coalitions, up to 1,000,000, instead of a tolerance.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_count(samples);
        self
    }

    /// Draws coalitions until the estimated relative L1 error of a row is at most `tolerance`, in
    /// (0, 1], or until the limit is reached.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_tolerance(tolerance);
        self
    }

    /// Sets the most coalitions that are drawn to reach a tolerance: up to 1,000,000.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_limit(samples);
        self
    }

    /// Sets the number of coalitions, whether fixed or to a tolerance.
    pub fn with_sampling(mut self, samples: Samples) -> Self {
        self.samples = samples;
        self
    }

    /// Sets the values that covered values are replaced by.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets the seed of the coalitions.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in coalitions of rows.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        self.schedule.check()?;
        self.samples.check(Aggregate::Mean)?;
        if self.width > 0.0 && self.width.is_finite() {
            return Ok(());
        }
        Err(Error::invalid_option("width", "positive and finite", self.width))
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let groups = self.groups.of(input)?;
        let sizes = LocalSizes::new(groups.count(), self.width)?;
        let baseline = self.baseline.like(input, rows)?;
        let calls = self.samples.most().saturating_add(groups.count());
        let scored = question.resolve_for(&self.schedule, calls)?;
        let copies = Copies { question, target: &scored.target, baseline: &baseline };
        let baseline_scores = copies.baseline_scores(&self.schedule)?;
        let game = Game {
            copies: &copies,
            groups: &groups,
            scores: &scored.scores,
            baseline_scores: &baseline_scores,
            schedule: &self.schedule,
        };
        let draws = Draws { game: &game, effects: game.effects()?, sizes: &sizes, seed: self.seed };
        let draw = |rows: &[usize], samples: &[usize]| draws.draw(rows, samples);
        let (samples, shares) = (self.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, &draw)?;
        let (warnings, alone) = (copies.warnings()?, 2 * groups.count());
        let mut attribution = averaged.into_attribution(scored, rows)?;
        attribution.baseline_scores = Some(baseline_scores);
        attribution.evaluations.iter_mut().for_each(|evaluations| *evaluations += alone);
        warnings.into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        Ok(attribution)
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

answers_questions!(Lime);
