//! The names of a network's classes, and a class by its name.

/// How many names are suggested for one that does not exist.
const SUGGESTIONS: usize = 3;

/// The names of a network's classes, by index. A class without a name is called "class", followed by
/// its index.
///
/// # Example
/// ```
/// use saliency_program::classes::Classes;
///
/// let classes = Classes::new(["mug", "bottle"]);
/// assert_eq!(classes.name(1), "bottle");
/// assert_eq!(classes.name(7), "class 7");
/// assert_eq!(classes.find("Bottle"), Ok(1));
/// let error = classes.find("botle").unwrap_err().to_string();
/// assert!(error.contains("\"bottle\""), "{error}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    names: Vec<String>,
}

/// A class that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownClass {
    /// No class has this name.
    #[error("expected the name of a class, found {name:?}; the nearest are {nearest}")]
    Name {
        /// The name that was asked for.
        name: String,
        /// The names most like it, quoted and separated by commas.
        nearest: String,
    },
    /// The classes have no names.
    #[error(
        "expected the number of a class, found {name:?}; the names of the classes are not known"
    )]
    NoNames {
        /// The name that was asked for.
        name: String,
    },
    /// The number is past the last class.
    #[error("expected a class from 0 to {last}, found {index}")]
    Index {
        /// The number that was asked for.
        index: usize,
        /// The last number.
        last: usize,
    },
}

impl Classes {
    /// Takes names in the order of the classes. An empty name is a class without a name.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }

    /// Returns all names, by index.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the name of a class.
    pub fn name(&self, class: usize) -> String {
        let name = self.names.get(class).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| format!("class {class}"))
    }

    /// Returns the index of a class that is given by index or by name.
    ///
    /// Upper and lower case matter only if two classes differ in nothing else. If no class has a
    /// name, every index is accepted.
    ///
    /// # Errors
    /// [`UnknownClass`], with the nearest names.
    pub fn find(&self, name_or_index: &str) -> Result<usize, UnknownClass> {
        let asked = name_or_index.trim();
        if let Ok(index) = asked.parse::<usize>() {
            return match self.names.len() {
                count if index >= count && count > 0 => {
                    Err(UnknownClass::Index { index, last: count - 1 })
                }
                _ => Ok(index),
            };
        }
        if self.names.is_empty() {
            return Err(UnknownClass::NoNames { name: asked.to_owned() });
        }
        let lower = asked.to_lowercase();
        // Try the name as it is written first: in ImageNet "Cardigan" is a dog, "cardigan" is knitted.
        let named = || self.names.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let exact = named().find(|(_, name)| *name == asked);
        let same = exact.or_else(|| named().find(|(_, name)| name.to_lowercase() == lower));
        same.map(|(index, _)| index).ok_or_else(|| UnknownClass::Name {
            name: asked.to_owned(),
            nearest: self.nearest(&lower),
        })
    }

    /// Returns the names most like `lower`, quoted and separated by commas.
    fn nearest(&self, lower: &str) -> String {
        let mut names: Vec<(f64, &str)> =
            self.names.iter().map(|name| (likeness(lower, name), &name[..])).collect();
        names.sort_by(|a, b| b.0.total_cmp(&a.0));
        let names = names.iter().take(SUGGESTIONS).map(|(_, name)| format!("{name:?}"));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Returns how similar a name is to the name that was asked for.
fn likeness(lower: &str, name: &str) -> f64 {
    let name = name.to_lowercase();
    // For "cat", list the cats before the bats.
    let whole_word = name.split([' ', '-']).any(|word| word == lower);
    strsim::jaro_winkler(lower, &name) + f64::from(u8::from(whole_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_found_by_name_or_number() {
        let classes = Classes::new(["mug", "", "Cardigan", "cardigan"]);
        let found = ["mug", " MUG ", "cardigan", "Cardigan", "1"].map(|name| classes.find(name));
        assert_eq!(found, [Ok(0), Ok(0), Ok(3), Ok(2), Ok(1)]);
        assert_eq!(classes.name(1), "class 1");
    }

    #[test]
    fn a_class_that_does_not_exist_is_an_error() {
        let classes = Classes::new(["tabby cat", "bat", "dog", "cap"]);
        assert_eq!(classes.find("4"), Err(UnknownClass::Index { index: 4, last: 3 }));
        let error = classes.find("cat").unwrap_err().to_string();
        assert!(error.contains("the nearest are \"tabby cat\", "), "{error}");
        assert!(matches!(classes.find(""), Err(UnknownClass::Name { .. })));
        let numbered = Classes::default();
        assert_eq!(numbered.find("12"), Ok(12));
        let error = numbered.find("cat").unwrap_err().to_string();
        assert!(error.contains("the number of a class"), "{error}");
    }
}
