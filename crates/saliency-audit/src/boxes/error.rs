//! The errors of a file of boxes.

use std::io;

/// The cause of an error, from any library.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong with a file of boxes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoxesError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file is too large.
    #[error("a file of more than {most} MiB; boxes of that many photos must be in several files")]
    #[non_exhaustive]
    TooLarge {
        /// How many MiB are read at most.
        most: u64,
    },
    /// A CSV file has no columns of boxes.
    #[error(
        "the columns {found}; the columns must be file,name,x,y,width,height or \
         file,name,xmin,ymin,xmax,ymax"
    )]
    #[non_exhaustive]
    Columns {
        /// The titles.
        found: String,
    },
    /// A CSV file has no titles, so its numbers may mean several things.
    #[error(
        "boxes without titles; the first line must say what the columns are, such as \
         file,name,x,y,width,height or file,name,xmin,ymin,xmax,ymax"
    )]
    Untitled,
    /// The file is not valid JSON, or its content does not fit its format.
    #[error("broken JSON: {source}")]
    #[non_exhaustive]
    Json {
        /// Where it is broken.
        source: Cause,
    },
    /// The file is not valid XML.
    #[error("broken XML: {source}")]
    #[non_exhaustive]
    Xml {
        /// Where it is broken.
        source: Cause,
    },
    /// A part of a COCO file is missing.
    #[error(
        "a file without \"{missing}\"; a COCO file is an object with images, annotations and categories"
    )]
    #[non_exhaustive]
    Coco {
        /// The part.
        missing: &'static str,
    },
    /// The file has a known format that is not supported.
    #[error("{format}; {instead}")]
    #[non_exhaustive]
    Unread {
        /// The kind of file.
        format: &'static str,
        /// Advice on what to do.
        instead: &'static str,
    },
    /// The file has no known format.
    #[error(
        "{found}; boxes may be a CSV, COCO, Pascal VOC, YOLO, LabelMe or VIA, as a file or as a folder \
         of files"
    )]
    #[non_exhaustive]
    UnknownKind {
        /// The kind of file.
        found: &'static str,
    },
}

impl BoxesError {
    /// Returns an error that names a format that is not read, and says what to do.
    pub(super) fn unread(format: &'static str, instead: &'static str) -> Self {
        Self::Unread { format, instead }
    }
}
