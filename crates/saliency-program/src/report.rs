//! What `explain --json` prints about a photo, for other programs.

use std::fmt;
use std::path::{Path, PathBuf};

use saliency::metrics::CoveredAnswer;
use saliency::photo::{ClassNames, Map, percent};
use serde::Serialize;

use crate::cover::CoverTested;
use crate::pictures::{Explained, PhotoPictures, Written};

/// The answers about one photo. A line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct PhotoReport<'a> {
    /// The photo's file; none for the photo that ships.
    photo: Option<&'a Path>,
    /// The beginning of the names of its files.
    name: &'a str,
    /// The five classes that the model finds likeliest.
    likeliest: &'a [LikelyClass],
    explained: Vec<ExplainedReport>,
    files: Vec<PathBuf>,
}

/// A class, and how likely the model finds it.
#[derive(Clone, Debug, Serialize)]
pub struct LikelyClass {
    /// Its number.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Its probability, between 0 and 1.
    pub probability: f64,
}

/// One method's answer about one class.
#[derive(Clone, Debug, Serialize)]
struct ExplainedReport {
    method: &'static str,
    class: usize,
    class_name: String,
    instead_of: Option<usize>,
    probability: f64,
    is_predicted: bool,
    score: f64,
    baseline_score: Option<f64>,
    /// How many gradients were taken.
    gradients: usize,
    completeness_gap: Option<f64>,
    /// The estimated relative error of the map.
    error_estimate: Option<f64>,
    /// Whether the tolerance was reached, if there is one.
    converged: Option<bool>,
    warnings: Vec<String>,
    /// The few regions that hold half of the map, if it is a map of regions.
    half: Option<HalfOfRegions>,
    /// What the model says if the brightest parts are covered, unless `--no-cover` is given.
    cover_test: Option<CoverReport>,
    boxes: Vec<BoxReport>,
}

/// What the model says if the brightest parts are covered.
#[derive(Clone, Debug, Serialize)]
struct CoverReport {
    finding: &'static str,
    /// The probability that a map which knows nothing of the model does as well.
    p: f64,
    /// The mean fall of the score.
    fall: f64,
    sentence: String,
    /// The share of the regions that the sentence and the answers are about.
    size: f64,
    /// The answer for the photo as it is.
    shown: AnswerReport,
    /// The answer if the brightest regions are covered.
    covered: AnswerReport,
    /// The answer if as many are covered elsewhere, by the draw in the middle of all.
    elsewhere: AnswerReport,
}

/// The model's answer for a picture.
#[derive(Clone, Debug, Serialize)]
struct AnswerReport {
    class: usize,
    name: String,
    /// The probability of the answer.
    probability: Option<f64>,
    /// The probability of the class that is explained.
    explained: Option<f64>,
}

/// The few regions that hold half of a map.
#[derive(Clone, Debug, Serialize)]
pub struct HalfOfRegions {
    /// How many regions hold half.
    regions: usize,
    /// How many regions the photo has.
    of: usize,
    /// Regions that touch are one place. The one with the largest share is the first.
    places: Vec<PlaceReport>,
}

/// Regions that touch.
#[derive(Clone, Debug, Serialize)]
struct PlaceReport {
    regions: usize,
    /// The share of the map that they hold.
    share: f64,
}

/// How much of the attribution is in the boxes of one name.
#[derive(Clone, Debug, Serialize)]
struct BoxReport {
    name: String,
    /// The share of the attribution inside.
    share: f64,
    /// The share of what the model was shown that is inside.
    area: f64,
    /// Whether the largest value is inside.
    peak: bool,
}

impl<'a> PhotoReport<'a> {
    /// Collects the answers about a photo.
    pub fn new(
        pictures: &PhotoPictures<'a>,
        likeliest: &'a [LikelyClass],
        written: Written,
    ) -> Self {
        let Written { files, boxes } = written;
        let classes = pictures.classes;
        let report = |(at, it): (usize, &Explained)| {
            let map = &it.map;
            let of_it = boxes.iter().filter(|measured| measured.explained == at);
            ExplainedReport {
                method: it.method.name(),
                class: it.class,
                class_name: classes.name(it.class),
                instead_of: pictures.instead_of,
                probability: it.probability,
                is_predicted: it.is_predicted,
                score: map.scores[0],
                baseline_score: map.baseline_scores.as_ref().map(|scores| scores[0]),
                gradients: map.evaluations[0],
                completeness_gap: map.completeness_gap.as_ref().map(|gaps| gaps[0]),
                error_estimate: map.error_estimate.as_ref().map(|errors| errors[0]),
                converged: map.converged.as_ref().map(|converged| converged[0]),
                warnings: map.warnings.iter().map(ToString::to_string).collect(),
                half: it.method.maps_regions().then(|| HalfOfRegions::of(&it.reduced)),
                cover_test: it.cover.as_ref().map(|cover| CoverReport::new(cover, classes)),
                boxes: of_it
                    .map(|measured| BoxReport {
                        name: measured.name.clone(),
                        share: measured.found.share,
                        area: measured.found.area,
                        peak: measured.found.peak,
                    })
                    .collect(),
            }
        };
        let explained = pictures.explained.iter().enumerate().map(report).collect();
        Self { photo: pictures.path, name: pictures.name, likeliest, explained, files }
    }
}

impl CoverReport {
    fn new(cover: &CoverTested, classes: &ClassNames) -> Self {
        let verdict = &cover.verdict;
        let size = verdict.size_in_words();
        let answer = |answer| AnswerReport::new(answer, classes);
        Self {
            finding: verdict.finding.name(),
            p: verdict.p,
            fall: verdict.fall,
            sentence: cover.sentence.clone(),
            size: size.size,
            shown: answer(&verdict.original),
            covered: answer(&size.covered[0]),
            elsewhere: answer(&size.elsewhere[size.median_draw()]),
        }
    }
}

impl AnswerReport {
    fn new(answer: &CoveredAnswer, classes: &ClassNames) -> Self {
        Self {
            class: answer.answer,
            name: classes.name(answer.answer),
            probability: answer.answer_probability,
            explained: answer.probability,
        }
    }
}

impl HalfOfRegions {
    /// Finds the regions that hold half of a map.
    pub fn of(map: &Map) -> Self {
        let places = map.places(0.5);
        Self {
            regions: places.iter().map(|place| place.pixels.len()).sum(),
            of: map.values().len(),
            places: places
                .iter()
                .map(|place| PlaceReport { regions: place.pixels.len(), share: place.share })
                .collect(),
        }
    }
}

/// For people: a line.
impl fmt::Display for HalfOfRegions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { regions, of, places } = self;
        let shares: Vec<_> = places.iter().take(4).map(|place| percent(place.share)).collect();
        match places.len() {
            0 => write!(f, "the map is zero everywhere"),
            1 => write!(f, "half of it lies in {regions} of {of} regions, in one place"),
            count => write!(
                f,
                "half of it lies in {regions} of {of} regions, in {count} places; the largest hold {}",
                shares.join(", ")
            ),
        }
    }
}
