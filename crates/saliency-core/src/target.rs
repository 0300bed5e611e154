//! Which of the model's scores is explained.

use std::sync::Arc;

use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Int, Tensor};

use crate::error::{Error, Place, Result};
use crate::inputs::to_host;

/// Which score is explained, for each row.
///
/// A target is resolved once, on the input as given, and then held along paths and under noise: a
/// map never mixes explanations of different classes.
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
    /// The score of one class less that of another, for all rows: why the first rather than the
    /// second?
    Difference(usize, usize),
    /// Any differentiable function of the model's output: see [`Target::function`].
    Function(ScoreFunction),
    /// A target among probabilities or their logarithms: see [`Target::with_score`].
    Scored(Score, Box<Target>),
}

/// What is explained of a class, where the model's output holds logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Score {
    /// The output as it is: usually a logit.
    #[default]
    Output,
    /// The logarithm of the softmax over the outputs: what speaks for the class and against the
    /// others.
    LogProbability,
    /// The softmax over the outputs. Its gradient vanishes where the class is nearly certain or nearly
    /// impossible, and maps are mostly rounding; that of the logarithm only where it is nearly certain.
    Probability,
}

impl Score {
    fn of(self, output: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Output => output,
            Self::LogProbability => log_softmax(output, 1),
            Self::Probability => softmax(output, 1),
        }
    }
}

/// A function from `[rows, scores]` to `[rows]`, made by [`Target::function`].
#[derive(Clone)]
pub struct ScoreFunction(Arc<dyn Fn(Tensor<2>) -> Tensor<1> + Send + Sync>);

impl std::fmt::Debug for ScoreFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScoreFunction")
    }
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
        Self::Function(ScoreFunction(Arc::new(function)))
    }

    /// The same target among the probabilities, or their logarithms, rather than the outputs.
    ///
    /// A prediction stays the same; a function is given `[rows, scores]` of that kind. The last call
    /// counts.
    pub fn with_score(self, score: Score) -> Self {
        match self {
            Self::Scored(_, target) => Self::Scored(score, target),
            target => Self::Scored(score, Box::new(target)),
        }
    }

    /// Whether every row has the same target.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        match self {
            Self::Class(_) | Self::Difference(..) | Self::Function(_) => true,
            Self::Predicted | Self::Classes(_) => false,
            Self::Scored(_, target) => target.is_the_same_for_all(),
        }
    }

    /// The target with every prediction replaced by the class that `output` predicts.
    ///
    /// Explainers of your own call this on the model's output for the unchanged input.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where a prediction would be made from a score that is not finite,
    /// [`Error::ClassOutOfRange`], [`Error::TargetCount`] where the classes are not as many as the
    /// rows of `output`, and [`Error::OutputShape`] where `output` has no scores.
    pub fn resolve(&self, output: &Tensor<2>) -> Result<Self> {
        let [rows, scores] = output.dims();
        self.check_rows(rows)?;
        let in_range = |class: usize| match class < scores {
            true => Ok(()),
            false => Err(Error::ClassOutOfRange { class, scores }),
        };
        match self {
            Self::Predicted if scores == 0 => {
                Err(Error::OutputShape { rows, found: [rows, scores] })
            }
            Self::Predicted => {
                let output = to_host(output.clone().inner())?;
                output
                    .chunks(scores)
                    .enumerate()
                    .map(best)
                    .collect::<Result<_>>()
                    .map(Self::Classes)
            }
            Self::Class(class) => in_range(*class).map(|()| self.clone()),
            Self::Difference(class, other) => {
                in_range(*class).and_then(|()| in_range(*other)).map(|()| self.clone())
            }
            Self::Classes(classes) => {
                classes.iter().try_for_each(|&class| in_range(class)).map(|()| self.clone())
            }
            Self::Function(_) => Ok(self.clone()),
            Self::Scored(score, target) => {
                target.resolve(output).map(|target| target.with_score(*score))
            }
        }
    }

    /// The target's score for each row of `output`.
    ///
    /// # Errors
    /// Those of [`resolve`](Self::resolve), and [`Error::TargetFunctionRows`].
    pub fn score(&self, output: Tensor<2>) -> Result<Tensor<1>> {
        let rows = output.dims()[0];
        match self.resolve(&output)? {
            Self::Class(class) => Ok(output.narrow(1, class, 1).reshape([rows])),
            Self::Difference(class, other) => {
                let scores = output.clone().narrow(1, class, 1) - output.narrow(1, other, 1);
                Ok(scores.reshape([rows]))
            }
            Self::Scored(score, target) => target.score(score.of(output)),
            Self::Classes(classes) => {
                let index: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
                let index = Tensor::<1, Int>::from_data(&index[..], &output.device().inner());
                Ok(output.gather(1, index.reshape([rows, 1])).reshape([rows]))
            }
            Self::Function(function) => {
                let scores = function.0(output);
                match scores.dims()[0] == rows {
                    true => Ok(scores),
                    false => {
                        let found = scores.dims()[0];
                        Err(Error::TargetFunctionRows { expected: rows, found })
                    }
                }
            }
            Self::Predicted => unreachable!("resolve() leaves no prediction"),
        }
    }

    /// The class that is explained for each of `rows` rows: what an
    /// [`Attribution`](crate::Attribution) lists as its targets; of a difference the first. None
    /// under a function, and none for predictions that are not [resolved](Self::resolve) yet.
    pub fn classes(&self, rows: usize) -> Vec<Option<usize>> {
        match self {
            Self::Class(class) | Self::Difference(class, _) => vec![Some(*class); rows],
            Self::Scored(_, target) => target.classes(rows),
            Self::Classes(classes) => classes.iter().copied().map(Some).collect(),
            Self::Predicted | Self::Function(_) => vec![None; rows],
        }
    }

    /// The target of a selection of rows, for explainers of your own that hand rows on.
    ///
    /// # Panics
    /// Where there is one class for each row, and not for a row that is selected.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(rows.iter().map(|&row| classes[row]).collect()),
            Self::Scored(score, target) => target.select(rows).with_score(*score),
            _ => self.clone(),
        }
    }

    /// The target of these rows and those of `more` below them, both resolved from one target.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        match (self, more) {
            (Self::Classes(mut classes), Self::Classes(more)) => {
                classes.extend(more);
                Self::Classes(classes)
            }
            (Self::Scored(score, target), Self::Scored(_, more)) => {
                target.followed_by(*more).with_score(score)
            }
            (same, _) => same,
        }
    }

    /// Refuses a list of classes that is not as long as the batch, for explainers of your own.
    ///
    /// # Errors
    /// [`Error::TargetCount`].
    pub fn check_rows(&self, rows: usize) -> Result<()> {
        match self {
            Self::Classes(classes) if classes.len() != rows => {
                Err(Error::TargetCount { expected: rows, found: classes.len() })
            }
            Self::Scored(_, target) => target.check_rows(rows),
            _ => Ok(()),
        }
    }
}

/// The class with the highest score; the first of several.
fn best((row, scores): (usize, &[f64])) -> Result<usize> {
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(Error::NotFinite { place: Place::Score, row });
    }
    let first_highest = |best: usize, class: usize| match scores[class] > scores[best] {
        true => class,
        false => best,
    };
    Ok((0..scores.len()).fold(0, first_highest))
}
