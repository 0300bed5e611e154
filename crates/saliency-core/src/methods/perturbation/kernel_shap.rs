//! KernelSHAP: Shapley values from the scores of coalitions.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::evaluator::Scored;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::groups::Groups;
use crate::masks::copies::Copies;
use crate::methods::perturbation::coalitions::{Game, MOST_GROUPS};
use crate::sampling::moments::Aggregate;
use crate::sampling::samples::{Averaged, Samples};

/// Shapley values of groups of values from the scores of coalitions: exact if there are few groups,
/// otherwise from random pairs of coalitions, with standard errors.
///
/// The values are those of the linear function of coalitions that is nearest to the score, weighted
/// by the Shapley kernel, among all whose values sum to `f(x) - f(x')`. For `G` groups they are
///
/// ```text
///            f(x) - f(x')
/// A_g(x)  =  ------------  +  H · E (z_g - |z| / G) (v(z) - v(not z)),   H = 1 + 1/2 + ... + 1/(G - 1)
///                 G
/// ```
///
/// `v(z)` is the score of a copy of the input in which the groups outside the coalition `z` have the
/// baseline's values. Sizes `k` of coalitions have probabilities in proportion to `1 / (k (G - k))`.
///
/// If the method draws coalitions, it first scores every group alone, and all but every group. Their
/// means are an additive model of the score, whose Shapley values are known. Samples estimate the
/// Shapley values of the rest. Therefore the values of an additive model are exact, every sample is
/// complete, and the mean has no bias. Coalitions of one group and of all but one need not be drawn.
///
/// The number of a group is shared out over its values in equal parts.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed. Exact values have standard
/// errors of zero.
///
/// # Parameters and defaults
/// - groups: every value is a group of its own. For photos, take cells or superpixels.
/// - samples: 500 pairs of coalitions, or as many as a tolerance needs
///   ([`with_tolerance`](Self::with_tolerance)); all coalitions instead, if they cost no more, or if
///   [`with_all_coalitions`](Self::with_all_coalitions) asks for them
/// - at most 4,000 samples, if there is a tolerance
/// - baseline: zeros
/// - seed: 0. Random numbers depend only on seed, row and sample.
///
/// # Cost
/// `2 x samples + 2 x groups` forward passes for each row, or `2^groups - 2`; and two for input and
/// baseline.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error; [`Error::InvalidOption`] for an option outside its range, for groups that
/// do not fit the input, and if all coalitions of more than 20 groups are asked for;
/// [`Error::BaselineShape`] and [`Error::BaselineCount`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, KernelShap, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.prod_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0]], &Device::flex());
/// let map = KernelShap::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [2.0, 2.0, 2.0]);
/// assert_eq!(map.error_estimate.unwrap(), [0.0]); // exact
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Lundberg and Lee, *A unified approach to interpreting model predictions*, 2017,
/// <https://arxiv.org/abs/1705.07874>. Pairs, and an estimate without bias: Covert and Lee, *Improving
/// KernelSHAP*, 2021, <https://arxiv.org/abs/2012.01536>.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KernelShap {
    groups: Groups,
    coalitions: Coalitions,
    pub(crate) samples: Samples,
    baseline: Baseline,
    seed: u64,
    schedule: Schedule,
}

/// The coalitions that are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Coalitions {
    /// All if they are no more than would be drawn.
    #[default]
    AsManyAsDrawn,
    All,
}

impl Default for KernelShap {
    fn default() -> Self {
        Self {
            groups: Groups::default(),
            coalitions: Coalitions::default(),
            // Of 50 pairs for 49 groups of a series, the strongest value is the right one in a quarter
            // of the cases.
            samples: Samples::new().with_count(500).with_limit(4000),
            baseline: Baseline::default(),
            seed: 0,
            schedule: Schedule::default(),
        }
    }
}

