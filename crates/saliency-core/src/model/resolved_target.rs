//! A target without predictions, ready to score a model's output.

use burn::tensor::{Int, Tensor};

use crate::error::{Error, Result};
use crate::model::score::{Score, ScoreFunction};

/// A [`Target`](crate::Target) whose predictions have been replaced by classes, and whose classes
/// all exist in the model. Only this form of a target can score an output.
///
/// Made by [`Target::resolve`](crate::Target::resolve); `Target::from` converts it back.
#[derive(Clone, Debug)]
pub struct ResolvedTarget {
    pub(crate) choice: Choice,
    pub(crate) score: Score,
}

/// The scores that are explained; [`Score`] gives their kind.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    Class(usize),
    Classes(Vec<usize>),
    Difference(usize, usize),
    Function(ScoreFunction),
}

impl ResolvedTarget {
    pub(crate) fn new(choice: Choice) -> Self {
        Self { choice, score: Score::Output }
    }

    pub(crate) fn with_score(self, score: Score) -> Self {
        Self { score, ..self }
    }

    /// Returns the target's score for each row of `output`.
    ///
    /// # Shapes
    /// From `[rows, scores]` to `[rows]`.
    ///
    /// # Errors
    /// [`Error::TargetFunctionRows`] if a function returns more or fewer scores than rows.
    pub fn score(&self, output: Tensor<2>) -> Result<Tensor<1>> {
        let rows = output.dims()[0];
        let output = self.score.of(output);
        match &self.choice {
            Choice::Class(class) => Ok(output.narrow(1, *class, 1).reshape([rows])),
            Choice::Difference(class, other) => {
                let scores = output.clone().narrow(1, *class, 1) - output.narrow(1, *other, 1);
                Ok(scores.reshape([rows]))
            }
            Choice::Classes(classes) => {
                let index: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
                let index = Tensor::<1, Int>::from_data(&index[..], &output.device().inner());
                Ok(output.gather(1, index.reshape([rows, 1])).reshape([rows]))
            }
            Choice::Function(function) => {
                let scores = function.call(output);
                let found = scores.dims()[0];
                if found == rows {
                    return Ok(scores);
                }
                Err(Error::TargetFunctionRows { expected: rows, found })
            }
        }
    }

    /// Returns the class that is explained for each of `rows` rows, as an
    /// [`Attribution`](crate::Attribution) lists them. For a difference this is the first class,
    /// for a function `None`.
    pub fn classes(&self, rows: usize) -> Vec<Option<usize>> {
        match &self.choice {
            Choice::Class(class) | Choice::Difference(class, _) => vec![Some(*class); rows],
            Choice::Classes(classes) => classes.iter().copied().map(Some).collect(),
            Choice::Function(_) => vec![None; rows],
        }
    }

    /// Returns the target of the given rows.
    ///
    /// # Panics
    /// Panics if the target has a class for each row and a selected row does not exist.
    pub fn select(&self, rows: &[usize]) -> Self {
        let choice = match &self.choice {
            Choice::Classes(classes) => {
                Choice::Classes(rows.iter().map(|&row| classes[row]).collect())
            }
            same => same.clone(),
        };
        Self { choice, score: self.score }
    }

    /// Returns whether every row has the same target.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        !matches!(self.choice, Choice::Classes(_))
    }

    /// Appends the target of the rows in `more`. Both must be resolved from the same target.
    pub(crate) fn followed_by(mut self, more: Self) -> Self {
        if let (Choice::Classes(classes), Choice::Classes(more)) = (&mut self.choice, more.choice) {
            classes.extend(more);
        }
        self
    }
}
