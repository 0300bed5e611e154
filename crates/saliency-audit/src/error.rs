use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use crate::boxes::error::BoxesError;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, from any library.
type Cause = Box<dyn StdError + Send + Sync>;

/// Why an audit could not be made. A photo that cannot be explained is not an error: it becomes a
/// line of the tables, with the reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of photos cannot be read.
    #[error("expected a folder of photos at {}, found: {source}", path.display())]
    #[non_exhaustive]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },

    /// The folder has no file with a name like that of a photo.
    #[error(
        "expected at least one .jpg, .jpeg, .png or .webp file in {}, found {found}", path.display()
    )]
    #[non_exhaustive]
    NoPhotos {
        /// The folder.
        path: PathBuf,
        /// The other contents of the folder, and advice on what to do.
        found: String,
    },

    /// The audit cannot write to its output folder.
    #[error("expected a folder to write to at {}, found: {source}", path.display())]
    #[non_exhaustive]
    Output {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },

    /// Another audit is writing to the output folder.
    #[error("expected {} to be free, found another audit that writes to it", path.display())]
    #[non_exhaustive]
    InUse {
        /// The folder.
        path: PathBuf,
    },

    /// A file of boxes cannot be read.
    #[error("expected readable boxes at {}, found: {source}", path.display())]
    #[non_exhaustive]
    Boxes {
        /// The file.
        path: PathBuf,
        /// The error in the file.
        source: BoxesError,
    },

    /// A file of boxes has no box.
    #[error("expected at least one box in {}, found none{reason}", path.display())]
    #[non_exhaustive]
    NoBoxes {
        /// The file.
        path: PathBuf,
        /// Why the first entry is not a box, if there is an entry.
        reason: String,
    },

    /// No box has the category that was chosen.
    #[error("expected one of the categories of {} ({known}), found {found}", path.display())]
    #[non_exhaustive]
    NoCategory {
        /// The file of boxes.
        path: PathBuf,
        /// The categories of its boxes.
        known: String,
        /// The category that was chosen.
        found: String,
    },

    /// No box is for a photo of the folder.
    #[error(
        "expected boxes for photos of the folder in {}, found only boxes for other files, such as {first}",
        path.display()
    )]
    #[non_exhaustive]
    BoxesOfOtherFiles {
        /// The file of boxes.
        path: PathBuf,
        /// The first file name in it.
        first: String,
    },

    /// The inputs that photos are turned into cannot be audited.
    #[error("this preparation of photos cannot be audited: {reason}")]
    #[non_exhaustive]
    Input {
        /// The reason, and the remedy.
        reason: String,
    },

    /// A person has stopped the audit.
    #[error("stopped after {done} of {all} photos; start the audit again, and it goes on")]
    #[non_exhaustive]
    Stopped {
        /// The photos of the stage that are finished. They are kept.
        done: usize,
        /// All photos of the stage.
        all: usize,
    },

    /// The share that boxes are expected to hold is not a share.
    #[error("expected a share from 0 to 1, found {found}")]
    #[non_exhaustive]
    Share {
        /// The value that was given.
        found: f64,
    },

    /// A file of the folder `parts` cannot be read.
    #[error("expected a part of the audit at {}, found: {source}", path.display())]
    #[non_exhaustive]
    Part {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: Cause,
    },

    /// A table or the page could not be put together.
    #[error("could not make {what}: {source}")]
    #[non_exhaustive]
    Encode {
        /// The file that was being made.
        what: &'static str,
        /// Why it failed.
        source: Cause,
    },

    /// The model could not be explained.
    #[error(transparent)]
    Explain(#[from] saliency_core::Error),

    /// Photos could not be covered and shown to the model again.
    #[error(transparent)]
    Cover(#[from] saliency_metrics::Error),

    /// A device could not be opened.
    #[error(transparent)]
    Device(#[from] saliency_backends::Error),

    /// A map or a photo cannot be used.
    #[error(transparent)]
    Photo(#[from] saliency_photo::Error),

    /// A picture could not be made, or a file could not be written.
    #[error(transparent)]
    Picture(#[from] saliency_viz::Error),
}

impl Error {
    /// Wraps the error of a library that makes a table or the page.
    pub(crate) fn encode(what: &'static str) -> impl Fn(Cause) -> Self {
        move |source| Self::Encode { what, source }
    }

    /// Returns whether the error concerns a single photo, so that the others may still be
    /// explained.
    pub(crate) fn is_of_one_photo(&self) -> bool {
        use saliency_core::Error::{NotFinite, Panicked};
        use saliency_metrics::Error::Core;
        let (Self::Explain(error) | Self::Cover(Core(error))) = self else { return false };
        matches!(error, NotFinite { .. } | Panicked { .. })
    }
}
