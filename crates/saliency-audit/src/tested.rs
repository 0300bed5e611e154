//! What the model says about a photo if parts of it are covered.

use saliency_metrics::{CoveredAnswer, Finding, SizeTested, Verdict};
use serde::{Deserialize, Serialize};

/// The answers of the model about covered copies of one photo.
#[derive(Deserialize, Serialize)]
pub(crate) struct Tested {
    /// The brightest places were covered.
    pub brightest: Verdict,
    /// The marked boxes were covered. `None` if there are none, or if they are everywhere.
    pub marked: Option<Verdict>,
    /// The border was covered. `None` if the map has too few cells for a border.
    pub border: Option<Verdict>,
    /// The place of the photo's group was covered.
    #[serde(default)]
    pub place: Option<PlaceTested>,
}

/// The answers if one place is covered.
#[derive(Deserialize, Serialize)]
pub(crate) struct PlaceTested {
    /// The first row and the first column of the place.
    pub place: [usize; 2],
    pub verdict: Verdict,
}

/// The numbers of a verdict that tables and the page show.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub finding: Finding,
    pub p: f64,
    /// The answer as it is, and if the region is covered with the first fill.
    pub before: CoveredAnswer,
    pub after: CoveredAnswer,
}

impl Change {
    /// Reads a verdict: its smallest size that changes the answer, or else its largest.
    pub fn of(verdict: &Verdict) -> Self {
        let size = shown(verdict);
        Self {
            finding: verdict.finding,
            p: verdict.p,
            before: verdict.original,
            after: size.covered[0],
        }
    }

    /// Returns whether the model gives another answer.
    pub fn is_another_answer(&self) -> bool {
        self.before.answer != self.after.answer
    }
}

/// Returns the size that a verdict is described by.
fn shown(verdict: &Verdict) -> &SizeTested {
    verdict.changes_at().unwrap_or(&verdict.sizes[verdict.sizes.len() - 1])
}

/// Counts of verdicts on the same part of several photos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub photos: usize,
    /// The photos whose score falls more than at any other place, with every fill.
    pub confirmed: usize,
    /// The photos that get another answer.
    pub changed: usize,
    /// The tries to cover as much elsewhere, and those of them that get another answer.
    pub tries: usize,
    pub changed_elsewhere: usize,
}

impl Tally {
    /// Counts verdicts.
    pub fn of<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Self {
        verdicts.fold(Self::default(), |tally, verdict| {
            let original = verdict.original.answer;
            let elsewhere = &shown(verdict).elsewhere;
            let changed = elsewhere.iter().filter(|it| it.answer != original).count();
            Self {
                photos: tally.photos + 1,
                confirmed: tally.confirmed + usize::from(verdict.finding == Finding::Confirmed),
                changed: tally.changed + usize::from(Change::of(verdict).is_another_answer()),
                tries: tally.tries + elsewhere.len(),
                changed_elsewhere: tally.changed_elsewhere + changed,
            }
        })
    }

    /// Returns whether the part decides: in most photos, no other place matters as much.
    pub fn decides(&self) -> bool {
        2 * self.confirmed > self.photos
    }
}

/// Returns whether all numbers of a verdict can be written as JSON.
pub(crate) fn is_finite(verdict: &Verdict) -> bool {
    let is_finite =
        |it: &CoveredAnswer| it.score.is_finite() && it.probability.is_none_or(f64::is_finite);
    let sizes = verdict.sizes.iter().all(|size| {
        let covered = size.covered.iter().chain(&size.middle).chain(&size.elsewhere);
        covered.into_iter().all(is_finite)
    });
    is_finite(&verdict.original) && sizes
}
