use image::RgbImage;

use crate::drawing::escaped;
use crate::legend::Legend;
use crate::text::drawable;

/// One picture of a [`Figure`](crate::Figure), with its title.
#[derive(Clone, Debug)]
pub struct Tile {
    pub(crate) title: String,
    pub(crate) picture: RgbImage,
    pub(crate) legend: Option<Legend>,
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) labels: Vec<Label>,
}

/// A line over a picture, in its pixels, with a black edge.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The commands of an SVG path.
    pub(crate) path: String,
    pub(crate) width: f64,
    pub(crate) color: &'static str,
}

/// A text over a picture, above a point of it.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) text: String,
}

impl Tile {
    /// Creates a picture under a title.
    pub fn new(title: impl Into<String>, picture: RgbImage) -> Self {
        Self {
            title: title.into(),
            picture,
            legend: None,
            notes: Vec::new(),
            lines: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Draws a legend below the picture: the colours with their attributions.
    pub fn with_legend(mut self, legend: Legend) -> Self {
        self.legend = Some(legend);
        self
    }

    /// Adds a line of text below the picture and its legend, such as the cost or the error.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl Line {
    /// Returns the line as elements of SVG: the edge, and the line over it.
    pub(crate) fn to_svg(&self) -> String {
        let Self { path, width, color } = self;
        let edge = 2.0 * width;
        format!(
            "<path d='{path}' stroke='#000' stroke-width='{edge}'/>\
             <path d='{path}' stroke='{color}' stroke-width='{width}'/>"
        )
    }
}

impl Label {
    /// Returns the text in white with a black edge, given the size of letters and the place of its
    /// point on the figure. Below the point, if the picture begins at `top` and leaves no room.
    pub(crate) fn to_svg(&self, [x, y]: [f64; 2], top: f64, size: f64) -> String {
        let above = y - 0.3 * size;
        let (x, y) = (x + 0.15 * size, if above - size < top { y + size } else { above });
        let (edge, text) = (0.25 * size, escaped(&drawable(&self.text)));
        format!(
            "<text x='{x}' y='{y}' font-size='{size}' fill='#fff' stroke='#000' \
             stroke-width='{edge}' stroke-linejoin='round' paint-order='stroke'>{text}</text>"
        )
    }
}
