use saliency_photo::ScaledMap;

/// A map on a [`Page`](crate::Page): how one method explains one class.
#[derive(Clone, Debug)]
pub struct PageMap {
    pub(super) method: String,
    pub(super) class: String,
    pub(super) scaled: ScaledMap,
    pub(super) probability: Option<f64>,
    pub(super) predicted: bool,
    pub(super) notes: Vec<String>,
    pub(super) verdict: String,
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
            notes: Vec::new(),
            verdict: String::new(),
        }
    }

    /// Sets the probability, from 0 to 1, that the model gives the class.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Marks the class as the one that the model predicts, and sets its probability.
    pub fn with_prediction(mut self, probability: f64) -> Self {
        self.predicted = true;
        self.with_probability(probability)
    }

    /// Sets the verdict of a test of the map, such as a cover test. The page shows it below the
    /// sentence on top.
    pub fn with_verdict(mut self, verdict: impl Into<String>) -> Self {
        self.verdict = verdict.into();
        self
    }

    /// Adds a note about how precise the map is, such as an estimated error or a warning.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
