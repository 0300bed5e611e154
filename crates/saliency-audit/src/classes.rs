//! The names of a model's classes.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// The names of a model's classes, by index. A class without a name is called "class", followed by
/// its index.
///
/// # Example
/// ```
/// use saliency_audit::ClassNames;
///
/// let classes = ClassNames::new(["mug", "bottle"]);
/// assert_eq!(classes.name(1), "bottle");
/// assert_eq!(classes.name(7), "class 7");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassNames {
    names: Vec<String>,
}

impl ClassNames {
    /// Takes names in the order of the classes.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }

    /// Reads names from a text file, one per line. An empty line is a class without a name.
    ///
    /// # Errors
    /// [`Error::ClassNames`] if the file cannot be read or is not UTF-8.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source| Error::ClassNames { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        // Some editors write an invisible mark at the beginning.
        let text = text.trim_start_matches('\u{feff}');
        Ok(Self::new(text.lines().map(str::trim)))
    }

    /// Returns the name of a class.
    pub fn name(&self, class: usize) -> String {
        let name = self.names.get(class).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| format!("class {class}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_a_file_with_one_per_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("classes.txt");
        fs::write(&path, "\u{feff}mug\r\n\r\nshirt\n").unwrap();
        let classes = ClassNames::read(&path).unwrap();
        assert_eq!(
            [0, 1, 2, 3].map(|class| classes.name(class)),
            ["mug", "class 1", "shirt", "class 3"]
        );
        fs::write(&path, b"\xe9\n").unwrap();
        let error = ClassNames::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("one class name per line in ") && error.contains("UTF-8"),
            "{error}"
        );
    }
}
