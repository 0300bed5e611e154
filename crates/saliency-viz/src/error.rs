use std::path::PathBuf;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no picture. Every message says what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that is not a photo.
    #[error("expected a readable JPEG, PNG or WebP photo at {}, found: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },

    /// A place where nothing can be written.
    #[error("expected to write {}, found: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },

    /// A row that the attribution does not have.
    #[error("expected a row below {rows}, found {row}")]
    Row {
        /// Rows of the attribution.
        rows: usize,
        /// The row asked for.
        row: usize,
    },

    /// An attribution, or photos, without values.
    #[error("expected at least one row, channel and pixel, found {shape:?}")]
    EmptyMap {
        /// Its shape.
        shape: [usize; 4],
    },

    /// An attribution that holds NaN or infinity.
    #[error("expected finite values in the attribution, found NaN or infinity")]
    NotFinite,

    /// A percentile outside its range.
    #[error("expected a percentile above 0 and up to 100, found {found}")]
    Percentile {
        /// What was given.
        found: f64,
    },

    /// A scale that is none.
    #[error("expected a scale of 0 or more that is finite, found {found}")]
    Scale {
        /// What was given.
        found: f64,
    },

    /// A share of the total that no line can be drawn around.
    #[error("expected a share above 0 and below 1, found {found}")]
    Share {
        /// What was given.
        found: f64,
    },

    /// A figure that cannot be drawn.
    #[error(
        "expected a figure of at least one picture, at most 60000 pixels a side and 500 million in all, \
         found {pictures} pictures, {} x {} pixels", found.0, found.1
    )]
    Figure {
        /// How many pictures it has.
        pictures: usize,
        /// Its width and height.
        found: (u64, u64),
    },

    /// A chart without values, or with another number of attributions.
    #[error(
        "expected one attribution for each of one or more values, \
        found {values} values and {attributions} attributions"
    )]
    Lengths {
        /// How many values.
        values: usize,
        /// How many attributions.
        attributions: usize,
    },

    /// A page with nothing to show.
    #[error("expected at least one map for the page, found none")]
    NoLayers,

    /// Something that could not be put into the form asked for.
    #[error("expected to encode a picture, found: {reason}")]
    Encode {
        /// What the encoder said.
        reason: String,
    },

    /// A blur without a width.
    #[error("expected a positive finite sigma, found {found}")]
    Sigma {
        /// What was given.
        found: f64,
    },

    /// A region that does not lie in the photo.
    #[error(
        "expected a region of at least one pixel inside the photo of {} x {} pixels, \
         found {} x {} at ({}, {})",
        photo.0, photo.1, region.width, region.height, region.x, region.y
    )]
    Region {
        /// Width and height of the photo.
        photo: (u32, u32),
        /// The region.
        region: crate::Region,
    },

    /// A mask of another size than the photo.
    #[error("expected a mask of the photo's {} x {} pixels, found {} x {}",
        photo.0, photo.1, mask.0, mask.1)]
    Mask {
        /// Width and height of the photo.
        photo: (u32, u32),
        /// Width and height of the mask.
        mask: (u32, u32),
    },

    /// A map of another aspect than the region it is laid over.
    #[error(
        "expected a map of the region's aspect ({} x {}), found {} x {}",
        region.0, region.1, map.0, map.1
    )]
    Aspect {
        /// Width and height of the region.
        region: (u32, u32),
        /// Width and height of the map.
        map: (usize, usize),
    },

    /// A tensor that could not be read back from its device.
    #[error("expected to read the attribution from its device, found: {reason}")]
    Device {
        /// What the device said.
        reason: String,
    },
}
