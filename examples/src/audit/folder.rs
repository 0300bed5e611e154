//! Which files of a folder are photos.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use saliency::photo::{Error, read_photo};

use super::{Result, digest};

/// A file that is called a photo; whether it is one shows when it is read.
pub struct PhotoFile {
    pub path: PathBuf,
    /// The name inside the folder.
    pub name: String,
}

pub struct Folder {
    /// By name.
    pub photos: Vec<PhotoFile>,
    /// How many files and folders were left out.
    pub others: usize,
}

const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];
/// Larger files are not read, for they may be no photos at all.
const MOST_BYTES: u64 = 256 << 20;

/// The photos of a folder.
pub fn photos_of(folder: &Path) -> Result<Folder> {
    let missing =
        |error| format!("expected a folder of photos at {}, found: {error}", folder.display());
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
        let expected = "expected at least one .jpg, .jpeg, .png or .webp file in";
        return Err(format!("{expected} {}, found {others} others", folder.display()).into());
    }
    photos.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Folder { photos, others })
}

impl PhotoFile {
    /// What the file holds, as a digest; or why it cannot be read.
    pub fn digest(&self) -> std::result::Result<String, String> {
        let expected = |found: String| format!("expected a readable file, found: {found}");
        let file = fs::metadata(&self.path).map_err(|error| expected(error.to_string()))?;
        // A pipe or a device would never end.
        if !file.is_file() {
            return Err(expected("a pipe or a device".to_owned()));
        }
        if file.len() > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(format!("expected at most {most} MiB, found {} MiB", file.len() >> 20));
        }
        let bytes = fs::read(&self.path).map_err(|error| expected(error.to_string()))?;
        Ok(digest(&bytes))
    }

    /// The photo; or why it cannot be read, without the path, which is nobody else's business.
    pub fn read(&self) -> std::result::Result<RgbImage, String> {
        read_photo(&self.path).map_err(|error| match error {
            Error::Unreadable { cause, .. } => {
                format!("expected a readable JPEG, PNG or WebP photo, found: {cause}")
            }
            error => error.to_string(),
        })
    }
}
