//! The errors of a file of boxes.

use std::io;

/// The cause of an error, whatever library it comes from.
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
    /// A CSV has no columns of boxes.
    #[error(
        "the columns {found}; the columns must be file,name,x,y,width,height or \
         file,name,xmin,ymin,xmax,ymax"
    )]
    #[non_exhaustive]
    Columns {
        /// The titles.
        found: String,
    },
    /// A CSV has no titles, and its numbers may mean several things.
    #[error(
        "boxes without titles; the first line must say what the columns are, such as \
         file,name,x,y,width,height or file,name,xmin,ymin,xmax,ymax"
    )]
    Untitled,
    /// The file is no valid JSON, or not of the form of its kind.
    #[error("broken JSON: {source}")]
    #[non_exhaustive]
    Json {
        /// Where it is broken.
        source: Cause,
    },
    /// The file is no valid XML.
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
    /// The file is of a kind that is known, but not read.
    #[error("{format}; {instead}")]
    #[non_exhaustive]
    Unread {
        /// What it is.
        format: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// The file is of no known kind.
    #[error(
        "{found}; boxes may be a CSV, COCO, Pascal VOC, YOLO, LabelMe or VIA, as a file or as a folder \
         of files"
    )]
    #[non_exhaustive]
    UnknownKind {
        /// What it is.
        found: &'static str,
    },
}

impl BoxesError {
    /// Names a format that is not read, and says what to do.
    pub(super) fn unread(format: &'static str, instead: &'static str) -> Self {
        Self::Unread { format, instead }
    }
}
