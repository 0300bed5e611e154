//! The page: the summary, and every photo with the map over it.

use std::fs;

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use saliency_metrics::Finding;
use sha2::{Digest as _, Sha256};

use crate::about_cover;
use crate::border::BORDER_AREA;
use crate::error::{Error, Result};
use crate::groups::{self, Group};
use crate::mean_map;
use crate::parts::Parts;
use crate::remarks::about_photo;
use crate::row::{Concern, Inside, Measured, Row};
use crate::summary::{Report, label, mean, percent, shown, title};

/// The largest number of photos on a page. With more, it would be too large for a browser.
const MOST_PHOTOS: usize = 1000;

#[derive(Template)]
#[template(path = "audit.html")]
struct Html<'a> {
    title: &'a str,
    version: &'a str,
    headline: String,
    summary: Vec<String>,
    remarks: &'a [String],
    tiles: Vec<Tile>,
    boxed: bool,
    /// Whether errors of maps were estimated.
    estimated: bool,
    /// Whether photos were covered.
    tested: bool,
    groups: Vec<GroupCard>,
    cards: Vec<Card<'a>>,
    /// How many photos have no card.
    hidden: usize,
    parts: &'a Parts,
    concerns: Vec<ConcernRow>,
    failed: Vec<(&'a str, &'a str)>,
    classes: Vec<ClassRow<'a>>,
    /// Whether there are maps whose mean can be shown.
    mapped: bool,
    border_area: String,
    made: String,
    script: &'a str,
    style: &'a str,
    script_hash: String,
    style_hash: String,
}

/// A button with a large number. It shows the photos that the number counts.
struct Tile {
    /// The concern of these photos.
    show: &'static str,
    count: usize,
    label: &'static str,
}

/// A group of photos whose maps agree in place.
struct GroupCard {
    /// Its name in the menu of photos that are shown.
    code: String,
    place: &'static str,
    title: String,
    text: String,
    photos: usize,
    /// The mean map, a PNG in Base64.
    map: String,
}

/// A photo. Unknown numbers are empty.
struct Card<'a> {
    /// The place of the photo in the order of file names.
    at: usize,
    file: &'a str,
    it: &'a Measured,
    concerns: Vec<&'static str>,
    /// Whether the share below is a reason to look at the photo.
    is_odd: bool,
    codes: String,
    inside: String,
    density: String,
    half: String,
    error: String,
    /// The most important share, with a description of it.
    share: String,
    of: String,
    /// The address of the photo in full size. Empty if it has no address.
    link: String,
    /// The names of the boxes.
    names: String,
    /// The same share as a number, and the share that an even map would have.
    part: f64,
    even: f64,
    probability: String,
    details: String,
    /// 0 if the map is not confirmed by covering, 1 if it is not certain, 2 otherwise.
    unconfirmed: u8,
    /// The verdict of covering in few words. Empty if the photo was not covered.
    verdict: &'static str,
    /// What covering found.
    found: Vec<String>,
    /// The place of its group. Empty if it is in none.
    group: &'static str,
}

struct ConcernRow {
    code: &'static str,
    title: &'static str,
    count: usize,
    meaning: String,
}

/// A row of the table of answers: figures of all photos with one answer.
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
    /// The mean map, a PNG in Base64. Empty if there is none.
    map: String,
}

