//! What an explainer answers.

use crate::error::Result;
use crate::gradient::Scored;
use crate::inputs::{Flat, Inputs};
use crate::moments::median_relative_errors;

/// The answer of an explainer: how much each value of the input made the score what it is, with
/// what is needed to judge the answer.
///
/// # Shapes
/// `values` and `standard_error` have the shape of the input and lie on its device, off the tape;
/// sums over an input in half precision are kept in single. Everything else has one entry per row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attribution<I> {
    /// The attribution of every value of the input.
    pub values: I,
    /// The score of the target at the input.
    pub scores: Vec<f64>,
    /// The class that was explained; none where the target is a function.
    pub targets: Vec<Option<usize>>,
    /// The score of the target at the baseline, for methods that have one.
    pub baseline_scores: Option<Vec<f64>>,
    /// Sum of the values minus the difference of score between input and baseline, for methods
    /// that promise both to be equal (completeness).
    ///
    /// It shows that something is wrong when it is large; it is not an error bar of the values.
    pub completeness_gap: Option<Vec<f64>>,
    /// The estimated relative L1 error of the values, for methods that integrate along a path:
    /// Σ |value - true value| / Σ |true value|.
    pub error_estimate: Option<Vec<f64>>,
    /// Whether the error got below the tolerance that was asked for, for methods that go on until
    /// it does or a limit is reached.
    pub converged: Option<Vec<bool>>,
    /// The standard error of every value, for methods that average over two or more random
    /// samples.
    pub standard_error: Option<I>,
    /// How many gradients were computed for each row.
    pub gradients: Vec<usize>,
    /// What makes single rows say less than they seem to.
    pub warnings: Vec<Warning>,
}

/// Why the map of a row may say less than it seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The baseline equals the input, so that there is nothing to explain: the map is zero.
    BaselineIsInput {
        /// The row.
        row: usize,
    },
    /// The model scores the baseline like the input (the scores differ by less than a thousandth):
    /// the values cancel, and their pattern says little.
    BaselineScoresLikeInput {
        /// The row.
        row: usize,
    },
    /// The device that worked on the row was lost, and another one computed it.
    DeviceLost {
        /// The row.
        row: usize,
    },
}

impl Warning {
    /// The row that it is about.
    pub fn row(&self) -> usize {
        match *self {
            Self::BaselineIsInput { row }
            | Self::BaselineScoresLikeInput { row }
            | Self::DeviceLost { row } => row,
        }
    }

    /// The same about another row: that which the one it names stands for.
    pub(crate) fn with_row(self, row_of: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::BaselineIsInput { row } => Self::BaselineIsInput { row: row_of(row) },
            Self::BaselineScoresLikeInput { row } => {
                Self::BaselineScoresLikeInput { row: row_of(row) }
            }
            Self::DeviceLost { row } => Self::DeviceLost { row: row_of(row) },
        }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BaselineIsInput { row } => write!(
                f,
                "the baseline of row {row} equals the input: nothing is left to explain, and the \
                 map is zero"
            ),
            Self::BaselineScoresLikeInput { row } => write!(
                f,
                "the model scores the baseline of row {row} like the input: the values cancel; \
                 choose a baseline that the model tells from the input"
            ),
            Self::DeviceLost { row } => write!(
                f,
                "the device that worked on row {row} was lost, and another one computed it"
            ),
        }
    }
}

impl<I> Attribution<I> {
    /// An attribution with nothing but values, scores and targets; explainers of your own fill in
    /// the other fields they know.
    pub fn new(values: I, scores: Vec<f64>, targets: Vec<Option<usize>>) -> Self {
        let gradients = vec![0; scores.len()];
        Self {
            values,
            scores,
            targets,
            baseline_scores: None,
            completeness_gap: None,
            error_estimate: None,
            converged: None,
            standard_error: None,
            gradients,
            warnings: Vec::new(),
        }
    }

