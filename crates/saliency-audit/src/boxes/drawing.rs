//! What every format of boxes is read into.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The boxes that a file has for one photo, before they are laid into it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    pub drawn_on: DrawnOn,
    pub boxes: Vec<DrawnBox>,
}

/// The picture that boxes were drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) enum DrawnOn {
    /// The file does not say: the boxes are in pixels of the photo.
    Unknown,
    /// A picture of this size: the boxes are in its pixels.
    Pixels { width: u32, height: u32 },
    /// A picture of any size: the boxes are in parts of its width and height.
    Fractions,
}

impl DrawnOn {
    /// Returns a picture of a size. Tools that do not know it write 0, -1 or nothing.
    pub fn of_size(width: Option<f64>, height: Option<f64>) -> Self {
        let pixels = |length: Option<f64>| {
            length.filter(|it| (1.0..=f64::from(u32::MAX / 2)).contains(it)).map(|it| it as u32)
        };
        match (pixels(width), pixels(height)) {
            (Some(width), Some(height)) => Self::Pixels { width, height },
            _ => Self::Unknown,
        }
    }
}

/// A box as a person drew it, or as a tool wrote it: it may be odd.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct DrawnBox {
    /// What is in the box.
    pub name: String,
    #[serde(serialize_with = "whole_if_possible")]
    pub x: f64,
    #[serde(serialize_with = "whole_if_possible")]
    pub y: f64,
    #[serde(serialize_with = "whole_if_possible")]
    pub width: f64,
    #[serde(serialize_with = "whole_if_possible")]
    pub height: f64,
}

/// Two opposite edges each way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Corners {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Corners {
    /// Names the box between the corners.
    pub fn named(self, name: impl Into<String>) -> DrawnBox {
        let Self { left, top, right, bottom } = self;
        let (width, height) = (right - left, bottom - top);
        DrawnBox { name: name.into(), x: left, y: top, width, height }
    }
}

/// Writes whole numbers without a point, as the digests of audits had them from the beginning.
fn whole_if_possible<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// What a file of boxes holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// What kind of file it is.
    pub format: &'static str,
    /// By the photo's name as it is written, folders included. A photo may be named without having
    /// a box.
    pub drawings: BTreeMap<String, Drawing>,
    /// The entries that are not used.
    pub left_out: LeftOut,
    /// How many boxes have a category that the file does not list.
    pub unlisted: usize,
}

/// How many entries of a file are not used, and why the first is not.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    pub count: usize,
    pub first: Option<String>,
}

impl LeftOut {
    /// Counts one more.
    pub fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(reason);
    }
}

impl Contents {
    /// Makes an empty file of a format.
    pub fn new(format: &'static str) -> Self {
        Self { format, ..Self::default() }
    }

    /// Adds a photo, if it is not there yet.
    pub fn mention(&mut self, photo: &str, drawn_on: DrawnOn) {
        if !self.drawings.contains_key(photo) {
            self.drawings.insert(photo.to_owned(), Drawing { drawn_on, boxes: Vec::new() });
        }
    }

    /// Adds a box in a photo.
    pub fn add(&mut self, photo: &str, drawn_on: DrawnOn, marked: DrawnBox) {
        self.mention(photo, drawn_on);
        let drawing = self.drawings.get_mut(photo).expect("the photo was mentioned");
        if drawing.drawn_on == drawn_on {
            drawing.boxes.push(marked);
        } else {
            self.left_out.add(|| format!("{photo} is named with two sizes"));
        }
    }

    /// Adds what another file holds.
    pub fn join(&mut self, other: Self) {
        for (photo, drawing) in other.drawings {
            self.mention(&photo, drawing.drawn_on);
            for marked in drawing.boxes {
                self.add(&photo, drawing.drawn_on, marked);
            }
        }
        self.left_out.count += other.left_out.count;
        self.left_out.first = self.left_out.first.take().or(other.left_out.first);
        self.unlisted += other.unlisted;
    }

    /// Counts the boxes.
    pub fn count(&self) -> usize {
        self.drawings.values().map(|drawing| drawing.boxes.len()).sum()
    }
}