impl KernelShap {
    /// Returns KernelSHAP with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the groups of values that are covered together.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.groups = groups;
        self
    }

    /// Scores all coalitions: exact Shapley values, for up to 20 groups.
    pub fn with_all_coalitions(mut self) -> Self {
        self.coalitions = Coalitions::All;
        self
    }

    /// Sets a fixed number of pairs, up to 1,000,000, instead of a tolerance.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_count(samples);
        self
    }

    /// Draws pairs until the estimated relative L1 error of a row is at most `tolerance`, in (0, 1],
    /// or until the limit is reached.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_tolerance(tolerance);
        self
    }

    /// Sets the most pairs that are drawn to reach a tolerance: up to 1,000,000.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_limit(samples);
        self
    }

    /// Sets the number of pairs, whether fixed or to a tolerance.
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

    /// Sets chunks, workers, and progress, which is counted in pairs of rows, or in forward passes if
    /// all coalitions are scored.
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
        self.samples.check(Aggregate::Mean)
    }

    /// Returns whether all coalitions of `groups` groups are scored.
    fn takes_all(&self, groups: usize) -> Result<bool> {
        // Three groups have no coalitions except single groups and all but one.
        let drawn = self.samples.most().saturating_add(groups).saturating_mul(2);
        let few = groups <= 3 || (groups <= MOST_GROUPS && (1 << groups) - 2 <= drawn);
        if self.coalitions == Coalitions::AsManyAsDrawn || groups <= MOST_GROUPS {
            return Ok(few || self.coalitions == Coalitions::All);
        }
        let expected = format!(
            "of at most {MOST_GROUPS} groups, {} of them (make fewer groups, or draw coalitions by \
             leaving out `with_all_coalitions`)",
            1 << MOST_GROUPS
        );
        Err(Error::invalid_option("all coalitions", expected, format!("{groups} groups")))
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let groups = self.groups.of(input)?;
        let takes_all = self.takes_all(groups.count())?;
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
        let answer = match takes_all {
            true => self.exact(&game, scored.clone())?,
            false => self.drawn(&game, scored.clone())?,
        };
        let mut attribution = answer;
        let warnings = copies.warnings()?;
        warnings.into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        attribution.with_baseline(baseline_scores)
    }

    /// Scores all coalitions.
    fn exact(&self, game: &Game, scored: Scored) -> Result<Attribution<Batch>> {
        let (input, count) = (&game.copies.question.input, game.groups.count());
        let values = game.groups.spread(&game.exact()?, input);
        let rows = input.rows();
        let zeros = values.map(|part| part.zeros_like());
        let answer = Attribution::of(values, scored).with_evaluations((1 << count) - 2);
        Ok(Attribution {
            standard_error: Some(zeros),
            error_estimate: Some(vec![0.0; rows]),
            converged: self.samples.has_tolerance().then(|| vec![true; rows]),
            ..answer
        })
    }

    /// Draws pairs of coalitions.
    fn drawn(&self, game: &Game, scored: Scored) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = game.copies.question;
        let residual = game.residual(self.seed)?;
        let draw = |rows: &[usize], samples: &[usize]| residual.draw(rows, samples);
        let (samples, shares) = (self.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, &draw)?;
        let mut attribution = averaged.into_attribution(scored, rows)?;
        let alone = 2 * game.groups.count();
        attribution.evaluations.iter_mut().for_each(|evaluations| *evaluations += alone);
        Ok(attribution)
    }
}

answers_questions!(KernelShap);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_coalitions_are_scored_if_they_are_few_or_asked_for() {
        let all = |shap: KernelShap, groups| shap.takes_all(groups).unwrap();
        // 510 coalitions of 9 groups, against 1,000 and 18; 1,022 of 10, against 1,000 and 20.
        assert!(all(KernelShap::new(), 9) && !all(KernelShap::new(), 10));
        let few = || KernelShap::new().with_samples(1);
        assert!(all(few(), 1) && all(few(), 3) && !all(few(), 4));
        assert!(all(few().with_all_coalitions(), 20));
        let error = few().with_all_coalitions().takes_all(21).unwrap_err().to_string();
        assert!(
            error.contains("at most 20 groups, 1048576 of them") && error.contains("21 groups")
        );
    }
}
