//! The data for the template of a page.

use askama::Template;
use saliency_photo::{Coverage, percent};

use super::data::Data;
use super::page_map::PageMap;
use super::page_test::{Outcome, PageTest, Trial};
use super::photo::small_base64;
use super::sentence::Sentence;
use super::words::{OutcomeWords, Words, filled};
use crate::color::ColorMap;
use crate::error::Result;
use crate::text::number;

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Html<'a> {
    pub(super) words: &'a Words,
    pub(super) title: &'a str,
    pub(super) page_title: String,
    pub(super) photo_name: String,
    pub(super) version: &'a str,
    /// Says which share of the photo the model was shown, unless that is the whole photo.
    pub(super) seen: Option<String>,
    /// A JPEG in Base64.
    pub(super) photo: String,
    pub(super) sentence: &'a Sentence,
    pub(super) tests: Vec<TestBlock<'a>>,
    pub(super) rows: Vec<MapRow<'a>>,
    pub(super) places: Vec<AreaRow<'a>>,
    pub(super) signed: bool,
    /// Whether the first map is one of regions.
    pub(super) first_has_regions: bool,
    pub(super) has_regions: bool,
    pub(super) palettes: Vec<PaletteOption<'a>>,
    /// Whether a map is larger than the averaged map that the page shows.
    pub(super) coarse: bool,
    pub(super) data: Data<'a>,
    pub(super) script: &'a str,
    pub(super) style: &'a str,
    pub(super) script_hash: String,
    pub(super) style_hash: String,
}

/// A colour map to choose.
pub(super) struct PaletteOption<'a> {
    name: &'a str,
    is_chosen: bool,
}

/// Whether a map was tested, and how sure everything is.
pub(super) struct TestBlock<'a> {
    outcome: &'a OutcomeWords,
    /// The class of the block in the style sheet.
    style: &'static str,
    trials: Vec<TrialBlock<'a>>,
    sure: Vec<String>,
    sentence: &'a str,
}

/// A small picture.
struct TrialBlock<'a> {
    title: &'a str,
    /// A JPEG in Base64.
    picture: String,
    answer: &'a str,
    others: &'a [String],
}

/// A row of the table of maps.
pub(super) struct MapRow<'a> {
    method: String,
    class: &'a str,
    probability: String,
    sentence: String,
    scale: String,
    verdict: &'a str,
    notes: &'a [String],
}

/// A row of the table of marked areas.
pub(super) struct AreaRow<'a> {
    name: &'a str,
    method: String,
    class: &'a str,
    share: String,
    area: String,
    peak: &'a str,
}

impl<'a> PaletteOption<'a> {
    /// Lists all colour maps. `chosen` is the one with which the page begins; `None` for the one that
    /// suits each map.
    pub(super) fn all(words: &'a Words, chosen: Option<ColorMap>) -> Vec<Self> {
        let named = ColorMap::ALL.iter().zip(words.controls.color_names);
        named.map(|(it, name)| Self { name, is_chosen: chosen == Some(*it) }).collect()
    }
}

impl<'a> TestBlock<'a> {
    pub(super) fn new(map: &'a PageMap, words: &'a Words) -> Result<Self> {
        let (outcome, style) = match map.test.as_ref().map(|test| test.outcome) {
            Some(Outcome::Confirmed) => (&words.test.confirmed, "confirmed"),
            Some(Outcome::Unsure) => (&words.test.unsure, "unsure"),
            Some(Outcome::NotConfirmed) => (&words.test.not_confirmed, "not-confirmed"),
            None => (&words.test.untested, "untested"),
        };
        let trials = match map.test.as_ref().and_then(|test| test.trials.as_ref()) {
            Some(trials) => vec![
                TrialBlock::new(&trials.shown, words.test.shown)?,
                TrialBlock::new(&trials.covered, words.test.covered)?,
                TrialBlock::new(&trials.elsewhere, words.test.elsewhere)?,
            ],
            None => Vec::new(),
        };
        let sentence = map.test.as_ref().map_or("", |test| &test.sentence);
        Ok(Self { outcome, style, trials, sure: sure(map, words), sentence })
    }
}

/// Says how sure the answer, the map and its test are.
fn sure(map: &PageMap, words: &Words) -> Vec<String> {
    let probability = map
        .probability
        .map(|probability| filled(words.sure.answer, &[("probability", &percent(probability))]));
    let error = match map.error {
        Some(error) => filled(words.sure.map, &[("error", &percent(error))]),
        None => words.sure.map_unknown.to_owned(),
    };
    let luck = map.test.as_ref().and_then(|test: &PageTest| test.luck);
    let luck = luck.map(|luck| filled(words.sure.test, &[("luck", &percent(luck))]));
    probability.into_iter().chain([error]).chain(luck).collect()
}

impl<'a> TrialBlock<'a> {
    fn new(trial: &'a Trial, title: &'a str) -> Result<Self> {
        let (answer, others) = match trial.answers.split_first() {
            Some((answer, others)) => (answer.as_str(), others),
            None => ("", &[][..]),
        };
        Ok(Self { title, picture: small_base64(&trial.picture)?, answer, others })
    }
}

impl<'a> MapRow<'a> {
    pub(super) fn new(map: &'a PageMap, method: &str, sentence: &Sentence) -> Self {
        Self {
            method: method.to_owned(),
            class: &map.class,
            probability: map.probability.map_or(String::new(), percent),
            sentence: sentence.to_string(),
            scale: number(map.scaled.scale()),
            verdict: map.test.as_ref().map_or("", |test| &test.sentence),
            notes: &map.notes,
        }
    }
}

impl<'a> AreaRow<'a> {
    pub(super) fn new(
        name: &'a str,
        map: &'a PageMap,
        method: &str,
        coverage: Coverage,
        words: &'a Words,
    ) -> Self {
        Self {
            name,
            method: method.to_owned(),
            class: &map.class,
            share: percent(coverage.share),
            area: percent(coverage.area),
            peak: if coverage.peak { words.tables.yes } else { words.tables.no },
        }
    }
}
