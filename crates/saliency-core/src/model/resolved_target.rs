//! A target without predictions, ready to score a model's output.

use burn::tensor::{Int, Tensor};

use crate::error::{Error, Result};
use crate::model::detection::Detection;
use crate::model::finer::Finer;
use crate::model::output::Output;
use crate::model::pixels::Pixels;
use crate::model::score::{Score, ScoreFunction, are_probabilities};
use crate::model::similarity::Similarity;

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
    Detection(Detection),
    Pixels(Pixels),
    Similarity(Similarity),
    Finer(Finer),
}

impl ResolvedTarget {
    pub(crate) fn new(choice: Choice) -> Self {
        Self { choice, score: Score::Output }
    }

    pub(crate) fn with_score(self, score: Score) -> Self {
        Self { score, ..self }
    }

    /// Refuses kinds of scores that mean nothing for this target.
    pub(crate) fn check_score(self) -> Result<Self> {
        match &self.choice {
            Choice::Detection(detection) => detection.check_score(self.score)?,
            Choice::Similarity(similarity) => similarity.check_score(self.score)?,
            _ => {}
        }
        Ok(self)
    }

    /// Returns the target's score for each row of `output`.
    ///
    /// # Shapes
    /// From `[rows, scores]` to `[rows]`.
    ///
    /// # Errors
    /// [`Error::TargetFunctionRows`] if a function returns more or fewer scores than rows;
    /// [`Error::OutputLayout`].
    pub fn score(&self, output: Tensor<2>) -> Result<Tensor<1>> {
        let rows = output.dims()[0];
        match &self.choice {
            Choice::Class(class) => Ok(self.score.of(output).narrow(1, *class, 1).reshape([rows])),
            Choice::Difference(class, other) => {
                let output = self.score.of(output);
                let scores = output.clone().narrow(1, *class, 1) - output.narrow(1, *other, 1);
                Ok(scores.reshape([rows]))
            }
            Choice::Classes(classes) => Ok(of_classes(self.score.of(output), classes)),
            Choice::Detection(detection) => {
                let scores = self.score.of(detection.class_scores(output)?);
                Ok(of_classes(scores, &detection.classes(rows)))
            }
            Choice::Pixels(pixels) => pixels.score(output, self.score),
            Choice::Similarity(similarity) => Ok(similarity.score(output)),
            Choice::Finer(finer) => Ok(finer.score(self.score.of(output))),
            Choice::Function(function) => {
                let scores = function.call(self.score.of(output));
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
    /// for a function or a similarity `None`.
    pub fn classes(&self, rows: usize) -> Vec<Option<usize>> {
        match &self.choice {
            Choice::Class(class) | Choice::Difference(class, _) => vec![Some(*class); rows],
            Choice::Classes(classes) => classes.iter().copied().map(Some).collect(),
            Choice::Function(_) | Choice::Similarity(_) => vec![None; rows],
            Choice::Detection(detection) => detection.classes(rows).into_iter().map(Some).collect(),
            Choice::Pixels(pixels) => pixels.classes(rows).into_iter().map(Some).collect(),
            Choice::Finer(finer) => finer.classes(rows).into_iter().map(Some).collect(),
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
            Choice::Detection(detection) => Choice::Detection(detection.select(rows)),
            Choice::Pixels(pixels) => Choice::Pixels(pixels.select(rows)),
            Choice::Similarity(similarity) => Choice::Similarity(similarity.select(rows)),
            Choice::Finer(finer) => Choice::Finer(finer.select(rows)),
            same => same.clone(),
        };
        Self { choice, score: self.score }
    }

    /// Returns whether every row has the same target.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        match &self.choice {
            Choice::Class(_) | Choice::Difference(..) | Choice::Function(_) => true,
            Choice::Classes(_) | Choice::Finer(_) => false,
            Choice::Detection(detection) => detection.is_the_same_for_all(),
            Choice::Pixels(pixels) => pixels.is_the_same_for_all(),
            Choice::Similarity(similarity) => similarity.is_the_same_for_all(),
        }
    }

    /// Returns whether the model's outputs are read as boxes, pixels or an embedding, so that a
    /// class is not a position in a row of outputs.
    pub fn reads_layout(&self) -> bool {
        matches!(self.choice, Choice::Detection(_) | Choice::Pixels(_) | Choice::Similarity(_))
    }

    /// Returns the scores among which the target's class was chosen, for each row of a model's
    /// output: those of all classes in the chosen box or pixels, or a single one for a similarity.
    /// For other targets these are the outputs.
    ///
    /// # Shapes
    /// From `[rows, scores]` to `[rows, classes]`.
    ///
    /// # Errors
    /// [`Error::OutputLayout`].
    pub fn class_scores(&self, output: Tensor<2>) -> Result<Tensor<2>> {
        match &self.choice {
            Choice::Detection(detection) => detection.class_scores(output),
            Choice::Pixels(pixels) => pixels.class_scores(output, Score::Output),
            Choice::Similarity(similarity) => Ok(similarity.score(output).unsqueeze_dim(1)),
            _ => Ok(output),
        }
    }

    /// Returns whether the outputs that the target reads look like probabilities.
    pub(crate) fn are_probabilities(&self, output: &Output<'_>) -> Result<bool> {
        match &self.choice {
            Choice::Detection(detection) => detection.are_probabilities(output),
            Choice::Pixels(pixels) => pixels.are_probabilities(output),
            Choice::Similarity(_) => Ok(false),
            _ => are_probabilities(output),
        }
    }

    /// Appends the target of the rows in `more`. Both must be resolved from the same target.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        let choice = match (self.choice, more.choice) {
            (Choice::Classes(classes), Choice::Classes(more)) => {
                Choice::Classes([classes, more].concat())
            }
            (Choice::Detection(it), Choice::Detection(more)) => {
                Choice::Detection(it.followed_by(more))
            }
            (Choice::Pixels(it), Choice::Pixels(more)) => Choice::Pixels(it.followed_by(more)),
            (Choice::Similarity(it), Choice::Similarity(more)) => {
                Choice::Similarity(it.followed_by(more))
            }
            (Choice::Finer(it), Choice::Finer(more)) => Choice::Finer(it.followed_by(more)),
            (same, _) => same,
        };
        Self { choice, score: self.score }
    }
}

/// Returns the score of one class for each row: from `[rows, scores]` to `[rows]`.
fn of_classes(scores: Tensor<2>, classes: &[usize]) -> Tensor<1> {
    let rows = classes.len();
    if classes.iter().all(|class| *class == classes[0]) {
        // The points on the path of a row, and its samples. A slice takes less time than an index.
        return scores.narrow(1, classes[0], 1).reshape([rows]);
    }
    let index: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let index = Tensor::<1, Int>::from_data(&index[..], &scores.device().inner());
    scores.gather(1, index.reshape([rows, 1])).reshape([rows])
}
