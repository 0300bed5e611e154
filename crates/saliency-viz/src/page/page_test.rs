use image::RgbImage;
use saliency_photo::{Region, Size};

use crate::drawing::draw_over;
use crate::outline::border;
use crate::tile::Line;

/// What a test of a map found, such as a cover test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The map is true of the model.
    Confirmed,
    /// The test gives no clear answer.
    Unsure,
    /// The map may be wrong.
    NotConfirmed,
}

/// A test of a map on a [`Page`](crate::Page): what happens to the model's answer if what the map
/// calls important is covered.
///
/// # Parameters and defaults
/// - luck: not shown
/// - trials: no pictures
///
/// # Example
/// ```
/// use image::RgbImage;
/// use saliency_photo::Size;
/// use saliency_viz::{Outcome, PageTest, Trial, Trials};
///
/// let small = || RgbImage::new(56, 56);
/// let grid = Size { width: 14, height: 14 };
/// let trials = Trials {
///     shown: Trial::new(small(), ["espresso 94 %"]),
///     covered: Trial::new(small(), ["consomme 51 %", "espresso 20 %"]).with_outline(grid, &[0, 1]),
///     elsewhere: Trial::new(small(), ["espresso 91 %"]).with_outline(grid, &[194, 195]),
/// };
/// let test = PageTest::new(Outcome::Confirmed, "Confirmed. If ... are covered, ...")
///     .with_luck(1.0 / 21.0)
///     .with_trials(trials);
/// ```
#[derive(Clone, Debug)]
pub struct PageTest {
    pub(super) outcome: Outcome,
    pub(super) sentence: String,
    pub(super) luck: Option<f64>,
    pub(super) trials: Option<Trials>,
}

/// The three small pictures of a test.
#[derive(Clone, Debug)]
pub struct Trials {
    /// The photo as the model is shown it.
    pub shown: Trial,
    /// The same with the parts covered that the map calls important.
    pub covered: Trial,
    /// The same with as much covered elsewhere.
    pub elsewhere: Trial,
}

/// A small picture, and what the model answers for it.
#[derive(Clone, Debug)]
pub struct Trial {
    pub(super) picture: RgbImage,
    pub(super) answers: Vec<String>,
}

impl PageTest {
    /// Creates a test from what it found, and a sentence about it.
    pub fn new(outcome: Outcome, sentence: impl Into<String>) -> Self {
        Self { outcome, sentence: sentence.into(), luck: None, trials: None }
    }

    /// Sets the probability, from 0 to 1, that a map which knows nothing of the model does as well.
    #[must_use]
    pub fn with_luck(mut self, luck: f64) -> Self {
        self.luck = Some(luck);
        self
    }

    /// Sets the small pictures.
    #[must_use]
    pub fn with_trials(mut self, trials: Trials) -> Self {
        self.trials = Some(trials);
        self
    }
}

impl Trial {
    /// Creates a small picture with the model's answer, such as "espresso 94 %". Further lines are
    /// written smaller.
    pub fn new<T: Into<String>>(picture: RgbImage, answers: impl IntoIterator<Item = T>) -> Self {
        Self { picture, answers: answers.into_iter().map(Into::into).collect() }
    }

    /// Draws a line around cells of the picture, which is divided into as many columns and rows as
    /// `grid` is wide and high. Cells are numbered row by row, from 0. Cells outside of the grid are
    /// left out.
    #[must_use]
    pub fn with_outline(mut self, grid: Size, cells: &[usize]) -> Self {
        let (width, height) = self.picture.dimensions();
        let count = grid.width as usize * grid.height as usize;
        let cells: Vec<usize> = cells.iter().copied().filter(|&cell| cell < count).collect();
        if width == 0 || height == 0 || cells.is_empty() {
            return self;
        }
        let path = border(&cells, grid, Region::whole(&self.picture));
        let thick = f64::from(width.max(height)) / 110.0;
        let line = Line { path, width: thick, color: "#fff" }.to_svg();
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>\
             <g fill='none' stroke-linecap='round'>{line}</g></svg>"
        );
        draw_over(&mut self.picture, &svg);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn an_outline_goes_around_its_cells() {
        let grey = || RgbImage::from_pixel(40, 20, Rgb([90; 3]));
        let grid = Size { width: 4, height: 2 };
        let outlined = Trial::new(grey(), ["a"]).with_outline(grid, &[3, 99]).picture;
        let changed = |x0: u32, x1: u32| {
            let pixels = outlined.enumerate_pixels();
            pixels.filter(|(x, _, pixel)| (x0..x1).contains(x) && pixel.0 != [90; 3]).count()
        };
        assert!(changed(0, 28) == 0 && changed(28, 40) > 20, "{}", changed(28, 40));
        // There is nothing to draw, or nothing to draw on.
        let empty = Size { width: 0, height: 0 };
        assert_eq!(Trial::new(grey(), ["a"]).with_outline(empty, &[0]).picture, grey());
        let none = Trial::new(RgbImage::new(0, 0), ["a"]).with_outline(grid, &[0]);
        assert_eq!(none.picture.dimensions(), (0, 0));
    }
}
