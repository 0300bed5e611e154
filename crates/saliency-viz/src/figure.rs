use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, RgbImage};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Node, WriteOptions};

use crate::color::Table;
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::text::{drawable, fitted, number, outlined};

/// Pictures with titles and colour bars, in rows: a panel, or a grid of methods and classes.
///
/// # Example
/// ```
/// use image::RgbImage;
/// use saliency_viz::{Figure, Tile};
///
/// let photo = RgbImage::new(200, 100);
/// let figure = Figure::new("two cats").with_row([Tile::new("one", photo.clone()), Tile::new("two", photo)]);
/// let picture = figure.to_picture()?;
/// assert!(picture.width() > 400 && picture.height() > 100);
/// // The same as lines and letters, for a paper.
/// assert!(figure.to_svg()?.starts_with("<svg"));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Figure {
    title: String,
    rows: Vec<Vec<Tile>>,
    notes: Vec<String>,
}

/// One picture of a [`Figure`], with its title.
#[derive(Clone, Debug)]
pub struct Tile {
    title: String,
    pub(crate) picture: RgbImage,
    bar: Option<Bar>,
    notes: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

/// A line over a picture, in its pixels.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) width: f64,
    pub(crate) color: &'static str,
}

/// The colours of a map and the attributions that they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) table: Table,
    pub(crate) scale: f64,
    pub(crate) signed: bool,
    pub(crate) clipped: bool,
}

impl Tile {
    /// A picture under a title.
    pub fn new(title: impl Into<String>, picture: RgbImage) -> Self {
        Self { title: title.into(), picture, bar: None, notes: Vec::new(), lines: Vec::new() }
    }

    /// Draws below the picture which colour stands for which attribution.
    pub fn with_bar(mut self, picture: &Picture) -> Self {
        self.bar = Some(picture.bar());
        self
    }

    /// Adds a line of text below the picture and its colours: what it cost, how sure it is.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// The narrowest column that titles and bars fit into.
const COLUMN: u32 = 180;
/// The longest side of a figure.
const LIMIT: u64 = 60_000;
/// The most pixels of all its pictures' places: 1.5 GB of colours.
const AREA: u64 = 500_000_000;
/// Lines and letters are drawn this many rows of pixels at a time, so that memory stays bounded.
const STRIP: u32 = 512;

impl Figure {
    /// A figure without pictures.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a row of pictures below the others.
    pub fn with_row(mut self, tiles: impl IntoIterator<Item = Tile>) -> Self {
        self.rows.push(tiles.into_iter().collect());
        self
    }

    /// Adds a line of text below the pictures.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The figure as pixels, its pictures as they are.
    ///
    /// # Errors
    /// [`Error::Figure`] without pictures, or where they need more than 60,000 pixels a side or 500
    /// million in all.
    pub fn to_picture(&self) -> Result<RgbImage> {
        let layout = self.layout()?;
        let white = vec![255; 3 * layout.width as usize * layout.height as usize];
        let picture = RgbImage::from_raw(layout.width, layout.height, white);
        let mut picture = picture.expect("as many bytes as pixels");
        for (placed, tile) in layout.tiles.iter().zip(self.rows.iter().flatten()) {
            let left = 3 * placed.x as usize;
            let (line, length) = (3 * layout.width as usize, 3 * placed.width as usize);
            let rows = picture.chunks_exact_mut(line).skip(placed.y as usize);
            for (below, row) in rows.zip(tile.picture.chunks_exact(length)) {
                below[left..left + length].copy_from_slice(row);
            }
        }
        draw_over(&mut picture, &layout.render().expect("the template is valid"));
        Ok(picture)
    }

