//! The findings of an audit, for the program that ran it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use saliency_metrics::Finding;
use serde::{Serialize, Serializer};

use crate::boxes::{BoxFacts, Fit};
use crate::groups::Group;
use crate::row::Row;
use crate::summary::Report;

/// The findings of an audit.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// How many maps are confirmed by covering, if photos were covered.
    pub cover: Option<CoverCounts>,
    /// The groups of photos whose maps agree in place; the largest agreement comes first.
    pub groups: Vec<GroupFound>,
    /// How the boxes were used, if there are any.
    pub boxes: Option<BoxCounts>,
    /// The files that were written: `audit.csv`, `audit.parquet` and `audit.html`.
    #[serde(serialize_with = "as_texts")]
    pub files: Vec<PathBuf>,
}

/// Counts of the photos that were covered and shown to the model again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CoverCounts {
    /// How many photos were covered.
    pub tested: usize,
    /// The photos whose score falls more if the brightest places are covered than if as much is
    /// covered elsewhere.
    pub confirmed: usize,
    /// The photos for which this depends on what the places are covered with.
    pub fills_disagree: usize,
    /// All others.
    pub not_confirmed: usize,
}

/// Photos whose maps agree in place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GroupFound {
    /// The place in words: "lower left corner".
    pub place: &'static str,
    /// The names of the photos.
    pub photos: Vec<String>,
    /// The mean share of the place in the maps of these photos.
    pub share: f64,
    /// The mean share of the place in all other maps.
    pub share_of_others: f64,
    /// What the model says if the place is covered, unless no photo of the group was covered.
    pub cover: Option<PlaceCounts>,
}

/// Counts of the photos of a group whose place was covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlaceCounts {
    /// How many photos were covered at the place.
    pub tested: usize,
    /// How many of them get another answer.
    pub changed: usize,
    /// In how many of them no other place of this size matters as much.
    pub confirmed: usize,
    /// How often as much was covered elsewhere.
    pub tries: usize,
    /// How many of these tries change the answer.
    pub changed_elsewhere: usize,
    /// Whether the place decides: no other matters as much, in more than half of the photos.
    pub decides: bool,
}

impl CoverCounts {
    /// Counts verdicts. Returns `None` if there are none.
    pub(crate) fn of(report: &Report) -> Option<Self> {
        let with = |finding| report.tested().filter(|it| it.brightest.finding == finding).count();
        let tested = report.tested().count();
        let [confirmed, fills_disagree] = [Finding::Confirmed, Finding::FillsDisagree].map(with);
        let not_confirmed = tested - confirmed - fills_disagree;
        (tested > 0).then_some(Self { tested, confirmed, fills_disagree, not_confirmed })
    }
}

impl GroupFound {
    pub(crate) fn new(group: &Group, report: &Report) -> Self {
        Self {
            place: group.place.in_words(),
            photos: group.members.iter().map(|&row| report.rows[row].file.clone()).collect(),
            share: group.share,
            share_of_others: group.share_of_others,
            cover: group.tally(report).map(|tally| PlaceCounts {
                tested: tally.photos,
                changed: tally.changed,
                confirmed: tally.confirmed,
                tries: tally.tries,
                changed_elsewhere: tally.changed_elsewhere,
                decides: tally.decides(),
            }),
        }
    }
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
