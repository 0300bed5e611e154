//! The names of a model's classes.

mod parse;

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// Files beyond this are no lists of names.
const MOST_BYTES: u64 = 64 << 20;

/// The number of names that are suggested for an unknown name.
const SUGGESTIONS: usize = 3;

/// The names of a model's classes, by index. A class without a name is called "class", followed by
/// its index.
///
/// # Example
/// ```
/// use saliency_photo::ClassNames;
///
/// let classes = ClassNames::new(["mug", "bottle"]);
/// assert_eq!(classes.name(1), "bottle");
/// assert_eq!(classes.name(7), "class 7");
/// assert_eq!(classes.find("Bottle"), Ok(1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassNames {
    names: Vec<String>,
}

/// The error for a class that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownClass {
    /// No class has this name.
    #[error("expected the name of a class, found {name:?}; {}", or_nearest(nearest))]
    #[non_exhaustive]
    Name {
        /// The name asked for.
        name: String,
        /// The names most like it, quoted and separated by commas. Empty if no class has a name.
        nearest: String,
    },
    /// An index past the last class.
    #[error("expected a class from 0 to {last}, found {index}")]
    #[non_exhaustive]
    Index {
        /// The index asked for.
        index: usize,
        /// The last index.
        last: usize,
    },
}

fn or_nearest(nearest: &str) -> String {
    match nearest {
        "" => "the classes have no names, so give an index".to_owned(),
        names => format!("the nearest are {names}"),
    }
}

impl ClassNames {
    /// Takes names in the order of the classes.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }

    /// Reads names from a file: one per line, or as [`ClassNames::parse`] takes them.
    ///
    /// # Errors
    /// [`Error::ClassNames`] if the file cannot be read, is not UTF-8, or holds no names.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |reason: String| Error::ClassNames { file: path.display().to_string(), reason };
        let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if length > MOST_BYTES {
            return Err(wrong(format!("it has {length} bytes; it is no list of names")));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        parse::names(&text).map(|names| Self { names }).map_err(wrong)
    }

    /// Reads names from a text, in any of these forms:
    ///
    /// - one per line; an empty line is a class without a name
    /// - a JSON list, or a JSON object from index to name or from name to index
    /// - a JSON object that holds one of these under `id2label`, `label_names`, `label2id` or
    ///   `names`, such as the `config.json` of Hugging Face and timm
    /// - a Python dictionary or list, such as `names` in the metadata of an ONNX file of
    ///   Ultralytics: `{0: 'person', 1: 'bicycle'}`
    ///
    /// Indices may be in any order. Those that are left out are classes without a name.
    ///
    /// # Errors
    /// [`Error::ClassNames`].
    ///
    /// # Example
    /// ```
    /// use saliency_photo::ClassNames;
    ///
    /// let names = ClassNames::parse("{0: 'person', 1: \"driver's cab\"}")?;
    /// assert_eq!(names, ClassNames::new(["person", "driver's cab"]));
    /// assert_eq!(ClassNames::parse("person\ndriver's cab\n")?, names);
    /// assert_eq!(ClassNames::parse(r#"{"id2label": {"1": "driver's cab", "0": "person"}}"#)?, names);
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |reason| Error::ClassNames { file: "the text".to_owned(), reason };
        parse::names(text).map(|names| Self { names }).map_err(wrong)
    }

    /// Returns the name of a class.
    pub fn name(&self, class: usize) -> String {
        self.get(class).map_or_else(|| format!("class {class}"), str::to_owned)
    }

    /// Returns the name of a class, or `None` if it has none.
    pub fn get(&self, class: usize) -> Option<&str> {
        self.names.get(class).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Returns the number of classes that have names, those without a name between them included.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns whether no class has a name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the index of a class that is given by index or by name.
    ///
    /// Upper and lower case matter only if there are both (ImageNet's `Cardigan` is a dog,
    /// `cardigan` is knitted). Without any names, every index is taken.
    ///
    /// # Errors
    /// [`UnknownClass`], which lists the nearest names.
    ///
    /// # Example
    /// ```
    /// use saliency_photo::ClassNames;
    ///
    /// let classes = ClassNames::new(["tabby cat", "Egyptian cat", "beagle"]);
    /// assert_eq!(classes.find("egyptian cat"), Ok(1));
    /// assert_eq!(classes.find("2"), Ok(2));
    /// let error = classes.find("egiptian cat").unwrap_err().to_string();
    /// assert!(error.contains("the nearest are \"Egyptian cat\""), "{error}");
    /// ```
    pub fn find(&self, name_or_index: &str) -> Result<usize, UnknownClass> {
        let asked = name_or_index.trim();
        // Try the name as it is written first: "Cardigan" is a dog, "cardigan" is knitted.
        let lower = asked.to_lowercase();
        let position = |is_it: &dyn Fn(&String) -> bool| self.names.iter().position(is_it);
        if let Ok(index) = asked.parse::<usize>() {
            // A class may be called "7".
            return match (position(&|name| name == asked), self.names.len()) {
                (Some(index), _) => Ok(index),
                (None, count) if index < count || count == 0 => Ok(index),
                (None, count) => Err(UnknownClass::Index { index, last: count - 1 }),
            };
        }
        let exact = position(&|name| !asked.is_empty() && name == asked);
        let same =
            exact.or_else(|| position(&|name| !asked.is_empty() && name.to_lowercase() == lower));
        same.ok_or_else(|| UnknownClass::Name {
            name: asked.to_owned(),
            nearest: self.nearest(&lower),
        })
    }

    /// Returns the names most like `lower`, quoted and separated by commas.
    fn nearest(&self, lower: &str) -> String {
        let names = self.names.iter().filter(|name| !name.is_empty());
        let mut names: Vec<(f64, &str)> =
            names.map(|name| (likeness(lower, name), name.as_str())).collect();
        names.sort_by(|a, b| b.0.total_cmp(&a.0));
        let names = names.iter().take(SUGGESTIONS).map(|(_, name)| format!("{name:?}"));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Returns how similar a name is to the name asked for.
fn likeness(lower: &str, name: &str) -> f64 {
    let name = name.to_lowercase();
    // For "cat", list the cats before the bats.
    let whole_word = name.split([' ', '-']).any(|word| word == lower);
    strsim::jaro_winkler(lower, &name) + f64::from(u8::from(whole_word))
}

#[cfg(test)]
mod tests;
