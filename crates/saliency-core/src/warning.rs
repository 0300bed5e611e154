//! Reasons to read a map with care.

/// A reason to read the map of a row with care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// The baseline equals the input, so that there is nothing to explain: the map is zero.
    #[non_exhaustive]
    BaselineIsInput {
        /// The row.
        row: usize,
    },
    /// The model scores the baseline like the input (the scores differ by less than a thousandth):
    /// the values cancel, and their pattern says little.
    #[non_exhaustive]
    BaselineScoresLikeInput {
        /// The row.
        row: usize,
    },
    /// Parts of the input were covered, and the score stayed the same to the last bit: the map is zero.
    /// The model may not depend on its input, or not where it was covered.
    #[non_exhaustive]
    NoCoverChangesTheScore {
        /// The row.
        row: usize,
    },
    /// A few of the random samples decide the average, because there are few samples or because the
    /// gradient is large in only a few of them. The standard errors may be far too small.
    #[non_exhaustive]
    FewSamplesDecide {
        /// The row.
        row: usize,
    },
    /// The method puts noise on the input, but a tensor of this row, or some of its values, get no
    /// noise. The map explains these values without noise, and their standard errors do not show
    /// that.
    #[non_exhaustive]
    NoNoise {
        /// The row.
        row: usize,
        /// The tensor's position in the input, from 0.
        tensor: usize,
    },
    /// The map shows the direction in which the places of an activation differ most, but a second
    /// direction explains as much (to a thousandth). Which of them is shown depends on rounding.
    #[non_exhaustive]
    DirectionIsTied {
        /// The row.
        row: usize,
    },
    /// The model's outputs are probabilities: in every row none is below zero, and they sum to 1.
    /// Their gradients vanish if the model is sure, and a map is then mostly rounding error. This
    /// warning is about the model, and is given once in a call.
    #[non_exhaustive]
    OutputsAreProbabilities {
        /// The first row.
        row: usize,
    },
    /// The class with the highest score was explained, but the model takes pictures and gives more
    /// scores for each row than classifiers of pictures have classes (32,768). They may be boxes,
    /// pixels or characters, and then the class is none. This warning is about the model, and is
    /// given once in a call.
    #[non_exhaustive]
    ScoresMayNotBeClasses {
        /// The first row.
        row: usize,
        /// The number of scores in a row.
        scores: usize,
    },
    /// The score of a row alone differs from its score in the batch: the model mixes rows. The map
    /// of a row then shows its effect on the scores of all rows. This warning is about the model,
    /// and is given once in a call.
    #[non_exhaustive]
    RowsInfluenceEachOther {
        /// The row that was checked.
        row: usize,
    },
    /// The model failed on several rows at once, but not on a single row. It was then given one row
    /// at a time, which takes longer. This warning is about the model, and is given once in a call.
    #[non_exhaustive]
    OneRowAtATime {
        /// The first row.
        row: usize,
    },
    /// The device that worked on the row was lost, and another device computed the row.
    #[non_exhaustive]
    DeviceLost {
        /// The row.
        row: usize,
    },
}

impl Warning {
    /// Returns the row that the warning is about.
    pub fn row(&self) -> usize {
        match *self {
            Self::BaselineIsInput { row }
            | Self::BaselineScoresLikeInput { row }
            | Self::NoCoverChangesTheScore { row }
            | Self::FewSamplesDecide { row }
            | Self::NoNoise { row, .. }
            | Self::DirectionIsTied { row }
            | Self::OutputsAreProbabilities { row }
            | Self::ScoresMayNotBeClasses { row, .. }
            | Self::RowsInfluenceEachOther { row }
            | Self::OneRowAtATime { row }
            | Self::DeviceLost { row } => row,
        }
    }

    /// Makes a [`Warning::BaselineIsInput`], for explainers of your own.
    pub fn baseline_is_input(row: usize) -> Self {
        Self::BaselineIsInput { row }
    }

    /// Makes a [`Warning::BaselineScoresLikeInput`], for explainers of your own.
    pub fn baseline_scores_like_input(row: usize) -> Self {
        Self::BaselineScoresLikeInput { row }
    }

    /// Makes a [`Warning::NoCoverChangesTheScore`], for explainers of your own.
    pub fn no_cover_changes_the_score(row: usize) -> Self {
        Self::NoCoverChangesTheScore { row }
    }

    /// Makes a [`Warning::FewSamplesDecide`], for explainers of your own.
    pub fn few_samples_decide(row: usize) -> Self {
        Self::FewSamplesDecide { row }
    }

    /// Makes a [`Warning::NoNoise`], for explainers of your own.
    pub fn no_noise(row: usize, tensor: usize) -> Self {
        Self::NoNoise { row, tensor }
    }

    /// Makes a [`Warning::DirectionIsTied`], for explainers of your own.
    pub fn direction_is_tied(row: usize) -> Self {
        Self::DirectionIsTied { row }
    }