    /// The figure as a drawing: titles and lines stay sharp at any size, and letters are outlines, so
    /// that it looks the same everywhere.
    ///
    /// # Errors
    /// Those of [`Figure::to_picture`], and [`Error::Encode`] where a picture cannot be encoded.
    pub fn to_svg(&self) -> Result<String> {
        let mut layout = self.layout()?;
        layout.opaque = true;
        for (placed, tile) in layout.tiles.iter_mut().zip(self.rows.iter().flatten()) {
            placed.png = encoded(&tile.picture)?;
        }
        let svg = layout.render().expect("the template is valid");
        Ok(outlined(&svg).to_string(&WriteOptions::default()))
    }

    /// Where everything lies.
    fn layout(&self) -> Result<Layout<'_>> {
        let tiles = || self.rows.iter().flatten();
        let column = tiles().map(|tile| tile.picture.width()).max().unwrap_or(0);
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0) as u64;
        let tallest = |row: &Vec<Tile>| row.iter().map(|tile| tile.picture.height()).max();
        let tallest = self.rows.iter().filter_map(tallest).map(u64::from).sum::<u64>();
        let found = (columns * u64::from(column.max(COLUMN)), tallest);
        if columns == 0 || found.0.max(found.1) > LIMIT || found.0 * found.1 > AREA {
            return Err(Error::Figure { pictures: tiles().count(), found });
        }
        let column = column.max(COLUMN);
        // Letters grow with the pictures, so that a figure looks the same on a page.
        let size = f64::from(column / 26).max(12.0);
        let gap = size as u32;
        let width = columns as u32 * (column + gap) + gap;
        let mut layout = Layout { width, size, ..Layout::default() };
        let mut y = gap;
        if !self.title.is_empty() {
            let large = 1.3 * size;
            let room = f64::from(width - 2 * gap);
            layout.write(&fitted(&self.title, large, room), (gap.into(), y), large, "start");
            y += (1.9 * size) as u32;
        }
        for row in &self.rows {
            if row.iter().any(|tile| !tile.title.is_empty()) {
                for (tile, left) in row.iter().zip((gap..).step_by((column + gap) as usize)) {
                    let title = fitted(&tile.title, size, column.into());
                    let middle = f64::from(left) + f64::from(column) / 2.0;
                    layout.write(&title, (middle, y), size, "middle");
                }
                y += (1.5 * size) as u32;
            }
            let height = row.iter().map(|tile| tile.picture.height()).max().unwrap_or(0);
            for (tile, left) in row.iter().zip((gap..).step_by((column + gap) as usize)) {
                let (width, height) = tile.picture.dimensions();
                let x = left + (column - width) / 2;
                let lines = &tile.lines[..];
                layout.tiles.push(Placed { x, y, width, height, png: String::new(), lines });
            }
            y += height;
            if row.iter().any(|tile| tile.bar.is_some()) {
                y += gap / 2;
                for (tile, left) in row.iter().zip((gap..).step_by((column + gap) as usize)) {
                    if let Some(bar) = &tile.bar {
                        layout.draw_bar(bar, (left.into(), y), column.into());
                    }
                }
                y += (2.2 * size) as u32;
            }
            let small = 0.85 * size;
            for line in 0..row.iter().map(|tile| tile.notes.len()).max().unwrap_or(0) {
                for (tile, left) in row.iter().zip((gap..).step_by((column + gap) as usize)) {
                    let note = tile.notes.get(line).map_or("", String::as_str);
                    let middle = f64::from(left) + f64::from(column) / 2.0;
                    layout.write(&fitted(note, small, column.into()), (middle, y), small, "middle");
                }
                y += (1.3 * size) as u32;
            }
            y += gap / 2;
        }
        for note in &self.notes {
            let note = fitted(note, 0.9 * size, f64::from(width - 2 * gap));
            layout.write(&note, (gap.into(), y), 0.9 * size, "start");
            y += (1.4 * size) as u32;
        }
        layout.height = y + gap / 2;
        Ok(layout)
    }
}

