use std::path::PathBuf;

use saliency_photo::Cause;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a picture could not be made.
///
/// Errors with a cause return it as [`source`](std::error::Error::source).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A photo, a region or a map that cannot be used.
    #[error(transparent)]
    Photo(#[from] saliency_photo::Error),

    /// A file that cannot be written.
    #[error("cannot write {}: {cause}", path.display())]
    #[non_exhaustive]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The error of the system or of the encoder.
        #[source]
        cause: Cause,
    },

    /// A row that the attribution does not have.
    #[error("row {row} does not exist: the attribution has {rows} rows, counted from 0")]
    #[non_exhaustive]
    Row {
        /// The number of rows of the attribution.
        rows: usize,
        /// The row that was asked for.
        row: usize,
    },

    /// Values that hold NaN or infinity.
    #[error("the values hold NaN, infinity or a number too large to draw")]
    NotFinite,

    /// A share of the total that no line can be drawn around.
    #[error("expected a share above 0 and below 1, found {found}")]
    #[non_exhaustive]
    Share {
        /// The share that was given.
        found: f64,
    },

    /// A figure without pictures or too large to draw.
    #[error(
        "expected a figure of at least one picture, at most 60000 pixels a side and 500 million in all, \
         found {pictures} pictures, {width} x {height} pixels"
    )]
    #[non_exhaustive]
    Figure {
        /// The number of pictures.
        pictures: usize,
        /// The width of all columns together, in pixels.
        width: u64,
        /// The height of all rows together, in pixels.
        height: u64,
    },

    /// A chart without values, or with a different number of values and attributions.
    #[error(
        "expected one attribution for each of one or more values, \
         found {values} values and {attributions} attributions"
    )]
    #[non_exhaustive]
    Lengths {
        /// The number of values.
        values: usize,
        /// The number of attributions.
        attributions: usize,
    },

    /// A page with nothing to show.
    #[error("a page needs at least one map")]
    NoMaps,

    /// More or fewer maps than pictures of slices.
    #[error(
        "a page of slices needs one map for each picture, found {pictures} pictures and {maps} maps"
    )]
    #[non_exhaustive]
    Slices {
        /// The number of pictures.
        pictures: usize,
        /// The number of maps.
        maps: usize,
    },

    /// A slice that is not like the first one.
    #[error(
        "slice {slice} (counted from 0) has another size or reduction than the first: all slices \
         of a page must be alike"
    )]
    #[non_exhaustive]
    UnlikeSlice {
        /// The slice, from 0.
        slice: usize,
    },

    /// A picture or values that cannot be encoded in the requested format.
    #[error("cannot encode: {cause}")]
    #[non_exhaustive]
    Encode {
        /// The error of the encoder.
        #[source]
        cause: Cause,
    },

    /// A tensor that cannot be read back from its device.
    #[error("cannot read the attribution from its device: {cause}")]
    #[non_exhaustive]
    Device {
        /// The error of the device.
        #[source]
        cause: Cause,
    },
}

impl Error {
    /// Wraps the error of an encoder.
    pub(crate) fn encode(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Encode { cause: cause.into().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn an_error_can_be_cloned_sent_and_asked_for_its_cause() {
        fn sendable<T: Clone + Send + Sync + 'static>(_: &T) {}
        let error = Error::encode("no pixels");
        sendable(&error);
        assert_eq!(error.to_string(), "cannot encode: no pixels");
        assert_eq!(error.source().unwrap().to_string(), "no pixels");
    }

    #[test]
    fn a_photos_error_is_passed_on_as_it_is() {
        let error = saliency_photo::read_photo("nowhere.png").unwrap_err();
        let passed_on = Error::from(error.clone());
        assert_eq!(passed_on.to_string(), error.to_string());
        assert_eq!(
            passed_on.source().map(ToString::to_string),
            error.source().map(ToString::to_string)
        );
    }
}
