//! Reads CSV without titles. Two such formats are known: RetinaNet and make-sense.

use super::drawing::{Contents, Corners, DrawnBox, DrawnOn};
use super::error::BoxesError;
use super::shapes::sized;
use super::table::{Line, Table};

/// Reads a table whose first line is a box. Four numbers without titles may be two corners, or a
/// corner and a size. So only formats are read in which just one of these is possible.
pub(super) fn read(table: &Table) -> Result<Contents, BoxesError> {
    let lines = || std::iter::once(&table.first).chain(&table.lines);
    if lines().all(is_make_sense) {
        return Ok(contents("make-sense", lines(), make_sense));
    }
    // RetinaNet: a photo without a box has empty fields.
    let is_empty = |line: &Line| (1..6).all(|at| line.field(at).is_none());
    if lines().all(|it| is_retina_net(it) || is_empty(it)) && lines().any(is_retina_net) {
        return Ok(contents("RetinaNet", lines().filter(|it| !is_empty(it)), retina_net));
    }
    let numbers = (0..table.first.fields.len()).filter(|at| table.first.number(*at).is_some());
    if numbers.count() >= 4 {
        return Err(BoxesError::Untitled);
    }
    Err(BoxesError::Columns { found: table.first.fields.join(",") })
}

/// A box and its photo.
struct Entry<'a> {
    photo: &'a str,
    drawn_on: DrawnOn,
    marked: DrawnBox,
}

fn contents<'a>(
    format: &'static str,
    lines: impl Iterator<Item = &'a Line>,
    entry: fn(&Line) -> Option<Entry>,
) -> Contents {
    let mut contents = Contents::new(format);
    for Entry { photo, drawn_on, marked } in lines.filter_map(entry) {
        contents.add(photo, drawn_on, marked);
    }
    contents
}

fn is_make_sense(line: &Line) -> bool {
    line.fields.len() == 8 && make_sense(line).is_some()
}

/// Reads label,x,y,width,height,photo and the photo's width and height.
fn make_sense(line: &Line) -> Option<Entry<'_>> {
    let at = |at: usize| line.number(at);
    let corners = sized([at(1)?, at(2)?, at(3)?, at(4)?]);
    let (width, height) = (at(6)?, at(7)?);
    Some(Entry {
        photo: line.field(5)?,
        drawn_on: DrawnOn::of_size(Some(width), Some(height)),
        marked: corners.named(line.field(0)?),
    })
}

/// Returns whether a line can be from RetinaNet: with a name at the end, and with corners in the
/// right order.
fn is_retina_net(line: &Line) -> bool {
    let is_text = |at: usize| line.field(at).is_some() && line.number(at).is_none();
    let corners = |it: Entry| it.marked.width > 0.0 && it.marked.height > 0.0;
    line.fields.len() == 6 && is_text(0) && is_text(5) && retina_net(line).is_some_and(corners)
}

/// Reads photo,left,top,right,bottom,name.
fn retina_net(line: &Line) -> Option<Entry<'_>> {
    let at = |at: usize| line.number(at);
    let corners = Corners { left: at(1)?, top: at(2)?, right: at(3)?, bottom: at(4)? };
    Some(Entry {
        photo: line.field(0)?,
        drawn_on: DrawnOn::Unknown,
        marked: corners.named(line.field(5)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::table;

    #[test]
    fn known_formats_are_read_and_others_need_titles() {
        let read = |text: &str| read(&table::split(text));
        let corners = Corners { left: 1.0, top: 2.0, right: 9.0, bottom: 8.0 };
        let contents = read("cat,1,2,8,6,x.jpg,64,48\n").unwrap();
        assert_eq!(contents.drawings["x.jpg"].boxes, [corners.named("cat")]);
        let size = DrawnOn::Pixels { width: 64, height: 48 };
        assert_eq!(contents.drawings["x.jpg"].drawn_on, size);
        let contents = read("y.jpg,,,,,\na/x.jpg,1,2,9,8,cat\n").unwrap();
        assert_eq!(contents.drawings["a/x.jpg"].boxes, [corners.named("cat")]);
        for text in ["x.jpg,cat,150,60,300,300\n", "x.jpg,150,60,100,300,cat\n"] {
            assert!(matches!(read(text), Err(BoxesError::Untitled)), "{text}");
        }
        assert!(matches!(read("a,b\nc,d\n"), Err(BoxesError::Columns { .. })));
    }
}
