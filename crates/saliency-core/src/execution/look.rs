//! What the outputs for the unchanged input say of the model.

use crate::error::Result;
use crate::model::output::Output;
use crate::model::resolved_target::ResolvedTarget;

/// The most scores of a row that are taken for classes, and kept beside an answer. ImageNet-21k, one
/// of the largest public data sets of labelled pictures, has 21,841 classes.
pub(crate) const MOST_CLASSES: usize = 1 << 15;

/// What the outputs for some rows of the unchanged input say of the model, and the outputs
/// themselves.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Whether all outputs look like probabilities.
    pub are_probabilities: bool,
    /// The number of scores in a row, if the outputs were looked at.
    pub scores: usize,
    /// The outputs of each row; `None` if there are too many of them, or if they are no classes.
    pub outputs: Option<Vec<Vec<f64>>>,
}

impl Look {
    /// Looks at an output.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if it cannot be read back.
    pub(crate) fn at(output: &Output<'_>, target: &ResolvedTarget) -> Result<Self> {
        let scores = output.dims()[1];
        let kept = scores <= MOST_CLASSES && !target.reads_layout();
        let outputs = if kept { Some(output.rows()?.map(<[f64]>::to_vec).collect()) } else { None };
        Ok(Self { are_probabilities: target.are_probabilities(output)?, scores, outputs })
    }

    /// Does not look: the output is not that of the unchanged input.
    pub(crate) fn away() -> Self {
        Self { are_probabilities: false, scores: 0, outputs: None }
    }

    /// Joins this with the look at the rows that follow.
    pub(crate) fn followed_by(self, more: Self) -> Self {
        let outputs = self.outputs.zip(more.outputs).map(|(mut outputs, more)| {
            outputs.extend(more);
            outputs
        });
        Self {
            are_probabilities: self.are_probabilities && more.are_probabilities,
            scores: self.scores.max(more.scores),
            outputs,
        }
    }
}
