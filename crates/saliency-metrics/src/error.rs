//! What can go wrong.

/// Why a metric has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The explainer or the model failed.
    #[error(transparent)]
    Core(#[from] saliency_core::Error),

    /// The units are not those of the input.
    #[error(
        "expected units for {expected} values in each row of the input, found units for {found}; \
         make them from the shape of the input"
    )]
    #[non_exhaustive]
    UnitsWidth {
        /// The number of values in a row of the input.
        expected: usize,
        /// The number of values that the units are for.
        found: usize,
    },

    /// The units have no values, or a unit is missing.
    #[error("expected units numbered from 0 without gaps, found {found}")]
    #[non_exhaustive]
    UnitNumbers {
        /// What is wrong with them.
        found: String,
    },

    /// A fill or an attribution has another shape than the input.
    #[error("expected {what} of the input's shape {expected:?}, found {found:?}")]
    #[non_exhaustive]
    Shape {
        /// What has the shape.
        what: &'static str,
        /// The shapes of the input's tensors.
        expected: Vec<Vec<usize>>,
        /// The shapes that were found.
        found: Vec<Vec<usize>>,
    },

    /// An option is outside its range.
    #[error("expected {option} to be {expected}, found {found}")]
    #[non_exhaustive]
    InvalidOption {
        /// The option.
        option: &'static str,
        /// Its range.
        expected: &'static str,
        /// What was given.
        found: String,
    },

    /// There is nothing to cover with.
    #[error("expected at least one fill to cover with, found none")]
    NoFill,

    /// Maps or areas are not for the units.
    #[error(
        "expected {rows} rows with {units} units each, or an area that holds some units but not \
         all, found {found:?}"
    )]
    #[non_exhaustive]
    MapUnits {
        /// The number of rows.
        rows: usize,
        /// The number of units.
        units: usize,
        /// The number of values of each map, or of the units in the area.
        found: Vec<usize>,
    },

    /// Masks are not for the units of the maps.
    #[error("expected {rows} masks with {units} units each, found masks with {found:?} units")]
    #[non_exhaustive]
    MaskUnits {
        /// The number of rows.
        rows: usize,
        /// The number of units.
        units: usize,
        /// The number of units of each mask.
        found: Vec<usize>,
    },

    /// An edge filter needs a picture.
    #[error(
        "expected units on a grid and one tensor of [rows, channels, height, width] for the edge \
         filter, found {found}"
    )]
    #[non_exhaustive]
    NoPicture {
        /// The shapes of the tensors, or the units.
        found: String,
    },

    /// A tensor has no neighbours to impute from.
    #[error(
        "expected pictures of [rows, channels, height, width] to impute from neighbours, found \
         {found:?}; cover with given values instead"
    )]
    #[non_exhaustive]
    NoNeighbours {
        /// The shapes of the tensors.
        found: Vec<Vec<usize>>,
    },

    /// Correct answers can not be counted for a function of the outputs.
    #[error(
        "expected a target with a class to count correct answers, found a function of the outputs"
    )]
    NoClass,

    /// A cover is for a row or for units that do not exist.
    #[error(
        "expected a cover for one of {rows} rows and {units} units, found row {row} and {found} units"
    )]
    #[non_exhaustive]
    Cover {
        /// The number of rows.
        rows: usize,
        /// The number of units.
        units: usize,
        /// The row of the cover.
        row: usize,
        /// The number of units of the cover.
        found: usize,
    },
}

/// The result of a metric.
pub type Result<T, E = Error> = std::result::Result<T, E>;
