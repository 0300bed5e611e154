//! Boxes that a person drew around the things that the model should look at.
//!
//! The data flow: `text` decodes a file, and `source` recognises its kind from the content. `json`
//! and `titled` recognise the formats of JSON and of CSV. A module for each format (`titled`,
//! `untitled`, `coco`, `labelme`, `via`, `via3`, `voc`, `yolo`) reads the file into the
//! [`Contents`] of `drawing`. `names` finds the photo of each name. When the size of a photo is
//! known, `placing` places the boxes in it as [`MarkedBox`]es.

mod coco;
mod drawing;
pub(crate) mod error;
mod json;
mod json_value;
mod labelme;
mod marked;
mod names;
mod placing;
mod shapes;
mod source;
mod table;
mod text;
mod titled;
mod untitled;
mod via;
mod via3;
mod voc;
mod yolo;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::folder::Folder;
use drawing::Contents;
#[cfg(test)]
pub(crate) use drawing::DrawnBox;
pub(crate) use drawing::{Drawing, DrawnOn};
pub use error::BoxesError;
pub(crate) use marked::{MarkedBox, area};
pub use marked::{PhotoBox, write_boxes};
use names::Match;
pub(crate) use placing::{Fit, OtherSize, Placed, Placing};

/// The boxes of each photo of a folder.
#[derive(Debug, Default)]
pub(crate) struct Boxes {
    by_photo: BTreeMap<String, Drawing>,
    pub facts: BoxFacts,
}

/// The facts about a file of boxes that do not depend on the sizes of the photos.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoxFacts {
    /// The kind of file.
    pub format: &'static str,
    /// How many boxes it has for photos of the folder.
    pub boxes: usize,
    /// How many photos of the folder it has boxes for.
    pub photos: usize,
    /// How many entries were left out when it was read.
    pub left_out: usize,
    /// Why the first of them was left out.
    pub first: Option<String>,
    /// How many boxes have a category that the file does not list.
    pub unlisted: usize,
    /// The names with boxes for which the folder has no photo.
    pub without_photo: Vec<String>,
    /// The names with boxes that fit the same photo as other names.
    pub ambiguous: Vec<String>,
}

impl Boxes {
    /// Reads the boxes for photos of a folder. If categories are given, reads only their boxes.
    ///
    /// # Errors
    /// [`Error::Boxes`] if the file cannot be read, [`Error::NoBoxes`] if it has no box,
    /// [`Error::NoCategory`] if it has no box of a given category, and [`Error::BoxesOfOtherFiles`]
    /// if no box is for a photo of the folder.
    pub fn read(path: &Path, folder: &Folder, categories: &[String]) -> Result<Self> {
        let contents = source::read(path);
        let mut contents =
            contents.map_err(|source| Error::Boxes { path: path.to_owned(), source })?;
        if contents.count() == 0 {
            let reason = match &contents.left_out.first {
                Some(first) => format!(": {first}"),
                None => String::new(),
            };
            return Err(Error::NoBoxes { path: path.to_owned(), reason });
        }
        for category in categories {
            check_category(path, &contents, category)?;
        }
        if !categories.is_empty() {
            keep_categories(&mut contents, categories);
        }
        Self::of_contents(path, contents, folder)
    }

    /// Finds the photo of each name.
    fn of_contents(path: &Path, contents: Contents, folder: &Folder) -> Result<Self> {
        let photos: Vec<&str> = folder.photos.iter().map(|it| &it.name[..]).collect();
        let names: Vec<&str> = contents.drawings.keys().map(|it| &it[..]).collect();
        let matches = names::matched(&names, &photos, &folder.path.to_string_lossy());
        let mut boxes = Self {
            by_photo: BTreeMap::new(),
            facts: BoxFacts {
                format: contents.format,
                left_out: contents.left_out.count,
                first: contents.left_out.first,
                unlisted: contents.unlisted,
                ..BoxFacts::default()
            },
        };
        let facts = &mut boxes.facts;
        for ((name, drawing), found) in contents.drawings.into_iter().zip(matches) {
            if drawing.boxes.is_empty() {
                continue;
            }
            match found {
                Match::Photo(at) => {
                    facts.boxes += drawing.boxes.len();
                    facts.photos += 1;
                    boxes.by_photo.insert(folder.photos[at].name.clone(), drawing);
                }
                Match::Missing => facts.without_photo.push(name),
                Match::Ambiguous => facts.ambiguous.push(name),
            }
        }
        if let (true, Some(first)) = (boxes.by_photo.is_empty(), facts.without_photo.first()) {
            return Err(Error::BoxesOfOtherFiles { path: path.to_owned(), first: first.clone() });
        }
        Ok(boxes)
    }

    /// Returns the boxes of a photo.
    pub fn of(&self, photo: &str) -> Option<&Drawing> {
        self.by_photo.get(photo)
    }
}

/// Checks that a file has boxes of a category.
fn check_category(path: &Path, contents: &Contents, category: &str) -> Result<()> {
    let boxes = contents.drawings.values().flat_map(|it| &it.boxes);
    let names: BTreeSet<&str> = boxes.map(|it| &it.name[..]).collect();
    if names.iter().any(|name| is_category(name, category)) {
        return Ok(());
    }
    let mut known: Vec<&str> = names.iter().copied().take(10).collect();
    if names.len() > known.len() {
        known.push("...");
    }
    let (path, found) = (path.to_owned(), category.to_owned());
    Err(Error::NoCategory { path, known: known.join(", "), found })
}

fn keep_categories(contents: &mut Contents, categories: &[String]) {
    for drawing in contents.drawings.values_mut() {
        drawing
            .boxes
            .retain(|it| categories.iter().any(|category| is_category(&it.name, category)));
    }
}

fn is_category(name: &str, category: &str) -> bool {
    name.to_lowercase() == category.trim().to_lowercase()
}
