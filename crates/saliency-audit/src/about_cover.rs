//! Says in words what covering found.

use saliency_metrics::Verdict;
use saliency_photo::{ClassNames, percent as plain_percent};

use crate::intervals;
use crate::tested::{Change, Tally, Tested};

/// Says what covering found for one photo, a sentence for each part that was covered.
pub(crate) fn about_photo(tested: &Tested, classes: &ClassNames) -> Vec<String> {
    let mut sentences = vec![tested.brightest.sentence(|class| quoted(classes, class))];
    let part = |what: &str, verdict: &Verdict| {
        format!("If {what} is covered, {}.", effect(&Change::of(verdict), classes))
    };
    sentences.extend(tested.marked.as_ref().map(|it| part("the marked box", it)));
    sentences.extend(tested.border.as_ref().map(|it| part("the border", it)));
    let place = tested.place.as_ref().map(|it| &it.verdict);
    sentences.extend(place.map(|it| part("the place of its group", it)));
    sentences
}

fn quoted(classes: &ClassNames, class: usize) -> String {
    format!("“{}”", classes.name(class))
}

/// Says what the model answers about a covered photo.
fn effect(change: &Change, classes: &ClassNames) -> String {
    let Change { before, after, .. } = change;
    let figures = match (before.probability, after.probability) {
        (Some(from), Some(to)) => format!("{:.0} % -> {:.0} %", 100.0 * from, 100.0 * to),
        _ => format!("score {:.2} -> {:.2}", before.score, after.score),
    };
    let (was, is) = (quoted(classes, before.answer), quoted(classes, after.answer));
    if change.is_another_answer() {
        format!("the model no longer says {was} but {is} ({figures})")
    } else {
        format!("the model still says {was} ({figures})")
    }
}

/// Says in how many photos the answer changes if one part is covered, and how often if as much is
/// covered elsewhere.
pub(crate) fn about_part(what: &str, tally: &Tally) -> String {
    let Tally { photos, changed, tries, changed_elsewhere, .. } = *tally;
    let elsewhere = changed_elsewhere as f64 / tries.max(1) as f64;
    format!(
        "If {what} is covered, the answer changes in {}; if as much is covered elsewhere, in {} of the \
         tries",
        count_of(changed, photos),
        plain_percent(elsewhere).replace(" %", "\u{a0}%")
    )
}

/// Writes a count with its share: "31 of 36 photos (86 %, between 71 and 94 %)".
pub(crate) fn count_of(count: usize, all: usize) -> String {
    let noun = if all == 1 { "photo" } else { "photos" };
    format!("{count} of {all} {noun}{}", share_of(count, all))
}

/// Writes a share with its interval, in brackets and after a space. Returns an empty text if there
/// are so few photos that the interval says nothing.
pub(crate) fn share_of(count: usize, all: usize) -> String {
    if all < FEWEST {
        return String::new();
    }
    let share = plain_percent(count as f64 / all as f64).replace(" %", "\u{a0}%");
    format!(" ({share}, {})", intervals::in_words(intervals::of_share(count, all)))
}

/// With fewer photos, an interval spans more than half of all shares.
const FEWEST: usize = 5;
