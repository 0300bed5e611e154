//! The VGG Image Annotator up to version 2: a project or annotations in JSON, or a CSV.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::drawing::{Contents, Corners, DrawnOn};
use super::error::BoxesError;
use super::json_value::{number, numbers, parsed, text};
use super::shapes::{around, around_ellipse, sized};
use super::table::Table;

const FORMAT: &str = "VIA";

#[derive(Deserialize)]
struct Project {
    #[serde(rename = "_via_img_metadata")]
    photos: BTreeMap<String, Photo>,
}

#[derive(Deserialize)]
struct Photo {
    filename: String,
    /// A list, or in version 1 an object.
    #[serde(default)]
    regions: Value,
}

/// Reads a project.
pub(super) fn read_project(json: &str) -> Result<Contents, BoxesError> {
    let project: Project = parsed(json)?;
    Ok(contents(project.photos.into_values()))
}

/// Reads exported annotations, or returns `None` if the file holds something else.
pub(super) fn read_annotations(json: &str) -> Result<Option<Contents>, BoxesError> {
    let entries: BTreeMap<String, Value> = parsed(json)?;
    let is_photo =
        |entry: &Value| entry.get("filename").is_some() && entry.get("regions").is_some();
    if entries.is_empty() || !entries.values().all(is_photo) {
        return Ok(None);
    }
    let photos: BTreeMap<String, Photo> = parsed(json)?;
    Ok(Some(contents(photos.into_values())))
}

fn contents(photos: impl Iterator<Item = Photo>) -> Contents {
    let mut contents = Contents::new(FORMAT);
    for Photo { filename, regions } in photos {
        contents.mention(&filename, DrawnOn::Unknown);
        let regions: Vec<&Value> = match &regions {
            Value::Array(regions) => regions.iter().collect(),
            Value::Object(regions) => regions.values().collect(),
            _ => Vec::new(),
        };
        for region in regions {
            add(
                &mut contents,
                &filename,
                &region["shape_attributes"],
                &region["region_attributes"],
            );
        }
    }
    contents
}

/// Reads a CSV, whose columns hold JSON, or returns `None` if it has other columns.
pub(super) fn read_table(table: &Table) -> Option<Contents> {
    let column = |title: &str| table.titles.iter().position(|it| it == title);
    let photo = column("filename")?;
    let (shape, attributes) = (column("region_shape_attributes")?, column("region_attributes")?);
    let mut contents = Contents::new(FORMAT);
    for line in &table.lines {
        let Some(name) = line.field(photo) else { continue };
        contents.mention(name, DrawnOn::Unknown);
        let json = |at: usize| {
            let field = line.field(at).unwrap_or("{}");
            serde_json::from_str::<Value>(field).unwrap_or_default()
        };
        let shape = json(shape);
        // A photo without any shape has a line too.
        if shape.as_object().is_none_or(|it| !it.is_empty()) {
            add(&mut contents, name, &shape, &json(attributes));
        }
    }
    Some(contents)
}

/// Adds the box around a region.
fn add(contents: &mut Contents, photo: &str, shape: &Value, attributes: &Value) {
    let name = category(attributes);
    match corners(shape) {
        Some(corners) => contents.add(photo, DrawnOn::Unknown, corners.named(name)),
        None => contents.left_out.add(|| format!("\"{name}\" in {photo} has no area")),
    }
}

/// Returns the box around a shape, or `None` if it has no area.
fn corners(shape: &Value) -> Option<Corners> {
    let of = |key: &str| number(&shape[key]);
    Some(match shape["name"].as_str()? {
        "rect" => sized([of("x")?, of("y")?, of("width")?, of("height")?]),
        "circle" => around_ellipse([of("cx")?, of("cy")?], [of("r")?; 2]),
        "ellipse" => around_ellipse([of("cx")?, of("cy")?], [of("rx")?, of("ry")?]),
        "polygon" => {
            let [x, y] = ["all_points_x", "all_points_y"].map(|key| numbers(&shape[key]));
            around(x?.into_iter().zip(y?).map(|(x, y)| [x, y]))?
        }
        _ => return None,
    })
}

