//! Feature permutation: takes the values of a group from other rows of the batch.

use crate::attribution::Attribution;
use crate::error::{Error, Result};
use crate::execution::question::{Question, answers_questions};
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;
use crate::input::groups::{Groups, Partition};
use crate::input::rows::Rows;
use crate::masks::copies::{Copies, cover};
use crate::random::key::{Key, Stream};
use crate::sampling::aggregate::Aggregate;
use crate::sampling::samples::{Averaged, SampleMaps, Samples};

/// The change of score if the values of a group come from another row of the batch, averaged over
/// other rows, with standard errors.
///
/// ```text
///             1   n
/// A_g(x_r) = ---  Σ  f(x_r) - f(x_r with the group g of row π_k(r))
///             n  k=1
/// ```
///
/// Each `π_k` is a random permutation of the rows of the batch that leaves no row where it was. There
/// is no baseline: covered values are values that occur. The number of a group is shared out over its
/// values in equal parts. The mean over the rows of a test set is the permutation importance of a
/// group for the score; with the loss as [target](crate::Target), for the loss.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - groups: every value is a group of its own
/// - samples: 50 permutations, or as many as a tolerance needs
/// - at most 1,000 samples, if there is a tolerance
/// - seed: 0
///
/// The answer for a row depends on the other rows of the batch, from which values are taken. It
/// takes at least two rows, and the batch as a whole: a wrapping explainer such as
/// [`SmoothGrad`](crate::SmoothGrad) is refused.
///
/// # Cost
/// `samples x groups` forward passes for each row, and one for the input.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error; [`Error::InvalidOption`] for an option outside its range, for groups that
/// do not fit the input, for a single row, and for rows that are not a whole batch.
/// A map of zeros comes with a warning:
/// [`Warning::NoCoverChangesTheScore`](crate::Warning::NoCoverChangesTheScore).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, FeaturePermutation, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1));
/// let x = Tensor::<2>::from_data([[1.0, 5.0], [4.0, 6.0]], &Device::flex());
/// let map = FeaturePermutation::new().attribute(&model, x)?;
/// assert_eq!(map.values.try_into_vec_as::<f32>().unwrap(), [-3.0, 0.0, 3.0, 0.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Breiman, *Random forests*, 2001; Fisher, Rudin and Dominici, *All models are wrong, but many are
/// useful*, 2018, <https://arxiv.org/abs/1801.01489>.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FeaturePermutation {
    groups: Groups,
    samples: Samples,
    seed: u64,
    schedule: Schedule,
}

impl FeaturePermutation {
    /// Returns feature permutation with the defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the groups of values that are taken from one row together.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.groups = groups;
        self
    }

    /// Sets a fixed number of permutations, up to 1,000,000, instead of a tolerance.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_count(samples);
        self
    }

    /// Draws permutations until the estimated relative L1 error of a row is at most `tolerance`, in
    /// (0, 1], or until the limit is reached.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.samples = self.samples.with_tolerance(tolerance);
        self
    }

    /// Sets the most permutations that are drawn to reach a tolerance: up to 1,000,000.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.samples = self.samples.with_limit(samples);
        self
    }

    /// Sets the number of permutations, whether fixed or to a tolerance.
    pub fn with_sampling(mut self, samples: Samples) -> Self {
        self.samples = samples;
        self
    }

    /// Sets the seed of the permutations.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets chunks, workers, and progress, which is counted in permutations of rows.
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

    fn explain(&self, question: &Question) -> Result<Attribution<Batch>> {
        let Question { evaluator, input, rows, .. } = question;
        check_rows(rows)?;
        let groups = self.groups.of(input)?;
        let calls = self.samples.most().saturating_mul(groups.count());
        let scored = question.resolve_for(&self.schedule, calls)?;
        let exchange = Exchange {
            copies: Copies { question, target: &scored.target, baseline: input },
            groups: &groups,
            scores: &scored.scores,
            seed: self.seed,
            silent: self.schedule.silent(),
        };
        let draw = |rows: &[usize], samples: &[usize]| exchange.draw(rows, samples);
        let (samples, shares) = (self.samples, rows.shares());
        let averaged =
            Averaged::over(samples, Aggregate::Mean, &self.schedule, input, shares, &draw)?;
        let mut attribution = averaged.into_attribution(scored, rows)?;
        evaluator.one_row_warning().into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        attribution.warned_of_zeros()
    }
}

/// Refuses rows that are not a whole batch, and a single row.
fn check_rows(rows: &Rows) -> Result<()> {
    if rows.are_inside() || !rows.of().iter().copied().eq(0..rows.total()) {
        return Err(Error::invalid_option(
            "rows",
            "to be a whole batch, because values are taken from other rows (explain it with one \
             device, and with no explainer around it)",
            "rows that were made from a batch",
        ));
    }
    if rows.total() < 2 {
        let expected = "at least 2, because values are taken from other rows";
        return Err(Error::invalid_option("rows", expected, rows.total()));
    }
    Ok(())
}

/// Everything that a sample is drawn from.
struct Exchange<'a> {
    copies: Copies<'a>,
    groups: &'a Partition,
    scores: &'a [f64],
    seed: u64,
    silent: Schedule,
}

impl Exchange<'_> {
    /// Returns the change of score for each group of each of the given rows, if the group comes from
    /// the row that the sample's permutation says.
    fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let input = &self.copies.question.input;
        let (copies, count) = (rows.len(), self.groups.count());
        let (own, other) = (input.select(rows), input.select(&self.others(rows, samples)));
        let other = other.with_fixed_of(&own);
        let work = self.copies.interruptible(&self.silent)?;
        let mut changes = vec![0.0; copies * count];
        for group in 0..count {
            work.check_cancelled()?;
            let masks = self.groups.masks(copies, |_, of_value| of_value == group);
            let scores = self.copies.scores(cover(&own, &other, &masks), rows)?;
            for (copy, score) in scores.into_iter().enumerate() {
                changes[copy * count + group] = self.scores[rows[copy]] - score;
            }
        }
        let values = self.groups.spread(&changes, input);
        Ok(SampleMaps { evaluations: vec![count; copies], ..SampleMaps::new(values) })
    }

    /// Returns the row that each row gets values from: the next one on a circle of all rows in
    /// random order, one circle for each sample.
    fn others(&self, rows: &[usize], samples: &[usize]) -> Vec<usize> {
        let count = self.scores.len();
        let mut circle: Option<(usize, Vec<usize>)> = None;
        let pairs = rows.iter().zip(samples);
        pairs
            .map(|(&row, &sample)| {
                let (_, next) = match circle.take() {
                    Some(known) if known.0 == sample => circle.insert(known),
                    _ => circle.insert((sample, self.next_on_circle(sample, count))),
                };
                next[row]
            })
            .collect()
    }

    fn next_on_circle(&self, sample: usize, count: usize) -> Vec<usize> {
        let key = Key { seed: self.seed, row: 0, sample: sample as u64 };
        let order = key.order(Stream::Cover, count);
        let mut next = vec![0; count];
        for (at, &row) in order.iter().enumerate() {
            next[row] = order[(at + 1) % count];
        }
        next
    }
}

answers_questions!(FeaturePermutation);