/// A figure with every place worked out.
#[derive(Default, Template)]
#[template(path = "figure.svg", escape = "html")]
struct Layout<'a> {
    width: u32,
    height: u32,
    size: f64,
    /// White below everything; else the pictures are there already.
    opaque: bool,
    texts: Vec<Text>,
    tiles: Vec<Placed<'a>>,
    bars: Vec<PlacedBar>,
}

struct Text {
    x: f64,
    y: f64,
    size: f64,
    anchor: &'static str,
    text: String,
}

struct Placed<'a> {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    png: String,
    lines: &'a [Line],
}

struct PlacedBar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    stops: Vec<(f64, String)>,
}

impl Layout<'_> {
    /// Places a text whose letters hang from `y`.
    fn write(&mut self, text: &str, (x, y): (f64, u32), size: f64, anchor: &'static str) {
        let y = f64::from(y) + 0.95 * size;
        self.texts.push(Text { x, y, size, anchor, text: drawable(text) });
    }

    fn draw_bar(&mut self, bar: &Bar, (x, y): (f64, u32), width: f64) {
        let (size, height) = (self.size * 0.85, self.size * 0.7);
        let stops = bar.table.iter().zip(0u16..).step_by(8);
        let stops = stops.map(|([red, green, blue], at)| {
            (f64::from(at) / 256.0, format!("#{red:02x}{green:02x}{blue:02x}"))
        });
        self.bars.push(PlacedBar { x, y: y.into(), width, height, stops: stops.collect() });
        let y = y + (height + 0.2 * size) as u32;
        let beyond = |sign| if bar.clipped { sign } else { "" };
        let most = format!("{}{}", beyond("≥ "), number(bar.scale));
        if bar.signed {
            let least = format!("{}{}", beyond("≤ "), number(-bar.scale));
            self.write(&least, (x, y), size, "start");
            self.write("0", (x + width / 2.0, y), size, "middle");
        } else {
            self.write("0", (x, y), size, "start");
        }
        self.write(&most, (x + width, y), size, "end");
    }
}

/// Draws lines and letters over pixels.
pub(crate) fn draw_over(picture: &mut RgbImage, svg: &str) {
    let tree = outlined(svg);
    let (width, height) = picture.dimensions();
    let mut strip = Pixmap::new(width, STRIP.min(height)).expect("a picture has pixels");
    let drawn = |top: u32, node: &Node| {
        let bounds = node.abs_stroke_bounding_box();
        bounds.top() - 1.0 < (top + STRIP) as f32 && bounds.bottom() + 1.0 > top as f32
    };
    for top in (0..height).step_by(STRIP as usize) {
        // Most of a figure is pictures, with nothing to draw above them.
        if !tree.root().children().iter().any(|node| drawn(top, node)) {
            continue;
        }
        strip.fill(resvg::tiny_skia::Color::TRANSPARENT);
        let up = Transform::from_translate(0.0, -(top as f32));
        resvg::render(&tree, up, &mut strip.as_mut());
        let below = picture.as_flat_samples_mut().samples;
        let below = &mut below[3 * (top * width) as usize..];
        for (below, above) in below.chunks_exact_mut(3).zip(strip.pixels()) {
            let alpha = u32::from(above.alpha());
            if alpha > 0 {
                // What is drawn above is multiplied by its alpha already.
                for (below, above) in
                    below.iter_mut().zip([above.red(), above.green(), above.blue()])
                {
                    let seen = (u32::from(*below) * (255 - alpha) + 127) / 255;
                    *below = (u32::from(above) + seen).min(255) as u8;
                }
            }
        }
    }
}

