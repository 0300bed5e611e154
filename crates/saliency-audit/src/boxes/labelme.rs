//! LabelMe: a file in JSON for each photo.

use serde::Deserialize;
use serde_json::Value;

use super::drawing::{Contents, Corners, DrawnOn};
use super::error::BoxesError;
use super::json_value::{number, numbers, parsed, text};
use super::shapes::{around, around_ellipse};

#[derive(Deserialize)]
struct LabelMe {
    #[serde(default, rename = "imagePath")]
    path: Value,
    #[serde(default, rename = "imageWidth")]
    width: Value,
    #[serde(default, rename = "imageHeight")]
    height: Value,
    shapes: Vec<Shape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    label: Value,
    points: Value,
    shape_type: Value,
}

/// Reads a file. If it does not name the photo, the file's own name is used.
pub(super) fn read(json: &str, file: &str) -> Result<Contents, BoxesError> {
    let labelme: LabelMe = parsed(json)?;
    let photo = text(&labelme.path).unwrap_or_else(|| file.to_owned());
    let drawn_on = DrawnOn::of_size(number(&labelme.width), number(&labelme.height));
    let mut contents = Contents::new("LabelMe");
    contents.mention(&photo, drawn_on);
    for shape in &labelme.shapes {
        let name = text(&shape.label).unwrap_or_else(|| "box".to_owned());
        match shape.corners() {
            Some(corners) => contents.add(&photo, drawn_on, corners.named(name)),
            None => contents.left_out.add(|| format!("\"{name}\" in {photo} has no area")),
        }
    }
    Ok(contents)
}

impl Shape {
    /// Returns the box around the shape, or `None` if it has no area.
    fn corners(&self) -> Option<Corners> {
        let points = self.points.as_array()?.iter();
        let points: Option<Vec<[f64; 2]>> =
            points.map(|point| numbers(point)?.try_into().ok()).collect();
        let points = points?;
        match (self.shape_type.as_str(), &points[..]) {
            (Some("point" | "points" | "line" | "linestrip"), _) => None,
            // Its centre, and a point on it.
            (Some("circle"), &[[x, y], [to_x, to_y]]) => {
                let radius = (to_x - x).hypot(to_y - y);
                Some(around_ellipse([x, y], [radius; 2]))
            }
            _ => around(points),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_become_boxes() {
        let json = r#"{"version": "5.0", "imagePath": "..\\a\\x.jpg", "imageWidth": 64, "imageHeight": 48,
            "imageData": null, "shapes": [
                {"label": "cat", "points": [[30, 20], [10.5, 5]], "shape_type": "rectangle"},
                {"label": "ball", "points": [[10, 10], [13, 14]], "shape_type": "circle"},
                {"label": "tail", "points": [[1, 1], [4, 2], [2, 6]], "shape_type": "polygon"},
                {"label": "nose", "points": [[1, 1]], "shape_type": "point"}]}"#;
        let contents = read(json, "x.json").unwrap();
        let drawing = &contents.drawings["..\\a\\x.jpg"];
        assert_eq!(drawing.drawn_on, DrawnOn::Pixels { width: 64, height: 48 });
        let places: Vec<_> =
            drawing.boxes.iter().map(|it| [it.x, it.y, it.width, it.height]).collect();
        assert_eq!(places, [[10.5, 5.0, 19.5, 15.0], [5.0, 5.0, 10.0, 10.0], [1.0, 1.0, 3.0, 5.0]]);
        assert_eq!(contents.left_out.first.unwrap(), "\"nose\" in ..\\a\\x.jpg has no area");
        let nameless = read(r#"{"shapes": []}"#, "x.json").unwrap();
        assert!(nameless.drawings.contains_key("x.json"));
    }
}
