//! The VGG Image Annotator since version 3: a project in JSON, or a CSV.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::drawing::{Contents, Corners, DrawnOn};
use super::error::BoxesError;
use super::json_value::{id, numbers, parsed, text};
use super::shapes::{around, around_ellipse, pairs, sized};
use super::table::Table;

const FORMAT: &str = "VIA 3";

#[derive(Deserialize)]
struct Project {
    file: BTreeMap<String, File>,
    #[serde(default)]
    view: BTreeMap<String, View>,
    metadata: BTreeMap<String, Mark>,
    #[serde(default)]
    attribute: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct File {
    fname: String,
}

/// The files that are shown at the same time. For boxes it is a single file.
#[derive(Deserialize)]
struct View {
    fid_list: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark {
    vid: Value,
    /// The number of the kind of shape, and its coordinates.
    xy: Value,
    /// The values of attributes.
    av: BTreeMap<String, Value>,
}

/// Reads a project.
pub(super) fn read_project(json: &str) -> Result<Contents, BoxesError> {
    let project: Project = parsed(json)?;
    let mut contents = Contents::new(FORMAT);
    for file in project.file.values() {
        contents.mention(&file.fname, DrawnOn::Unknown);
    }
    for mark in project.metadata.values() {
        let photo = || {
            let view = project.view.get(&id(&mark.vid)?)?;
            project.file.get(&id(view.fid_list.first()?)?)
        };
        let Some(photo) = photo() else {
            contents.left_out.add(|| "a mark is for a view that the file does not list".to_owned());
            continue;
        };
        // A value may be one of an attribute's options.
        let option = |(attribute, value): (&String, &Value)| {
            let options = project.attribute.get(attribute).map(|it| &it["options"]);
            let named = options.zip(value.as_str()).and_then(|(all, value)| text(&all[value]));
            named.or_else(|| text(value))
        };
        let name = mark.av.iter().find_map(option);
        add(&mut contents, &photo.fname, &mark.xy, name);
    }
    Ok(contents)
}

/// Reads a CSV, whose columns hold JSON, or returns `None` if it has other columns.
pub(super) fn read_table(table: &Table) -> Option<Contents> {
    let column = |title: &str| table.titles.iter().position(|it| it == title);
    let (files, places) = (column("file_list")?, column("spatial_coordinates")?);
    let values = column("metadata");
    let mut contents = Contents::new(FORMAT);
    for line in &table.lines {
        let json = |at: usize| {
            let field = line.field(at).unwrap_or("null");
            serde_json::from_str::<Value>(field).unwrap_or_default()
        };
        let files = json(files);
        let Some(photo) = files.get(0).and_then(text) else { continue };
        let values = values.map(json).unwrap_or_default();
        let name = values.as_object().and_then(|it| it.values().find_map(text));
        add(&mut contents, &photo, &json(places), name);
    }
    Some(contents)
}

/// Adds the box around a shape.
fn add(contents: &mut Contents, photo: &str, shape: &Value, name: Option<String>) {
    let name = name.unwrap_or_else(|| "box".to_owned());
    match numbers(shape).and_then(|shape| corners(&shape)) {
        Some(corners) => contents.add(photo, DrawnOn::Unknown, corners.named(name)),
        None => contents.left_out.add(|| format!("\"{name}\" in {photo} has no area")),
    }
}

/// Returns the box around a shape, or `None` if it has no area. A shape is a number for its kind,
/// and then its coordinates.
fn corners(shape: &[f64]) -> Option<Corners> {
    match *shape {
        [2.0, x, y, width, height] => Some(sized([x, y, width, height])),
        [3.0, x, y, radius] => Some(around_ellipse([x, y], [radius; 2])),
        [4.0, x, y, across, down] => Some(around_ellipse([x, y], [across, down])),
        // A polygon, and a box through four points.
        [7.0 | 8.0, ref points @ ..] => around(pairs(points)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::table;

    #[test]
    fn projects_and_tables_are_read() {
        let json = r#"{"project": {"pid": "x"}, "config": {},
            "attribute": {"1": {"aname": "kind", "options": {"c": "cat"}}},
            "file": {"1": {"fid": "1", "fname": "x.jpg", "type": 2, "loc": 1, "src": ""}},
            "view": {"1": {"fid_list": ["1"]}},
            "metadata": {"1_a": {"vid": "1", "flg": 0, "z": [], "xy": [2, 1, 2, 3, 4], "av": {"1": "c"}},
                "1_b": {"vid": "1", "xy": [7, 1, 1, 5, 1, 3, 4], "av": {}},
                "1_c": {"vid": "1", "xy": [1, 5, 5], "av": {}},
                "1_d": {"vid": "2", "xy": [2, 1, 2, 3, 4], "av": {}}}}"#;
        let corners = |left, top, right, bottom| Corners { left, top, right, bottom };
        let expected =
            [corners(1.0, 2.0, 4.0, 6.0).named("cat"), corners(1.0, 1.0, 5.0, 4.0).named("box")];
        let contents = read_project(json).unwrap();
        assert_eq!(contents.drawings["x.jpg"].boxes, expected);
        assert_eq!(contents.left_out.count, 2);
        let csv = "# Exported using VGG Image Annotator\n\
            # CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n\
            \"1_a\",\"[\"\"x.jpg\"\"]\",0,\"[]\",\"[2,1,2,3,4]\",\"{\"\"1\"\":\"\"cat\"\"}\"\n\
            \"1_b\",\"[\"\"x.jpg\"\"]\",0,\"[]\",\"[7,1,1,5,1,3,4]\",\"{}\"\n";
        let contents = read_table(&table::split(csv)).unwrap();
        assert_eq!(contents.drawings["x.jpg"].boxes, expected);
    }
}