/// Returns the name of a region. It is its most likely attribute, in which several options may be
/// ticked.
fn category(attributes: &Value) -> String {
    let likely = ["name", "class", "label", "category", "type"].map(|key| attributes.get(key));
    let all = attributes.as_object().into_iter().flat_map(|it| it.values());
    let value = |value: &Value| match value {
        Value::Object(ticked) if !ticked.is_empty() => {
            Some(ticked.keys().map(|it| &it[..]).collect::<Vec<_>>().join(", "))
        }
        value => text(value),
    };
    let named = likely.into_iter().flatten().chain(all).find_map(value);
    named.unwrap_or_else(|| "box".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::table;

    const PHOTOS: &str = r#"{"x.jpg123": {"filename": "x.jpg", "size": 123, "regions": [
        {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4},
         "region_attributes": {"name": "cat"}},
        {"shape_attributes": {"name": "ellipse", "cx": 5, "cy": 6, "rx": 2, "ry": 1},
         "region_attributes": {"kind": {"a": true, "b": true}}},
        {"shape_attributes": {"name": "point", "cx": 5, "cy": 6}, "region_attributes": {}}]},
        "y.jpg9": {"filename": "y.jpg", "size": 9, "regions": {"0":
        {"shape_attributes": {"name": "polygon", "all_points_x": [1, 3, 2], "all_points_y": [5, 5, 9]},
         "region_attributes": {}}}}}"#;

    fn check(contents: &Contents) {
        let boxes = |photo: &str| contents.drawings[photo].boxes.clone();
        let corners = |left, top, right, bottom| Corners { left, top, right, bottom };
        let expected =
            [corners(1.0, 2.0, 4.0, 6.0).named("cat"), corners(3.0, 5.0, 7.0, 7.0).named("a, b")];
        assert_eq!(boxes("x.jpg"), expected);
        assert_eq!(boxes("y.jpg"), [corners(1.0, 5.0, 3.0, 9.0).named("box")]);
        assert_eq!(contents.left_out.count, 1);
    }

    #[test]
    fn annotations_projects_and_tables_are_read() {
        check(&read_annotations(PHOTOS).unwrap().unwrap());
        check(&read_project(&format!(r#"{{"_via_img_metadata": {PHOTOS}}}"#)).unwrap());
        assert!(read_annotations(r#"{"a": {"filename": "x"}}"#).unwrap().is_none());
        assert!(read_annotations("{}").unwrap().is_none());
        let csv = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n\
            x.jpg,1,\"{}\",3,0,\"{\"\"name\"\":\"\"rect\"\",\"\"x\"\":1,\"\"y\"\":2,\"\"width\"\":3,\"\"height\"\":4}\",\"{\"\"name\"\":\"\"cat\"\"}\"\n\
            x.jpg,1,\"{}\",3,1,\"{\"\"name\"\":\"\"ellipse\"\",\"\"cx\"\":5,\"\"cy\"\":6,\"\"rx\"\":2,\"\"ry\"\":1}\",\"{\"\"kind\"\":{\"\"a\"\":true,\"\"b\"\":true}}\"\n\
            x.jpg,1,\"{}\",3,2,\"{\"\"name\"\":\"\"point\"\",\"\"cx\"\":5,\"\"cy\"\":6}\",\"{}\"\n\
            y.jpg,1,\"{}\",1,0,\"{\"\"name\"\":\"\"polygon\"\",\"\"all_points_x\"\":[1,3,2],\"\"all_points_y\"\":[5,5,9]}\",\"{}\"\n\
            z.jpg,1,\"{}\",0,0,\"{}\",\"{}\"\n";
        let contents = read_table(&table::split(csv)).unwrap();
        check(&contents);
        assert!(contents.drawings["z.jpg"].boxes.is_empty());
    }
}