/// A picture as the text of a `data:` address.
fn encoded(picture: &RgbImage) -> Result<String> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let written = picture.write_to(&mut bytes, ImageFormat::Png);
    written.map_err(|error| Error::Encode { reason: error.to_string() })?;
    Ok(BASE64_STANDARD.encode(bytes.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Map, Reduce, Region};
    use burn::tensor::{Device, Tensor};
    use image::Rgb;

    #[test]
    fn pictures_stay_as_they_are_and_titles_are_drawn() {
        let red = RgbImage::from_pixel(300, 200, Rgb([200, 0, 0]));
        let tiles = [Tile::new("left", red.clone()), Tile::new("", red)];
        let figure = Figure::new("").with_row(tiles).to_picture().unwrap();
        let of = |color| figure.pixels().filter(|pixel| **pixel == Rgb(color)).count();
        assert_eq!(of([200, 0, 0]), 2 * 300 * 200);
        assert!(of([0x22; 3]) > 20, "the title's letters");
    }

    #[test]
    fn notes_stand_below_their_picture_in_lines() {
        let tile = |notes: &[&str]| {
            notes
                .iter()
                .fold(Tile::new("", RgbImage::new(300, 20)), |tile, note| tile.with_note(*note))
        };
        let figure = Figure::new("").with_row([tile(&["a", "b"]), tile(&["c"])]);
        let texts = figure.layout().unwrap().texts;
        let texts: Vec<_> = texts.iter().map(|it| (&it.text[..], it.x, it.y)).collect();
        let [("a", a_x, a_y), ("c", c_x, c_y), ("b", b_x, b_y), ("", ..)] = texts[..] else {
            panic!("{texts:?}");
        };
        assert!(a_y == c_y && b_y > a_y && a_x == b_x && c_x > a_x && a_y > 20.0);
    }

    #[test]
    fn names_are_text_and_not_markup() {
        let name = "</text><script>alert(1)</script> & 猫 \u{7}";
        let tile = Tile::new(name, RgbImage::new(400, 10));
        let svg = Figure::new(name).with_row([tile]).with_note(name).to_svg().unwrap();
        assert!(!svg.contains("script") && svg.contains("<path"), "{svg}");
    }

    #[test]
    fn the_bar_says_what_the_colours_mean() {
        let values = Tensor::<4>::from_data([[[[-2.0, 0.5]]]], &Device::flex());
        let photo = RgbImage::new(2, 1);
        let whole = Region { x: 0, y: 0, width: 2, height: 1 };
        for (reduce, percentile, expected) in [
            (Reduce::Sum, 100.0, &["−2", "0", "2"][..]),
            (Reduce::AbsoluteSum, 100.0, &["0", "2"]),
            (Reduce::Sum, 10.0, &["≤ −0.5", "0", "≥ 0.5"]),
        ] {
            let map = Map::of_row(&values, 0, reduce).unwrap().clip(percentile).unwrap();
            let picture = Picture::new(&photo, whole, &map).unwrap();
            let figure =
                Figure::new("").with_row([Tile::new("", photo.clone()).with_bar(&picture)]);
            let layout = figure.layout().unwrap();
            let texts: Vec<_> = layout.texts.iter().map(|text| &text.text[..]).collect();
            assert_eq!(texts, expected);
        }
    }

    #[test]
    fn a_figure_without_pictures_or_of_endless_length_is_an_error() {
        assert!(matches!(Figure::new("a").to_picture(), Err(Error::Figure { pictures: 0, .. })));
        let wide = (0..400).map(|_| Tile::new("", RgbImage::new(1, 1)));
        let error = Figure::new("").with_row(wide).to_svg().unwrap_err().to_string();
        assert!(error.contains("found 400"), "{error}");
        // What counts of a row is the tallest picture in it.
        let tall = || (0..4).map(|_| Tile::new("", RgbImage::new(1, 2_000)));
        let figure = (0..10).fold(Figure::new(""), |figure, _| figure.with_row(tall()));
        assert!(figure.to_picture().unwrap().height() > 20_000);
        let huge =
            || [Tile::new("", RgbImage::new(8_000, 8_000)), Tile::new("", RgbImage::new(1, 1))];
        let figure = (0..4).fold(Figure::new(""), |figure, _| figure.with_row(huge()));
        assert!(matches!(figure.to_picture(), Err(Error::Figure { pictures: 8, .. })));
    }
}
