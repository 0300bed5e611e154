//! The answer of an explainer.

use burn::tensor::Tensor;

use crate::error::Result;
use crate::execution::evaluator::Scored;
use crate::input::batch::Batch;
use crate::input::inputs::Inputs;
use crate::input::rows::Rows;
use crate::model::score::is_distribution;
use crate::share::{EstimatedShare, Share};
use crate::warning::Warning;

/// The answer of an explainer: how much each value of the input contributed to the score, and
/// everything that is needed to judge the answer.
///
/// # Shapes
/// `values` and `standard_error` have the shape of the input and are on its device, without a
/// gradient graph. If the input is in half precision, sums are kept in single precision. Everything
/// else has one entry per row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attribution<I> {
    /// The attribution of every value of the input.
    pub values: I,
    /// The score of the target at the input.
    pub scores: Vec<f64>,
    /// The class that was explained; `None` if the target is a function.
    pub targets: Vec<Option<usize>>,
    /// The output of the model for each row of the input: the scores of all classes. `None` if the
    /// explainer does not know them, if a row has more than 32,768 of them, or if they are no
    /// classes, because the target is a [`Detection`](crate::Detection), [`Pixels`](crate::Pixels)
    /// or a [`Similarity`](crate::Similarity). They cost no call of the model.
    pub outputs: Option<Vec<Vec<f64>>>,
    /// The score of the target at the baseline, for methods that have one.
    pub baseline_scores: Option<Vec<f64>>,
    /// Sum of the values minus the difference of score between input and baseline, for methods
    /// that promise both to be equal (completeness).
    ///
    /// If the gap is large, something is wrong. If the gap is small, the values may still be wrong.
    /// The gap is not an error bar.
    pub completeness_gap: Option<Vec<f64>>,
    /// The estimated relative L1 error of the values, Σ |value - true value| / Σ |true value|. Two
    /// kinds of methods report it: those that integrate along a path, and those that average over
    /// two or more random samples. The latter estimate it by Σ standard error / Σ |value|.
    pub error_estimate: Option<Vec<f64>>,
    /// Whether the error met the tolerance, for methods that continue until it is met or a limit is
    /// reached.
    pub converged: Option<Vec<bool>>,
    /// The standard error of every value, for methods that average over two or more random
    /// samples. From 50 samples on, `value ± 1.96 standard_error` holds the true value in about 95
    /// of 100 cases, unless there is a [`Warning::FewSamplesDecide`].
    pub standard_error: Option<I>,
    /// The shares of each row's map that were asked for by [`Rows::with_shares`], in the same order.
    pub shares: Option<Vec<Vec<EstimatedShare>>>,
    /// The number of evaluations of the model for each row: gradients, or forward passes for
    /// methods that need no gradient.
    pub evaluations: Vec<usize>,
    /// Reasons to read the maps of some rows with care.
    pub warnings: Vec<Warning>,
}

impl<I> Attribution<I> {
    /// Returns an attribution that has only values, scores and targets. An explainer of your own
    /// can set the other fields that it knows.
    pub fn new(values: I, scores: Vec<f64>, targets: Vec<Option<usize>>) -> Self {
        let evaluations = vec![0; scores.len()];
        Self {
            values,
            scores,
            targets,
            outputs: None,
            baseline_scores: None,
            completeness_gap: None,
            error_estimate: None,
            converged: None,
            standard_error: None,
            shares: None,
            evaluations,
            warnings: Vec::new(),
        }
    }

