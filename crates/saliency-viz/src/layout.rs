//! Places all parts of a figure, and writes the figure as SVG.

use std::borrow::Cow;
use std::fmt::Write as _;

use image::RgbImage;
use saliency_photo::Size;

use crate::drawing::escaped;
use crate::grid::Grid;
use crate::legend::Legend;
use crate::resize::resized;
use crate::text::{drawable, fitted};
use crate::tile::{Line, Tile};

/// A figure with the places of all its parts.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pictures: Vec<Placed<'a>>,
    texts: Vec<Text>,
    legends: Vec<PlacedLegend<'a>>,
    grid: Grid,
}

/// A picture, its upper left corner, and the size at which it is drawn.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) x: u32,
    pub(crate) y: u32,
    size: Size,
    /// The factor by which the picture is shrunk.
    shrink: f64,
    tile: &'a Tile,
}

#[derive(Debug)]
struct Text {
    x: f64,
    y: f64,
    size: f64,
    anchor: Anchor,
    text: String,
}

/// The part of a text that is at its `x`: the start, the middle or the end.
#[derive(Clone, Copy, Debug)]
enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug)]
struct PlacedLegend<'a> {
    x: u32,
    y: u32,
    legend: &'a Legend,
}

impl<'a> Layout<'a> {
    /// Places titles, pictures, legends and notes, from the top to the bottom.
    pub(crate) fn new(title: &str, rows: &'a [Vec<Tile>], notes: &[String], grid: Grid) -> Self {
        let Grid { gap, size, .. } = grid;
        let mut layout = Self {
            width: grid.width() as u32,
            height: gap,
            pictures: Vec::new(),
            texts: Vec::new(),
            legends: Vec::new(),
            grid,
        };
        // `height` is the height so far. Each part is placed there, and then adds its own height.
        if !title.is_empty() {
            layout.write_across(title, 1.3 * size);
            layout.height += (1.9 * size) as u32;
        }
        for row in rows {
            layout.write_titles(row);
            layout.place_pictures(row);
            layout.place_legends(row);
            layout.write_notes(row);
            layout.height += gap / 2;
        }
        for note in notes {
            layout.write_across(note, 0.9 * size);
            layout.height += (1.4 * size) as u32;
        }
        layout.height += gap / 2;
        layout
    }

    fn write_titles(&mut self, row: &[Tile]) {
        let Grid { column, size, .. } = self.grid;
        if row.iter().all(|tile| tile.title.is_empty()) {
            return;
        }
        for (tile, left) in row.iter().zip(self.grid.left_edges()) {
            let title = fitted(&tile.title, size, column.into());
            self.write(&title, self.grid.middle(left), self.height, size, Anchor::Middle);
        }
        self.height += (1.5 * size) as u32;
    }

    fn place_pictures(&mut self, row: &'a [Tile]) {
        for (tile, left) in row.iter().zip(self.grid.left_edges()) {
            let (size, shrink) = (self.grid.drawn(tile), self.grid.shrink);
            let x = left + (self.grid.column - size.width) / 2;
            self.pictures.push(Placed { x, y: self.height, size, shrink, tile });
        }
        self.height += self.grid.tallest(row);
    }

    fn place_legends(&mut self, row: &'a [Tile]) {
        let Grid { column, gap, size, .. } = self.grid;
        if row.iter().all(|tile| tile.legend.is_none()) {
            return;
        }
        self.height += gap / 2;
        let small = 0.85 * size;
        // The labels are below the bar of colours.
        let below = self.height + (self.legend_height() + 0.2 * small) as u32;
        for (tile, x) in row.iter().zip(self.grid.left_edges()) {
            let Some(legend) = &tile.legend else { continue };
            self.legends.push(PlacedLegend { x, y: self.height, legend });
            let (left, right) = (f64::from(x), f64::from(x) + f64::from(column));
            let labels = legend.labels();
            self.write(&labels.left, left, below, small, Anchor::Start);
            if let Some(middle) = labels.middle {
                self.write(&middle, self.grid.middle(x), below, small, Anchor::Middle);
            }
            self.write(&labels.right, right, below, small, Anchor::End);
        }
        self.height += (2.2 * size) as u32;
    }

    fn write_notes(&mut self, row: &[Tile]) {
        let Grid { column, size, .. } = self.grid;
        let small = 0.85 * size;
        let lines = row.iter().map(|tile| tile.notes.len()).max().unwrap_or(0);
        for line in 0..lines {
            for (tile, left) in row.iter().zip(self.grid.left_edges()) {
                let note = tile.notes.get(line).map_or("", String::as_str);
                let note = fitted(note, small, column.into());
                self.write(&note, self.grid.middle(left), self.height, small, Anchor::Middle);
            }
            self.height += (1.3 * size) as u32;
        }
    }

    /// Writes a line of text that may be as wide as the figure.
    fn write_across(&mut self, text: &str, size: f64) {
        let gap = self.grid.gap;
        let text = fitted(text, size, f64::from(self.width - 2 * gap));
        self.write(&text, gap.into(), self.height, size, Anchor::Start);
    }

    /// Places a text. Its upper edge is at `y`.
    fn write(&mut self, text: &str, x: f64, y: u32, size: f64, anchor: Anchor) {
        let y = f64::from(y) + 0.95 * size;
        self.texts.push(Text { x, y, size, anchor, text: drawable(text) });
    }

    fn legend_height(&self) -> f64 {
        0.7 * self.grid.size
    }

    /// Returns the texts, lines and legends, to be drawn over pictures that are already in their
    /// places.
    pub(crate) fn svg_over_pictures(&self) -> String {
        self.svg("", &[])
    }

