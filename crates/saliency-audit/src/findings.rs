//! What an audit found, for the program that ran it.

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
    /// What is odd about the boxes, in words.
    pub warnings: Vec<String>,
    /// How many photos were explained, now or by an earlier audit.
    pub explained: usize,
    /// How many photos could not be explained.
    pub failed: usize,
    /// How many photos raise each concern, by the name that it has in the tables.
    pub concerns: BTreeMap<&'static str, usize>,
    /// What became of the boxes, if there are any.
    pub boxes: Option<BoxCounts>,
    /// The files that were written: `audit.csv`, `audit.parquet` and `audit.html`.
    #[serde(serialize_with = "as_texts")]
    pub files: Vec<PathBuf>,
}

/// What became of the boxes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BoxCounts {
    /// What kind of file it is, such as "COCO".
    pub format: &'static str,
    /// How many boxes the file has for photos of the folder, those included that cannot be used.
    pub boxes: usize,
    /// How many photos of the folder have boxes in the file.
    pub photos: usize,
    /// How many boxes reached out of their photos and were clipped.
    pub clipped: usize,
    /// How many boxes were left out, because they are none, are outside of their photos, are around
    /// a crowd, or are for an image that the file does not list.
    pub left_out: usize,
    /// How many boxes have a category that the file does not list.
    pub unlisted: usize,
    /// How many photos have boxes that were drawn on a picture of another size and were scaled.
    pub photos_scaled: usize,
    /// How many photos have boxes that were left out because they were drawn on a picture of
    /// another aspect.
    pub photos_refused: usize,
    /// How many names in the file are of no photo in the folder.
    pub names_without_photo: usize,
}

impl BoxCounts {
    /// Counts what became of boxes.
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

/// Writes paths, of which some may be no texts.
fn as_texts<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}
