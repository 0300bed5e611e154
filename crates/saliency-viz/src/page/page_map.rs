use saliency_photo::ScaledMap;

use super::page_test::PageTest;

/// A map on a [`Page`](crate::Page): how one method explains one class.
#[derive(Clone, Debug)]
pub struct PageMap {
    pub(super) method: String,
    pub(super) class: String,
    pub(super) scaled: ScaledMap,
    pub(super) probability: Option<f64>,
    pub(super) predicted: bool,
    pub(super) of_regions: bool,
    pub(super) error: Option<f64>,
    pub(super) notes: Vec<String>,
    pub(super) test: Option<PageTest>,
}

impl PageMap {
    /// Creates a map with the names of its method and class.
    pub fn new(method: impl Into<String>, class: impl Into<String>, map: ScaledMap) -> Self {
        Self {
            method: method.into(),
            class: class.into(),
            scaled: map,
            probability: None,
            predicted: false,
            of_regions: false,
            error: None,
            notes: Vec::new(),
            test: None,
        }
    }

    /// Sets the probability, from 0 to 1, that the model gives the class.
    #[must_use]
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Marks the class as the one that the model predicts, and sets its probability.
    #[must_use]
    pub fn with_prediction(mut self, probability: f64) -> Self {
        self.predicted = true;
        self.with_probability(probability)
    }

    /// Marks the map as one of regions: each of its pixels stands for a part of the photo, such as
    /// one of 14 x 14. The page counts the regions that hold half of the map in its sentence. It
    /// joins those that touch into places, draws lines around the places with 5 % or more, and
    /// writes their shares beside them.
    #[must_use]
    pub fn with_regions(mut self) -> Self {
        self.of_regions = true;
        self
    }

    /// Sets the estimated relative error of the map: 0.1 is 10 %.
    #[must_use]
    pub fn with_error(mut self, error: f64) -> Self {
        self.error = Some(error);
        self
    }

    /// Sets the test of the map. The page shows it beside the photo. Without a test, the page says
    /// so.
    #[must_use]
    pub fn with_test(mut self, test: PageTest) -> Self {
        self.test = Some(test);
        self
    }

    /// Adds a note about how precise the map is, such as an estimated error or a warning.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
