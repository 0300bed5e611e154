//! The boxes of a file, in one form for all formats.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The boxes that a file has for one photo, before they are placed in the photo.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    pub drawn_on: DrawnOn,
    pub boxes: Vec<DrawnBox>,
}

/// The picture that boxes were drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) enum DrawnOn {
    /// The file does not name its size: the boxes are in pixels of the photo.
    Unknown,
    /// A picture of this size: the boxes are in its pixels.
    Pixels { width: u32, height: u32 },
    /// A picture of any size: the boxes are in parts of its width and height.
    Fractions,
}

impl DrawnOn {
    /// Returns a picture of the given size. Tools that do not know the size write 0, -1 or nothing.
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

/// A box as a person drew it or a tool wrote it. It need not be valid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct DrawnBox {
    /// The name of the thing in the box.
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

/// The left, right, upper and lower edges of a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Corners {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Corners {
    /// Makes a box with a name from the corners.
    pub fn named(self, name: impl Into<String>) -> DrawnBox {
        let Self { left, top, right, bottom } = self;
        let (width, height) = (right - left, bottom - top);
        DrawnBox { name: name.into(), x: left, y: top, width, height }
    }
}

/// Writes whole numbers without a decimal point, because digests of audits have always used this
/// form.
fn whole_if_possible<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// The contents of a file of boxes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// The kind of file.
    pub format: &'static str,
    /// The drawings, by the photo's name as it is written, including folders. A photo may be listed
    /// without a box.
    pub drawings: BTreeMap<String, Drawing>,
    /// The entries that are not used.
    pub left_out: LeftOut,
    /// How many boxes have a category that the file does not list.
    pub unlisted: usize,
}

/// How many entries of a file are not used, and why the first of them is not used.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    pub count: usize,
    pub first: Option<String>,
}

impl LeftOut {
    /// Counts one more entry.
    pub fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(reason);
    }
}

impl Contents {
    /// Creates empty contents of a file of the given format.
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

    /// Adds the contents of another file.
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