    /// The same with its values, and their standard errors, as something else: on another device, in
    /// another form.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn try_map<J>(self, mut f: impl FnMut(I) -> Result<J>) -> Result<Attribution<J>> {
        Ok(Attribution {
            values: f(self.values)?,
            standard_error: self.standard_error.map(f).transpose()?,
            scores: self.scores,
            targets: self.targets,
            baseline_scores: self.baseline_scores,
            completeness_gap: self.completeness_gap,
            error_estimate: self.error_estimate,
            converged: self.converged,
            gradients: self.gradients,
            warnings: self.warnings,
        })
    }
}

/// Scores that differ by no more than this share of the larger one are alike.
const ALIKE: f64 = 1e-3;

impl<I: Inputs> Attribution<I> {
    /// For each row the median over its values of standard error divided by absolute value; none
    /// for methods without standard errors.
    ///
    /// At 1 half of the values may as well have the other sign; at 0.1 a map can be believed in
    /// detail.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) where the values cannot be read back.
    pub fn median_relative_error(&self) -> Result<Option<Vec<f64>>> {
        let Some(errors) = &self.standard_error else { return Ok(None) };
        let (values, errors) = (Flat::new(self.values.clone())?, Flat::new(errors.clone())?);
        median_relative_errors(values, errors).map(Some)
    }

    /// The answers for consecutive batches as one, for all their rows; none where there are none.
    ///
    /// What only some of them know is left out.
    ///
    /// # Panics
    /// Where their inputs have different shapes or lie on different devices.
    pub fn stack_rows(parts: Vec<Self>) -> Option<Self> {
        fn joined<T>(parts: impl Iterator<Item = Option<Vec<T>>>) -> Option<Vec<T>> {
            Some(parts.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        let mut before = 0;
        let mut warnings = Vec::new();
        for part in &parts {
            warnings.extend(part.warnings.iter().map(|it| it.with_row(|row| before + row)));
            before += part.scores.len();
        }
        let errors = parts.iter().map(|part| part.standard_error.clone()).collect::<Option<_>>();
        Some(Self {
            scores: parts.iter().flat_map(|part| part.scores.clone()).collect(),
            targets: parts.iter().flat_map(|part| part.targets.clone()).collect(),
            gradients: parts.iter().flat_map(|part| part.gradients.clone()).collect(),
            baseline_scores: joined(parts.iter().map(|part| part.baseline_scores.clone())),
            completeness_gap: joined(parts.iter().map(|part| part.completeness_gap.clone())),
            error_estimate: joined(parts.iter().map(|part| part.error_estimate.clone())),
            converged: joined(parts.iter().map(|part| part.converged.clone())),
            standard_error: errors.and_then(I::stack_rows),
            values: I::stack_rows(parts.into_iter().map(|part| part.values).collect())?,
            warnings,
        })
    }

    /// The answer of a method that took as many gradients for every row.
    pub(crate) fn of(values: Flat, scored: Scored, gradients: usize) -> Self {
        let rows = values.rows();
        let targets = scored.target.classes(rows);
        let gradients = vec![gradients; rows];
        Self { gradients, ..Self::new(values.into_inputs(), scored.scores, targets) }
    }

    /// Adds what is known of a method that shares out the change of score from the baseline.
    pub(crate) fn with_baseline(self, values: &Flat, scores: Vec<f64>) -> Result<Self> {
        let changes = self.scores.iter().zip(&scores).map(|(score, base)| score - base);
        let gap = values.row_sums()?.into_iter().zip(changes).map(|(sum, change)| sum - change);
        let completeness_gap = Some(gap.collect());
        let mut warnings = self.warnings;
        for (row, (score, base)) in self.scores.iter().zip(&scores).enumerate() {
            let known = warnings.contains(&Warning::BaselineIsInput { row });
            if !known && (score - base).abs() <= ALIKE * score.abs().max(base.abs()) {
                warnings.push(Warning::BaselineScoresLikeInput { row });
            }
        }
        let baseline_scores = Some(scores);
        Ok(Self { warnings, completeness_gap, baseline_scores, ..self })
    }
}
