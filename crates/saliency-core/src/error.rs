//! What can go wrong, and what to do about it.

use std::sync::Arc;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The stage of the computation in which a value that is not finite was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The input to be explained.
    Input,
    /// The baseline.
    Baseline,
    /// The input with the noise that a method added to it.
    NoisyInput,
    /// The score of the target.
    Score,
    /// The score of the target at the baseline.
    BaselineScore,
    /// A score of the target on the path from baseline to input.
    PathScore,
    /// A score of the target for a copy of the input in which values are covered.
    CoveredScore,
    /// The gradient of the score, or a sum of gradients.
    Gradient,
    /// The values of an explainer.
    Attribution,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Baseline => "baseline",
            Self::NoisyInput => "noisy input",
            Self::Score => "score",
            Self::BaselineScore => "score of the baseline",
            Self::PathScore => "score on the path",
            Self::CoveredScore => "score of a covered copy",
            Self::Gradient => "gradient",
            Self::Attribution => "attribution",
        })
    }
}

/// Why an input could not be explained. Every message says what is wrong and what was expected.
///
/// New variants and new fields may be added: match with `..`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A batch without rows, or rows without values.
    #[error(
        "expected at least one row with at least one value, found an input of shape {shape:?} \
         (tensor {tensor} of the model's inputs)"
    )]
    #[non_exhaustive]
    EmptyInput {
        /// The tensor's position in a tuple, from 0.
        tensor: usize,
        /// Its shape.
        shape: Vec<usize>,
    },

    /// The tensors of a tuple have different numbers of rows.
    #[error(
        "expected every tensor of the input to have {expected} rows like the first, \
         found {found} rows in tensor {tensor}"
    )]
    #[non_exhaustive]
    UnequalRows {
        /// The tensor's position in the tuple, from 0.
        tensor: usize,
        /// Rows of the first tensor.
        expected: usize,
        /// Rows of this tensor.
        found: usize,
    },

    /// A tensor of the input is on another device than the model, or than the first tensor.
    #[error(
        "expected tensor {tensor} of the input on {expected} like the rest, found it on {found}: \
         move it with `to_device`"
    )]
    #[non_exhaustive]
    DeviceMismatch {
        /// The tensor's position in a tuple, from 0.
        tensor: usize,
        /// The devices of the model, or that of the first tensor if the model has no parameters.
        expected: String,
        /// The tensor's device.
        found: String,
    },

    /// A baseline that does not fit the input.
    #[error(
        "expected a baseline of shape {expected:?}, or the same with one row, \
         found {found:?} (tensor {tensor} of the model's inputs)"
    )]
    #[non_exhaustive]
    BaselineShape {
        /// The tensor's position in a tuple, from 0.
        tensor: usize,
        /// The input's shape.
        expected: Vec<usize>,
        /// The baseline's shape.
        found: Vec<usize>,
    },

    /// A baseline with more or fewer tensors than the input.
    #[error("expected a baseline for {expected} input tensors, found one for {found}")]
    #[non_exhaustive]
    BaselineCount {
        /// Tensors of the input.
        expected: usize,
        /// Tensors of the baseline.
        found: usize,
    },

    /// A value that is infinite or not a number.
    #[error("expected finite values, found NaN or infinity in the {stage} of {}", list(*row, others))]
    #[non_exhaustive]
    NotFinite {
        /// The stage of the computation that produced the value.
        stage: Stage,
        /// The first row that holds such a value, from 0.
        row: usize,
        /// The other rows in which such values were found, ascending. Rows that were not computed
        /// are not listed.
        others: Vec<usize>,
    },

    /// An input with values outside the [`ValidRange`](crate::ValidRange) in which noise must stay.
    #[error(
        "expected every value of the input in its valid range, found values outside in {}: give the \
         range in the units of the model's input, or a wider one",
        list(*row, others)
    )]
    #[non_exhaustive]
    OutsideRange {
        /// The first row with such a value, from 0.
        row: usize,
        /// The other rows with such values, ascending.
        others: Vec<usize>,
    },

    /// An option outside its range.
    #[error("expected {option} {expected}, found {found}")]
    #[non_exhaustive]
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// The allowed range, in words.
        expected: String,
        /// The value that was given.
        found: String,
    },

    /// A class that the model does not have.
    #[error("expected a class below {scores} (the model gives {scores} scores), found {class}")]
    #[non_exhaustive]
    ClassOutOfRange {
        /// The class asked for.
        class: usize,
        /// The number of scores that the model gives.
        scores: usize,
    },

    /// A list of target classes, boxes, masks or references that is not as long as the batch.
    #[error("expected one target for each of the {expected} rows, found {found}")]
    #[non_exhaustive]
    TargetCount {
        /// Rows of the input.
        expected: usize,
        /// Targets given.
        found: usize,
    },

    /// The model changed the number of rows, or gave no scores.
    #[error(
        "expected the model to return [{rows}, scores] with at least one score, found {found:?}"
    )]
    #[non_exhaustive]
    OutputShape {
        /// Rows that went in.
        rows: usize,
        /// The shape that came out.
        found: [usize; 2],
    },

    /// A row of the model's output does not hold what a [`Detection`](crate::Detection),
    /// [`Pixels`](crate::Pixels) or a [`Similarity`](crate::Similarity) reads.
    #[error(
        "expected each row of the model's output to have {expected}, found {found} numbers: check \
         the number of classes, and that the model flattens its output to `[rows, scores]`"
    )]
    #[non_exhaustive]
    OutputLayout {
        /// The numbers that a row must have, in words.
        expected: String,
        /// The numbers of a row.
        found: usize,
    },

    /// The output has nothing that the target asks for: no box near a rectangle, or no pixel of a
    /// class.
    #[error("expected {expected} in the output of {}, found none", list(*row, others))]
    #[non_exhaustive]
    NotFound {
        /// What was looked for, in words.
        expected: String,
        /// The first row without it, from 0.
        row: usize,
        /// The other rows without it that were computed, ascending.
        others: Vec<usize>,
    },

    /// A target function that does not return one score per row.
    #[error("expected the target function to return {expected} scores, one per row, found {found}")]
    #[non_exhaustive]
    TargetFunctionRows {
        /// Rows of the model's output.
        expected: usize,
        /// Scores that the function returned.
        found: usize,
    },

    /// The target is a probability or its logarithm, but the model's outputs are probabilities
    /// already.
    #[error(
        "expected logits, found a model whose outputs are probabilities already: a softmax of them \
         means nothing. Export the model without the softmax, or explain `Score::LogOutput`, the \
         logarithm of the probability"
    )]
    Probabilities,

    /// An implementation of [`Inputs`](crate::Inputs) of your own contradicts itself.
    #[error(
        "expected the input's `into_rows` to return {expected}, as its `shapes` say, found {found}"
    )]
    #[non_exhaustive]
    InconsistentInputs {
        /// What its shapes say.
        expected: String,
        /// What it returned.
        found: String,
    },

    /// A [`Fixed`](crate::Fixed) integer that is not exact in the device's floats, which hold it
    /// meanwhile.
    #[error(
        "expected integers of at most {most} in the fixed tensor {tensor} of the input, because its \
         device keeps them as {precision}, found {found}: number them from 0, or use a device with a \
         higher precision"
    )]
    #[non_exhaustive]
    IntegerTooLarge {
        /// The tensor's position in a tuple, from 0.
        tensor: usize,
        /// The largest integer that is exact.
        most: i64,
        /// The type of the device's floats.
        precision: String,
        /// The integer.
        found: i64,
    },

    /// A path that does not lead to a float parameter of the module.
    #[error(
        "the module has no float parameter `{path}`; it has {}. Write the names of the fields that \
         lead to it, joined by dots",
        names(known)
    )]
    #[non_exhaustive]
    UnknownParameter {
        /// The path that was given.
        path: String,
        /// The paths of all float parameters, the most similar first.
        known: Vec<String>,
    },

    /// A path that leads to a running statistic, for example of BatchNorm. All clones of a module
    /// share it, so that it cannot be replaced in one of them.
    #[error(
        "`{path}` is a running statistic and not a parameter, and cannot be explained: name a \
         parameter, such as a weight or a bias"
    )]
    #[non_exhaustive]
    RunningStatistic {
        /// The path.
        path: String,
    },

    /// A parameter that is not a matrix of embeddings. [`embeddings`](crate::embeddings) returns
    /// this error.
    #[error(
        "expected `{path}` to be a matrix of embeddings, [ids, width], found a parameter of shape \
         {shape:?}: name the matrix in which the network looks up its ids"
    )]
    #[non_exhaustive]
    NotAMatrix {
        /// The path.
        path: String,
        /// The shape of the parameter.
        shape: Vec<usize>,
    },

    /// An id that the matrix of embeddings has no row for.
    #[error(
        "expected ids from 0 to {}, because the matrix of embeddings has {vocabulary} rows, found \
         {id} (token {token} of row {row}): use the tokenizer of this network",
        vocabulary - 1
    )]
    #[non_exhaustive]
    UnknownId {
        /// The row of the batch, from 0.
        row: usize,
        /// The position in the row, from 0.
        token: usize,
        /// The id.
        id: i64,
        /// The number of ids that the matrix has a row for.
        vocabulary: usize,
    },

    /// A network that gives other scores when it looks up embedded tokens by their positions.
    /// [`Embeddings::model`](crate::Embeddings::model) returns this error.
    #[error(
        "expected the same scores by embedded tokens as by their ids, found {} for row {row}: the \
         network uses the ids or the matrix `{path}` for something else too, for example to find the \
         padding. Use `Embeddings::behind_vocabulary`, or a network that is given its padding mask",
        change(expected, found)
    )]
    #[non_exhaustive]
    IdsMatter {
        /// The path of the matrix.
        path: String,
        /// The first row with other scores, from 0.
        row: usize,
        /// The scores of the row by ids.
        expected: Vec<f64>,
        /// The scores of the row by embedded tokens.
        found: Vec<f64>,
    },

    /// The score has no gradient with respect to the input.
    #[error(
        "expected a score that depends on the input, found one that autodiff cannot trace back to \
         it: the model ignores its input, detaches it, or turns it into integers"
    )]
    Independent,

    /// A wrapped explainer returned values of another shape than its input.
    #[error(
        "expected the wrapped explainer to return values of shape {expected:?}, found {found:?}"
    )]
    #[non_exhaustive]
    ExplainerShape {
        /// Shapes of the input's tensors.
        expected: Vec<Vec<usize>>,
        /// Shapes of the values' tensors.
        found: Vec<Vec<usize>>,
    },

    /// The part of a model before a cut returned an activation with the wrong number of rows, or
    /// with a shape that differs from the activations of earlier chunks.
    /// [`Split::activation`](crate::Split::activation) returns this error.
    #[error(
        "expected as many rows before the cut as went in, and the same shape each time: \
         {expected:?}, found {found:?}"
    )]
    #[non_exhaustive]
    Activation {
        /// The expected shapes of the activation's tensors.
        expected: Vec<Vec<usize>>,
        /// The shapes that came out.
        found: Vec<Vec<usize>>,
    },

    /// An activation without places: a class activation map needs a dimension for the channels, and one
    /// or more behind it.
    #[error(
        "expected an activation of shape [rows, channels, height, width] (or with one place dimension, \
         or three), found {shape:?} (tensor {tensor}): cut the network behind a convolution, before it \
         is flattened; make a grid of the tokens of a transformer with `TokenGrid`; or use a method \
         that needs no places, such as `InputTimesGradient`"
    )]
    #[non_exhaustive]
    NoPlaces {
        /// The tensor's position in a tuple, from 0.
        tensor: usize,
        /// Its shape.
        shape: Vec<usize>,
    },

    /// More or fewer tokens than a [`TokenGrid`](crate::TokenGrid) has.
    #[error(
        "expected {height} x {width} tokens after {leading} others, found {found} in all: {}",
        token_advice(height * width, *leading, *found)
    )]
    #[non_exhaustive]
    TokenGrid {
        /// The height of the grid.
        height: usize,
        /// The width of the grid.
        width: usize,
        /// The tokens before those of the grid.
        leading: usize,
        /// The tokens that there are.
        found: usize,
    },

    /// A [`PathShape`](crate::kit::PathShape) returned points or tangents of the wrong shape. The
    /// right shape has one row for each position, and is as wide as the input.
    /// [`PathIntegral`](crate::kit::PathIntegral) returns this error.
    #[error("expected the path to return tensors of shape {expected:?}, found {found:?}")]
    #[non_exhaustive]
    PathShape {
        /// The expected shapes.
        expected: Vec<Vec<usize>>,
        /// The shapes that the path returned.
        found: Vec<Vec<usize>>,
    },

    /// An input that has no axis to blur. [`BlurIg`](crate::BlurIg) returns this error.
    #[error(
        "expected an input with axes to blur, such as [rows, channels, height, width], found \
         {shape:?} (tensor {tensor} of the model's inputs): reshape it, pass it as `Fixed`, or use a \
         method with a baseline, such as Integrated Gradients"
    )]
    #[non_exhaustive]
    NoSpatialAxis {
        /// The tensor's position in a tuple, from 0.
        tensor: usize,
        /// Its shape.
        shape: Vec<usize>,
    },

    /// The model, or code that it calls, panicked.
    #[error(
        "the model panicked on rows {} to {} (work item {item} of {total}): {message}",
        rows.start, rows.end - 1
    )]
    #[non_exhaustive]
    Panicked {
        /// The rows of the batch that the model was given.
        rows: std::ops::Range<usize>,
        /// The first work item (gradient or sample) that the model was given, from 0.
        item: usize,
        /// Work items in all.
        total: usize,
        /// The panic's message.
        message: String,
    },

    /// The work was cancelled by a [`Cancel`](crate::Cancel).
    #[error("cancelled after {done} of {total} work items")]
    #[non_exhaustive]
    Cancelled {
        /// Work items done.
        done: usize,
        /// Work items in all.
        total: usize,
    },

    /// Even one row takes more memory than the device has left.
    #[error("one row needs more memory than the device has left: {reason}")]
    #[non_exhaustive]
    OutOfMemory {
        /// The allocation that failed, and the memory that the device holds already.
        reason: String,
    },

    /// The device failed, or no longer answers.
    #[error("the device failed: {reason}")]
    #[non_exhaustive]
    Device {
        /// The device's message.
        reason: String,
        /// The error below this one, if Burn gave one.
        #[source]
        source: Option<Cause>,
    },
}

