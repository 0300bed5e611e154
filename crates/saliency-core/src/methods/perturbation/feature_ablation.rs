//! Feature ablation: covers one group of values at a time.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::input::groups::Groups;
use crate::masks::copies::Copies;

/// The change of score if a group of values is replaced by the baseline, for each group.
///
/// ```text
/// A_g(x) = f(x) - f(x with x'_g in place of x_g)
/// ```
///
/// The number of a group is shared out over its values in equal parts, so that the values of a group
/// sum to its number. Unlike Shapley values, the numbers of all groups do not sum to the change of
/// score between input and baseline: of two groups that say the same, neither gets anything, because
/// the other one is still there.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - groups: every value is a group of its own. For photos, take cells or superpixels.
/// - baseline: zeros
///
/// # Cost
/// A forward pass for each group, and one for the input.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error;
/// [`Error::InvalidOption`](crate::Error::InvalidOption) if the groups do not fit the input;
/// [`Error::BaselineShape`](crate::Error::BaselineShape) and
/// [`Error::BaselineCount`](crate::Error::BaselineCount).
/// A map of zeros comes with a warning:
/// [`Warning::NoCoverChangesTheScore`](crate::Warning::NoCoverChangesTheScore).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, FeatureAblation, Groups, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.prod_dim(1));
/// let x = Tensor::<2>::from_data([[2.0, 3.0, 4.0]], &Device::flex());
/// let groups = Groups::labels([0, 1, 1]);
/// let map = FeatureAblation::new().with_groups(groups).attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [24.0, 12.0, 12.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Merrick, *Randomized ablation feature importance*, 2019, <https://arxiv.org/abs/1910.00174>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FeatureAblation {
    groups: Groups,
    baseline: Baseline,
    schedule: Schedule,
}

impl FeatureAblation {
    /// Returns feature ablation with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the groups of values that are covered together.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.groups = groups;
        self
    }

    /// Sets the values that covered values are replaced by.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in forward passes.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Refuses options outside their range, before any work.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption).
    pub fn check(&self) -> Result<()> {
        self.schedule.check()
    }

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let groups = self.groups.of(input)?;
        let baseline = self.baseline.like(input, rows)?;
        let count = groups.count();
        let mut scored = question.resolve_for(&self.schedule, count)?;
        let copies = Copies { question, target: &scored.target, baseline: &baseline };
        let masks =
            |covered: &[usize]| groups.masks(covered.len(), |copy, group| covered[copy] == group);
        let falls = copies.falls(&self.schedule, &scored.scores, count, masks)?;
        let warnings = copies.warnings()?;
        warnings.into_iter().for_each(|it| it.add_to(&mut scored.warnings));
        let values = groups.spread(&falls, input);
        Attribution::of(values, scored).with_evaluations(count).warned_of_zeros()
    }
}

answers_questions!(FeatureAblation);
