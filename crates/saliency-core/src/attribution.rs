//! What an explainer answers.

use crate::gradient::Scored;
use crate::inputs::{Flat, Inputs};

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
    /// The standard error of every value, for methods that average over two or more random
    /// samples.
    pub standard_error: Option<I>,
    /// How many gradients were computed for each row.
    pub gradients: Vec<usize>,
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
            standard_error: None,
            gradients,
        }
    }
}

impl<I: Inputs> Attribution<I> {
    /// The answer of a method that took as many gradients for every row.
    pub(crate) fn of(values: Flat, scored: Scored, gradients: usize) -> Self {
        let rows = values.rows();
        let targets = scored.target.classes(rows);
        let gradients = vec![gradients; rows];
        Self { gradients, ..Self::new(values.into_inputs(), scored.scores, targets) }
    }
}
