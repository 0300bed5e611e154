//! Links from the page to the photos, which work as long as both stay where they are.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// The characters that need not be encoded in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// A page that is more levels below the common folder gets no links. They would show strangers the
/// names of folders that have nothing to do with the audit.
const MOST_UP: usize = 2;

/// Returns the relative path from one folder to another as the beginning of an address, or `None`
/// if it is too long. Both folders are absolute paths.
pub(crate) fn between(page: &Path, photos: &Path) -> Option<String> {
    let (from, to): (Vec<_>, Vec<_>) = (page.components().collect(), photos.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.len() - common;
    // The root alone does not count as a common folder.
    let is_common = from[..common].iter().any(|part| matches!(part, Component::Normal(_)));
    if up > MOST_UP || !is_common {
        return None;
    }
    let down = to[common..].iter().map(|it| encoded(it.as_os_str().as_encoded_bytes()) + "/");
    Some("../".repeat(up) + &down.collect::<String>())
}

/// Encodes a name of a file for an address.
pub(crate) fn encoded(name: &[u8]) -> String {
    percent_encode(name, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_photos() {
        for (page, photos, expected) in [
            ("/a/audit", "/a/photos", Some("../photos/")),
            ("/a/audit", "/a/audit/photos", Some("photos/")),
            ("/a/audit", "/a/audit", Some("")),
            ("/a/b/audit", "/a/my photos/x", Some("../../my%20photos/x/")),
            ("/a/b/c/audit", "/a/photos", None),
            ("/x/audit", "/y/photos", None),
        ] {
            assert_eq!(between(Path::new(page), Path::new(photos)).as_deref(), expected);
        }
        assert_eq!(encoded("a\"<ü>.jpg".as_bytes()), "a%22%3C%C3%BC%3E.jpg");
    }
}