/// The error below an [`Error`]. Two causes are equal if their messages are equal.
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl std::fmt::Debug for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Error {
    /// Makes an [`Error::Device`] from an error of Burn, and keeps that error as the source.
    pub fn device(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Device { reason: cause.to_string(), source: Some(Cause(Arc::new(cause))) }
    }

    /// Makes an [`Error::Device`] from a message.
    pub fn device_message(reason: impl Into<String>) -> Self {
        Self::Device { reason: reason.into(), source: None }
    }

    /// Makes an [`Error::OutOfMemory`] from a message.
    pub fn out_of_memory(reason: impl Into<String>) -> Self {
        Self::OutOfMemory { reason: reason.into() }
    }

    /// Makes an [`Error::InvalidOption`], for options of your own explainers.
    pub fn invalid_option(
        option: &'static str,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::InvalidOption { option, expected: expected.into(), found: found.to_string() }
    }

    /// Makes an [`Error::UnequalRows`], for explainers of your own.
    pub fn unequal_rows(tensor: usize, expected: usize, found: usize) -> Self {
        Self::UnequalRows { tensor, expected, found }
    }

    /// Makes an [`Error::NotFinite`], for explainers of your own.
    pub fn not_finite(stage: Stage, row: usize) -> Self {
        Self::NotFinite { stage, row, others: Vec::new() }
    }

    /// Makes an [`Error::NotFinite`] from the rows whose values are not finite. Returns `None` if
    /// there are no such rows.
    pub(crate) fn not_finite_rows(
        stage: Stage,
        rows: impl IntoIterator<Item = usize>,
    ) -> Option<Self> {
        let mut rows = ascending(rows);
        let row = rows.next()?;
        Some(Self::NotFinite { stage, row, others: rows.collect() })
    }

    /// Makes an [`Error::OutsideRange`] from the rows with such values. Returns `None` if there are
    /// no such rows.
    pub(crate) fn outside_range_rows(rows: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut rows = ascending(rows);
        let row = rows.next()?;
        Some(Self::OutsideRange { row, others: rows.collect() })
    }

    /// Makes an [`Error::NotFound`] from the rows in which something was not found. Returns `None` if
    /// there are no such rows.
    pub(crate) fn not_found_rows(
        expected: impl FnOnce() -> String,
        rows: impl IntoIterator<Item = usize>,
    ) -> Option<Self> {
        let mut rows = ascending(rows);
        let row = rows.next()?;
        Some(Self::NotFound { expected: expected(), row, others: rows.collect() })
    }

    /// Returns the same error for only one of its rows.
    pub(crate) fn of_row(self, row: usize) -> Self {
        match self {
            Self::NotFinite { stage, .. } => Self::not_finite(stage, row),
            Self::OutsideRange { .. } => Self::OutsideRange { row, others: Vec::new() },
            Self::NotFound { expected, .. } => Self::NotFound { expected, row, others: Vec::new() },
            other => other,
        }
    }

    /// Returns the rows that the error is known to be about.
    pub(crate) fn rows(&self) -> Vec<usize> {
        match self {
            Self::NotFinite { row, others, .. }
            | Self::NotFound { row, others, .. }
            | Self::OutsideRange { row, others } => [&[*row], &others[..]].concat(),
            Self::Panicked { rows, .. } => rows.clone().collect(),
            _ => Vec::new(),
        }
    }

    /// Makes an [`Error::Panicked`] for rows that were given to code that panicked.
    pub fn panicked(rows: std::ops::Range<usize>, message: impl Into<String>) -> Self {
        let total = rows.len();
        Self::Panicked { rows, item: 0, total, message: message.into() }
    }

    /// Returns the same error with other row numbers: `row_of` maps each row that the error names
    /// to the row that the new error names. Call this in an explainer of your own that passes rows
    /// on.
    pub fn with_rows(self, row_of: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::NotFinite { stage, row, others } => {
                let rows = std::iter::once(row).chain(others).map(row_of);
                Self::not_finite_rows(stage, rows).expect("at least one row")
            }
            Self::OutsideRange { row, others } => {
                let rows = std::iter::once(row).chain(others).map(row_of);
                Self::outside_range_rows(rows).expect("at least one row")
            }
            Self::NotFound { expected, row, others } => {
                let rows = std::iter::once(row).chain(others).map(row_of);
                Self::not_found_rows(|| expected, rows).expect("at least one row")
            }
            Self::Panicked { rows, item, total, message } => {
                let rows = row_of(rows.start)..row_of(rows.end - 1) + 1;
                Self::Panicked { rows, item, total, message }
            }
            Self::IdsMatter { path, row, expected, found } => {
                Self::IdsMatter { path, row: row_of(row), expected, found }
            }
            other => other,
        }
    }

    /// Returns the same error with the stage `from` replaced by `to`, for a caller that knows more
    /// precisely which values were checked.
    pub fn with_stage(self, from: Stage, to: Stage) -> Self {
        match self {
            Self::NotFinite { stage, row, others } if stage == from => {
                Self::NotFinite { stage: to, row, others }
            }
            other => other,
        }
    }
}

