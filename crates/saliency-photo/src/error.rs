use std::path::PathBuf;
use std::sync::Arc;

use crate::region::{Region, Size};

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of another library, or of the system, behind an [`Error`].
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a photo, a region or a map cannot be used.
///
/// Errors with a cause return it as [`source`](std::error::Error::source).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read as a photo.
    #[error("cannot read {} as a JPEG, PNG or WebP photo: {cause}", path.display())]
    #[non_exhaustive]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system or of the decoder.
        #[source]
        cause: Cause,
    },

    /// A photo without pixels.
    #[error("the photo has no pixels")]
    NoPixels,

    /// A preparation that cannot work.
    #[error("photos cannot be prepared: {reason}")]
    #[non_exhaustive]
    Preparation {
        /// The option that is wrong, and the values that are right.
        reason: String,
    },

    /// A file that a preparation cannot be read from.
    #[error("cannot read how photos are prepared from {file}: {reason}")]
    #[non_exhaustive]
    PreparationFile {
        /// The file.
        file: String,
        /// The part of it that is wrong, and the remedy.
        reason: String,
    },

    /// An input that cannot be a photo.
    #[error("the input {input:?} of shape {} takes no photos: {reason}", open_shape(shape))]
    #[non_exhaustive]
    NotAPhotoInput {
        /// The name of the input.
        input: String,
        /// Its shape. Open dimensions are `None`.
        shape: Vec<Option<usize>>,
        /// The reason.
        reason: String,
    },

    /// Class names that cannot be read.
    #[error("cannot read class names from {file}: {reason}")]
    #[non_exhaustive]
    ClassNames {
        /// The file.
        file: String,
        /// The part of it that is wrong.
        reason: String,
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

    /// An attribution, or photos, without values.
    #[error("expected at least one row, channel and pixel, found the shape {shape:?}")]
    #[non_exhaustive]
    EmptyMap {
        /// The shape.
        shape: [usize; 4],
    },

    /// An attribution, or the slices of a volume, with NaN or infinity.
    #[error("the attribution or the volume holds NaN or infinity")]
    NotFinite,

    /// A share of the total outside its range.
    #[error("expected a share of the total above 0 and up to 1, found {found}")]
    #[non_exhaustive]
    Share {
        /// The share that was given.
        found: f64,
    },

    /// A scale that is negative or not finite.
    #[error("expected a finite scale of 0 or more, found {found}")]
    #[non_exhaustive]
    Scale {
        /// The scale that was given.
        found: f64,
    },

    /// A blur with a width that is not positive or not finite.
    #[error("expected a positive finite sigma, found {found}")]
    #[non_exhaustive]
    Sigma {
        /// The width that was given.
        found: f64,
    },

    /// More superpixels than pixels, or none.
    #[error(
        "expected 1 to as many superpixels as the photo of {photo} pixels has pixels, found {count}"
    )]
    #[non_exhaustive]
    Superpixels {
        /// The size of the photo.
        photo: Size,
        /// The number of superpixels that was asked for.
        count: usize,
    },

    /// A compactness of superpixels that is not positive or not finite.
    #[error("expected a positive finite compactness, found {found}")]
    #[non_exhaustive]
    Compactness {
        /// The compactness that was given.
        found: f64,
    },

    /// A region that is empty or extends beyond the photo.
    #[error("the region of {region} is empty or reaches out of the photo of {photo} pixels")]
    #[non_exhaustive]
    Region {
        /// The size of the photo.
        photo: Size,
        /// The region.
        region: Region,
    },

    /// A mask of another size than the photo.
    #[error("the mask has {mask} pixels and the photo {photo}: they must be the same")]
    #[non_exhaustive]
    Mask {
        /// The size of the photo.
        photo: Size,
        /// The size of the mask.
        mask: Size,
    },

    /// A map whose aspect ratio differs from that of its region.
    #[error("a map of {map} pixels does not fit a region of {region}: it would be distorted")]
    #[non_exhaustive]
    Aspect {
        /// The size of the region.
        region: Size,
        /// The size of the map.
        map: Size,
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

/// Writes a shape, with question marks for open dimensions.
fn open_shape(shape: &[Option<usize>]) -> String {
    let sides = shape.iter().map(|side| side.map_or("?".to_owned(), |side| side.to_string()));
    format!("[{}]", sides.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn an_error_can_be_cloned_sent_and_asked_for_its_cause() {
        fn sendable<T: Clone + Send + Sync + 'static>(_: &T) {}
        let cause: Cause = Arc::new(std::io::Error::other("no disk"));
        let error = Error::Unreadable { path: "cat.png".into(), cause };
        sendable(&error);
        assert_eq!(error.source().unwrap().to_string(), "no disk");
        let text = "cannot read cat.png as a JPEG, PNG or WebP photo: no disk";
        assert_eq!(error.to_string(), text);
        assert!(Error::NotFinite.source().is_none());
    }
}