    /// Returns the whole figure on white, given each picture as a PNG in Base64.
    pub(crate) fn svg_with_pictures(&self, pngs: &[String]) -> String {
        self.svg("<rect width='100%' height='100%' fill='#fff'/>", pngs)
    }

    fn svg(&self, ground: &str, pngs: &[String]) -> String {
        let Self { width, height, grid: Grid { size, .. }, .. } = self;
        let mut svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
             width='{width}' height='{height}' viewBox='0 0 {width} {height}' \
             font-family='Roboto' font-size='{size}' fill='#222'>{ground}"
        );
        for text in &self.texts {
            svg += &text.to_svg();
        }
        let mut pngs = pngs.iter();
        for picture in &self.pictures {
            svg += &picture.to_svg(pngs.next(), *size);
        }
        for (index, legend) in (1..).zip(&self.legends) {
            svg += &legend.to_svg(index, self.grid.column.into(), self.legend_height());
        }
        svg + "</svg>"
    }
}

impl Text {
    fn to_svg(&self) -> String {
        let Self { x, y, size, .. } = self;
        let text = escaped(&self.text);
        let anchor = match self.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        format!("<text x='{x}' y='{y}' font-size='{size}' text-anchor='{anchor}'>{text}</text>")
    }
}

impl Placed<'_> {
    /// Returns the picture, resized to the size at which it is drawn.
    pub(crate) fn picture(&self) -> Cow<'_, RgbImage> {
        let picture = &self.tile.picture;
        if self.size == Size::of(picture) {
            Cow::Borrowed(picture)
        } else {
            Cow::Owned(resized(picture, self.size))
        }
    }

    /// Returns the picture, if its PNG is given, with its lines and labels in letters of a size.
    fn to_svg(&self, png: Option<&String>, letters: f64) -> String {
        let Self { x, y, size: Size { width, height }, shrink, tile } = self;
        let mut svg = String::new();
        if let Some(png) = png {
            svg += &format!(
                "<image x='{x}' y='{y}' width='{width}' height='{height}' \
                 xlink:href='data:image/png;base64,{png}'/>"
            );
        }
        for line in tile.lines.iter().map(Line::to_svg) {
            svg += &format!(
                "<g transform='translate({x} {y}) scale({shrink})' fill='none' \
                 stroke-linejoin='round' stroke-linecap='round'>{line}</g>"
            );
        }
        for label in &tile.labels {
            let [left, top] = [x, y].map(|at| f64::from(*at));
            let at = [left + label.x * shrink, top + label.y * shrink];
            svg += &label.to_svg(at, top, letters);
        }
        svg
    }
}

impl PlacedLegend<'_> {
    fn to_svg(&self, index: u32, width: f64, height: f64) -> String {
        let Self { x, y, legend } = self;
        let mut svg = format!("<linearGradient id='bar{index}'>");
        // Every eighth colour is enough, because SVG interpolates between them.
        for (step, [red, green, blue]) in legend.table().iter().enumerate().step_by(8) {
            let offset = step as f64 / 256.0;
            let stop = format!("#{red:02x}{green:02x}{blue:02x}");
            let _ = write!(svg, "<stop offset='{offset}' stop-color='{stop}'/>");
        }
        svg + &format!(
            "</linearGradient><rect x='{x}' y='{y}' width='{width}' height='{height}' \
             fill='url(#bar{index})' stroke='#777' stroke-width='1'/>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorMap;
    use burn::tensor::{Device, Tensor};
    use image::RgbImage;
    use saliency_photo::{Map, Reduce};

    #[test]
    fn notes_stand_below_their_picture_in_lines() {
        let tile = |notes: &[&str]| {
            notes
                .iter()
                .fold(Tile::new("", RgbImage::new(300, 20)), |tile, note| tile.with_note(*note))
        };
        let rows = [vec![tile(&["a", "b"]), tile(&["c"])]];
        let grid = Grid::new(&rows, None).unwrap();
        let texts = Layout::new("", &rows, &[], grid).texts;
        let texts: Vec<_> = texts.iter().map(|it| (&it.text[..], it.x, it.y)).collect();
        let [("a", a_x, a_y), ("c", c_x, c_y), ("b", b_x, b_y), ("", ..)] = texts[..] else {
            panic!("{texts:?}");
        };
        assert!(a_y == c_y && b_y > a_y && a_x == b_x && c_x > a_x && a_y > 20.0);
    }

    #[test]
    fn the_bar_says_what_the_colours_mean() {
        let values = Tensor::<4>::from_data([[[[-2.0, 0.5]]]], &Device::flex());
        let photo = RgbImage::new(2, 1);
        for (reduce, share, expected) in [
            (Reduce::Sum, 1.0, &["−2", "0", "2"][..]),
            (Reduce::AbsoluteSum, 1.0, &["0", "2"]),
            (Reduce::Sum, 0.1, &["≤ −0.5", "0", "≥ 0.5"]),
        ] {
            let map = Map::of_row(&values, 0, reduce).unwrap().clip_beyond(share).unwrap();
            let legend = Legend::new(&map, ColorMap::Inferno.table(map.map().is_signed()));
            let rows = [vec![Tile::new("", photo.clone()).with_legend(legend)]];
            let layout = Layout::new("", &rows, &[], Grid::new(&rows, None).unwrap());
            let texts: Vec<_> = layout.texts.iter().map(|text| &text.text[..]).collect();
            assert_eq!(texts, expected);
        }
    }
}