    /// Makes a [`Warning::OutputsAreProbabilities`], for explainers of your own.
    pub fn outputs_are_probabilities(row: usize) -> Self {
        Self::OutputsAreProbabilities { row }
    }

    /// Makes a [`Warning::ScoresMayNotBeClasses`], for explainers of your own.
    pub fn scores_may_not_be_classes(row: usize, scores: usize) -> Self {
        Self::ScoresMayNotBeClasses { row, scores }
    }

    /// Makes a [`Warning::RowsInfluenceEachOther`], for explainers of your own.
    pub fn rows_influence_each_other(row: usize) -> Self {
        Self::RowsInfluenceEachOther { row }
    }

    /// Makes a [`Warning::OneRowAtATime`], for explainers of your own.
    pub fn one_row_at_a_time(row: usize) -> Self {
        Self::OneRowAtATime { row }
    }

    /// Makes a [`Warning::DeviceLost`], for explainers that share work out over devices.
    pub fn device_lost(row: usize) -> Self {
        Self::DeviceLost { row }
    }

    /// Returns whether the warning is about the model rather than a row, so that a call needs it
    /// only once.
    fn is_about_model(&self) -> bool {
        matches!(
            self,
            Self::OutputsAreProbabilities { .. }
                | Self::ScoresMayNotBeClasses { .. }
                | Self::RowsInfluenceEachOther { .. }
                | Self::OneRowAtATime { .. }
        )
    }

    /// Adds the warning, unless it is there already.
    pub(crate) fn add_to(self, warnings: &mut Vec<Self>) {
        let kind = std::mem::discriminant(&self);
        let known = |it: &Self| {
            *it == self || (self.is_about_model() && std::mem::discriminant(it) == kind)
        };
        if !warnings.iter().any(known) {
            warnings.push(self);
        }
    }

    /// Returns the same warning with another row number: `row_of` maps the row that it names to the
    /// row that the new warning names.
    pub fn with_row(self, row_of: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::BaselineIsInput { row } => Self::BaselineIsInput { row: row_of(row) },
            Self::BaselineScoresLikeInput { row } => {
                Self::BaselineScoresLikeInput { row: row_of(row) }
            }
            Self::NoCoverChangesTheScore { row } => {
                Self::NoCoverChangesTheScore { row: row_of(row) }
            }
            Self::FewSamplesDecide { row } => Self::FewSamplesDecide { row: row_of(row) },
            Self::NoNoise { row, tensor } => Self::NoNoise { row: row_of(row), tensor },
            Self::DirectionIsTied { row } => Self::DirectionIsTied { row: row_of(row) },
            Self::OutputsAreProbabilities { row } => {
                Self::OutputsAreProbabilities { row: row_of(row) }
            }
            Self::ScoresMayNotBeClasses { row, scores } => {
                Self::ScoresMayNotBeClasses { row: row_of(row), scores }
            }
            Self::RowsInfluenceEachOther { row } => {
                Self::RowsInfluenceEachOther { row: row_of(row) }
            }
            Self::OneRowAtATime { row } => Self::OneRowAtATime { row: row_of(row) },
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
                 choose a baseline that the model scores differently"
            ),
            Self::NoCoverChangesTheScore { row } => write!(
                f,
                "no cover changes the score of row {row}, and the map is zero: the model may not depend \
                 on its input; otherwise cover larger parts, or choose another baseline"
            ),
            Self::FewSamplesDecide { row } => write!(
                f,
                "few of the random samples decide the map of row {row}: its standard errors may be \
                 too small; draw more samples"
            ),
            Self::NoNoise { row, tensor } => write!(
                f,
                "some values of row {row} get no noise, in tensor {tensor} of the input: their \
                 range is zero; set the noise's strength for each feature, or as an absolute number"
            ),
            Self::DirectionIsTied { row } => write!(
                f,
                "two directions explain the activation of row {row} equally well: which of them the map \
                 shows depends on rounding; use a method that follows the gradient, such as Grad-CAM"
            ),
            Self::OutputsAreProbabilities { .. } => f.write_str(
                "the model's outputs are probabilities, whose gradients vanish if the model is \
                 sure: export the model without the softmax, or explain `Score::LogOutput`",
            ),
            Self::ScoresMayNotBeClasses { scores, .. } => write!(
                f,
                "the model gives {scores} scores for each row, more than classifiers of pictures have \
                 classes, and the highest was explained as a class: if they are boxes or pixels, \
                 explain `Target::detection` or `Target::pixels`; if they are classes, name one"
            ),
            Self::RowsInfluenceEachOther { row } => write!(
                f,
                "row {row} has another score alone than in the batch: the model mixes rows, and \
                 the map of a row is not its own; give the model one row at a time with \
                 `Schedule::with_chunk(1)`, or mend it"
            ),
            Self::OneRowAtATime { .. } => f.write_str(
                "the model failed on several rows at once, and was given one row at a time: this \
                 takes longer",
            ),
            Self::DeviceLost { row } => write!(
                f,
                "the device that worked on row {row} was lost, and another one computed it"
            ),
        }
    }
}
