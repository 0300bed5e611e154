//! The columns of a figure, and the size at which its pictures are drawn.

use saliency_photo::Size;

use crate::error::{Error, Result};
use crate::tile::Tile;

/// The narrowest column that titles and legends fit into.
const COLUMN: u32 = 180;
/// The longest side of a figure.
const LIMIT: u64 = 60_000;
/// The largest number of pixels of all pictures together: 1.5 GB of colours.
const AREA: u64 = 500_000_000;

/// The columns of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    columns: u32,
    /// The width of a column, without the gap.
    pub(crate) column: u32,
    pub(crate) gap: u32,
    /// The size of letters.
    pub(crate) size: f64,
    /// The factor by which all pictures are shrunk: 1 or less.
    pub(crate) shrink: f64,
}

impl Grid {
    /// Finds columns for rows of pictures. If there is a largest width, pictures are shrunk until
    /// the figure is no wider.
    ///
    /// # Errors
    /// [`Error::Figure`] if there are no pictures, or if they need too many pixels.
    pub(crate) fn new(rows: &[Vec<Tile>], max_width: Option<u32>) -> Result<Self> {
        let tiles = || rows.iter().flatten();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = tiles().map(|tile| tile.picture.width()).max().unwrap_or(0);
        let mut grid = Self::with_column(columns as u32, widest.max(COLUMN));
        if let Some(max_width) = max_width {
            grid.shrink(max_width, widest, rows);
        }
        let width = columns as u64 * u64::from(grid.column);
        let height = rows.iter().map(|row| u64::from(grid.tallest(row))).sum::<u64>();
        if columns == 0 || width.max(height) > LIMIT || width * height > AREA {
            return Err(Error::Figure { pictures: tiles().count(), width, height });
        }
        Ok(grid)
    }

    /// Creates columns of the given width, with pictures in their own size.
    fn with_column(columns: u32, column: u32) -> Self {
        // Letters grow with the pictures, so that a figure looks the same on a page.
        let size = f64::from(column / 26).max(12.0);
        Self { columns, column, gap: size as u32, size, shrink: 1.0 }
    }

    /// Chooses the widest columns with which the figure is narrow enough, and shrinks the pictures
    /// to fit them. If the figure would still be too tall, shrinks the pictures further.
    fn shrink(&mut self, max_width: u32, widest: u32, rows: &[Vec<Tile>]) {
        let columns = self.columns;
        let narrower = |column| Self::with_column(columns, column);
        let narrow_enough = |grid: &Self| grid.width() <= u64::from(max_width);
        let widest_of_these = (COLUMN..=self.column).rev().map(narrower).find(narrow_enough);
        *self = widest_of_these.unwrap_or(narrower(COLUMN));
        self.shrink = (f64::from(self.column) / f64::from(widest.max(1))).min(1.0);
        let height: u64 = rows.iter().map(|row| u64::from(self.tallest(row))).sum();
        if height > LIMIT {
            self.shrink *= LIMIT as f64 / height as f64;
        }
    }

    /// Returns the width of the figure.
    pub(crate) fn width(&self) -> u64 {
        u64::from(self.columns) * u64::from(self.column + self.gap) + u64::from(self.gap)
    }

    /// Returns the left edge of each column.
    pub(crate) fn left_edges(self) -> impl Iterator<Item = u32> {
        (self.gap..).step_by((self.column + self.gap) as usize)
    }

    /// Returns the middle of a column with the given left edge.
    pub(crate) fn middle(&self, left: u32) -> f64 {
        f64::from(left) + f64::from(self.column) / 2.0
    }

    /// Returns the size at which a picture is drawn.
    pub(crate) fn drawn(&self, tile: &Tile) -> Size {
        let shrunk = |length: u32| match length {
            0 => 0,
            length => (f64::from(length) * self.shrink).round().max(1.0) as u32,
        };
        Size { width: shrunk(tile.picture.width()), height: shrunk(tile.picture.height()) }
    }

    /// Returns the height of a row of pictures.
    pub(crate) fn tallest(&self, row: &[Tile]) -> u32 {
        row.iter().map(|tile| self.drawn(tile).height).max().unwrap_or(0)
    }
}
