//! The errors of a file of boxes.

use std::io;

/// What is wrong with a file of boxes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoxesError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file is no CSV of boxes.
    #[error("{0}; the columns must be file,name,x,y,width,height")]
    Table(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is no COCO file.
    #[error("{0}")]
    Coco(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A box is empty, or starts outside every photo.
    #[error(
        "a box of {width} x {height} at ({x}, {y}) for {file}; a box needs a place in the photo and a size \
         above 0"
    )]
    #[non_exhaustive]
    Size {
        /// The photo's file name.
        file: String,
        /// The left edge.
        x: f64,
        /// The upper edge.
        y: f64,
        /// The width.
        width: f64,
        /// The height.
        height: f64,
    },
    /// Several images of a COCO file have one name or one id.
    #[error("several images of the same name or id, of which only one can be in the folder")]
    SameName,
    /// A box of a COCO file belongs to an image that the file does not list.
    #[error("a box for image {image}, which is missing")]
    #[non_exhaustive]
    UnknownImage {
        /// The image's id.
        image: u64,
    },
    /// A box of a COCO file has a category that the file does not list.
    #[error("a box of category {category}, which is missing")]
    #[non_exhaustive]
    UnknownCategory {
        /// The category's id.
        category: u64,
    },
}
