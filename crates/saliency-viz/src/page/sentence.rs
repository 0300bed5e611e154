//! The sentence on top of a page, in plain words.

use saliency_photo::{Footprint, Map, MarkedArea, Reduce};

use super::page_map::PageMap;
use saliency_photo::percent;

/// A marked area, and the share that it covers of each pixel of the sentence's map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marked<'a> {
    pub(super) area: &'a MarkedArea,
    pub(super) footprint: &'a Footprint,
}

/// Writes the model's decision, and how little of the picture holds half of the reason for it.
/// `region_share` is the share of the photo that the model was shown.
pub(super) fn sentence(map: &PageMap, marked: &[Marked], region_share: f64) -> String {
    let PageMap { class, scaled, predicted, .. } = map;
    let says = match map.probability.map(percent) {
        Some(probability) if *predicted => format!("The model says {class} ({probability})."),
        Some(probability) => format!("The model gives {class} {probability}."),
        None => format!("This is about {class}."),
    };
    let reason = match (scaled.map().reduction(), predicted) {
        (Reduce::Negative, true) => "spoke against it",
        (Reduce::Negative, false) => "speaks against that",
        (_, true) => "made it say so",
        (_, false) => "speaks for that",
    };
    let Some(half) = scaled.map().area_holding(0.5) else {
        return format!("{says} Nothing in the picture {reason}.");
    };
    let share = percent(half.share * region_share);
    let place = match area_of_half(scaled.map(), half.weakest, marked) {
        Some(area) => format!(": {}", area.name()),
        None => String::new(),
    };
    format!("{says} Half of what {reason} lies in {share} of the picture{place}.")
}

/// Finds the smallest marked area that holds at least two thirds of the values at or above
/// `weakest`.
fn area_of_half<'a>(map: &Map, weakest: f64, marked: &[Marked<'a>]) -> Option<&'a MarkedArea> {
    let holds_it = |marked: &&Marked| {
        let (mut all, mut inside) = (0.0, 0.0);
        for (value, covered) in map.positive_values().zip(marked.footprint.shares()) {
            if value >= weakest {
                all += value;
                inside += value * covered;
            }
        }
        inside >= all * 2.0 / 3.0
    };
    let holding = marked.iter().filter(holds_it);
    let smallest = holding.min_by(|a, b| a.footprint.area().total_cmp(&b.footprint.area()));
    smallest.map(|marked| marked.area)
}
