//! Places boxes in the upright photo: scales them to its size, and clips them to its edges.

use saliency_photo::Size;
use serde::{Deserialize, Serialize};

use super::drawing::{Drawing, DrawnBox, DrawnOn};
use super::marked::MarkedBox;

/// How the boxes of a photo were placed in it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Placing {
    /// How many boxes the file has for the photo.
    pub drawn: usize,
    /// How many extended beyond the photo and were clipped.
    pub clipped: usize,
    /// How many were left out because no part of them is in the photo.
    pub left_out: usize,
    /// The reason why the first such box was clipped or left out.
    pub first: Option<String>,
    /// The two sizes, if the boxes were drawn on a picture of another size.
    pub other_size: Option<OtherSize>,
}

/// Boxes were drawn on a picture of another size than the photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct OtherSize {
    /// Width and height of the picture that they were drawn on.
    pub drawn_on: [u32; 2],
    /// Width and height of the photo.
    pub photo: [u32; 2],
    pub fit: Fit,
}

/// How the boxes were treated because of the other size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Fit {
    /// The aspect ratio is the same: the boxes were scaled.
    Scaled,
    /// The aspect ratio is that of the photo with width and height swapped: the boxes were left
    /// out.
    Turned,
    /// The aspect ratio is another one: the boxes were left out.
    Unlike,
}

/// The boxes of a photo, and how they were placed in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placed {
    pub boxes: Vec<MarkedBox>,
    pub placing: Placing,
}

impl Drawing {
    /// Places the boxes in a photo.
    pub fn placed(&self, photo: Size) -> Placed {
        let other_size = self.other_size(photo);
        let placing = Placing { drawn: self.boxes.len(), other_size, ..Placing::default() };
        let mut placed = Placed { boxes: Vec::new(), placing };
        if other_size.is_some_and(|it| it.fit != Fit::Scaled) {
            return placed;
        }
        let scale = self.scale(photo);
        for drawn in &self.boxes {
            let Some(marked) = marked(drawn, &scale, photo) else {
                placed.placing.left_out += 1;
                placed.placing.first.get_or_insert_with(|| outside(drawn, photo));
                continue;
            };
            if reaches_out(drawn, &scale, photo) {
                placed.placing.clipped += 1;
                placed.placing.first.get_or_insert_with(|| beyond(drawn, photo));
            }
            placed.boxes.push(marked);
        }
        placed
    }

    /// Compares the size that the file names for the photo with the photo's own size.
    fn other_size(&self, photo: Size) -> Option<OtherSize> {
        let DrawnOn::Pixels { width, height } = self.drawn_on else { return None };
        let drawn_on = Size { width, height };
        let fit = if drawn_on == photo {
            return None;
        } else if is_alike(drawn_on, photo) {
            Fit::Scaled
        } else if is_alike(Size { width: height, height: width }, photo) {
            Fit::Turned
        } else {
            Fit::Unlike
        };
        Some(OtherSize { drawn_on: [width, height], photo: [photo.width, photo.height], fit })
    }

    /// Returns the length of the unit of a box, in pixels of the photo.
    fn scale(&self, photo: Size) -> Scale {
        let [width, height] = [photo.width, photo.height].map(f64::from);
        match self.drawn_on {
            DrawnOn::Unknown => Scale { across: 1.0, down: 1.0, rounding: 1e-7 },
            DrawnOn::Pixels { width: drawn_width, height: drawn_height } => {
                let (across, down) =
                    (width / f64::from(drawn_width), height / f64::from(drawn_height));
                let rounding = if across == 1.0 && down == 1.0 { 1e-7 } else { 0.01 };
                Scale { across, down, rounding }
            }
            // Fractions are written with six digits.
            DrawnOn::Fractions => Scale { across: width, down: height, rounding: 0.01 },
        }
    }
}

/// The length of the unit of a box, in pixels of the photo.
struct Scale {
    across: f64,
    down: f64,
    /// The number of pixels by which a box may extend beyond the photo because numbers are rounded.
    rounding: f64,
}

/// Returns whether two pictures have the same aspect ratio. Their sides are whole pixels, so a side
/// may be one pixel off.
fn is_alike(drawn_on: Size, photo: Size) -> bool {
    let product = |a: u32, b: u32| i128::from(a) * i128::from(b);
    let difference = product(drawn_on.width, photo.height) - product(drawn_on.height, photo.width);
    difference.abs() <= i128::from(photo.width.max(photo.height))
}

/// Returns the whole pixels of the photo that a box covers, or `None` if the box is empty, has
/// invalid numbers, or is outside the photo.
fn marked(drawn: &DrawnBox, scale: &Scale, photo: Size) -> Option<MarkedBox> {
    let is_box =
        drawn.width > 0.0 && drawn.height > 0.0 && drawn.x.is_finite() && drawn.y.is_finite();
    let across = span(drawn.x * scale.across, drawn.width * scale.across, photo.width);
    let down = span(drawn.y * scale.down, drawn.height * scale.down, photo.height);
    let (across, down) = across.zip(down).filter(|_| is_box)?;
    Some(MarkedBox {
        name: drawn.name.clone(),
        x: across.start,
        y: down.start,
        width: across.length,
        height: down.length,
    })
}

/// A part of a side.
struct Span {
    start: u32,
    length: u32,
}

