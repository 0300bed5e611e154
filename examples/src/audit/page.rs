//! The page: the summary, and every photo with where the model looked.

use std::fs;

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::Result;
use super::parts::Parts;
use super::row::{BORDER_AREA, Concern, Inside, Measured, Row};
use super::summary::{Report, label, mean, percent, shown, title};

/// More photos than this make a page that no browser likes.
const MOST_PHOTOS: usize = 1000;

#[derive(Template)]
#[template(path = "audit.html")]
struct Html<'a> {
    title: &'a str,
    version: &'a str,
    summary: Vec<String>,
    tiles: Vec<Tile>,
    boxed: bool,
    /// Whether errors of maps were estimated.
    estimated: bool,
    cards: Vec<Card<'a>>,
    /// Photos for which there is no card.
    hidden: usize,
    parts: &'a Parts,
    concerns: Vec<ConcernRow>,
    failed: Vec<(&'a str, &'a str)>,
    classes: Vec<ClassRow<'a>>,
    border_area: String,
    made: String,
    script: &'a str,
    style: &'a str,
    script_hash: String,
    style_hash: String,
}

/// A large number.
struct Tile {
    /// Which photos it counts.
    show: &'static str,
    count: usize,
    label: &'static str,
}

/// A photo. Numbers are empty where they are not known.
struct Card<'a> {
    /// Its place by file name.
    at: usize,
    file: &'a str,
    it: &'a Measured,
    concerns: Vec<&'static str>,
    codes: String,
    inside: String,
    density: String,
    half: String,
    error: String,
    /// The most important share, and what it is a share of.
    share: String,
    of: String,
    /// The same as a number, and what an even map would have.
    part: f64,
    even: f64,
    probability: String,
    details: String,
}

struct ConcernRow {
    code: &'static str,
    title: &'static str,
    count: usize,
    meaning: String,
}

/// What the photos with the same answer have in common.
struct ClassRow<'a> {
    class: usize,
    name: &'a str,
    photos: usize,
    probability: String,
    inside: String,
    area: String,
    peaks: String,
    border: String,
    half: String,
    concerned: usize,
}

impl<'a> Report<'a> {
    /// The file's text.
    pub fn to_html(&self, parts: &Parts) -> Result<String> {
        let script = include_str!("../../templates/audit.js");
        let style = include_str!("../../templates/audit.css");
        let mut cards = self.cards();
        let hidden = cards.len().saturating_sub(MOST_PHOTOS);
        cards.truncate(MOST_PHOTOS);
        let failed = self.rows.iter().filter_map(|row| {
            let error = row.outcome.as_ref().err()?;
            Some((&row.file[..], &error[..]))
        });
        let page = Html {
            title: self.title,
            version: env!("CARGO_PKG_VERSION"),
            summary: self.summary(),
            tiles: self.tiles(),
            boxed: self.insides().next().is_some(),
            estimated: self.measured().any(|it| it.error_estimate.is_some()),
            cards,
            hidden,
            parts,
            concerns: self.concerns(),
            failed: failed.collect(),
            classes: self.classes(),
            border_area: percent(BORDER_AREA),
            made: self.made(),
            script,
            style,
            script_hash: BASE64_STANDARD.encode(Sha256::digest(script)),
            style_hash: BASE64_STANDARD.encode(Sha256::digest(style)),
        };
        Ok(page.render()?)
    }

    fn tiles(&self) -> Vec<Tile> {
        let explained = self.measured().count();
        let boxed = self.insides().next().is_some();
        let label_of_all = if explained == 1 { "photo explained" } else { "photos explained" };
        let mut tiles = vec![Tile { show: "", count: explained, label: label_of_all }];
        for concern in Concern::ALL {
            let count = self.count(concern);
            // That there is none is good to know of the two that most people ask for.
            let asked = concern == Concern::Elsewhere && boxed || concern == Concern::Border;
            if count > 0 || asked {
                tiles.push(Tile { show: concern.code(), count, label: label(concern) });
            }
        }
        if explained < self.rows.len() {
            let count = self.rows.len() - explained;
            tiles.push(Tile { show: "failed", count, label: "that could not be explained" });
        }
        tiles
    }

