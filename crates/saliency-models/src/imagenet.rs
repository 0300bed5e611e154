//! The 1,000 classes of ImageNet, by index and by name.

use std::sync::LazyLock;

static NAMES: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("../data/imagenet_classes.txt").lines().collect());

/// The number of names that are suggested for an unknown name.
const SUGGESTIONS: usize = 3;

/// The error for a class that does not exist in ImageNet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownClass {
    /// No class has this name.
    #[error("expected the name of an ImageNet class, found {name:?}; the nearest are {nearest}")]
    #[non_exhaustive]
    Name {
        /// The name asked for.
        name: String,
        /// The names most like it, quoted and separated by commas.
        nearest: String,
    },
    /// An index past the last class.
    #[error("expected an ImageNet class from 0 to {last}, found {index}")]
    #[non_exhaustive]
    Index {
        /// The index asked for.
        index: usize,
        /// The last index.
        last: usize,
    },
}

/// Returns the name of a class, or `None` if no class has this index.
///
/// ```
/// assert_eq!(saliency_models::imagenet::name(285), Some("Egyptian cat"));
/// assert_eq!(saliency_models::imagenet::name(1000), None);
/// ```
pub fn name(index: usize) -> Option<&'static str> {
    NAMES.get(index).copied()
}

/// Returns the index of a class that is given by index or by name.
///
/// Upper and lower case matter only if ImageNet has both (`Cardigan` is a dog, `cardigan` is
/// knitted).
///
/// # Errors
/// [`UnknownClass`], which lists the nearest names.
///
/// # Example
/// ```
/// use saliency_models::imagenet;
///
/// assert_eq!(imagenet::find("egyptian cat"), Ok(285));
/// assert_eq!(imagenet::find("285"), Ok(285));
/// let error = imagenet::find("egiptian cat").unwrap_err().to_string();
/// assert!(error.contains("\"Egyptian cat\""), "{error}");
/// ```
pub fn find(name_or_index: &str) -> Result<usize, UnknownClass> {
    let asked = name_or_index.trim();
    if let Ok(index) = asked.parse::<usize>() {
        let last = NAMES.len() - 1;
        return if index <= last { Ok(index) } else { Err(UnknownClass::Index { index, last }) };
    }
    let lower = asked.to_lowercase();
    // Try the name as it is written first: "Cardigan" is a dog, "cardigan" is knitted.
    let exact = NAMES.iter().position(|name| *name == asked);
    let same = exact.or_else(|| NAMES.iter().position(|name| name.to_lowercase() == lower));
    same.ok_or_else(|| UnknownClass::Name { name: asked.to_owned(), nearest: nearest(&lower) })
}

/// Returns the names most like `lower`, quoted and separated by commas.
fn nearest(lower: &str) -> String {
    let mut names: Vec<(f64, &str)> =
        NAMES.iter().map(|name| (likeness(lower, name), *name)).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names = names.iter().take(SUGGESTIONS).map(|(_, name)| format!("{name:?}"));
    names.collect::<Vec<_>>().join(", ")
}

/// Returns how similar a name is to the name asked for.
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
    fn every_name_is_found_again() {
        assert_eq!(NAMES.len(), 1000);
        for index in 0..1000 {
            assert_eq!(find(name(index).unwrap()), Ok(index));
        }
    }

    #[test]
    fn what_does_not_exist_is_answered_with_what_does() {
        let error = find("cat").unwrap_err().to_string();
        assert!(error.contains("cat\""), "{error}");
        let error = find("1000").unwrap_err().to_string();
        assert_eq!(error, "expected an ImageNet class from 0 to 999, found 1000");
        assert!(matches!(find(""), Err(UnknownClass::Name { .. })));
        assert!(matches!(find("-1"), Err(UnknownClass::Name { .. })));
    }
}