/// Returns the rows in ascending order, each once.
fn ascending(rows: impl IntoIterator<Item = usize>) -> std::vec::IntoIter<usize> {
    let mut rows: Vec<usize> = rows.into_iter().collect();
    rows.sort_unstable();
    rows.dedup();
    rows.into_iter()
}

/// The most rows that a message lists.
const LISTED: usize = 10;

/// Lists rows in words.
fn list(first: usize, others: &[usize]) -> String {
    if others.is_empty() {
        return format!("row {first}");
    }
    let listed: Vec<String> = others.iter().take(LISTED - 1).map(usize::to_string).collect();
    match others.len() - listed.len() {
        0 => format!("rows {first}, {}", listed.join(", ")),
        more => format!("rows {first}, {} and {more} more", listed.join(", ")),
    }
}

/// Lists the names of parameters.
fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let listed: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    match names.len() - listed.len() {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// Says how to make a grid fit the tokens that there are.
fn token_advice(places: usize, leading: usize, found: usize) -> String {
    match found.checked_sub(places) {
        _ if places == 0 => "a grid needs a height and a width".to_owned(),
        Some(others) if others != leading => {
            format!("if the first {others} are no places, say so by `with_leading({others})`")
        }
        _ => "the height and width are those of the picture, divided by the size of a patch"
            .to_owned(),
    }
}

/// Describes how the scores of a row changed, by the score that changed most.
fn change(expected: &[f64], found: &[f64]) -> String {
    if expected.len() != found.len() {
        return format!("{} scores in place of {}", found.len(), expected.len());
    }
    let size = |pair: &(&f64, &f64)| (pair.0 - pair.1).abs();
    let pairs = expected.iter().zip(found);
    match pairs.max_by(|a, b| size(a).total_cmp(&size(b))) {
        Some((expected, found)) => format!("{found} in place of {expected}"),
        None => "no scores".to_owned(),
    }
}

/// Refuses a count that is not between 1 and `most`.
pub(crate) fn check_count(option: &'static str, count: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    let expected = match most {
        usize::MAX => "at least 1".to_owned(),
        _ => format!("from 1 to {most}"),
    };
    Err(Error::invalid_option(option, expected, count))
}

