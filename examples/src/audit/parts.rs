//! One file for each photo, so that an audit can go on where it was ended.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use image::RgbImage;
use saliency::viz::{write_file, write_picture};
use serde::{Deserialize, Serialize};

use super::row::Row;
use super::{Result, digest};

/// The folder of parts, which one audit at a time works in.
pub struct Parts {
    folder: PathBuf,
    /// Freed by the system, however the program ends.
    _lock: File,
}

#[derive(Deserialize, Serialize)]
struct Part {
    /// Says what it was made from.
    fingerprint: String,
    row: Row,
}

impl Parts {
    pub fn open(out: &Path) -> Result<Self> {
        let folder = out.join("parts");
        let unwritable =
            |error| format!("expected a folder to write to at {}, found: {error}", out.display());
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let lock = File::create(folder.join("lock")).map_err(unwritable)?;
        // Some file systems cannot lock; there, nobody is kept out.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(
                format!("expected to be alone in {}, found another audit", out.display()).into()
            );
        }
        // What was being written when an audit was ended.
        for entry in fs::read_dir(&folder).map_err(unwritable)? {
            let path = entry.map_err(unwritable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(".saliency-") {
                fs::remove_file(&path).map_err(unwritable)?;
            }
        }
        Ok(Self { folder, _lock: lock })
    }

    /// Whether a photo has been explained from what the fingerprint stands for.
    pub fn has(&self, file: &str, fingerprint: &str) -> bool {
        let part = self.read(file).ok().filter(|part| part.fingerprint == fingerprint);
        part.is_some_and(|part| part.row.outcome.is_ok()) && self.thumbnail(file).is_file()
    }

    /// Keeps a photo's row, and before that its picture: where there is a row, there is a picture.
    pub fn keep(&self, fingerprint: &str, row: Row, thumbnail: Option<&RgbImage>) -> Result<()> {
        if let Some(thumbnail) = thumbnail {
            write_picture(self.thumbnail(&row.file), thumbnail)?;
        }
        let path = self.path(&row.file, "json");
        let part = Part { fingerprint: fingerprint.to_owned(), row };
        Ok(write_file(&path, &serde_json::to_vec(&part)?)?)
    }

    /// The row that was kept.
    pub fn row(&self, file: &str) -> Result<Row> {
        Ok(self.read(file)?.row)
    }

    /// Where the small picture of a photo lies.
    pub fn thumbnail(&self, file: &str) -> PathBuf {
        self.path(file, "jpg")
    }

    fn read(&self, file: &str) -> Result<Part> {
        let path = self.path(file, "json");
        let read = || -> Result<Part> { Ok(serde_json::from_slice(&fs::read(&path)?)?) };
        Ok(read().map_err(|error| {
            format!("expected a part of the audit at {}, found: {error}", path.display())
        })?)
    }

    /// The name of the photo may be no name for another file.
    fn path(&self, file: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", &digest(file.as_bytes())[..32]))
    }
}
