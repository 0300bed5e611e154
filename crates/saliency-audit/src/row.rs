//! The measurements of a photo, and the concerns that they raise. Their form in JSON must not
//! change. Otherwise audits that were begun by an earlier version could not resume.

use saliency_metrics::Finding;
use serde::{Deserialize, Serialize};

use crate::border::BORDER_AREA;
use crate::boxes::{MarkedBox, Placing};
use crate::grid::Grid;
use crate::tested::Tested;

/// The results for a file of the folder.
#[derive(Deserialize, Serialize)]
pub(crate) struct Row {
    pub file: String,
    /// The measurements, or the reason why the file could not be explained.
    pub outcome: Result<Measured, String>,
}

/// The measurements of a photo. Shares are between 0 and 1, and refer to the part of the photo that
/// the model was shown.
#[derive(Deserialize, Serialize)]
pub(crate) struct Measured {
    /// The part of the photo that the model was shown: left, top, width and height.
    pub seen: [u32; 4],
    pub boxes: Vec<MarkedBox>,
    /// How the boxes were placed in the photo, if it has any.
    #[serde(default)]
    pub placing: Option<Placing>,
    /// Whether the whole region that the model was shown has one colour.
    #[serde(default)]
    pub plain: bool,
    /// The class that the model predicts.
    pub class: usize,
    pub class_name: String,
    pub probability: f64,
    pub method: String,
    pub gradients: usize,
    /// The estimated relative error of the map.
    pub error_estimate: Option<f64>,
    pub completeness_gap: Option<f64>,
    /// Whether the tolerance was reached. `None` if there was no tolerance.
    pub converged: Option<bool>,
    /// How much of the map is in the boxes, if there are any.
    pub inside: Option<Inside>,
    /// The share of the attribution in the outer tenth on each side.
    pub border: f64,
    /// The estimated error of this share.
    #[serde(default)]
    pub border_error: Option<f64>,
    /// The same share, without the part that is in the boxes.
    pub border_unmarked: f64,
    /// The smallest area that holds half of the attribution, or `None` if the map is blank.
    pub half_area: Option<f64>,
    /// Whether the model gives the baseline nearly the same score as the photo.
    pub like_baseline: bool,
    /// The map in few cells. `None` if the map is blank, or if an earlier version made the row.
    #[serde(default)]
    pub grid: Option<Grid>,
    /// What the model says if parts of the photo are covered, or why this was not found out. `None`
    /// if the photo was not chosen for it.
    #[serde(default)]
    pub tested: Option<Result<Tested, String>>,
}

/// How much of a map is in the boxes.
#[derive(Deserialize, Serialize)]
pub(crate) struct Inside {
    /// The boxes' share of the attribution.
    pub share: f64,
    /// The estimated error of this share.
    #[serde(default)]
    pub error: Option<f64>,
    /// The boxes' share of the area.
    pub area: f64,
    /// Whether the strongest value is in a box: the pointing game.
    pub peak: bool,
}

impl Inside {
    /// Returns how many times more of the attribution the boxes hold than of an even map. Returns
    /// `None` if the model was shown no part of the boxes, or hardly anything outside them.
    pub fn density(&self) -> Option<f64> {
        (self.area > 0.0 && self.area < NEARLY_ALL).then(|| self.share / self.area)
    }
}

/// A model looks at the border if the border holds at least this share of the attribution.
const AT_BORDER: f64 = 0.5;
const _: () = assert!(AT_BORDER > BORDER_AREA, "an even map raises no concern");
/// If boxes cover at least this share of the region that the model was shown, they say nothing
/// about the model.
const NEARLY_ALL: f64 = 0.9;

/// A reason why a person should look at a photo.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Concern {
    /// The boxes hold less of the attribution than they should.
    Elsewhere,
    /// The border holds most of the attribution.
    Border,
    /// The score falls as much if other places are covered than those that the map calls important.
    NotConfirmed,
    /// It depends on the cover whether the score falls.
    FillsDisagree,
    /// No box reaches into the part of the photo that the model was shown.
    NotShown,
    /// The map is zero everywhere.
    Blank,
    /// The whole region that the model was shown has one colour.
    Plain,
    /// The model gives the baseline nearly the same score as the photo.
    LikeBaseline,
    /// The tolerance was not reached.
    NotConverged,
}

impl Concern {
    pub const ALL: [Self; 9] = [
        Self::Elsewhere,
        Self::Border,
        Self::NotConfirmed,
        Self::FillsDisagree,
        Self::NotShown,
        Self::Blank,
        Self::Plain,
        Self::LikeBaseline,
        Self::NotConverged,
    ];

    /// Returns its name in the tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::Border => "border",
            Self::NotConfirmed => Finding::NotConfirmed.name(),
            Self::FillsDisagree => Finding::FillsDisagree.name(),
            Self::NotShown => "not-shown",
            Self::Blank => "blank",
            Self::Plain => "plain",
            Self::LikeBaseline => "like-baseline",
            Self::NotConverged => "not-converged",
        }
    }
}

impl Measured {
    /// Returns the concerns. The boxes should hold at least the expected share of the attribution.
    /// If `expected` is `None`, they should hold at least their share of the area.
    pub fn concerns(&self, expected: Option<f64>) -> Vec<Concern> {
        Concern::ALL.into_iter().filter(|concern| self.raises(*concern, expected)).collect()
    }

    /// Returns the answers about covered copies, if there are any.
    pub fn covered(&self) -> Option<&Tested> {
        self.tested.as_ref()?.as_ref().ok()
    }

    /// Returns what covering the brightest places found.
    pub fn finding(&self) -> Option<Finding> {
        Some(self.covered()?.brightest.finding)
    }

    fn raises(&self, concern: Concern, expected: Option<f64>) -> bool {
        let is_blank = self.half_area.is_none();
        let shown = self.inside.as_ref().filter(|inside| inside.area > 0.0);
        match concern {
            // Boxes around everything hold all of the attribution, but only up to rounding.
            Concern::Elsewhere => {
                let at_most = |it: &Inside| it.share + it.error.unwrap_or(0.0);
                !is_blank
                    && shown.is_some_and(|it| at_most(it) < expected.unwrap_or(it.area) - 1e-6)
            }
            Concern::Border => self.border_unmarked >= AT_BORDER,
            Concern::NotConfirmed => self.finding() == Some(Finding::NotConfirmed),
            Concern::FillsDisagree => self.finding() == Some(Finding::FillsDisagree),
            Concern::NotShown => self.inside.is_some() && shown.is_none(),
            Concern::Blank => is_blank,
            Concern::Plain => self.plain,
            Concern::LikeBaseline => self.like_baseline,
            Concern::NotConverged => self.converged == Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_earlier_audits_are_read_and_have_no_map_and_no_verdict() {
        let json = r#"{"file":"a.jpg","outcome":{"Ok":{"seen":[0,0,4,4],"boxes":[],"class":3,
            "class_name":"mug","probability":0.5,"method":"gradient","gradients":1,
            "error_estimate":null,"completeness_gap":null,"converged":null,"inside":null,
            "border":0.25,"border_unmarked":0.25,"half_area":0.125,"like_baseline":false}}}"#;
        let row: Row = serde_json::from_str(json).unwrap();
        let measured = row.outcome.unwrap();
        assert!(measured.grid.is_none() && measured.tested.is_none());
        assert_eq!((measured.class, measured.finding()), (3, None));
        assert!(measured.concerns(None).is_empty());
    }
}
