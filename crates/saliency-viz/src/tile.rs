use image::RgbImage;

use crate::legend::Legend;

/// One picture of a [`Figure`](crate::Figure), with its title.
#[derive(Clone, Debug)]
pub struct Tile {
    pub(crate) title: String,
    pub(crate) picture: RgbImage,
    pub(crate) legend: Option<Legend>,
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

/// A line over a picture, in its pixels, with a black edge.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The commands of an SVG path.
    pub(crate) path: String,
    pub(crate) width: f64,
    pub(crate) color: &'static str,
}

impl Tile {
    /// Creates a picture under a title.
    pub fn new(title: impl Into<String>, picture: RgbImage) -> Self {
        Self { title: title.into(), picture, legend: None, notes: Vec::new(), lines: Vec::new() }
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
