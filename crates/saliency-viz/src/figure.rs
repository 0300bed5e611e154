use image::RgbImage;

use crate::drawing::{draw_over, with_outlines};
use crate::encoded::png_base64;
use crate::error::Result;
use crate::grid::Grid;
use crate::layout::{Layout, Placed};
use crate::tile::Tile;

/// Pictures with titles and legends, in rows: a panel, or a grid of methods and classes.
///
/// # Parameters and defaults
/// - `max_width`: 2,000 pixels; larger pictures are shrunk
///
/// Letters are drawn with a font that is part of this crate, so that a figure looks the same on
/// every machine. This font has the Latin, Greek and Cyrillic scripts. For other scripts and signs,
/// the fonts of the machine are used. Characters that no font has are replaced by "…". The SVG then
/// has the full text as its description.
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
/// // The same figure as SVG, for a paper.
/// assert!(figure.to_svg()?.starts_with("<svg"));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Figure {
    title: String,
    rows: Vec<Vec<Tile>>,
    notes: Vec<String>,
    max_width: Option<u32>,
}

/// The largest width of a figure in pixels, unless another one is set. It is the width of a screen.
const MAX_WIDTH: u32 = 2_000;

impl Figure {
    /// Creates a figure without pictures.
    pub fn new(title: impl Into<String>) -> Self {
        let (title, max_width) = (title.into(), Some(MAX_WIDTH));
        Self { title, rows: Vec::new(), notes: Vec::new(), max_width }
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

    /// Sets the largest width of the figure, in pixels. All pictures are shrunk by the same factor
    /// until the figure is not wider than this, and not taller than 60,000 pixels. Columns are at
    /// least 180 pixels wide, so that titles can be read. With `None`, pictures are drawn in their
    /// own size.
    pub fn with_max_width(mut self, max_width: impl Into<Option<u32>>) -> Self {
        self.max_width = max_width.into();
        self
    }

    /// Draws the figure as pixels.
    ///
    /// # Errors
    /// [`Error::Figure`](crate::Error::Figure) if there are no pictures, or if they need more than 60,000 pixels on a
    /// side or 500 million in all. If a largest width is set, this happens only with more than 300
    /// columns.
    pub fn to_picture(&self) -> Result<RgbImage> {
        let layout = self.layout()?;
        let white = vec![255; 3 * layout.width as usize * layout.height as usize];
        let picture = RgbImage::from_raw(layout.width, layout.height, white);
        let mut picture = picture.expect("three bytes for each pixel");
        for placed in &layout.pictures {
            copy(placed, &mut picture);
        }
        draw_over(&mut picture, &layout.svg_over_pictures());
        Ok(picture)
    }

    /// Draws the figure as SVG: titles and lines stay sharp at any size. Letters are outlines, so
    /// that the figure looks the same everywhere.
    ///
    /// # Errors
    /// Those of [`Figure::to_picture`], and [`Error::Encode`](crate::Error::Encode) if a picture cannot
    /// be encoded.
    pub fn to_svg(&self) -> Result<String> {
        let layout = self.layout()?;
        let pngs = layout.pictures.iter().map(|placed| png_base64(&placed.picture()));
        let pngs = pngs.collect::<Result<Vec<_>>>()?;
        Ok(with_outlines(&layout.svg_with_pictures(&pngs), self.texts()))
    }

    /// Returns the title, the titles and notes of all pictures, and the notes.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let tiles = self.rows.iter().flatten();
        let of_tiles = tiles.flat_map(|tile| std::iter::once(&tile.title).chain(&tile.notes));
        let texts = std::iter::once(&self.title).chain(of_tiles).chain(&self.notes);
        texts.map(String::as_str)
    }

    fn layout(&self) -> Result<Layout<'_>> {
        let grid = Grid::new(&self.rows, self.max_width)?;
        Ok(Layout::new(&self.title, &self.rows, &self.notes, grid))
    }
}

