//! Which files of a folder are photos.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use saliency_photo::Error as PhotoError;
use saliency_photo::read_photo;

use crate::digest;
use crate::error::{Error, Result};

/// A file that is named like a photo. Whether it is one shows when it is read.
pub(crate) struct PhotoFile {
    path: PathBuf,
    /// The name inside the folder.
    pub name: String,
}

/// The files of a folder.
pub(crate) struct Folder {
    /// Sorted by name.
    pub photos: Vec<PhotoFile>,
    /// How many files and folders were left out.
    pub others: usize,
}

const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];
/// Larger files are not read, because they may be no photos at all.
const MOST_BYTES: u64 = 256 << 20;

impl Folder {
    /// Lists the photos of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let missing = |source| Error::Folder { path: folder.to_owned(), source };
        let (mut photos, mut others) = (Vec::new(), 0);
        for entry in fs::read_dir(folder).map_err(missing)? {
            let path = entry.map_err(missing)?.path();
            let name = path.file_name().unwrap_or_default();
            // A name that is no text is shown by its bytes, so that no two names look the same.
            let name = name
                .to_str()
                .map_or_else(|| name.as_encoded_bytes().escape_ascii().to_string(), str::to_owned);
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if name.starts_with('.') || !ENDINGS.contains(&&ending[..]) || path.is_dir() {
                others += 1;
            } else {
                photos.push(PhotoFile { path, name });
            }
        }
        if photos.is_empty() {
            return Err(Error::NoPhotos { path: folder.to_owned(), others });
        }
        photos.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { photos, others })
    }

    /// Returns whether the folder has a photo of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.photos.binary_search_by(|photo| photo.name[..].cmp(name)).is_ok()
    }
}

impl PhotoFile {
    /// Returns a digest of the file's bytes, or the reason why it cannot be read.
    pub fn digest(&self) -> Result<String, String> {
        let unreadable = |found: String| format!("expected a readable file, found: {found}");
        let file = fs::metadata(&self.path).map_err(|error| unreadable(error.to_string()))?;
        // A pipe or a device would never end.
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

    /// Returns the photo, or the reason why it cannot be read. The reason leaves out the path,
    /// which the page must not give away.
    pub fn read(&self) -> Result<RgbImage, String> {
        read_photo(&self.path).map_err(|error| match error {
            PhotoError::Unreadable { cause, .. } => {
                format!("expected a readable JPEG, PNG or WebP photo, found: {cause}")
            }
            error => error.to_string(),
        })
    }
}