impl<'a> Report<'a> {
    /// Returns the text of the page.
    pub fn to_html(&self, parts: &Parts) -> Result<String> {
        let script = include_str!("../templates/audit.js");
        let style = include_str!("../templates/audit.css");
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
            headline: self.headline(),
            summary: self.details(),
            remarks: self.remarks,
            tiles: self.tiles(),
            boxed: self.insides().next().is_some(),
            estimated: self.measured().any(|it| it.error_estimate.is_some()),
            tested: self.tested().next().is_some(),
            groups: self.group_cards()?,
            cards,
            hidden,
            parts,
            concerns: self.concerns(),
            failed: failed.collect(),
            classes: self.classes()?,
            mapped: self.measured().any(|it| it.grid.is_some()),
            border_area: percent(BORDER_AREA),
            made: self.made(),
            script,
            style,
            script_hash: BASE64_STANDARD.encode(Sha256::digest(script)),
            style_hash: BASE64_STANDARD.encode(Sha256::digest(style)),
        };
        page.render().map_err(|error| Error::encode("audit.html")(error.into()))
    }

    /// Counts the photos that were explained, those that raise each concern, and those that failed.
    fn tiles(&self) -> Vec<Tile> {
        let explained = self.measured().count();
        let boxed = self.insides().next().is_some();
        let label_of_all = if explained == 1 { "photo explained" } else { "photos explained" };
        let mut tiles = vec![Tile { show: "", count: explained, label: label_of_all }];
        for concern in Concern::ALL {
            let count = self.count(concern);
            // Show these two even if no photo raises them, because most people ask for them.
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

    /// Lists the concerns that some photo raises.
    fn concerns(&self) -> Vec<ConcernRow> {
        let row = |concern: Concern| ConcernRow {
            code: concern.code(),
            title: title(concern),
            count: self.count(concern),
            meaning: self.meaning(concern),
        };
        Concern::ALL.into_iter().map(row).filter(|row| row.count > 0).collect()
    }

    /// Describes the groups.
    fn group_cards(&self) -> Result<Vec<GroupCard>> {
        let card = |(at, group): (usize, &Group)| {
            let words = group.in_words(self);
            let rows = group.members.iter().map(|&row| &self.rows[row]);
            Ok(GroupCard {
                code: code_of(at),
                place: group.place.in_words(),
                title: words.title,
                text: words.sentences.join(" "),
                photos: group.members.len(),
                map: mean_map::png(&mean_of(rows.filter_map(measured_in)), Some(group.place))?,
            })
        };
        self.groups.iter().enumerate().map(card).collect()
    }

    /// Makes the cards. Photos whose map is not confirmed come first, then photos whose map is not
    /// certain. Of equal ones, photos whose boxes hold the least come first. This is relative to the
    /// size of the boxes, because a large box holds much by chance. Then follow photos whose boxes
    /// cover nearly everything, and photos without boxes. Of these, photos with the most at the
    /// border come first.
    fn cards(&self) -> Vec<Card<'a>> {
        let rows = self.rows.iter().enumerate();
        let explained = rows.filter_map(|(at, row)| Some((at, row, row.outcome.as_ref().ok()?)));
        let mut cards: Vec<_> = explained.map(|(at, row, it)| self.card(at, row, it)).collect();
        cards.sort_by(|a, b| {
            let density = |card: &Card| {
                card.it.inside.as_ref().and_then(Inside::density).unwrap_or(f64::INFINITY)
            };
            let by_density = density(a).total_cmp(&density(b));
            a.unconfirmed
                .cmp(&b.unconfirmed)
                .then(by_density)
                .then(b.it.border.total_cmp(&a.it.border))
                .then(a.at.cmp(&b.at))
        });
        cards
    }

    fn card(&self, at: usize, row: &'a Row, it: &'a Measured) -> Card<'a> {
        let concerns = it.concerns(self.expected);
        let mut codes: Vec<String> = concerns.iter().map(|it| it.code().to_owned()).collect();
        let group = self.groups.iter().position(|group| group.members.contains(&at));
        codes.extend(group.map(code_of));
        let known = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let (part, error, even, of) = match &it.inside {
            Some(Inside { share, error, area, .. }) => {
                let boxes = if it.boxes.len() > 1 { "boxes" } else { "box" };
                (*share, *error, *area, format!("in the {boxes}, {} of the area", percent(*area)))
            }
            None => (it.border, it.border_error, BORDER_AREA, "at the border".to_owned()),
        };
        Card {
            at,
            file: &row.file,
            link: self.links.get(at).cloned().unwrap_or_default(),
            names: names(it),
            it,
            codes: codes.join(" "),
            is_odd: concerns.iter().any(|it| matches!(it, Concern::Elsewhere | Concern::Border)),
            concerns: concerns.into_iter().map(title).collect(),
            inside: known(it.inside.as_ref().map(|inside| inside.share)),
            density: known(it.inside.as_ref().and_then(Inside::density)),
            half: known(it.half_area),
            error: known(it.error_estimate),
            share: with_error(part, error),
            of,
            part,
            even,
            probability: percent(it.probability),
            details: details(it),
            unconfirmed: match it.finding() {
                Some(Finding::NotConfirmed) => 0,
                Some(Finding::FillsDisagree) => 1,
                _ => 2,
            },
            verdict: verdict(it),
            found: match &it.tested {
                Some(Ok(tested)) => about_cover::about_photo(tested, self.classes),
                Some(Err(reason)) => vec![format!("Not tested: {reason}.")],
                None => Vec::new(),
            },
            group: group.map_or("", |group| self.groups[group].place.in_words()),
        }
    }

    /// Lists the answers, the most frequent first.
    fn classes(&self) -> Result<Vec<ClassRow<'a>>> {
        let mut classes: Vec<usize> = self.measured().map(|it| it.class).collect();
        classes.sort_unstable();
        classes.dedup();
        let rows = classes.into_iter().map(|class| self.class_row(class));
        let mut rows = rows.collect::<Result<Vec<_>>>()?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.photos));
        Ok(rows)
    }

    fn class_row(&self, class: usize) -> Result<ClassRow<'a>> {
        let of_class = || self.measured().filter(move |it| it.class == class);
        let insides = || shown(of_class());
        let (boxed, peaks) = (insides().count(), insides().filter(|inside| inside.peak).count());
        let has_map = of_class().any(|it| it.grid.is_some());
        let map = has_map.then(|| mean_map::png(&mean_of(of_class()), None)).transpose()?;
        Ok(ClassRow {
            class,
            name: of_class().next().map_or("", |it| &it.class_name),
            photos: of_class().count(),
            probability: mean(of_class().map(|it| it.probability)),
            inside: mean(insides().map(|inside| inside.share)),
            area: mean(insides().map(|inside| inside.area)),
            peaks: if boxed == 0 { String::new() } else { format!("{peaks} of {boxed}") },
            border: mean(of_class().map(|it| it.border)),
            half: mean(of_class().filter_map(|it| it.half_area)),
            concerned: of_class().filter(|it| !it.concerns(self.expected).is_empty()).count(),
            map: map.unwrap_or_default(),
        })
    }
}

