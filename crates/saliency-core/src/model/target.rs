//! The target: which of the model's scores is explained.

use burn::tensor::Tensor;

use crate::error::{Error, Result, Stage};
use crate::model::detection::Detection;
use crate::model::finer::Finer;
use crate::model::output::Output;
use crate::model::pixels::Pixels;
use crate::model::resolved_target::{Choice, ResolvedTarget};
use crate::model::score::{Score, ScoreFunction};
use crate::model::similarity::Similarity;

/// The score to explain, for each row.
///
/// Detectors, segmentation networks and encoders have targets of their own: [`Detection`],
/// [`Pixels`] and [`Similarity`].
///
/// A target is [resolved](Target::resolve) once, on the unchanged input, and then stays the same
/// along paths and under noise. So a map never mixes explanations of different classes.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, Score, Target, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone() * 2, x * 3], 1));
/// let x = Tensor::<2>::ones([1, 1], &Device::flex());
/// let gradient = |target| -> Result<f32, saliency_core::Error> {
///     let map = Gradient::new().attribute_to(&model, x.clone(), target)?;
///     Ok(map.values.into_scalar::<f32>())
/// };
/// assert_eq!(gradient(Target::Predicted)?, 3.0);
/// assert_eq!(gradient(Target::Class(0))?, 2.0);
/// // Why the second class rather than the first?
/// assert_eq!(gradient(Target::Difference(1, 0))?, 1.0);
/// // What raises the probability of the second class?
/// let probability = gradient(Target::Class(1).with_score(Score::Probability))?;
/// assert!((probability - 0.1966).abs() < 1e-4); // p (1 - p) at p = 1 / (1 + 1/e)
/// // Any differentiable function of the scores.
/// assert_eq!(gradient(Target::function(|y: Tensor<2>| y.sum_dim(1).squeeze_dim(1)))?, 5.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Target {
    /// For each row the class with the highest score.
    #[default]
    Predicted,
    /// One class for all rows.
    Class(usize),
    /// One class for each row.
    Classes(Vec<usize>),
    /// The score of one class minus that of another, for all rows: why the first rather than the
    /// second?
    Difference(usize, usize),
    /// Any differentiable function of the model's output: see [`Target::function`].
    Function(ScoreFunction),
    /// A box of a detector: see [`Target::detection`].
    Detection(Detection),
    /// Pixels of a segmentation network: see [`Target::pixels`].
    Pixels(Pixels),
    /// The similarity to a reference: see [`Target::similarity`].
    Similarity(Similarity),
    /// A class against those most like it: see [`Target::finer`].
    Finer(Finer),
    /// A target among probabilities or their logarithms: see [`Target::with_score`].
    Scored(Score, Box<Target>),
}

impl From<usize> for Target {
    fn from(class: usize) -> Self {
        Self::Class(class)
    }
}

impl Target {
    /// Explains `function` of the model's output.
    ///
    /// # Shapes
    /// `function` maps `[rows, scores]` to `[rows]`. It must treat every row alike: methods call
    /// it with any selection of rows, in any number.
    pub fn function(function: impl Fn(Tensor<2>) -> Tensor<1> + Send + Sync + 'static) -> Self {
        Self::Function(ScoreFunction::new(function))
    }

    /// Explains why a detector found a box: the score of one box and class, which are chosen for
    /// each row. The example is at [`Detection`].
    pub fn detection(detection: Detection) -> Self {
        Self::Detection(detection)
    }

    /// Explains why pixels are of a class, for segmentation networks. The example is at [`Pixels`].
    pub fn pixels(pixels: Pixels) -> Self {
        Self::Pixels(pixels)
    }

    /// Explains why an embedding is like a reference. The example is at [`Similarity`].
    pub fn similarity(similarity: Similarity) -> Self {
        Self::Similarity(similarity)
    }

    /// Explains what speaks for a class rather than for the classes that are most like it. The
    /// example is at [`Finer`].
    pub fn finer(finer: Finer) -> Self {
        Self::Finer(finer)
    }

    /// Returns the same target, but among scores of the given kind, such as probabilities, instead
    /// of the outputs.
    ///
    /// A predicted class stays the same. A function gets `[rows, scores]` of that kind. If this is
    /// called more than once, the last call counts.
    pub fn with_score(self, score: Score) -> Self {
        match self {
            Self::Scored(_, target) => Self::Scored(score, target),
            target => Self::Scored(score, Box::new(target)),
        }
    }

    /// Replaces every prediction by the class that `output` predicts, and checks every class.
    ///
    /// Explainers of your own call this on the model's output for the unchanged input.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a class is to be predicted from scores that are not finite (minus
    /// infinity is allowed, because it can mask a class), [`Error::ClassOutOfRange`],
    /// [`Error::TargetCount`] if there are more or fewer classes than rows of `output`, and
    /// [`Error::OutputShape`] if `output` has no scores. Also those of [`Detection`], [`Pixels`],
    /// [`Similarity`] and [`Finer`].
    pub fn resolve(&self, output: &Tensor<2>) -> Result<ResolvedTarget> {
        self.resolve_read(&Output::new(output))
    }

