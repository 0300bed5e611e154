//! Finds the photos among the files of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use saliency_photo::Error as PhotoError;
use saliency_photo::read_photo;

use crate::digest;
use crate::error::{Error, Result};
use crate::link;

/// A file that is named like a photo. Only reading it shows whether it is a photo.
pub(crate) struct PhotoFile {
    path: PathBuf,
    /// The name inside the folder.
    pub name: String,
}

/// The files of a folder.
pub(crate) struct Folder {
    /// The absolute path.
    pub path: PathBuf,
    /// The photos, sorted by name.
    pub photos: Vec<PhotoFile>,
    pub others: Others,
}

/// The files and folders that are not photos.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    /// The number of files with each ending. Endings are in capitals.
    files: BTreeMap<String, usize>,
    folders: usize,
    hidden: usize,
}

const ENDINGS: [&str; 5] = ["jpg", "jpeg", "jfif", "png", "webp"];
/// Endings of photos that are not read.
const OTHER_PHOTOS: [&str; 9] = ["HEIC", "HEIF", "AVIF", "TIF", "TIFF", "BMP", "GIF", "DNG", "JXL"];
/// Larger files are not read, because they may not be photos at all.
const MOST_BYTES: u64 = 256 << 20;

impl Folder {
    /// Lists the photos of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let missing = |source| Error::Folder { path: folder.to_owned(), source };
        let (mut photos, mut others) = (Vec::new(), Others::default());
        for entry in fs::read_dir(folder).map_err(missing)? {
            let path = entry.map_err(missing)?.path();
            let name = path.file_name().unwrap_or_default();
            // A name that is not valid text is shown as bytes, so that no two names look the same.
            let name = name
                .to_str()
                .map_or_else(|| name.as_encoded_bytes().escape_ascii().to_string(), str::to_owned);
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if name.starts_with('.') {
                others.hidden += 1;
            } else if path.is_dir() {
                others.folders += 1;
            } else if !ENDINGS.contains(&&ending[..]) {
                *others.files.entry(ending.to_uppercase()).or_default() += 1;
            } else {
                photos.push(PhotoFile { path, name });
            }
        }
        if photos.is_empty() {
            let found = match others.in_words() {
                Some(found) => format!("{found}{}", others.advice()),
                None => "nothing in it".to_owned(),
            };
            return Err(Error::NoPhotos { path: folder.to_owned(), found });
        }
        photos.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { path: folder.canonicalize().map_err(missing)?, photos, others })
    }
}

impl Others {
    /// Lists the files by their kinds, and the folders, or returns `None` if there are none.
    pub fn in_words(&self) -> Option<String> {
        let count = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        // Begin with photos in formats that are not read, because most people ask about these.
        let is_photo = |ending: &str| OTHER_PHOTOS.contains(&ending);
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|(ending, _)| !is_photo(ending));
        let kind = |(ending, found): (&String, &usize)| match &ending[..] {
            "" => count(*found, "file without an ending", "files without an ending"),
            ending => Some(format!("{found} {ending}")),
        };
        let mut kinds: Vec<String> = files.into_iter().filter_map(kind).collect();
        kinds.extend(count(self.folders, "folder", "folders"));
        kinds.extend(count(self.hidden, "hidden file", "hidden files"));
        (!kinds.is_empty()).then(|| kinds.join(", "))
    }

    /// Returns advice about photos that are not read and about folders, to be written after the
    /// list.
    pub fn advice(&self) -> String {
        let mut advice = String::new();
        if self.files.keys().any(|ending| OTHER_PHOTOS.contains(&&ending[..])) {
            advice += "; save such photos as JPEG, PNG or WebP";
        }
        if self.folders > 0 {
            advice +=
                "; photos in folders inside it are not read, audit each such folder by itself";
        }
        advice
    }
}

impl PhotoFile {
    /// Returns the name as a part of an address.
    pub fn link(&self) -> String {
        link::encoded(self.path.file_name().unwrap_or_default().as_encoded_bytes())
    }

    /// Returns a digest of the file's bytes, or the reason why it cannot be read.
    pub fn digest(&self) -> Result<String, String> {
        let unreadable = |found: String| format!("expected a readable file, found: {found}");
        let file = fs::metadata(&self.path).map_err(|error| unreadable(error.to_string()))?;
        // Reading a pipe or a device may never end.
        if !file.is_file() {
            return Err(unreadable("a pipe or a device".to_owned()));
        }
        if file.len() > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(format!("expected at most {most} MiB, found {} MiB", file.len() >> 20));
        }
        let bytes = fs::read(&self.path).map_err(|error| unreadable(error.to_string()))?;
        Ok(digest(&bytes))
    }

    /// Returns the photo, or the reason why it cannot be read. The reason does not contain the
    /// path, because the page must not reveal it.
    pub fn read(&self) -> Result<RgbImage, String> {
        read_photo(&self.path).map_err(|error| match error {
            PhotoError::Unreadable { cause, .. } => {
                format!("expected a readable JPEG, PNG or WebP photo, found: {cause}")
            }
            error => error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_over_is_named_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = || Folder::read(folder.path()).err().unwrap().to_string();
        assert!(refused().ends_with("found nothing in it"), "{}", refused());
        for name in ["a.HEIC", "b.heic", "notes.csv", ".hidden.jpg", "LICENSE"] {
            fs::write(at(name), b"").unwrap();
        }
        for name in ["c.jpg", "d"] {
            fs::create_dir(at(name)).unwrap();
        }
        let found = "found 2 HEIC, 1 file without an ending, 1 CSV, 2 folders, 1 hidden file; save such \
                     photos as JPEG, PNG or WebP; photos in folders inside it are not read, audit each \
                     such folder by itself";
        assert!(refused().ends_with(found), "{}", refused());
        // Chrome on Windows saves JPEGs with this ending.
        fs::write(at("e.JFIF"), b"").unwrap();
        let read = Folder::read(folder.path()).unwrap();
        assert_eq!(read.photos.len(), 1);
        assert_eq!(read.photos[0].link(), "e.JFIF");
    }
}