fn measured_in(row: &Row) -> Option<&Measured> {
    row.outcome.as_ref().ok()
}

/// Averages the maps of photos that have one.
fn mean_of<'a>(photos: impl Iterator<Item = &'a Measured>) -> Vec<f64> {
    let maps: Vec<_> = photos.filter_map(|it| Some(it.grid.as_ref()?.spread())).collect();
    groups::mean_map(maps.iter())
}

/// Returns the name of a group in the menu of photos that are shown.
fn code_of(group: usize) -> String {
    format!("group-{}", group + 1)
}

/// Says the verdict of covering in few words. Returns an empty text if the photo was not covered.
fn verdict(it: &Measured) -> &'static str {
    match (&it.tested, it.finding()) {
        (None, _) => "",
        (_, Some(Finding::Confirmed)) => "Confirmed by covering",
        (_, Some(Finding::NotConfirmed)) => "Not confirmed by covering",
        (_, Some(_)) => "Not certain: it depends on the cover",
        (Some(_), None) => "Not tested by covering",
    }
}

/// Lists the names of a photo's boxes, each once.
fn names(it: &Measured) -> String {
    let mut names: Vec<&str> = Vec::new();
    for marked in &it.boxes {
        if !names.contains(&&marked.name[..]) {
            names.push(&marked.name);
        }
    }
    names.join(", ")
}

/// Writes a share with its estimated error, if this is known: "41 % ± 1". An error below half a point
/// is not written.
fn with_error(share: f64, error: Option<f64>) -> String {
    match error.map(|error| (100.0 * error).round()) {
        Some(points) if points >= 1.0 => format!("{} ± {points}", percent(share)),
        _ => percent(share),
    }
}

/// Returns the less important measurements of a photo, in words.
fn details(it: &Measured) -> String {
    let mut details = Vec::new();
    if let Some(area) = it.half_area {
        details.push(format!("half lies in {} of the picture", percent(area)));
    }
    if it.inside.is_some() {
        details.push(format!("{} at the border", with_error(it.border, it.border_error)));
    }
    if let Some(error) = it.error_estimate {
        details.push(format!("error about {}", percent(error)));
    }
    details.extend(it.placing.as_ref().and_then(about_photo).map(|it| format!("boxes: {it}")));
    details.join(", ")
}

impl Card<'_> {
    /// Reads the small picture. It is read only when the page is written, so that no other part of
    /// the program holds all pictures in memory.
    fn picture(&self, parts: &Parts) -> std::io::Result<String> {
        Ok(BASE64_STANDARD.encode(fs::read(parts.thumbnail(self.file))?))
    }
}