    fn concerns(&self) -> Vec<ConcernRow> {
        let row = |concern: Concern| ConcernRow {
            code: concern.code(),
            title: title(concern),
            count: self.count(concern),
            meaning: self.meaning(concern),
        };
        Concern::ALL.into_iter().map(row).filter(|row| row.count > 0).collect()
    }

    /// Photos with the least in their boxes first, for the boxes' size, since a large box holds much by
    /// chance; then those without boxes, with the most at the border first.
    fn cards(&self) -> Vec<Card<'a>> {
        let rows = self.rows.iter().enumerate();
        let explained = rows.filter_map(|(at, row)| Some((at, row, row.outcome.as_ref().ok()?)));
        let mut cards: Vec<_> = explained.map(|(at, row, it)| self.card(at, row, it)).collect();
        cards.sort_by(|a, b| {
            let density = |card: &Card| {
                card.it.inside.as_ref().and_then(Inside::density).unwrap_or(f64::INFINITY)
            };
            let by_density = density(a).total_cmp(&density(b));
            by_density.then(b.it.border.total_cmp(&a.it.border)).then(a.at.cmp(&b.at))
        });
        cards
    }

    fn card(&self, at: usize, row: &'a Row, it: &'a Measured) -> Card<'a> {
        let concerns = it.concerns(self.expected);
        let known = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let (part, even, of) = match &it.inside {
            Some(Inside { share, area, .. }) => {
                let boxes = if it.boxes.len() > 1 { "boxes" } else { "box" };
                (*share, *area, format!("in the {boxes}, {} of the area", percent(*area)))
            }
            None => (it.border, BORDER_AREA, "at the border".to_owned()),
        };
        let mut details = Vec::new();
        if let Some(area) = it.half_area {
            details.push(format!("half lies in {} of the picture", percent(area)));
        }
        if it.inside.is_some() {
            details.push(format!("{} at the border", percent(it.border)));
        }
        if let Some(error) = it.error_estimate {
            details.push(format!("error about {}", percent(error)));
        }
        Card {
            at,
            file: &row.file,
            it,
            codes: concerns.iter().map(|it| it.code()).collect::<Vec<_>>().join(" "),
            concerns: concerns.into_iter().map(title).collect(),
            inside: known(it.inside.as_ref().map(|inside| inside.share)),
            density: known(it.inside.as_ref().and_then(Inside::density)),
            half: known(it.half_area),
            error: known(it.error_estimate),
            share: percent(part),
            of,
            part,
            even,
            probability: percent(it.probability),
            details: details.join(", "),
        }
    }

    /// The most frequent answer first.
    fn classes(&self) -> Vec<ClassRow<'a>> {
        let mut classes: Vec<usize> = self.measured().map(|it| it.class).collect();
        classes.sort_unstable();
        classes.dedup();
        let row = |class: usize| {
            let of_class = || self.measured().filter(move |it| it.class == class);
            let insides = || shown(of_class());
            let boxed = insides().count();
            let inside = |value: fn(&Inside) -> f64| mean(insides().map(value));
            ClassRow {
                class,
                name: of_class().next().map_or("", |it| &it.class_name),
                photos: of_class().count(),
                probability: mean(of_class().map(|it| it.probability)),
                inside: inside(|inside| inside.share),
                area: inside(|inside| inside.area),
                peaks: match boxed {
                    0 => String::new(),
                    _ => format!("{} of {boxed}", insides().filter(|inside| inside.peak).count()),
                },
                border: mean(of_class().map(|it| it.border)),
                half: mean(of_class().filter_map(|it| it.half_area)),
                concerned: of_class().filter(|it| !it.concerns(self.expected).is_empty()).count(),
            }
        };
        let mut rows: Vec<_> = classes.into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.photos));
        rows
    }
}

impl Card<'_> {
    /// The small picture, read only now: the page holds all of them, and nothing else does.
    fn picture(&self, parts: &Parts) -> std::io::Result<String> {
        Ok(BASE64_STANDARD.encode(fs::read(parts.thumbnail(self.file))?))
    }
}
