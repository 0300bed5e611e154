//! Shapley values from random permutations.

use crate::attribution::Attribution;
use crate::error::Result;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::input::groups::{Groups, Partition};
use crate::masks::copies::Copies;
use crate::methods::perturbation::over_covers::{Covers, OverCovers, Sampling};
use crate::random::key::Stream;
use crate::sampling::samples::{SampleMaps, Samples};

/// Shapley values of groups of values, from random permutations, with standard errors.
///
/// ```text
///             1   n
/// A_g(x)  =  ---  Σ  v(groups up to g in order π_k) - v(groups before g in order π_k)
///             n  k=1
/// ```
///
/// `v` of a set of groups is the score of a copy of the input in which all other groups have the
/// baseline's values. Each sample is a permutation and its reverse, whose errors cancel in part. The
/// values of every sample sum to `f(x) - f(x')` (completeness). The number of a group is shared out
/// over its values in equal parts.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - groups: every value is a group of its own. For photos, take cells or superpixels.
/// - samples: 50 pairs of permutations, or as many as a tolerance needs
///   ([`with_tolerance`](OverCovers::with_tolerance))
/// - at most 1,000 samples, if there is a tolerance
/// - baseline: zeros
/// - seed: 0. Random numbers depend only on seed, row and sample.
///
/// [`KernelShap`](crate::KernelShap) estimates the same values. It is exact for few groups, and often
/// takes fewer forward passes for many.
///
/// # Cost
/// `2 x samples x (groups - 1)` forward passes for each row, and two for input and baseline.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error; [`Error::InvalidOption`](crate::Error::InvalidOption) for an option outside
/// its range, and for groups that do not fit the input;
/// [`Error::BaselineShape`](crate::Error::BaselineShape) and
/// [`Error::BaselineCount`](crate::Error::BaselineCount).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, ShapleySampling, pure_function};
///
/// // The score is a product: two values that only count together get the same share.
/// let model = pure_function(|x: Tensor<2>| x.prod_dim(1));
/// let x = Tensor::<2>::from_data([[2.0, 3.0]], &Device::flex());
/// let map = ShapleySampling::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [3.0, 3.0]);
/// assert_eq!(map.completeness_gap.unwrap(), [0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Castro, Gómez and Tejada, *Polynomial calculation of the Shapley value based on sampling*, 2009;
/// Štrumbelj and Kononenko, *An efficient explanation of individual classifications using game
/// theory*, 2010. Pairs: Mitchell, Cooper, Frank and Holmes, *Sampling permutations for Shapley value
/// estimation*, 2022, <https://arxiv.org/abs/2104.12199>.
pub type ShapleySampling = OverCovers<Permutations>;

/// The covers of [`ShapleySampling`]: groups are uncovered one after the other, in random order.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Permutations {
    groups: Groups,
}

impl Covers for Permutations {
    fn samples() -> Samples {
        Samples::default()
    }

    fn set_groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    fn explain(&self, question: &Question, sampling: &Sampling) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let groups = self.groups.of(input)?;
        let baseline = sampling.baseline.like(input, rows)?;
        let calls = sampling.samples.most().saturating_mul(2 * groups.count());
        let scored = question.resolve_for(&sampling.schedule, calls)?;
        let copies = Copies { question, target: &scored.target, baseline: &baseline };
        let baseline_scores = copies.baseline_scores(&sampling.schedule)?;
        let draws = Draws {
            copies: &copies,
            groups: &groups,
            scores: &scored.scores,
            baseline_scores: &baseline_scores,
            seed: sampling.seed,
            silent: sampling.schedule.silent(),
        };
        let draw = |rows: &[usize], samples: &[usize]| draws.draw(rows, samples);
        sampling.average(&copies, &scored, &draw)?.with_baseline(baseline_scores)
    }
}

/// Everything that a sample is drawn from.
struct Draws<'a> {
    copies: &'a Copies<'a>,
    groups: &'a Partition,
    scores: &'a [f64],
    baseline_scores: &'a [f64],
    seed: u64,
    silent: Schedule,
}

impl Draws<'_> {
    /// Draws a permutation for each of the given rows, and returns the mean change of score by each
    /// group in this order and in reverse.
    fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let Question { input, rows: all, .. } = self.copies.question;
        let (copies, count) = (rows.len(), self.groups.count());
        let keys = all.select(rows).keys(self.seed, samples);
        let orders = keys.into_iter().map(|key| key.order(Stream::Cover, count));
        let mut orders: Vec<Vec<usize>> = orders.collect();
        let mut changes = vec![0.0; copies * count];
        for _ in 0..2 {
            self.add_changes(&orders, rows, &mut changes)?;
            orders.iter_mut().for_each(|order| order.reverse());
        }
        changes.iter_mut().for_each(|change| *change *= 0.5);
        let values = self.groups.spread(&changes, input);
        let evaluations = vec![2 * (count - 1); copies];
        Ok(SampleMaps { evaluations, ..SampleMaps::new(values) })
    }

    /// Adds the change of score by each group, one order for each of the given rows.
    fn add_changes(
        &self,
        orders: &[Vec<usize>],
        rows: &[usize],
        changes: &mut [f64],
    ) -> Result<()> {
        let count = self.groups.count();
        let work = self.copies.interruptible(&self.silent)?;
        let mut covered = vec![true; orders.len() * count];
        let mut before: Vec<f64> = rows.iter().map(|&row| self.baseline_scores[row]).collect();
        for step in 0..count {
            work.check_cancelled()?;
            for (copy, order) in orders.iter().enumerate() {
                covered[copy * count + order[step]] = false;
            }
            let after = if step + 1 == count {
                // Nothing is covered any more.
                rows.iter().map(|&row| self.scores[row]).collect()
            } else {
                let is_covered = |copy: usize, group: usize| covered[copy * count + group];
                self.copies.covered(rows, &self.groups.masks(orders.len(), is_covered))?
            };
            for (copy, order) in orders.iter().enumerate() {
                changes[copy * count + order[step]] += after[copy] - before[copy];
            }
            before = after;
        }
        Ok(())
    }
}
