//! Keeps one file for each photo, so that a stopped audit can resume.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use image::RgbImage;
use saliency_photo::read_photo;
use saliency_viz::{remove_unfinished, write_file, write_picture};
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::error::{Error, Result};
use crate::row::Row;

/// The number of digits in the name of a part.
const NAME: usize = 32;

/// The folder of parts. Only one audit at a time may use it.
pub(crate) struct Parts {
    folder: PathBuf,
    /// A lock. The system frees it, no matter how the program ends.
    _lock: File,
}

/// The results of a photo that are kept.
#[derive(Deserialize, Serialize)]
struct Part {
    /// A digest of everything that the row was made from.
    fingerprint: String,
    row: Row,
}

impl Parts {
    /// Opens the folder of parts in an output folder. Makes it if it is missing.
    pub fn open(out: &Path) -> Result<Self> {
        let folder = out.join("parts");
        let unwritable = |source| Error::Output { path: out.to_owned(), source };
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let lock = File::create(folder.join("lock")).map_err(unwritable)?;
        // Some file systems cannot lock. On these, a second audit is not kept out.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Error::InUse { path: out.to_owned() });
        }
        remove_unfinished(&folder).map_err(unwritable)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Returns whether a photo was explained, and with the same fingerprint.
    pub fn has(&self, file: &str, fingerprint: &str) -> bool {
        let part = self.read(file).ok().filter(|part| part.fingerprint == fingerprint);
        // The small picture may be empty or cut off.
        part.is_some_and(|part| part.row.outcome.is_ok())
            && read_photo(self.thumbnail(file)).is_ok()
    }

    /// Removes the results of photos that are no longer in the folder.
    pub fn keep_only<'a>(&self, files: impl Iterator<Item = &'a str>) -> Result<()> {
        let kept: BTreeSet<PathBuf> =
            files.flat_map(|file| [self.path(file, "json"), self.path(file, "jpg")]).collect();
        let unwritable = |source| Error::Output { path: self.folder.clone(), source };
        for entry in fs::read_dir(&self.folder).map_err(unwritable)? {
            let path = entry.map_err(unwritable)?.path();
            // Other files do not belong to the audit.
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_part = stem.len() == NAME && stem.bytes().all(|it| it.is_ascii_hexdigit());
            if is_part && !kept.contains(&path) {
                fs::remove_file(&path).map_err(unwritable)?;
            }
        }
        Ok(())
    }

    /// Keeps the row of a photo that was explained, and its small picture. The picture is written
    /// first, so that every row has one.
    pub fn keep(&self, fingerprint: &str, row: Row, thumbnail: &RgbImage) -> Result<()> {
        write_picture(self.thumbnail(&row.file), thumbnail)?;
        self.write(&Part { fingerprint: fingerprint.to_owned(), row })
    }

    /// Replaces the row of a photo that was explained, and keeps its fingerprint and its picture.
    pub fn replace(&self, row: Row) -> Result<()> {
        let Part { fingerprint, .. } = self.read(&row.file)?;
        self.write(&Part { fingerprint, row })
    }

    /// Keeps the reason why a photo could not be explained. The next audit tries it again.
    pub fn keep_failure(&self, file: &str, reason: String) -> Result<()> {
        let row = Row { file: file.to_owned(), outcome: Err(reason) };
        self.write(&Part { fingerprint: String::new(), row })
    }

    /// Reads the row of a photo.
    pub fn row(&self, file: &str) -> Result<Row> {
        Ok(self.read(file)?.row)
    }

    /// Returns the path of a photo's small picture.
    pub fn thumbnail(&self, file: &str) -> PathBuf {
        self.path(file, "jpg")
    }

    fn read(&self, file: &str) -> Result<Part> {
        let path = self.path(file, "json");
        let bytes = fs::read(&path).map_err(Into::into);
        let part = bytes.and_then(|bytes| serde_json::from_slice(&bytes).map_err(Into::into));
        part.map_err(|source| Error::Part { path, source })
    }

    fn write(&self, part: &Part) -> Result<()> {
        let path = self.path(&part.row.file, "json");
        let bytes = serde_json::to_vec(part)
            .map_err(|error| Error::Part { path: path.clone(), source: error.into() })?;
        Ok(write_file(&path, &bytes)?)
    }

    /// Returns the path of a photo's file in this folder. It does not use the photo's own name,
    /// because this may not be a valid name for other files.
    fn path(&self, file: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", &digest(file.as_bytes())[..NAME]))
    }
}
