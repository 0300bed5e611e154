//! COCO: one file in JSON with images, annotations and categories.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::drawing::{Contents, DrawnOn};
use super::error::BoxesError;
use super::json_value::{id, number, numbers, parsed, text};
use super::shapes::sized;

/// The parts of a COCO file that are used. They are kept as JSON values, because tools write them
/// in different ways.
#[derive(Deserialize)]
struct Coco {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    #[serde(default)]
    categories: Option<Vec<Category>>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Image {
    id: Value,
    file_name: Value,
    /// The field in which LVIS has the name.
    coco_url: Value,
    width: Value,
    height: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotation {
    id: Value,
    image_id: Value,
    category_id: Value,
    bbox: Value,
    iscrowd: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Category {
    id: Value,
    name: Value,
}

/// The photo that belongs to the id of an image.
struct Photo {
    name: String,
    drawn_on: DrawnOn,
}

/// Reads the boxes of a COCO file. Boxes around crowds are left out.
pub(super) fn read(json: &str) -> Result<Contents, BoxesError> {
    let coco: Coco = parsed(json)?;
    let mut contents = Contents::new("COCO");
    let photos = photos(&coco.images);
    for photo in photos.values().flatten() {
        contents.mention(&photo.name, photo.drawn_on);
    }
    let categories = coco.categories.iter().flatten();
    let categories: BTreeMap<String, String> =
        categories.filter_map(|it| Some((id(&it.id)?, text(&it.name)?))).collect();
    for annotation in &coco.annotations {
        let the = || format!("annotation {}", id(&annotation.id).unwrap_or_default());
        // Find the photo.
        let image = id(&annotation.image_id).unwrap_or_default();
        let Some(photo) = photos.get(&image) else {
            contents
                .left_out
                .add(|| format!("{} is for image {image}, which the file does not list", the()));
            continue;
        };
        let Some(photo) = photo else {
            contents
                .left_out
                .add(|| format!("{} is for image {image}, which is listed twice", the()));
            continue;
        };
        // Read the box.
        if number(&annotation.iscrowd) == Some(1.0) || annotation.iscrowd == Value::Bool(true) {
            contents.left_out.add(|| format!("{} in {} is around a crowd", the(), photo.name));
            continue;
        }
        let bbox = numbers(&annotation.bbox).and_then(|it| <[f64; 4]>::try_from(it).ok());
        let Some(bbox) = bbox else {
            contents.left_out.add(|| format!("{} in {} has no box", the(), photo.name));
            continue;
        };
        // Find the category.
        let category = id(&annotation.category_id).unwrap_or_default();
        let listed = categories.get(&category);
        contents.unlisted += usize::from(listed.is_none());
        let name = listed.cloned().unwrap_or_else(|| format!("category {category}"));
        contents.add(&photo.name, photo.drawn_on, sized(bbox).named(name));
    }
    Ok(contents)
}

/// Lists the photos by id. If two photos have the same id, it belongs to neither of them.
fn photos(images: &[Image]) -> BTreeMap<String, Option<Photo>> {
    let mut photos = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for image in images {
        let name = text(&image.file_name).or_else(|| text(&image.coco_url));
        let (Some(id), Some(name)) = (id(&image.id), name) else { continue };
        let drawn_on = DrawnOn::of_size(number(&image.width), number(&image.height));
        let before = photos.insert(id.clone(), Some(Photo { name: name.clone(), drawn_on }));
        let is_other = |it: &Photo| it.name != name;
        if before.flatten().as_ref().is_some_and(is_other) {
            twice.insert(id);
        }
    }
    for id in twice {
        photos.insert(id, None);
    }
    photos
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(images: &str, annotations: &str) -> Contents {
        let categories = r#"[{"id": 1, "name": "cat"}, {"id": "2", "name": "dog"}]"#;
        let json = format!(
            r#"{{"images": [{images}], "annotations": [{annotations}], "categories": {categories}}}"#
        );
        read(&json).unwrap()
    }

    #[test]
    fn boxes_have_the_size_and_the_names_of_the_file() {
        let contents = file(
            r#"{"id": 7, "file_name": "a/x.jpg", "width": 64, "height": 48.0}"#,
            r#"{"image_id": "7", "category_id": 2.0, "bbox": ["1", 2, 3.5, 4]},
               {"image_id": 7.0, "category_id": 9, "bbox": [1, 2, 3, 4], "iscrowd": 0}"#,
        );
        let drawing = &contents.drawings["a/x.jpg"];
        assert_eq!(drawing.drawn_on, DrawnOn::Pixels { width: 64, height: 48 });
        let names: Vec<_> = drawing.boxes.iter().map(|it| &it.name[..]).collect();
        assert_eq!(names, ["dog", "category 9"]);
        assert_eq!(drawing.boxes[0].width, 3.5);
        assert_eq!((contents.unlisted, contents.left_out.count), (1, 0));
    }

    #[test]
    fn what_has_no_box_or_no_image_is_counted() {
        let contents = file(
            r#"{"id": 1, "file_name": "x.jpg", "width": 0, "height": -1}, {"id": 2, "file_name": "y.jpg"},
               {"id": 2, "file_name": "z.jpg"}"#,
            r#"{"id": 5, "image_id": 1, "category_id": 1},
               {"image_id": 1, "category_id": 1, "bbox": null}, {"image_id": 1, "category_id": 1, "bbox": []},
               {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, null]},
               {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 1},
               {"image_id": 2, "category_id": 1, "bbox": [1, 2, 3, 4]},
               {"image_id": 3, "category_id": 1, "bbox": [1, 2, 3, 4]},
               {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}"#,
        );
        assert_eq!(contents.left_out.count, 7);
        assert_eq!(contents.left_out.first.as_deref(), Some("annotation 5 in x.jpg has no box"));
        assert_eq!(contents.count(), 1);
        assert_eq!(contents.drawings["x.jpg"].drawn_on, DrawnOn::Unknown);
    }
}
