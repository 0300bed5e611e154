//! The target of an encoder: how similar its output is to a reference.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::input::batch::to_host;
use crate::model::per_row::PerRow;
use crate::model::score::Score;

/// Why are these two alike? The cosine of the angle between an encoder's output and a reference,
/// such as the embedding of another photo or of a sentence. Used by
/// [`Target::similarity`](crate::Target::similarity).
///
/// ```text
/// f(x) = y(x) · r / (|y(x)| |r|)
/// ```
///
/// # Shapes and units
/// The model returns `[rows, values]`; a reference has as many values. The score is between -1
/// and 1.
///
/// # Cost
/// Reading the reference back. No call of the model.
///
/// # Errors
/// [`Error::OutputLayout`] if the embedding has more or fewer values than the reference;
/// [`Error::TargetCount`]; [`Error::InvalidOption`] for a reference that is zero or not finite.
/// [`Error::NotFinite`] if an embedding is zero, because a zero vector has no direction: choose
/// another baseline if this happens there.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, Similarity, Target, pure_function};
///
/// let device = Device::flex();
/// let encoder = pure_function(|x: Tensor<2>| x);
/// let reference = Tensor::<1>::from_data([0.0, 5.0], &device);
/// let x = Tensor::<2>::from_data([[3.0, 4.0]], &device);
///
/// let target = Target::similarity(Similarity::to(reference));
/// let map = Gradient::new().attribute_to(&encoder, x, target)?;
///
/// assert!((map.scores[0] - 0.8).abs() < 1e-6);
/// // More of the first value turns the embedding away from the reference.
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] + 0.096).abs() < 1e-6 && (values[1] - 0.072).abs() < 1e-6);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Saliency of similarity: Zheng, Karanam, Wu and Radke, *Towards Visually Explaining Similarity
/// Models*, 2020, <https://arxiv.org/abs/2008.06035>.
#[derive(Clone, Debug)]
pub struct Similarity {
    references: Box<PerRow<Tensor<1>>>,
}

impl Similarity {
    /// Compares every row with one reference.
    pub fn to(reference: Tensor<1>) -> Self {
        Self { references: Box::new(PerRow::All(reference.inner())) }
    }

    /// Compares each row with a reference of its own, `[rows, values]`.
    pub fn to_each(references: Tensor<2>) -> Self {
        let references = references.inner();
        let [rows, values] = references.dims();
        let row = |row: usize| references.clone().narrow(0, row, 1).reshape([values]);
        Self { references: Box::new(PerRow::Each((0..rows).map(row).collect())) }
    }

    /// Refuses lists that are not as long as the batch.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        self.references.check_rows(rows)
    }

    /// Refuses kinds of scores that mean nothing for a similarity.
    pub(crate) fn check_score(&self, score: Score) -> Result<()> {
        if score == Score::Output {
            return Ok(());
        }
        let expected = "`Output` for a similarity";
        Err(Error::invalid_option("score", expected, format!("{score:?}")))
    }

    /// Checks the references for an output of this width.
    pub(crate) fn check(&self, values: usize) -> Result<()> {
        for reference in self.references.values() {
            let [expected] = reference.dims();
            if expected != values {
                let expected = format!("{expected} numbers, as many as the reference has");
                return Err(Error::OutputLayout { expected, found: values });
            }
            let squares = to_host(reference.clone())?.iter().map(|it| it * it).sum::<f64>();
            if !(squares > 0.0 && squares.is_finite()) {
                let expected = "finite and not zero";
                let found = format!("one of length {}", squares.sqrt());
                return Err(Error::invalid_option("reference of a similarity", expected, found));
            }
        }
        Ok(())
    }

    /// Returns the cosine of each row: `[rows]`.
    pub(crate) fn score(&self, output: Tensor<2>) -> Tensor<1> {
        let rows = output.dims()[0];
        let references = match &*self.references {
            PerRow::All(reference) => reference.clone().unsqueeze::<2>(),
            PerRow::Each(references) => Tensor::stack(references.clone(), 0),
        };
        let references = references.to_device(&output.device().inner()).cast(output.dtype());
        let length = |of: Tensor<2>| of.powi_scalar(2).sum_dim(1).sqrt();
        let directions = references.clone() / length(references);
        let cosine = (output.clone() * directions).sum_dim(1) / length(output);
        cosine.reshape([rows])
    }

    /// Returns the target of the given rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        Self { references: Box::new(self.references.select(rows)) }
    }

    /// Appends the target of the rows in `more`. Both must be parts of the same target.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        Self { references: Box::new(self.references.followed_by(*more.references)) }
    }

    /// Returns whether every row has the same target.
    pub(crate) fn is_the_same_for_all(&self) -> bool {
        self.references.is_the_same_for_all()
    }
}
