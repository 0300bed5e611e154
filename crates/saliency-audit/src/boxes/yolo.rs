//! YOLO: a text file for each photo, with a line for each box. The line has the number of the box's
//! class, and then its centre and size as fractions of the photo, or the corners of a polygon.

use super::drawing::{Contents, Corners, DrawnOn};
use super::shapes::{around, around_ellipse, pairs};

/// Returns whether a text is a YOLO file: lines of numbers, each beginning with a whole number.
pub(super) fn is_yolo(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    let is_line = |line: &str| line.split_whitespace().count() >= 5 && numbers(line).is_some();
    lines.peek().is_some() && lines.all(is_line)
}

/// Reads a file, given the names of the classes. The name of the file is that of its photo.
pub(super) fn read(text: &str, file: &str, classes: &[String]) -> Contents {
    let mut contents = Contents::new("YOLO");
    contents.mention(file, DrawnOn::Fractions);
    for line in text.lines().filter_map(numbers) {
        let class = line[0] as usize;
        let name = classes.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
        match corners(&line[1..]) {
            Some(corners) => contents.add(file, DrawnOn::Fractions, corners.named(name)),
            None => contents.left_out.add(|| format!("\"{name}\" in {file} has no box")),
        }
    }
    contents
}

/// Returns the numbers of a line. The first of them is a class.
fn numbers(line: &str) -> Option<Vec<f64>> {
    let numbers =
        line.split_whitespace().map(|it| it.parse().ok().filter(|it: &f64| it.is_finite()));
    let numbers: Vec<f64> = numbers.collect::<Option<_>>()?;
    numbers.first().is_some_and(|class| *class >= 0.0 && class.fract() == 0.0).then_some(numbers)
}

fn corners(places: &[f64]) -> Option<Corners> {
    match *places {
        // A sixth number is the confidence of a network.
        [x, y, width, height] | [x, y, width, height, _] => {
            Some(around_ellipse([x, y], [width / 2.0, height / 2.0]))
        }
        _ => around(pairs(places)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_and_polygons_are_read() {
        let text = "1 0.5 0.25 0.5 0.25\r\n\n7 0.1 0.2 0.3 0.2 0.3 0.6\n0 .5 .5 1 1 0.93\n";
        assert!(is_yolo(text));
        let contents = read(text, "x.txt", &["cat".to_owned(), "dog".to_owned()]);
        let drawing = &contents.drawings["x.txt"];
        assert_eq!(drawing.drawn_on, DrawnOn::Fractions);
        let names: Vec<_> = drawing.boxes.iter().map(|it| &it.name[..]).collect();
        assert_eq!(names, ["dog", "class 7", "cat"]);
        let places: Vec<_> = drawing.boxes.iter().map(|it| [it.x, it.y, it.width]).collect();
        assert_eq!(places, [[0.25, 0.125, 0.5], [0.1, 0.2, 0.3 - 0.1], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn other_texts_are_not_yolo() {
        for text in [
            "",
            "cat\ndog\n",
            "0 0.5 0.5 0.4",
            "a 1 2 3 4",
            "0.5 1 2 3 4",
            "1,2,3,4,5",
            "-1 0 0 1 1",
        ] {
            assert!(!is_yolo(text), "{text}");
        }
    }
}
