//! Finds the photo of a folder for each name in a file of boxes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::percent_decode_str;

/// The result of the search for a name's photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The photo at this index.
    Photo(usize),
    /// The folder has no such photo.
    Missing,
    /// Several names fit one photo equally well.
    Ambiguous,
}

/// How much two names must be alike. The strictest level comes first.
#[derive(Clone, Copy)]
enum Level {
    /// As they are written.
    Written,
    /// Without folders.
    Base,
    /// No matter how accents are encoded.
    Normal,
    /// Capitals and small letters count as equal.
    Caseless,
    /// Without the ending.
    Stem,
}

/// Finds the photo of each name, given the folder that the photos are in. If several names fit a
/// photo, it goes to the name that fits at the strictest level.
pub(super) fn matched(names: &[&str], photos: &[&str], folder: &str) -> Vec<Match> {
    let mut found = vec![Match::Missing; names.len()];
    let mut taken = BTreeSet::new();
    for level in [Level::Written, Level::Base, Level::Normal, Level::Caseless, Level::Stem] {
        let mut alike = BTreeMap::<String, Vec<usize>>::new();
        for (at, photo) in photos.iter().enumerate() {
            alike.entry(level.key(photo)).or_default().push(at);
        }
        // The names that fit each photo. A key that several photos share fits none of them.
        let mut wanted = BTreeMap::<usize, Vec<usize>>::new();
        for (at, name) in names.iter().enumerate().filter(|(at, _)| found[*at] == Match::Missing) {
            let only = |key: &String| match alike.get(key).map(|it| &it[..]) {
                Some(&[photo]) if !taken.contains(&photo) => Some(photo),
                _ => None,
            };
            if let Some(photo) = level.keys(name).iter().find_map(only) {
                wanted.entry(photo).or_default().push(at);
            }
        }
        for (photo, of_photo) in wanted {
            taken.insert(photo);
            match nearest(&of_photo, names, folder) {
                Some(name) => found[name] = Match::Photo(photo),
                None => of_photo.iter().for_each(|&name| found[name] = Match::Ambiguous),
            }
        }
    }
    found
}

/// Returns the name that belongs to the folder, of several names for one photo: the only name, or
/// the name that shares most of the folder's path.
fn nearest(of_photo: &[usize], names: &[&str], folder: &str) -> Option<usize> {
    if let &[only] = of_photo {
        return Some(only);
    }
    let shared = |name: &str| {
        let parts = name.rsplit(['/', '\\']).skip(1);
        parts.zip(folder.rsplit(['/', '\\'])).take_while(|(a, b)| a == b).count()
    };
    let most = of_photo.iter().map(|&at| shared(names[at])).max()?;
    let mut best = of_photo.iter().filter(|&&at| most > 0 && shared(names[at]) == most);
    best.next().copied().filter(|_| best.next().is_none())
}

impl Level {
    /// Returns the form in which a photo's name is compared.
    fn key(self, photo: &str) -> String {
        let normal = ComposingNormalizerBorrowed::new_nfc();
        match self {
            Self::Written | Self::Base => photo.to_owned(),
            Self::Normal => normal.normalize(photo).into_owned(),
            Self::Caseless => normal.normalize(photo).to_lowercase(),
            Self::Stem => stem(&Self::Caseless.key(photo)).to_owned(),
        }
    }

    /// Returns the forms in which a name from a file of boxes is compared.
    fn keys(self, name: &str) -> Vec<String> {
        if let Self::Written = self {
            return vec![name.to_owned()];
        }
        let mut keys = Vec::new();
        for form in forms(name) {
            // A name without an ending may contain a point.
            if let Self::Stem = self {
                keys.push(Self::Caseless.key(&form));
            }
            keys.push(self.key(&form));
        }
        keys
    }
}

/// Returns the name without its folders in three forms: as it is written, as an address without its
/// query, and as this address decoded.
fn forms(name: &str) -> Vec<Cow<'_, str>> {
    let base = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let address = name.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_decode_str(address).decode_utf8_lossy();
    vec![base(name).into(), base(address).into(), base(&decoded).into()]
}

/// Returns a name without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::Match::{Ambiguous, Missing, Photo};
    use super::*;

    fn found(names: &[&str], photos: &[&str]) -> Vec<Match> {
        matched(names, photos, "/home/me/val")
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let photos = ["flower.jpg", "Bl\u{fc}te 1.jpg", "IMG.2.png"];
        for (name, expected) in [
            ("flower.jpg", Photo(0)),
            ("photos/flower.jpg", Photo(0)),
            ("./flower.jpg", Photo(0)),
            (r"C:\Users\me\flower.jpg", Photo(0)),
            ("https://x.org/a/flower.jpg?sig=1&b=2/3", Photo(0)),
            ("/data/local-files/?d=photos/flower.jpg", Photo(0)),
            ("FLOWER.JPG", Photo(0)),
            ("flower", Photo(0)),
            ("flower.txt", Photo(0)),
            ("Flower.PNG", Photo(0)),
            ("Blu\u{308}te 1.jpg", Photo(1)),
            ("a/Bl%C3%BCte%201.jpg", Photo(1)),
            ("IMG.2", Photo(2)),
            ("IMG.2.xml", Photo(2)),
            ("IMG", Missing),
            ("flowers.jpg", Missing),
            ("", Missing),
        ] {
            assert_eq!(found(&[name], &photos), [expected], "{name}");
        }
    }

    #[test]
    fn a_photo_is_given_to_the_name_that_fits_best() {
        assert_eq!(found(&["x.jpg", "X.jpg"], &["x.jpg"]), [Photo(0), Missing]);
        assert_eq!(found(&["x.png", "x.jpg"], &["x.jpg"]), [Missing, Photo(0)]);
        assert_eq!(found(&["train/x.jpg", "val/x.jpg"], &["x.jpg"]), [Missing, Photo(0)]);
        assert_eq!(found(&["a/x.jpg", "b/x.jpg"], &["x.jpg", "y.jpg"]), [Ambiguous; 2]);
        assert_eq!(found(&["x.jpg", "b/x.jpg"], &["x.jpg"]), [Photo(0), Missing]);
        // Two photos whose names differ only in capitals, or only in the ending.
        assert_eq!(found(&["x.JPG"], &["X.jpg", "x.jpg"]), [Missing]);
        assert_eq!(found(&["x"], &["x.jpg", "x.png"]), [Missing]);
    }
}