/// Refuses a share that is not in (0, 1].
pub(crate) fn check_share(option: &'static str, share: f64) -> Result<()> {
    if share > 0.0 && share <= 1.0 {
        return Ok(());
    }
    Err(Error::invalid_option(option, "above 0 and at most 1", share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn a_device_error_keeps_its_cause() {
        let error = Error::device(std::io::Error::other("no answer"));
        assert_eq!(error.to_string(), "the device failed: no answer");
        assert_eq!(error.source().expect("a cause").to_string(), "no answer");
        assert!(Error::device_message("lost").source().is_none());
    }

    #[test]
    fn rows_and_stages_are_replaced_if_an_error_names_them() {
        let error = Error::not_finite(Stage::Input, 1).with_rows(|row| row + 10);
        assert_eq!(error, Error::not_finite(Stage::Input, 11));
        let moved = error.clone().with_stage(Stage::Input, Stage::NoisyInput);
        assert_eq!(moved, Error::not_finite(Stage::NoisyInput, 11));
        let several = Error::not_finite_rows(Stage::Gradient, [7, 2, 7]).expect("two rows");
        let said = "expected finite values, found NaN or infinity in the gradient of rows 2, 7";
        assert_eq!(several.to_string(), said);
        assert_eq!(
            several.with_rows(|row| row / 7),
            Error::not_finite_rows(Stage::Gradient, [0, 1]).unwrap()
        );
        let many = Error::not_finite_rows(Stage::Input, 0..25).expect("rows").to_string();
        assert!(many.ends_with("rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 15 more"), "{many}");
        assert_eq!(error.clone().with_stage(Stage::Score, Stage::Gradient), error);
        let panicked = Error::panicked(0..3, "a shape").with_rows(|row| row + 4);
        let message = "a shape".to_owned();
        assert_eq!(panicked, Error::Panicked { rows: 4..7, item: 0, total: 3, message });
    }
}
