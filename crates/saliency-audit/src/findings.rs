//! The findings of an audit, for the program that ran it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::boxes::{BoxFacts, Fit};
use crate::row::Row;

/// The findings of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Findings {
    /// The findings in words, the most important first.
    pub summary: Vec<String>,
    /// The oddities of the boxes, in words.
    pub warnings: Vec<String>,
    /// How many photos were explained, now or by an earlier audit.
    pub explained: usize,
    /// How many photos could not be explained.
    pub failed: usize,
    /// How many photos raise each concern. The keys are the names of the concerns in the tables.
    pub concerns: BTreeMap<&'static str, usize>,
    /// How the boxes were used, if there are any.
    pub boxes: Option<BoxCounts>,
    /// The files that were written: `audit.csv`, `audit.parquet` and `audit.html`.
    #[serde(serialize_with = "as_texts")]
    pub files: Vec<PathBuf>,
}

/// Counts of how the boxes of a file were used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BoxCounts {
    /// The kind of file, such as "COCO".
    pub format: &'static str,
    /// How many boxes the file has for photos of the folder, including boxes that cannot be used.
    pub boxes: usize,
    /// How many photos of the folder have boxes in the file.
    pub photos: usize,
    /// How many boxes extended beyond their photos and were clipped.
    pub clipped: usize,
    /// How many boxes were left out, because they are not valid boxes, are outside their photos,
    /// are around a crowd, or are for an image that the file does not list.
    pub left_out: usize,
    /// How many boxes have a category that the file does not list.
    pub unlisted: usize,
    /// How many photos have boxes that were drawn on a picture of another size and were scaled.
    pub photos_scaled: usize,
    /// How many photos have boxes that were left out because they were drawn on a picture with
    /// another aspect ratio.
    pub photos_refused: usize,
    /// How many names in the file do not belong to a photo in the folder.
    pub names_without_photo: usize,
}

impl BoxCounts {
    /// Counts how boxes were used.
    pub(crate) fn new(facts: &BoxFacts, rows: &[Row]) -> Self {
        let placings = || rows.iter().filter_map(|row| row.outcome.as_ref().ok()?.placing.as_ref());
        let of_size = |scaled: bool| {
            let fits = placings().filter_map(|it| it.other_size);
            fits.filter(|it| (it.fit == Fit::Scaled) == scaled).count()
        };
        Self {
            format: facts.format,
            boxes: facts.boxes + facts.left_out,
            photos: facts.photos,
            clipped: placings().map(|it| it.clipped).sum(),
            left_out: facts.left_out + placings().map(|it| it.left_out).sum::<usize>(),
            unlisted: facts.unlisted,
            photos_scaled: of_size(true),
            photos_refused: of_size(false),
            names_without_photo: facts.without_photo.len() + facts.ambiguous.len(),
        }
    }
}

/// Writes paths as texts. Some paths may not be valid text.
fn as_texts<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}
