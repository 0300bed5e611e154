//! What is found out about a photo, and what gives cause for concern in it.

use serde::{Deserialize, Serialize};

use super::boxes::Marked;

/// What is known of a file of the folder.
#[derive(Deserialize, Serialize)]
pub struct Row {
    pub file: String,
    /// Or why it could not be explained.
    pub outcome: Result<Measured, String>,
}

/// What is measured of a photo. Shares are between 0 and 1, of what the model was shown: the centred
/// square.
#[derive(Deserialize, Serialize)]
pub struct Measured {
    /// What the model was shown of the photo: left, top, width and height.
    pub seen: [u32; 4],
    pub boxes: Vec<Marked>,
    /// The class that the model predicts.
    pub class: usize,
    pub class_name: String,
    pub probability: f64,
    pub method: String,
    pub gradients: usize,
    /// The estimated relative error: of the map, or of the median pixel where samples were drawn.
    pub error_estimate: Option<f64>,
    pub completeness_gap: Option<f64>,
    /// Whether the tolerance was reached, where there was one.
    pub converged: Option<bool>,
    /// How the map lies to the boxes, where there are any.
    pub inside: Option<Inside>,
    /// The share of the attribution in the outer tenth on each side.
    pub border: f64,
    /// The same without what lies in the boxes.
    pub border_unmarked: f64,
    /// The smallest area that holds half of the attribution; none where the map is blank.
    pub half_area: Option<f64>,
    /// Whether the model scores the baseline like the photo.
    pub like_baseline: bool,
}

#[derive(Deserialize, Serialize)]
pub struct Inside {
    /// The share of the attribution in the boxes.
    pub share: f64,
    /// Their share of the area.
    pub area: f64,
    /// Whether the strongest value lies in them: the pointing game.
    pub peak: bool,
}

impl Inside {
    /// How many times more the boxes hold than an even map would; none where nothing of them is shown.
    pub fn density(&self) -> Option<f64> {
        (self.area > 0.0).then(|| self.share / self.area)
    }
}

/// How wide the border is on each side, and its share of the area.
pub const BORDER: f64 = 0.1;
pub const BORDER_AREA: f64 = 1.0 - (1.0 - 2.0 * BORDER) * (1.0 - 2.0 * BORDER);
/// A model looks at the border where at least this share of the attribution lies in it.
const AT_BORDER: f64 = 0.5;

/// Why somebody should look at a photo.
#[derive(Clone, Copy, PartialEq)]
pub enum Concern {
    Elsewhere,
    Border,
    NotShown,
    Blank,
    LikeBaseline,
    NotConverged,
}

impl Concern {
    pub const ALL: [Self; 6] = [
        Self::Elsewhere,
        Self::Border,
        Self::NotShown,
        Self::Blank,
        Self::LikeBaseline,
        Self::NotConverged,
    ];

    /// As the tables call it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::Border => "border",
            Self::NotShown => "not-shown",
            Self::Blank => "blank",
            Self::LikeBaseline => "like-baseline",
            Self::NotConverged => "not-converged",
        }
    }
}

impl Measured {
    /// What gives cause for concern. The boxes should hold at least the given share, or their part of
    /// the area.
    pub fn concerns(&self, expected: Option<f64>) -> Vec<Concern> {
        let blank = self.half_area.is_none();
        let shown = self.inside.as_ref().filter(|inside| inside.area > 0.0);
        // Boxes around everything hold all but for rounding.
        let less = |it: &Inside| it.share < expected.unwrap_or(it.area) - 1e-6;
        let elsewhere = !blank && shown.is_some_and(less);
        let is = |concern: &Concern| match concern {
            Concern::Elsewhere => elsewhere,
            Concern::Border => self.border_unmarked >= AT_BORDER,
            Concern::NotShown => self.inside.is_some() && shown.is_none(),
            Concern::Blank => blank,
            Concern::LikeBaseline => self.like_baseline,
            Concern::NotConverged => self.converged == Some(false),
        };
        Concern::ALL.into_iter().filter(is).collect()
    }
}