    /// Applies `f` to the values and their standard errors, for instance to move them to another
    /// device.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn try_map<J>(self, mut f: impl FnMut(I) -> Result<J>) -> Result<Attribution<J>> {
        Ok(Attribution {
            values: f(self.values)?,
            standard_error: self.standard_error.map(f).transpose()?,
            scores: self.scores,
            targets: self.targets,
            outputs: self.outputs,
            baseline_scores: self.baseline_scores,
            completeness_gap: self.completeness_gap,
            error_estimate: self.error_estimate,
            converged: self.converged,
            shares: self.shares,
            evaluations: self.evaluations,
            warnings: self.warnings,
        })
    }

    /// Returns the probability of each class in a row: the softmax over the row's
    /// [`outputs`](Self::outputs), or the outputs themselves if they are probabilities already.
    ///
    /// Returns `None` if the outputs are not known, are not finite, or are fewer than two.
    ///
    /// # Example
    /// A page states the probability without a second forward pass:
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use saliency_core::{Explainer, Gradient, pure_function};
    ///
    /// let model = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone(), x * 2], 1));
    /// let x = Tensor::<2>::ones([1, 1], &Device::flex());
    /// let map = Gradient::new().attribute(&model, x)?;
    ///
    /// assert_eq!(map.outputs, Some(vec![vec![1.0, 2.0]]));
    /// let probability = map.probability(0).expect("two classes");
    /// assert!((probability - 0.7311).abs() < 1e-4); // 1 / (1 + exp(1 - 2))
    /// # Ok::<(), saliency_core::Error>(())
    /// ```
    pub fn probabilities(&self, row: usize) -> Option<Vec<f64>> {
        let outputs = self.outputs.as_ref()?.get(row).filter(|outputs| outputs.len() > 1)?;
        if is_distribution(outputs) {
            return Some(outputs.clone());
        }
        let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = outputs.iter().map(|output| (output - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        sum.is_finite().then(|| powers.into_iter().map(|power| power / sum).collect())
    }

    /// Returns the [probability](Self::probabilities) of the class that is explained in a row;
    /// `None` also if no class is.
    pub fn probability(&self, row: usize) -> Option<f64> {
        let class = (*self.targets.get(row)?)?;
        self.probabilities(row)?.get(class).copied()
    }
}

/// Two scores are alike if they differ by no more than this share of the larger one.
const ALIKE: f64 = 1e-3;

impl<I: Inputs> Attribution<I> {
    /// Joins the answers for consecutive batches into one for all their rows. Returns `None` if
    /// there are no answers.
    ///
    /// Leaves out a field that is missing from any of the answers.
    ///
    /// # Panics
    /// Panics if their inputs have different shapes or are on different devices.
    pub fn stack_rows(parts: Vec<Self>) -> Option<Self> {
        fn joined<T>(parts: impl Iterator<Item = Option<Vec<T>>>) -> Option<Vec<T>> {
            Some(parts.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        let mut before = 0;
        let mut warnings = Vec::new();
        for part in &parts {
            let of_part = part.warnings.iter().map(|it| it.with_row(|row| before + row));
            of_part.for_each(|warning| warning.add_to(&mut warnings));
            before += part.scores.len();
        }
        let errors = parts.iter().map(|part| part.standard_error.clone()).collect::<Option<_>>();
        Some(Self {
            scores: parts.iter().flat_map(|part| part.scores.clone()).collect(),
            targets: parts.iter().flat_map(|part| part.targets.clone()).collect(),
            evaluations: parts.iter().flat_map(|part| part.evaluations.clone()).collect(),
            outputs: joined(parts.iter().map(|part| part.outputs.clone())),
            baseline_scores: joined(parts.iter().map(|part| part.baseline_scores.clone())),
            completeness_gap: joined(parts.iter().map(|part| part.completeness_gap.clone())),
            error_estimate: joined(parts.iter().map(|part| part.error_estimate.clone())),
            converged: joined(parts.iter().map(|part| part.converged.clone())),
            shares: joined(parts.iter().map(|part| part.shares.clone())),
            standard_error: errors.and_then(I::stack_rows),
            values: I::stack_rows(parts.into_iter().map(|part| part.values).collect())?,
            warnings,
        })
    }
}

impl Attribution<Batch> {
    /// Returns the answer for a batch that was scored.
    pub fn of(values: Batch, scored: Scored) -> Self {
        let targets = scored.target.classes(values.rows());
        let attribution = Self::new(values, scored.scores, targets);
        Self { warnings: scored.warnings, outputs: scored.outputs, ..attribution }
    }

    /// Sets the number of evaluations, the same for every row.
    pub fn with_evaluations(mut self, evaluations: usize) -> Self {
        self.evaluations = vec![evaluations; self.scores.len()];
        self
    }

    /// Adds the shares of each row's map that are asked for, if there are any. `errors` are their
    /// estimated errors, if the method knows them.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the values cannot be read back.
    pub fn with_shares(mut self, rows: &Rows, errors: Option<&[Vec<f64>]>) -> Result<Self> {
        let Some(asked) = rows.shares() else { return Ok(self) };
        let of_row = |(row, (asked, values)): (usize, (&Vec<Share>, Vec<f64>))| {
            let estimate = |(at, share): (usize, &Share)| EstimatedShare {
                share: share.of(values.iter().copied()),
                error: errors.map(|errors| errors[row][at]),
            };
            asked.iter().enumerate().map(estimate).collect()
        };
        let values = self.values.host_rows()?;
        self.shares = Some(asked.iter().zip(values).enumerate().map(of_row).collect());
        Ok(self)
    }

    /// Adds the baseline's scores, the completeness gap, and a warning for each row whose baseline
    /// has nearly the same score as the input. Methods that share out the change of score from a
    /// baseline call this.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the values cannot be read back.
    pub fn with_baseline(self, scores: Vec<f64>) -> Result<Self> {
        let ends = self.scores.clone();
        self.with_ends(scores, &ends)
    }

    /// The same for values that sum to the change of score up to `ends`, which need not be the
    /// scores of the input.
    pub(crate) fn with_ends(mut self, scores: Vec<f64>, ends: &[f64]) -> Result<Self> {
        let sums = self.values.row_sums()?;
        let mut gaps = Vec::with_capacity(sums.len());
        for (row, sum) in sums.into_iter().enumerate() {
            let (score, base) = (self.scores[row], scores[row]);
            gaps.push(sum - (ends[row] - base));
            let known = self.warnings.contains(&Warning::BaselineIsInput { row });
            if !known && (score - base).abs() <= ALIKE * score.abs().max(base.abs()) {
                self.warnings.push(Warning::BaselineScoresLikeInput { row });
            }
        }
        self.completeness_gap = Some(gaps);
        self.baseline_scores = Some(scores);
        Ok(self)
    }

    /// Adds a warning for each row whose map is zero everywhere, unless a warning about its baseline
    /// says why. Methods that cover parts of the input call this: they take no gradients, so that a
    /// model that does not depend on its input is no error.
    pub(crate) fn warned_of_zeros(mut self) -> Result<Self> {
        let sizes = self.values.map(Tensor::abs).row_sums()?;
        for (row, _) in sizes.into_iter().enumerate().filter(|(_, size)| *size == 0.0) {
            let says_why =
                [Warning::BaselineIsInput { row }, Warning::BaselineScoresLikeInput { row }];
            if !says_why.iter().any(|known| self.warnings.contains(known)) {
                // Samples that are all zero decide nothing.
                self.warnings.retain(|known| *known != Warning::FewSamplesDecide { row });
                self.warnings.push(Warning::NoCoverChangesTheScore { row });
            }
        }
        Ok(self)
    }

    /// Returns the answer in the form of the input that was explained.
    ///
    /// # Panics
    /// Panics if `I` does not have the tensors that the batch was made of.
    pub fn into_inputs<I: Inputs>(self) -> Attribution<I> {
        let values = self.try_map(|values| Ok(values.into_inputs()));
        values.expect("nothing in it fails")
    }
}
