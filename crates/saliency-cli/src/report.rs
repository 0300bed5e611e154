//! What `explain --json` prints about a photo, for other programs.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cover::sentence;
use crate::pictures::{Explained, PhotoPictures, Written};
use crate::subject::class_name;

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
    pub name: &'static str,
    /// Its probability, between 0 and 1.
    pub probability: f64,
}

/// One method's answer about one class.
#[derive(Clone, Debug, Serialize)]
struct ExplainedReport {
    method: &'static str,
    class: usize,
    class_name: &'static str,
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

/// A photo that could not be explained. A line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct PhotoError<'a> {
    photo: &'a Path,
    error: String,
}

impl<'a> PhotoReport<'a> {
    /// Collects the answers about a photo.
    pub fn new(
        pictures: &PhotoPictures<'a>,
        likeliest: &'a [LikelyClass],
        written: Written,
    ) -> Self {
        let Written { files, boxes } = written;
        let report = |(at, it): (usize, &Explained)| {
            let map = &it.map;
            let of_it = boxes.iter().filter(|measured| measured.explained == at);
            ExplainedReport {
                method: it.method.name(),
                class: it.class,
                class_name: class_name(it.class),
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
                cover_test: it.verdict.as_ref().map(|verdict| CoverReport {
                    finding: verdict.finding.name(),
                    p: verdict.p,
                    fall: verdict.fall,
                    sentence: sentence(verdict),
                }),
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

impl<'a> PhotoError<'a> {
    /// Says why a photo could not be explained.
    pub fn new(photo: &'a Path, error: &dyn Error) -> Self {
        Self { photo, error: error.to_string() }
    }
}