/// Copies a picture to its place in a larger one.
fn copy(placed: &Placed, picture: &mut RgbImage) {
    let tile = placed.picture();
    // A picture may have no pixels.
    if tile.is_empty() {
        return;
    }
    let (line, length) = (3 * picture.width() as usize, 3 * tile.width() as usize);
    let left = 3 * placed.x as usize;
    let rows = picture.chunks_exact_mut(line).skip(placed.y as usize);
    for (below, row) in rows.zip(tile.chunks_exact(length)) {
        below[left..left + length].copy_from_slice(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
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
    fn names_are_text_and_not_markup() {
        let name = "</text><script>alert(1)</script> & 猫 \u{7}";
        let tile = Tile::new(name, RgbImage::new(400, 10));
        let svg = Figure::new(name).with_row([tile]).with_note(name).to_svg().unwrap();
        assert!(!svg.contains("<script") && !svg.contains("</text"), "{svg}");
        // If no font has a character, the description contains the whole name as text.
        assert!(svg.contains("<desc>&lt;/text&gt;&lt;script") && svg.contains("<path"), "{svg}");
        // Names that can be drawn appear only as outlines.
        let tile = Tile::new("<script>", RgbImage::new(400, 10));
        let svg = Figure::new("<script>").with_row([tile]).to_svg().unwrap();
        assert!(!svg.contains("script") && svg.contains("<path"), "{svg}");
    }

    #[test]
    fn a_figure_without_pictures_or_of_endless_length_is_an_error() {
        assert!(matches!(Figure::new("a").to_picture(), Err(Error::Figure { pictures: 0, .. })));
        let wide = (0..400).map(|_| Tile::new("", RgbImage::new(1, 1)));
        let error = Figure::new("").with_row(wide).to_svg().unwrap_err().to_string();
        assert!(error.contains("found 400"), "{error}");
        // The tallest picture of a row decides its height.
        let tall = || (0..4).map(|_| Tile::new("", RgbImage::new(1, 2_000)));
        let figure = (0..10).fold(Figure::new(""), |figure, _| figure.with_row(tall()));
        assert!(figure.to_picture().unwrap().height() > 20_000);
        let huge =
            || [Tile::new("", RgbImage::new(8_000, 8_000)), Tile::new("", RgbImage::new(1, 1))];
        let figure = (0..4).fold(Figure::new(""), |figure, _| figure.with_row(huge()));
        let figure = figure.with_max_width(None);
        assert!(matches!(figure.to_picture(), Err(Error::Figure { pictures: 8, .. })));
    }

    #[test]
    fn large_pictures_are_shrunk_until_the_figure_is_narrow_enough() {
        let gold = Rgb([250, 190, 40]);
        let panel = |width, height| {
            let tile = || Tile::new("a", RgbImage::from_pixel(width, height, gold));
            Figure::new("a title").with_row([tile(), tile(), tile()])
        };
        // A wide panorama, a tall one, a square, and a photo that is one pixel high.
        for (width, height) in [(30_000, 200), (100, 62_000), (2_500, 2_500), (60_001, 1)] {
            let figure = panel(width, height).to_picture().unwrap();
            assert!(figure.width() <= 2_000 && figure.height() <= 61_000);
            let of = figure.pixels().filter(|pixel| **pixel == gold).count() as f64;
            println!("{width} x {height}: {:?}, {of} pixels", figure.dimensions());
            assert!(of > 0.0);
            if width == 2_500 {
                // The figure is as wide as allowed, and its pictures are still squares.
                assert!(figure.width() > 1_960 && (of / 3.0).sqrt() > 600.0);
                let svg = panel(width, height).to_svg().unwrap();
                assert!(svg.contains(&format!("width=\"{}\"", figure.width())));
            }
        }
        // A larger width can be set, and pictures that are small enough are not shrunk.
        let wide =
            |most: Option<u32>| panel(1_000, 10).with_max_width(most).to_picture().unwrap().width();
        assert!(wide(Some(900)) <= 900 && wide(None) > 3_000 && wide(Some(5_000)) == wide(None));
        let (small, same) = (panel(500, 10), panel(500, 10).with_max_width(None));
        assert!(small.to_picture().unwrap() == same.to_picture().unwrap());
        // A picture without pixels draws nothing, and is no error.
        let none = Figure::new("").with_row([Tile::new("none", RgbImage::new(0, 0))]);
        assert!(none.to_picture().is_ok());
    }
}
