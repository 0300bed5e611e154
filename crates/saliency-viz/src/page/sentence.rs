//! The sentence on top of a page, in plain words.

use std::fmt;

use saliency_photo::{Footprint, Map, MarkedArea, Place, Reduce, percent};

use super::page_map::PageMap;
use super::words::{SentenceWords, filled};
use crate::places::{MOST, is_large};

/// A marked area, and the share that it covers of each pixel of the sentence's map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marked<'a> {
    pub(super) area: &'a MarkedArea,
    pub(super) footprint: &'a Footprint,
}

/// The model's answer, and how little of the picture holds half of the reason for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sentence {
    pub(super) answer: String,
    pub(super) place: String,
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.answer, self.place)
    }
}

impl Sentence {
    /// Writes the sentence. `region_share` is the share of the photo that the model was shown.
    pub(super) fn new(
        map: &PageMap,
        marked: &[Marked],
        region_share: f64,
        words: &SentenceWords,
    ) -> Self {
        let PageMap { class, scaled, predicted, .. } = map;
        let reason = match (scaled.map().reduction(), predicted) {
            (Reduce::Negative, true) => words.against_predicted,
            (Reduce::Negative, false) => words.against_asked,
            (_, true) => words.for_predicted,
            (_, false) => words.for_asked,
        };
        let probability = map.probability.map_or(String::new(), percent);
        let answer = match map.probability {
            Some(_) if *predicted => words.predicted,
            Some(_) => words.asked,
            None => words.unknown,
        };
        Self {
            answer: filled(answer, &[("class", class), ("probability", &probability)]),
            place: place(map, marked, region_share, reason, words),
        }
    }
}

/// Writes where half of the reason lies.
fn place(
    page_map: &PageMap,
    marked: &[Marked],
    region_share: f64,
    reason: &str,
    words: &SentenceWords,
) -> String {
    let map = page_map.scaled.map();
    let Some(half) = map.area_holding(MOST) else {
        return filled(words.nothing, &[("reason", reason)]);
    };
    let share = percent(half.share * region_share);
    let area = match area_of_half(map, half.weakest, marked) {
        Some(area) => filled(words.area, &[("name", area.name())]),
        None => String::new(),
    };
    if !page_map.of_regions {
        return filled(words.half, &[("reason", reason), ("share", &share), ("area", &area)]);
    }
    let places = map.places(MOST);
    let cells: usize = places.iter().map(|place| place.pixels.len()).sum();
    let (cells, all) = (cells.to_string(), map.values().len().to_string());
    let values = [
        ("reason", reason),
        ("cells", &cells),
        ("all", &all),
        ("places", &in_places(&places, words)),
        ("share", &share),
        ("area", &area),
    ];
    filled(words.half_of_regions, &values)
}

/// Writes in how many places the regions are. If some places are large and others small, it counts
/// those that the page draws, as long as they hold most.
fn in_places(places: &[Place], words: &SentenceWords) -> String {
    let held = |places: &mut dyn Iterator<Item = &Place>| places.map(|it| it.share).sum::<f64>();
    let large = places.iter().filter(|place| is_large(place));
    let of_large = held(&mut large.clone());
    let count = large.count();
    if count < places.len() && of_large > 0.5 * held(&mut places.iter()) {
        counted(count, words.mostly_one_place, words.mostly_places, words)
    } else {
        counted(places.len(), words.one_place, words.places, words)
    }
}

/// Writes a number of places, a small one as a word.
fn counted(places: usize, one: &str, several: &str, words: &SentenceWords) -> String {
    match places.checked_sub(2) {
        Some(above_two) => {
            let digits = places.to_string();
            let count = words.numbers.get(above_two).copied().unwrap_or(&digits);
            filled(several, &[("count", count)])
        }
        None => one.to_owned(),
    }
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
