//! Describes oddities of boxes in words: one sentence for each kind, with its count and the first
//! case.

use crate::boxes::{BoxFacts, Fit, OtherSize, Placing};
use crate::findings::BoxCounts;
use crate::row::Row;

/// Returns the sentences about a file of boxes.
pub(crate) fn about_boxes(facts: &BoxFacts, rows: &[Row]) -> Vec<String> {
    let sizes = [Fit::Scaled, Fit::Turned, Fit::Unlike].map(|fit| about_sizes(fit, rows));
    let names = [missing(&facts.without_photo), ambiguous(&facts.ambiguous)];
    let all = [odd_boxes(facts, rows)].into_iter().chain(sizes).chain(names);
    all.flatten().collect()
}

/// Describes how many boxes were clipped or left out.
fn odd_boxes(facts: &BoxFacts, rows: &[Row]) -> Option<String> {
    let BoxCounts { boxes, clipped, left_out, unlisted, .. } = BoxCounts::new(facts, rows);
    let mut parts = Vec::new();
    if clipped > 0 {
        parts.push(format!("{} clipped to the photo", were(clipped)));
    }
    if left_out > 0 {
        parts.push(format!("{} left out", were(left_out)));
    }
    if unlisted > 0 {
        let have = if unlisted == 1 { "has" } else { "have" };
        parts.push(format!("{unlisted} {have} a category that the file does not list"));
    }
    let (first_part, others) = parts.split_first()?;
    // Write the number of all boxes after the first number.
    let (count, rest) = first_part.split_once(' ')?;
    let noun = if boxes == 1 { "box" } else { "boxes" };
    let mut sentence = format!("{count} of {boxes} {noun} {rest}");
    for part in others {
        sentence += &format!(", {part}");
    }
    let placed =
        placings(rows).find_map(|it| Some(format!("{}: {}", it.file, it.placing.first.as_ref()?)));
    if let Some(first) = facts.first.clone().or(placed) {
        sentence += &format!("; first: {first}");
    }
    Some(sentence + ".")
}

/// Describes how many photos have boxes that were drawn on a picture of another size.
fn about_sizes(fit: Fit, rows: &[Row]) -> Option<String> {
    let all = || {
        let size = |it: PlacedRow| it.placing.other_size.filter(|it| it.fit == fit);
        placings(rows).filter_map(move |it| Some((it.file, size(it)?)))
    };
    let (file, OtherSize { drawn_on: [width, height], photo, .. }) = all().next()?;
    let photos = match all().count() {
        1 => "1 photo".to_owned(),
        count => format!("{count} photos"),
    };
    let [photo_width, photo_height] = photo;
    let first = format!(
        "first: {file}, drawn on {width} x {height}, the photo has {photo_width} x {photo_height}"
    );
    Some(match fit {
        Fit::Scaled => format!(
            "The boxes of {photos} were drawn on a picture of another size and were scaled; {first}."
        ),
        Fit::Turned => format!(
            "The boxes of {photos} were left out because width and height are swapped: the tool ignored \
             the photo's EXIF orientation, so draw them on upright photos; {first}."
        ),
        Fit::Unlike => format!(
            "The boxes of {photos} were left out because they were drawn on a picture of another \
             aspect; {first}."
        ),
    })
}

fn missing(names: &[String]) -> Option<String> {
    let first = names.first()?;
    Some(match names.len() {
        1 => format!("1 file with boxes is not in the folder: {first}."),
        count => format!("{count} files with boxes are not in the folder, such as {first}."),
    })
}

fn ambiguous(names: &[String]) -> Option<String> {
    let first = names.first()?;
    Some(format!(
        "The boxes of {} names were left out because several of them stand for one photo of the folder, \
         such as {first}.",
        names.len()
    ))
}

/// Describes how the boxes of one photo were changed, or returns `None` if they are as they were
/// drawn.
pub(crate) fn about_photo(placing: &Placing) -> Option<String> {
    let Placing { drawn, clipped, left_out, other_size, .. } = placing;
    let mut notes = Vec::new();
    if *clipped > 0 {
        notes.push(format!("{clipped} of {drawn} clipped"));
    }
    if *left_out > 0 {
        notes.push(format!("{left_out} of {drawn} left out"));
    }
    if let Some(OtherSize { drawn_on: [width, height], fit, .. }) = other_size {
        let done = match fit {
            Fit::Scaled => "scaled",
            Fit::Turned | Fit::Unlike => "left out",
        };
        notes.push(format!("drawn on {width} x {height}, {done}"));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// A photo, and how its boxes were placed in it.
struct PlacedRow<'a> {
    file: &'a str,
    placing: &'a Placing,
}

fn placings(rows: &[Row]) -> impl Iterator<Item = PlacedRow<'_>> {
    rows.iter().filter_map(|row| {
        let placing = row.outcome.as_ref().ok()?.placing.as_ref()?;
        Some(PlacedRow { file: &row.file, placing })
    })
}

/// Returns a count with its verb.
fn were(count: usize) -> String {
    format!("{count} {}", if count == 1 { "was" } else { "were" })
}