    /// [Resolves](Self::resolve) the target on an output that may have been read back already.
    pub(crate) fn resolve_read(&self, output: &Output<'_>) -> Result<ResolvedTarget> {
        let [rows, scores] = output.dims();
        self.check_rows(rows)?;
        let check_class = |class: usize| {
            if class < scores {
                return Ok(());
            }
            Err(Error::ClassOutOfRange { class, scores })
        };
        let choice = match self {
            Self::Predicted if scores == 0 => {
                return Err(Error::OutputShape { rows, found: [rows, scores] });
            }
            Self::Predicted => Choice::Classes(predicted(output)?),
            Self::Class(class) => {
                check_class(*class)?;
                Choice::Class(*class)
            }
            Self::Difference(class, other) => {
                check_class(*class)?;
                check_class(*other)?;
                Choice::Difference(*class, *other)
            }
            Self::Classes(classes) => {
                classes.iter().try_for_each(|&class| check_class(class))?;
                Choice::Classes(classes.clone())
            }
            Self::Function(function) => Choice::Function(function.clone()),
            Self::Detection(detection) => Choice::Detection(detection.resolve(output)?),
            Self::Pixels(pixels) => Choice::Pixels(pixels.resolve(output)?),
            Self::Finer(finer) => Choice::Finer(finer.resolve(output)?),
            Self::Similarity(similarity) => {
                similarity.check(scores)?;
                Choice::Similarity(similarity.clone())
            }
            Self::Scored(score, target) => {
                return target.resolve_read(output)?.with_score(*score).check_score();
            }
        };
        Ok(ResolvedTarget::new(choice))
    }

    /// Returns the target of the given rows, for explainers of your own that pass rows on.
    ///
    /// # Panics
    /// Panics if the target has a class for each row and a selected row does not exist.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(rows.iter().map(|&row| classes[row]).collect()),
            Self::Detection(detection) => Self::Detection(detection.select(rows)),
            Self::Pixels(pixels) => Self::Pixels(pixels.select(rows)),
            Self::Similarity(similarity) => Self::Similarity(similarity.select(rows)),
            Self::Finer(finer) => Self::Finer(finer.select(rows)),
            Self::Scored(score, target) => target.select(rows).with_score(*score),
            _ => self.clone(),
        }
    }

    /// Refuses a list of classes, boxes, masks or references that is not as long as the batch, and
    /// options of a target that are outside their range.
    ///
    /// # Errors
    /// [`Error::TargetCount`]; [`Error::ClassOutOfRange`] and [`Error::InvalidOption`] of a
    /// [`Detection`] and of [`Pixels`].
    pub fn check_rows(&self, rows: usize) -> Result<()> {
        match self {
            Self::Classes(classes) if classes.len() != rows => {
                Err(Error::TargetCount { expected: rows, found: classes.len() })
            }
            Self::Detection(detection) => detection.check_rows(rows),
            Self::Pixels(pixels) => pixels.check_rows(rows),
            Self::Similarity(similarity) => similarity.check_rows(rows),
            Self::Finer(finer) => finer.check_rows(rows),
            Self::Scored(_, target) => target.check_rows(rows),
            _ => Ok(()),
        }
    }

    /// Returns whether the class with the highest score is to be explained.
    pub(crate) fn is_predicted(&self) -> bool {
        match self {
            Self::Scored(_, target) => target.is_predicted(),
            Self::Finer(finer) => finer.is_predicted(),
            target => matches!(target, Self::Predicted),
        }
    }
}

impl From<ResolvedTarget> for Target {
    fn from(target: ResolvedTarget) -> Self {
        let choice = match target.choice {
            Choice::Class(class) => Self::Class(class),
            Choice::Classes(classes) => Self::Classes(classes),
            Choice::Difference(class, other) => Self::Difference(class, other),
            Choice::Function(function) => Self::Function(function),
            Choice::Detection(detection) => Self::Detection(detection),
            Choice::Pixels(pixels) => Self::Pixels(pixels),
            Choice::Similarity(similarity) => Self::Similarity(similarity),
            Choice::Finer(finer) => Self::Finer(finer),
        };
        if target.score == Score::Output { choice } else { choice.with_score(target.score) }
    }
}

/// Returns the class with the highest score for each row. If several have it, returns the first.
fn predicted(output: &Output<'_>) -> Result<Vec<usize>> {
    let count = output.dims()[1];
    let mut classes = Vec::with_capacity(output.dims()[0]);
    let mut bad_rows = Vec::new();
    for (row, scores) in output.rows()?.enumerate() {
        let mut best = 0;
        for class in 1..count {
            if scores[class] > scores[best] {
                best = class;
            }
        }
        // Classes that are masked by minus infinity cannot be the best.
        let bad = |score: &f64| score.is_nan() || *score == f64::INFINITY;
        if scores.iter().any(bad) || !scores[best].is_finite() {
            bad_rows.push(row);
        }
        classes.push(best);
    }
    Error::not_finite_rows(Stage::Score, bad_rows).map_or(Ok(classes), Err)
}
