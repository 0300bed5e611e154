//! The 1,000 classes of ImageNet, by index and by name.

use std::sync::LazyLock;

use saliency_photo::ClassNames;
pub use saliency_photo::UnknownClass;

static NAMES: LazyLock<ClassNames> =
    LazyLock::new(|| ClassNames::new(include_str!("../data/imagenet_classes.txt").lines()));

/// Returns the names of all classes.
pub fn names() -> &'static ClassNames {
    &NAMES
}

/// Returns the name of a class, or `None` if no class has this index.
///
/// ```
/// assert_eq!(saliency_models::imagenet::name(285), Some("Egyptian cat"));
/// assert_eq!(saliency_models::imagenet::name(1000), None);
/// ```
pub fn name(index: usize) -> Option<&'static str> {
    NAMES.get(index)
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
    NAMES.find(name_or_index)
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
        assert_eq!(error, "expected a class from 0 to 999, found 1000");
        assert!(matches!(find(""), Err(UnknownClass::Name { .. })));
        assert!(matches!(find("-1"), Err(UnknownClass::Name { .. })));
    }
}
