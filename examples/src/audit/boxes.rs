//! What the model should look at, drawn by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use saliency::photo::{MarkedArea, Region};
use saliency::viz::write_file;
use serde::{Deserialize, Serialize};

use super::Result;

/// A box around what matters, in pixels of the photo.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Marked {
    pub name: String,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// The boxes of each file.
pub type Boxes = BTreeMap<String, Vec<Marked>>;

/// Reads a CSV, or a COCO file where the name ends in `.json`.
pub fn read(path: &Path) -> Result<Boxes> {
    let unreadable =
        |error| format!("expected readable boxes at {}, found: {error}", path.display());
    let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let lines = if json { coco(&bytes) } else { table(&bytes) };
    let mut boxes = Boxes::new();
    for line in lines.map_err(|error| unreadable(error.to_string()))? {
        let marked = line.marked().map_err(unreadable)?;
        boxes.entry(line.file).or_default().push(marked);
    }
    Ok(boxes)
}

/// Writes boxes as a CSV of the form that an audit reads: the file, what is in the box, and where it is.
pub fn write(path: &Path, boxes: &[(String, &str, Region)]) -> Result<()> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record(["file", "name", "x", "y", "width", "height"])?;
    for (file, name, Region { x, y, width, height }) in boxes {
        lines.serialize((file, name, x, y, width, height))?;
    }
    Ok(write_file(path, &lines.into_inner().map_err(|error| error.to_string())?)?)
}

/// A box as it stands in a file.
#[derive(Deserialize)]
struct Line {
    file: String,
    name: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Line {
    /// The whole pixels that it covers.
    fn marked(&self) -> std::result::Result<Marked, String> {
        let Self { x, y, width, height, .. } = *self;
        let most = f64::from(u32::MAX / 2);
        let place = |from: f64| (0.0..=most).contains(&from);
        let length = |length: f64| length > 0.0 && length <= most;
        if !(place(x) && place(y) && length(width) && length(height)) {
            return Err(format!(
                "a box of {width} x {height} at ({x}, {y}) for {}, where a place in the photo and a \
                 size above 0 were expected",
                self.file
            ));
        }
        // Rounding must not make a thin box vanish.
        let cells = |from: f64, length: f64| {
            let (first, last) = (from.floor() as u32, (from + length).round() as u32);
            (first, last.saturating_sub(first).max(1))
        };
        let ((x, width), (y, height)) = (cells(x, width), cells(y, height));
        Ok(Marked { name: self.name.clone(), x, y, width, height })
    }
}

fn table(bytes: &[u8]) -> Result<Vec<Line>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let lines: csv::Result<Vec<Line>> = reader.deserialize().collect();
    Ok(lines.map_err(|error| {
        format!("{error}, where the columns file,name,x,y,width,height were expected")
    })?)
}

/// What is used of a COCO file.
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

fn coco(bytes: &[u8]) -> Result<Vec<Line>> {
    let coco: Coco = serde_json::from_slice(bytes)?;
    let mut files = BTreeMap::new();
    for image in &coco.images {
        // The folder in front is that of whoever drew the boxes.
        let name = image.file_name.rsplit(['/', '\\']).next().unwrap_or_default();
        files.insert(image.id, name);
    }
    let names: BTreeSet<&str> = files.values().copied().collect();
    if names.len() < coco.images.len() {
        return Err("images of the same name or id, of which only one can be in the folder".into());
    }
    let names: BTreeMap<u64, &str> =
        coco.categories.iter().map(|category| (category.id, &category.name[..])).collect();
    let line = |annotation: &Annotation| {
        let [x, y, width, height] = annotation.bbox;
        let (image, category) = (annotation.image_id, annotation.category_id);
        let file = files
            .get(&image)
            .ok_or_else(|| format!("a box for image {image}, which is missing"))?;
        let name = names
            .get(&category)
            .ok_or_else(|| format!("a box of category {category}, which is missing"))?;
        Ok(Line { file: (*file).to_owned(), name: (*name).to_owned(), x, y, width, height })
    };
    coco.annotations.iter().map(line).collect()
}

impl Marked {
    /// In the photo.
    pub fn region(&self) -> Region {
        Region { x: self.x, y: self.y, width: self.width, height: self.height }
    }
}

/// All boxes of a photo as one place; or which of them does not lie in it.
pub fn place(
    boxes: &[Marked],
    file: &str,
    size: (u32, u32),
) -> std::result::Result<MarkedArea, String> {
    for marked in boxes {
        let place = MarkedArea::boxes(&marked.name[..], [marked.region()]);
        let checked = place.check(size);
        checked.map_err(|error| format!("the box \"{}\" of {file}: {error}", marked.name))?;
    }
    Ok(MarkedArea::boxes("marked", boxes.iter().map(Marked::region)))
}
