//! Boxes inside a photo, and the CSV that the audit itself writes.

use std::path::Path;

use saliency_photo::{MarkedArea, Region};
use saliency_viz::write_file;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A box around a thing that matters, in whole pixels of the photo. All of it is inside the photo.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct MarkedBox {
    pub name: String,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl MarkedBox {
    /// Returns the box as a part of the photo.
    pub fn region(&self) -> Region {
        Region { x: self.x, y: self.y, width: self.width, height: self.height }
    }
}

/// Joins all boxes of a photo to one area.
pub(crate) fn area(boxes: &[MarkedBox]) -> MarkedArea {
    MarkedArea::boxes("marked", boxes.iter().map(MarkedBox::region))
}

/// A box in a photo, to be [written](write_boxes) to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoBox {
    /// The photo's file name, without its folder.
    pub file: String,
    /// The name of the thing in the box.
    pub name: String,
    /// The position of the box, in pixels of the upright photo.
    pub region: Region,
}

/// Writes boxes as a CSV that an audit can read: the columns file,name,x,y,width,height.
///
/// # Errors
/// [`Error::Picture`] if the file cannot be written.
pub fn write_boxes(path: impl AsRef<Path>, boxes: &[PhotoBox]) -> Result<()> {
    let table = || -> csv::Result<Vec<u8>> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(["file", "name", "x", "y", "width", "height"])?;
        for PhotoBox { file, name, region: Region { x, y, width, height } } in boxes {
            lines.serialize((file, name, x, y, width, height))?;
        }
        lines.into_inner().map_err(|error| error.into_error().into())
    };
    let table = table().map_err(|error| Error::encode("the table of boxes")(error.into()))?;
    Ok(write_file(path.as_ref(), &table)?)
}
