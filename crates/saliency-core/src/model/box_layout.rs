//! How a row of a model's output holds boxes.

use crate::error::{Error, Result};
use crate::model::rectangle::Rectangle;

/// The order of the numbers of each box, and of the boxes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxLayout {
    /// The number of classes.
    pub classes: usize,
    /// Whether a number between the coordinates and the classes says how likely the box holds
    /// anything.
    pub objectness: bool,
    /// Whether the row holds the first number of every box, then the second of every box, and so
    /// on.
    pub boxes_last: bool,
    /// Whether the coordinates are the left, upper, right and lower edge, instead of the middle, the
    /// width and the height.
    pub corners: bool,
}

/// The coordinates of a box.
const COORDINATES: usize = 4;

impl BoxLayout {
    /// Returns how many numbers a box has.
    fn width(&self) -> usize {
        self.first_class() + self.classes
    }

    /// Returns the position of the first class's score among the numbers of a box.
    pub(crate) fn first_class(&self) -> usize {
        COORDINATES + usize::from(self.objectness)
    }

    /// Returns the number of boxes in a row of `scores` numbers.
    ///
    /// # Errors
    /// [`Error::OutputLayout`] if the row does not hold whole boxes.
    pub(crate) fn count(&self, scores: usize) -> Result<usize> {
        let width = self.width();
        if scores > 0 && scores.is_multiple_of(width) {
            return Ok(scores / width);
        }
        let objectness = if self.objectness { "an objectness, " } else { "" };
        let expected = format!(
            "a multiple of {width} numbers (for each box {COORDINATES} coordinates, {objectness}and \
             the scores of {} classes)",
            self.classes
        );
        Err(Error::OutputLayout { expected, found: scores })
    }

    /// Returns the position in a row of the number at `place` of a box, if the row has `count`
    /// boxes.
    pub(crate) fn position(&self, number: usize, place: usize, count: usize) -> usize {
        if self.boxes_last { place * count + number } else { number * self.width() + place }
    }
}

/// The boxes of a row of the output.
pub(crate) struct BoxesOfRow<'a> {
    pub layout: BoxLayout,
    pub numbers: &'a [f64],
    pub count: usize,
}

impl BoxesOfRow<'_> {
    fn at(&self, number: usize, place: usize) -> f64 {
        self.numbers[self.layout.position(number, place, self.count)]
    }

    /// Returns the score of a box and a class.
    pub(crate) fn score(&self, number: usize, class: usize) -> f64 {
        let score = self.at(number, self.layout.first_class() + class);
        if self.layout.objectness { score * self.at(number, COORDINATES) } else { score }
    }

    /// Returns where a box is.
    pub(crate) fn rectangle(&self, number: usize) -> Rectangle {
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| self.at(number, place));
        if self.layout.corners {
            Rectangle::new(a, b, c, d)
        } else {
            Rectangle::new(a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0)
        }
    }
}
