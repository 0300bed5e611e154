//! A rectangle, in the units of a detector's boxes.

use crate::error::{Error, Result};

/// A rectangle, in the units of a detector's boxes: pixels of its input, or shares of it.
///
/// # Example
/// ```
/// use saliency_core::Rectangle;
///
/// let marked = Rectangle::new(0.0, 0.0, 4.0, 2.0);
/// let found = Rectangle::new(2.0, 0.0, 6.0, 2.0);
/// // They share 4 of 12.
/// assert_eq!(marked.overlap(&found), 4.0 / 12.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// The left edge.
    pub left: f64,
    /// The upper edge.
    pub top: f64,
    /// The right edge.
    pub right: f64,
    /// The lower edge.
    pub bottom: f64,
}

impl Rectangle {
    /// Makes a rectangle of its edges.
    pub fn new(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self { left, top, right, bottom }
    }

    /// Returns the area that two rectangles share, divided by the area that they cover together:
    /// intersection over union, from 0 to 1. It is 0 for rectangles without an area.
    pub fn overlap(&self, other: &Self) -> f64 {
        let area = |it: &Self| (it.right - it.left).max(0.0) * (it.bottom - it.top).max(0.0);
        let shared = area(&Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        });
        let joint = area(self) + area(other) - shared;
        // Not finite, if an edge is not or the areas are zero.
        let overlap = shared / joint;
        if overlap.is_finite() { overlap.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Refuses a rectangle without an area.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub(crate) fn check(&self) -> Result<()> {
        let Self { left, top, right, bottom } = *self;
        let finite = [left, top, right, bottom].iter().all(|edge| edge.is_finite());
        if finite && left < right && top < bottom {
            return Ok(());
        }
        let expected = "finite, with its left edge left of its right edge and its top above its \
                        bottom";
        Err(Error::invalid_option("rectangle", expected, format!("{self:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_overlap_by_their_shared_part_of_their_joint_area() {
        let square = Rectangle::new(0.0, 0.0, 2.0, 2.0);
        assert_eq!(square.overlap(&square), 1.0);
        assert_eq!(square.overlap(&Rectangle::new(1.0, 1.0, 3.0, 3.0)), 1.0 / 7.0);
        assert_eq!(square.overlap(&Rectangle::new(2.0, 0.0, 4.0, 2.0)), 0.0);
        assert_eq!(square.overlap(&Rectangle::new(5.0, 5.0, 6.0, 6.0)), 0.0);
        let point = Rectangle::new(1.0, 1.0, 1.0, 1.0);
        assert_eq!((point.overlap(&point), point.overlap(&square)), (0.0, 0.0));
        let unknown = Rectangle { left: f64::NAN, ..square };
        assert!((0.0..=1.0).contains(&square.overlap(&unknown)));
        let endless = Rectangle { right: f64::INFINITY, ..square };
        assert_eq!((square.overlap(&endless), endless.overlap(&endless)), (0.0, 0.0));
    }

    #[test]
    fn a_rectangle_without_an_area_is_refused() {
        Rectangle::new(0.0, 0.0, 1.0, 1.0).check().unwrap();
        for bad in [
            Rectangle::new(1.0, 0.0, 1.0, 1.0),
            Rectangle::new(0.0, 1.0, 1.0, 0.5),
            Rectangle::new(f64::NAN, 0.0, 1.0, 1.0),
            Rectangle::new(0.0, 0.0, f64::INFINITY, 1.0),
        ] {
            assert!(matches!(bad.check(), Err(Error::InvalidOption { .. })), "{bad:?}");
        }
    }
}
