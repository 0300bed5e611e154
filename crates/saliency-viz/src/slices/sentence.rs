//! The sentence of a page of slices.

use saliency_photo::{Reduce, percent};

use super::{KindWords, strongest};

/// The most stretches of slices that the sentence lists.
const LISTED: usize = 4;

/// Says what the model answered, and in which slices the map is strongest.
pub(super) fn sentence(
    class: &str,
    prediction: Option<f64>,
    reduction: Reduce,
    words: KindWords,
    strengths: &[f64],
) -> String {
    let answer = match prediction {
        Some(probability) => format!("The model says {class} ({}).", percent(probability)),
        None => format!("This is about {class}."),
    };
    let reason = match (reduction, prediction.is_some()) {
        (Reduce::Negative, true) => "spoke against it",
        (Reduce::Negative, false) => "speaks against that",
        (_, true) => "made it say so",
        (_, false) => "speaks for that",
    };
    let KindWords { whole, parts, .. } = words;
    let holding = holding_half(strengths);
    if holding.is_empty() {
        return format!("{answer} Nothing in the {whole} {reason}.");
    }
    let most = match holding.len() {
        1 => String::new(),
        _ => format!(", most of all in {}", strongest(strengths) + 1),
    };
    let (count, all) = (holding.len(), strengths.len());
    let numbers = stretches(&holding);
    format!("{answer} Half of what {reason} lies in {count} of {all} {parts}: {numbers}{most}.")
}

/// Returns the fewest slices that hold half of the total, ascending.
fn holding_half(strengths: &[f64]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..strengths.len()).filter(|&at| strengths[at] > 0.0).collect();
    // Of equally strong slices the first ones.
    sorted.sort_by(|&a, &b| strengths[b].total_cmp(&strengths[a]));
    let half = 0.5 * sorted.iter().map(|&at| strengths[at]).sum::<f64>();
    let mut held = 0.0;
    let enough = sorted.iter().position(|&at| {
        held += strengths[at];
        held >= half
    });
    sorted.truncate(enough.map_or(sorted.len(), |last| last + 1));
    sorted.sort_unstable();
    sorted
}

/// Writes ascending slices as numbers from 1, for example "3, 17 to 19 and 25".
fn stretches(slices: &[usize]) -> String {
    let mut stretches: Vec<[usize; 2]> = Vec::new();
    for &slice in slices {
        match stretches.last_mut() {
            Some([_, last]) if *last + 1 == slice => *last = slice,
            _ => stretches.push([slice, slice]),
        }
    }
    let mut listed: Vec<String> = stretches
        .iter()
        .take(LISTED)
        .map(|[first, last]| match last - first {
            0 => format!("{}", first + 1),
            1 => format!("{} and {}", first + 1, last + 1),
            _ => format!("{} to {}", first + 1, last + 1),
        })
        .collect();
    let left: usize = stretches.iter().skip(LISTED).map(|[first, last]| last - first + 1).sum();
    if left > 0 {
        listed.push(format!("{left} more"));
    }
    match listed.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => listed.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::Kind;

    fn said(strengths: &[f64], prediction: Option<f64>, reduction: Reduce) -> String {
        sentence("lesion", prediction, reduction, Kind::Volume.words(), strengths)
    }

    #[test]
    fn the_sentence_names_the_fewest_slices_that_hold_half() {
        let strengths = [1.0, 0.0, 3.0, 5.0, 4.0, 0.0, 2.0, 3.0];
        let start = "The model says lesion (93 %). Half of what made it say so lies in";
        let found = said(&strengths, Some(0.93), Reduce::Sum);
        assert_eq!(found, format!("{start} 2 of 8 slices: 4 and 5, most of all in 4."));
        let found = said(&[0.0, 2.0, 0.5], Some(0.93), Reduce::Sum);
        assert_eq!(found, format!("{start} 1 of 3 slices: 2."));
        let found = said(&[1.0, 0.0], None, Reduce::Negative);
        let about = "This is about lesion. Half of what speaks against that lies in";
        assert_eq!(found, format!("{about} 1 of 2 slices: 1."));
        let found = said(&[0.0; 3], Some(0.93), Reduce::AbsoluteSum);
        assert_eq!(found, "The model says lesion (93 %). Nothing in the volume made it say so.");
        let frames = sentence("run", None, Reduce::Sum, Kind::Video.words(), &[1.0, 1.0, 1.0]);
        let about = "This is about run. Half of what speaks for that lies in 2 of 3 frames:";
        assert_eq!(frames, format!("{about} 1 and 2, most of all in 1."));
    }

    #[test]
    fn slices_in_a_row_are_one_stretch_and_many_stretches_are_counted() {
        assert_eq!(stretches(&[2, 16, 17, 18, 24]), "3, 17 to 19 and 25");
        assert_eq!(stretches(&[0, 2, 4, 6, 8, 10, 11]), "1, 3, 5, 7 and 3 more");
        assert_eq!(stretches(&[4]), "5");
    }
}