/// Clips a part of a side to the photo. Returns `None` if nothing is left of it.
fn span(from: f64, length: f64, all: u32) -> Option<Span> {
    let (from, to) = (from.max(0.0), (from + length).min(f64::from(all)));
    if from >= to || to.is_nan() {
        return None;
    }
    let start = from.floor() as u32;
    // A thin box must not disappear by rounding.
    let length = (to.round() as u32).saturating_sub(start).max(1);
    Some(Span { start, length })
}

/// Returns whether a box extends beyond the photo.
fn reaches_out(drawn: &DrawnBox, scale: &Scale, photo: Size) -> bool {
    let out = |from: f64, length: f64, unit: f64, all: u32| {
        let beyond = (from + length) * unit - f64::from(all);
        from * unit < -scale.rounding || beyond > scale.rounding
    };
    out(drawn.x, drawn.width, scale.across, photo.width)
        || out(drawn.y, drawn.height, scale.down, photo.height)
}

fn outside(drawn: &DrawnBox, photo: Size) -> String {
    let DrawnBox { name, x, y, width, height } = drawn;
    if *width > 0.0 && *height > 0.0 {
        format!("\"{name}\" of {width} x {height} at ({x}, {y}) is outside the photo of {photo}")
    } else {
        format!("\"{name}\" of {width} x {height} at ({x}, {y}) is empty")
    }
}

fn beyond(drawn: &DrawnBox, photo: Size) -> String {
    let DrawnBox { name, x, y, width, height } = drawn;
    format!("\"{name}\" of {width} x {height} at ({x}, {y}) reaches out of the photo of {photo}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: Size = Size { width: 640, height: 427 };

    fn drawing(drawn_on: DrawnOn, [x, y, width, height]: [f64; 4]) -> Drawing {
        let drawn = DrawnBox { name: "it".to_owned(), x, y, width, height };
        Drawing { drawn_on, boxes: vec![drawn] }
    }

    fn place(drawn_on: DrawnOn, edges: [f64; 4]) -> (Option<[u32; 4]>, Placing) {
        let Placed { boxes, placing } = drawing(drawn_on, edges).placed(PHOTO);
        (boxes.first().map(|it| [it.x, it.y, it.width, it.height]), placing)
    }

    #[test]
    fn odd_boxes_are_clipped_or_left_out() {
        for (edges, expected, [clipped, left_out]) in [
            ([150.0, 60.0, 300.0, 300.0], Some([150, 60, 300, 300]), [0, 0]),
            ([0.2, 0.0, 89.9, 150.0], Some([0, 0, 90, 150]), [0, 0]),
            ([-0.0000005, 60.0, 300.0, 300.0], Some([0, 60, 300, 300]), [1, 0]),
            ([-0.5, 60.0, 300.0, 300.0], Some([0, 60, 300, 300]), [1, 0]),
            ([-100.0, -50.0, 1000.0, 1000.0], Some([0, 0, 640, 427]), [1, 0]),
            ([340.0, 60.0, 300.6, 300.0], Some([340, 60, 300, 300]), [1, 0]),
            ([639.9, 426.9, 0.05, 0.05], Some([639, 426, 1, 1]), [0, 0]),
            ([10.0, 10.0, 0.0, 0.0], None, [0, 1]),
            ([10.0, 10.0, -5.0, 5.0], None, [0, 1]),
            ([640.0, 10.0, 5.0, 5.0], None, [0, 1]),
            ([-9.0, 10.0, 9.0, 5.0], None, [0, 1]),
            ([f64::NAN, 10.0, 9.0, 5.0], None, [0, 1]),
            ([1e300, 10.0, 1e300, 5.0], None, [0, 1]),
            ([-1e300, -1e300, f64::INFINITY, f64::INFINITY], Some([0, 0, 640, 427]), [1, 0]),
        ] {
            let (found, placing) = place(DrawnOn::Unknown, edges);
            assert_eq!(found, expected, "{edges:?}");
            assert_eq!([placing.clipped, placing.left_out], [clipped, left_out], "{edges:?}");
            assert_eq!(placing.first.is_some(), clipped + left_out > 0);
            assert_eq!(placing.other_size, None);
        }
    }

    #[test]
    fn boxes_on_a_picture_of_another_size_are_scaled_or_refused() {
        let edges = [75.0, 30.0, 150.0, 150.0];
        for (drawn_on, expected, fit) in [
            ([640, 427], Some([75, 30, 150, 150]), None),
            ([320, 213], Some([150, 60, 300, 301]), Some(Fit::Scaled)),
            ([1280, 854], Some([37, 15, 76, 75]), Some(Fit::Scaled)),
            ([427, 640], None, Some(Fit::Turned)),
            ([213, 320], None, Some(Fit::Turned)),
            ([640, 640], None, Some(Fit::Unlike)),
            ([500, 400], None, Some(Fit::Unlike)),
        ] {
            let [width, height] = drawn_on;
            let (found, placing) = place(DrawnOn::Pixels { width, height }, edges);
            assert_eq!(found, expected, "{drawn_on:?}");
            assert_eq!(placing.other_size.map(|it| it.fit), fit, "{drawn_on:?}");
        }
    }

    #[test]
    fn parts_of_the_photo_become_pixels() {
        let (found, placing) = place(DrawnOn::Fractions, [0.25, 0.0, 0.5, 1.000001]);
        assert_eq!(found, Some([160, 0, 320, 427]));
        assert_eq!(placing.clipped, 0);
        assert_eq!(place(DrawnOn::Fractions, [0.5, 0.5, 0.6, 0.5]).1.clipped, 1);
    }
}
