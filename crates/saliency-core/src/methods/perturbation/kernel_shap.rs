//! KernelSHAP: Shapley values from the scores of coalitions.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::input::batch::Batch;
use crate::input::groups::Groups;
use crate::methods::perturbation::coalitions::{Game, MOST_GROUPS};
use crate::methods::perturbation::over_covers::{Covers, OverCovers, Sampling};
use crate::sampling::samples::Samples;

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
///   ([`with_tolerance`](OverCovers::with_tolerance)); all coalitions instead, if they cost no more, or if
///   [`with_all_coalitions`](OverCovers::with_all_coalitions) asks for them
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
pub type KernelShap = OverCovers<PairsOfCoalitions>;

/// The covers of [`KernelShap`]: random coalitions of groups, each with its complement.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PairsOfCoalitions {
    groups: Groups,
    coalitions: Coalitions,
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

impl OverCovers<PairsOfCoalitions> {
    /// Scores all coalitions: exact Shapley values, for up to 20 groups.
    pub fn with_all_coalitions(mut self) -> Self {
        self.covers.coalitions = Coalitions::All;
        self
    }
}

impl Covers for PairsOfCoalitions {
    fn samples() -> Samples {
        // Of 50 pairs for 49 groups of a series, the strongest value is the right one in a quarter
        // of the cases.
        Samples::new().with_count(500).with_limit(4000)
    }

    fn set_groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    fn explain(&self, question: &Question, sampling: &Sampling) -> Result<Attribution<Batch>> {
        let groups = self.groups.of(&question.input)?;
        let takes_all = self.takes_all(groups.count(), sampling.samples)?;
        sampling.play(question, &groups, |game, scored| {
            let attribution = match takes_all {
                true => Self::exact(game, scored.clone(), sampling)?,
                false => Self::drawn(game, scored, sampling)?,
            };
            attribution.with_baseline(game.baseline_scores.to_vec())
        })
    }
}

impl PairsOfCoalitions {
    /// Returns whether all coalitions of `groups` groups are scored.
    fn takes_all(&self, groups: usize, samples: Samples) -> Result<bool> {
        // Three groups have no coalitions except single groups and all but one.
        let drawn = samples.most().saturating_add(groups).saturating_mul(2);
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

    /// Scores all coalitions.
    fn exact(game: &Game, scored: Scored, sampling: &Sampling) -> Result<Attribution<Batch>> {
        let (input, count) = (&game.copies.question.input, game.groups.count());
        let values = game.groups.spread(&game.exact()?, input);
        let rows = input.rows();
        let zeros = values.map(|part| part.zeros_like());
        let mut answer = Attribution::of(values, scored).with_evaluations((1 << count) - 2);
        let warnings = game.copies.warnings()?;
        warnings.into_iter().for_each(|it| it.add_to(&mut answer.warnings));
        Ok(Attribution {
            standard_error: Some(zeros),
            error_estimate: Some(vec![0.0; rows]),
            converged: sampling.samples.has_tolerance().then(|| vec![true; rows]),
            ..answer
        })
    }

    /// Draws pairs of coalitions.
    fn drawn(game: &Game, scored: &Scored, sampling: &Sampling) -> Result<Attribution<Batch>> {
        let residual = game.residual(sampling.seed)?;
        let draw = |rows: &[usize], samples: &[usize]| residual.draw(rows, samples);
        let mut attribution = sampling.average(game.copies, scored, &draw)?;
        let alone = 2 * game.groups.count();
        attribution.evaluations.iter_mut().for_each(|evaluations| *evaluations += alone);
        Ok(attribution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_coalitions_are_scored_if_they_are_few_or_asked_for() {
        let takes_all = |shap: KernelShap, groups| shap.covers.takes_all(groups, shap.samples());
        let all = |shap, groups| takes_all(shap, groups).unwrap();
        // 510 coalitions of 9 groups, against 1,000 and 18; 1,022 of 10, against 1,000 and 20.
        assert!(all(KernelShap::new(), 9) && !all(KernelShap::new(), 10));
        let few = || KernelShap::new().with_samples(1);
        assert!(all(few(), 1) && all(few(), 3) && !all(few(), 4));
        assert!(all(few().with_all_coalitions(), 20));
        let error = takes_all(few().with_all_coalitions(), 21).unwrap_err().to_string();
        assert!(
            error.contains("at most 20 groups, 1048576 of them") && error.contains("21 groups")
        );
    }
}
