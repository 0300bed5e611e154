//! Boxes that a person drew around what the model should look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use saliency_photo::{MarkedArea, Region};
use saliency_viz::write_file;
use serde::{Deserialize, Serialize};

use crate::boxes_error::BoxesError;
use crate::error::{Error, Result};

/// A box around what matters, in whole pixels of the photo.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct MarkedBox {
    name: String,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl MarkedBox {
    /// Returns the box as a part of the photo.
    pub fn region(&self) -> Region {
        Region { x: self.x, y: self.y, width: self.width, height: self.height }
    }
}

/// Joins all boxes of a photo to one area, or says which of them is not inside the photo.
pub(crate) fn area(
    boxes: &[MarkedBox],
    file: &str,
    photo_size: (u32, u32),
) -> Result<MarkedArea, String> {
    for marked in boxes {
        let area = MarkedArea::boxes(&marked.name[..], [marked.region()]);
        let checked = area.check(photo_size);
        checked.map_err(|error| format!("the box \"{}\" of {file}: {error}", marked.name))?;
    }
    Ok(MarkedArea::boxes("marked", boxes.iter().map(MarkedBox::region)))
}

/// The boxes of each file.
#[derive(Default)]
pub(crate) struct Boxes(BTreeMap<String, Vec<MarkedBox>>);

impl Boxes {
    /// Reads a CSV, or a COCO file if the name ends in `.json`.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of_file(path).map_err(|source| Error::Boxes { path: path.to_owned(), source })
    }

    fn of_file(path: &Path) -> Result<Self, BoxesError> {
        let bytes = fs::read(path)?;
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let lines = if is_json { coco(&bytes)? } else { table(&bytes)? };
        let mut boxes = BTreeMap::<_, Vec<_>>::new();
        for line in lines {
            let marked = line.marked()?;
            boxes.entry(line.file).or_default().push(marked);
        }
        Ok(Self(boxes))
    }

    /// Returns the boxes of a file.
    pub fn of(&self, file: &str) -> &[MarkedBox] {
        self.0.get(file).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of all files that have boxes.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A box in a photo, to be [written](write_boxes) to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoBox {
    /// The photo's file name, without its folder.
    pub file: String,
    /// What is in the box.
    pub name: String,
    /// Where the box is, in pixels of the upright photo.
    pub region: Region,
}

/// Writes boxes as a CSV that an audit can read: the columns file,name,x,y,width,height.
///
/// # Errors
/// [`Error::Picture`] if the file cannot be written.
pub fn write_boxes(path: impl AsRef<Path>, boxes: &[PhotoBox]) -> Result<()> {
    let table = || -> csv::Result<Vec<u8>> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(["file", "name", "x", "y", "width", "height"])?;
        for PhotoBox { file, name, region: Region { x, y, width, height } } in boxes {
            lines.serialize((file, name, x, y, width, height))?;
        }
        lines.into_inner().map_err(|error| error.into_error().into())
    };
    let table = table().map_err(|error| Error::encode("the table of boxes")(error.into()))?;
    Ok(write_file(path.as_ref(), &table)?)
}

/// A box as it stands in a file.
#[derive(Deserialize)]
struct BoxLine {
    file: String,
    name: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl BoxLine {
    /// Returns the whole pixels that the box covers.
    fn marked(&self) -> Result<MarkedBox, BoxesError> {
        let Self { x, y, width, height, .. } = *self;
        let most = f64::from(u32::MAX / 2);
        let is_place = |from: f64| (0.0..=most).contains(&from);
        let is_length = |length: f64| length > 0.0 && length <= most;
        if !(is_place(x) && is_place(y) && is_length(width) && is_length(height)) {
            return Err(BoxesError::Size { file: self.file.clone(), x, y, width, height });
        }
        let (left, top) = (x.floor() as u32, y.floor() as u32);
        // Rounding must not make a thin box vanish.
        let pixels = |first: u32, from: f64, length: f64| {
            ((from + length).round() as u32).saturating_sub(first).max(1)
        };
        Ok(MarkedBox {
            name: self.name.clone(),
            x: left,
            y: top,
            width: pixels(left, x, width),
            height: pixels(top, y, height),
        })
    }
}

/// Reads the boxes of a CSV.
fn table(bytes: &[u8]) -> Result<Vec<BoxLine>, BoxesError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let lines: csv::Result<Vec<BoxLine>> = reader.deserialize().collect();
    lines.map_err(|error| BoxesError::Table(error.into()))
}

/// The parts of a COCO file that are used.
#[derive(Deserialize)]
struct Coco {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

/// Reads the boxes of a COCO file.
fn coco(bytes: &[u8]) -> Result<Vec<BoxLine>, BoxesError> {
    let coco: Coco =
        serde_json::from_slice(bytes).map_err(|error| BoxesError::Coco(error.into()))?;
    // The file names by id, without the folder that whoever drew the boxes had them in.
    let base_name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let files: BTreeMap<u64, String> =
        coco.images.iter().map(|image| (image.id, base_name(&image.file_name))).collect();
    let distinct: BTreeSet<&String> = files.values().collect();
    if distinct.len() < coco.images.len() {
        return Err(BoxesError::SameName);
    }
    let categories: BTreeMap<u64, &str> =
        coco.categories.iter().map(|category| (category.id, &category.name[..])).collect();
    // Each annotation is a box.
    let line = |annotation: &Annotation| {
        let [x, y, width, height] = annotation.bbox;
        let (image, category) = (annotation.image_id, annotation.category_id);
        let file = files.get(&image).ok_or(BoxesError::UnknownImage { image })?;
        let name = categories.get(&category).ok_or(BoxesError::UnknownCategory { category })?;
        Ok(BoxLine { file: file.clone(), name: (*name).to_owned(), x, y, width, height })
    };
    coco.annotations.iter().map(line).collect()
}
