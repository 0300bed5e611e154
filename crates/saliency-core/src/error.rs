//! What can go wrong, and what was expected instead.

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where a value that is not finite was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The input that was to be explained.
    Input,
    /// The baseline.
    Baseline,
    /// The input with the noise that a method added to it.
    NoisyInput,
    /// The score that the model gave to the target.
    Score,
    /// The score that the model gave to the target at the baseline.
    BaselineScore,
    /// A score that the model gave to the target on the path from baseline to input.
    PathScore,
    /// The gradient of the score, or a sum of gradients.
    Gradient,
    /// The values of an explainer.
    Attribution,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Baseline => "baseline",
            Self::NoisyInput => "noisy input",
            Self::Score => "score",
            Self::BaselineScore => "score of the baseline",
            Self::PathScore => "score on the path",
            Self::Gradient => "gradient",
            Self::Attribution => "attribution",
        })
    }
}

/// Why an input could not be explained. Every message says what was expected and what was found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A batch without rows, or rows without values.
    #[error(
        "expected at least one row with at least one value, found an input of shape {shape:?} \
         (tensor {tensor} of the model's inputs)"
    )]
    EmptyInput {
        /// Which tensor of a tuple, from 0.
        tensor: usize,
        /// Its shape.
        shape: Vec<usize>,
    },

    /// The tensors of a tuple disagree on the number of rows.
    #[error(
        "expected every tensor of the input to have {expected} rows like the first, \
         found {found} rows in tensor {tensor}"
    )]
    UnequalRows {
        /// Which tensor of the tuple, from 0.
        tensor: usize,
        /// Rows of the first tensor.
        expected: usize,
        /// Rows of this tensor.
        found: usize,
    },

    /// A tensor of the input lies on another device than the model, or than the first tensor.
    #[error(
        "expected tensor {tensor} of the input on {expected} like the rest, found it on {found}"
    )]
    DeviceMismatch {
        /// Which tensor of a tuple, from 0.
        tensor: usize,
        /// The devices of the model; of the first tensor where the model has none.
        expected: String,
        /// The tensor's device.
        found: String,
    },

    /// A baseline that does not fit the input.
    #[error(
        "expected a baseline of shape {expected:?}, or the same with one row, \
         found {found:?} (tensor {tensor} of the model's inputs)"
    )]
    BaselineShape {
        /// Which tensor of a tuple, from 0.
        tensor: usize,
        /// The input's shape.
        expected: Vec<usize>,
        /// The baseline's shape.
        found: Vec<usize>,
    },

    /// A baseline with more or fewer tensors than the input.
    #[error("expected a baseline for {expected} input tensors, found one for {found}")]
    BaselineCount {
        /// Tensors of the input.
        expected: usize,
        /// Tensors of the baseline.
        found: usize,
    },

    /// A value that is infinite or not a number.
    #[error("expected finite values, found NaN or infinity in the {place} of row {row}")]
    NotFinite {
        /// What holds the value.
        place: Place,
        /// The first row that holds one, from 0.
        row: usize,
    },

    /// An option outside its range.
    #[error("expected {option} {expected}, found {found}")]
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },

    /// A class that the model does not have.
    #[error("expected a class below {scores} (the model gives {scores} scores), found {class}")]
    ClassOutOfRange {
        /// The class asked for.
        class: usize,
        /// How many scores the model gives.
        scores: usize,
    },

    /// As many targets as rows are needed.
    #[error("expected one target class for each of the {expected} rows, found {found}")]
    TargetCount {
        /// Rows of the input.
        expected: usize,
        /// Classes given.
        found: usize,
    },

    /// The model changed the number of rows, or gave no scores.
    #[error(
        "expected the model to return [{rows}, scores] with at least one score, found {found:?}"
    )]
    OutputShape {
        /// Rows that went in.
        rows: usize,
        /// The shape that came out.
        found: [usize; 2],
    },

    /// A target function that does not return one score per row.
    #[error("expected the target function to return {expected} scores, one per row, found {found}")]
    TargetFunctionRows {
        /// Rows of the model's output.
        expected: usize,
        /// Scores that the function returned.
        found: usize,
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
    ExplainerShape {
        /// Shapes of the input's tensors.
        expected: Vec<Vec<usize>>,
        /// Shapes of the values' tensors.
        found: Vec<Vec<usize>>,
    },

    /// What a model returns before a cut does not fit what came in.
    #[error(
        "expected as many rows before the cut as went in, and the same shape each time: \
         {expected:?}, found {found:?}"
    )]
    Activation {
        /// The expected shapes of the activation's tensors.
        expected: Vec<Vec<usize>>,
        /// The shapes that came out.
        found: Vec<Vec<usize>>,
    },

    /// The model, or what it calls, panicked.
    #[error(
        "expected the model to answer for rows {} to {}, found a panic at work item {item} of \
         {total}: {message}", rows.start, rows.end - 1
    )]
    Panicked {
        /// The rows of the batch that it was given.
        rows: std::ops::Range<usize>,
        /// The work item (gradient or sample), from 0, that it was given first.
        item: usize,
        /// Work items in all.
        total: usize,
        /// What the panic said.
        message: String,
    },

    /// The work was called off by a [`Cancel`](crate::Cancel).
    #[error("expected to do {total} work items, found the work cancelled after {done}")]
    Cancelled {
        /// Work items done.
        done: usize,
        /// Work items in all.
        total: usize,
    },

    /// Even one row takes more memory than the device has left.
    #[error("expected memory for one row at a time, found too little on the device: {reason}")]
    OutOfMemory {
        /// What could not be allocated, and what the device holds already.
        reason: String,
    },

    /// The device did not do what it was asked to, or does not answer any more.
    #[error("expected an answer from the device, found: {reason}")]
    Device {
        /// What the device said.
        reason: String,
    },
}

impl Error {
    /// The same error, its value found in `to` where it says `from`: for a caller that knows
    /// better than the code that looked.
    pub(crate) fn relocated(self, from: Place, to: Place) -> Self {
        match self {
            Self::NotFinite { place, row } if place == from => Self::NotFinite { place: to, row },
            other => other,
        }
    }
}

/// Refuses an option that counts something, unless it lies between 1 and `most`.
pub(crate) fn check_count(option: &'static str, count: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    let expected = match most {
        usize::MAX => "at least 1".to_owned(),
        _ => format!("from 1 to {most}"),
    };
    let found = count.to_string();
    Err(Error::InvalidOption { option, expected, found })
}

/// Refuses an option that is a share of something, unless it lies in (0, 1].
pub(crate) fn check_share(option: &'static str, share: f64) -> Result<()> {
    if share > 0.0 && share <= 1.0 {
        return Ok(());
    }
    let (expected, found) = ("above 0 and at most 1".to_owned(), share.to_string());
    Err(Error::InvalidOption { option, expected, found })
}
