//! What a model file says about its photos.

use std::collections::BTreeMap;

/// The facts of a model file that a preparation can be guessed from.
///
/// Dimensions are `None` if the file leaves them open.
///
/// # Example
/// ```
/// use saliency_photo::ModelFacts;
///
/// let facts = ModelFacts::new("input", [None, Some(3), Some(224), Some(224)])
///     .with_output("logits", [None, Some(1000)])
///     .with_producer("pytorch 2.8.0");
/// assert_eq!(facts.producer, "pytorch 2.8.0");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFacts {
    /// The name of the input.
    pub input: String,
    /// The shape of the input, with the dimension of the rows.
    pub input_shape: Vec<Option<usize>>,
    /// The name of the first output.
    pub output: String,
    /// The shape of the first output. Empty if it is not known.
    pub output_shape: Vec<Option<usize>>,
    /// The program that wrote the file, with its version: `producer_name` and `producer_version` of
    /// an ONNX file.
    pub producer: String,
    /// The metadata of the file, by key.
    pub metadata: BTreeMap<String, String>,
}

impl ModelFacts {
    /// Takes the name and the shape of the input.
    pub fn new(input: impl Into<String>, shape: impl IntoIterator<Item = Option<usize>>) -> Self {
        Self { input: input.into(), input_shape: shape.into_iter().collect(), ..Self::default() }
    }

    /// Adds the name and the shape of the first output.
    #[must_use]
    pub fn with_output(
        mut self,
        output: impl Into<String>,
        shape: impl IntoIterator<Item = Option<usize>>,
    ) -> Self {
        self.output = output.into();
        self.output_shape = shape.into_iter().collect();
        self
    }

    /// Adds the program that wrote the file.
    #[must_use]
    pub fn with_producer(mut self, producer: impl Into<String>) -> Self {
        self.producer = producer.into();
        self
    }

    /// Adds an entry of the file's metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Returns an entry of the metadata.
    pub(super) fn entry(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(|value| value.trim())
    }
}
