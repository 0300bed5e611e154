use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use image::{ImageFormat, RgbImage};
use saliency_photo::Cause;

use crate::error::{Error, Result};

/// The beginning of the names of files that [`write_file`] has not finished. A program that is
/// killed may leave such files behind.
const UNFINISHED_PREFIX: &str = ".saliency-";

/// Writes a picture as PNG, JPEG or WebP, depending on the ending of the name.
///
/// # Errors
/// [`Error::Unwritable`] if the name has another ending, if the picture cannot be encoded, or if
/// [`write_file`] fails.
///
/// # Example
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("maps/black.png");
/// saliency_viz::write_picture(&path, &image::RgbImage::new(4, 3))?;
/// assert_eq!(saliency_photo::read_photo(&path)?.dimensions(), (4, 3));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
pub fn write_picture(path: impl AsRef<Path>, picture: &RgbImage) -> Result<()> {
    let path = path.as_ref();
    let bytes = encoded(path, picture).map_err(|cause| unwritable(path, cause.into()))?;
    write_file(path, bytes)
}

/// Encodes a picture in the format that the ending of a name stands for.
fn encoded(
    path: &Path,
    picture: &RgbImage,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) =
        ImageFormat::from_path(path)
    else {
        return Err("a name without .png, .jpg or .webp".into());
    };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

/// Writes a file, and makes its folder if needed. The file appears under its name only once it is
/// complete.
///
/// If the program is killed before that, a hidden file stays behind: see [`remove_unfinished`].
///
/// # Errors
/// [`Error::Unwritable`] if the system refuses. In this case, no part of the file is left behind.
pub fn write_file(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let path = path.as_ref();
    write(path, bytes.as_ref()).map_err(|error| unwritable(path, Cause::from(Box::from(error))))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    // Write under another name, then rename.
    let mut builder = tempfile::Builder::new();
    // A new file has the permissions that the user's umask leaves, not those of a temporary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(UNFINISHED_PREFIX).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn unwritable(path: &Path, cause: Cause) -> Error {
    Error::Unwritable { path: path.to_owned(), cause }
}

/// Removes the files of a folder that [`write_file`] was writing when a program was killed. No
/// other program may be writing to the folder.
///
/// # Errors
/// If the folder cannot be read, or a file cannot be removed.
pub fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use saliency_photo::read_photo;
    use std::path::PathBuf;

    /// Makes a new folder for a test, with one file in it.
    fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    /// Makes a wide picture that is red on the left and blue on the right.
    fn two_colors() -> RgbImage {
        let half = |x| if x < 16 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        RgbImage::from_fn(32, 16, |x, _| half(x))
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_nothing_behind() {
        let (folder, file) = folder_with("file", b"");
        let error = write_picture(file.join("below/a/file.png"), &two_colors()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        // A folder has that name already, so the finished file cannot be renamed to it.
        let taken = folder.path().join("taken.png");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("inside"), b"").unwrap();
        assert!(matches!(write_picture(&taken, &two_colors()), Err(Error::Unwritable { .. })));
        // A name that does not say what kind of picture it is, or one that cannot be written.
        for name in ["plain", "picture.gif"] {
            let error = write_picture(folder.path().join(name), &two_colors()).unwrap_err();
            assert!(error.to_string().ends_with("without .png, .jpg or .webp"), "{error}");
        }
        // A picture without pixels cannot be encoded.
        let none = write_picture(folder.path().join("none.png"), &RgbImage::new(0, 0));
        assert!(matches!(none, Err(Error::Unwritable { .. })));
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["file", "taken.png"]);
    }

    #[test]
    fn a_picture_has_the_format_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, start) in
            [("a.png", &b"\x89PNG"[..]), ("a.JPG", b"\xff\xd8"), ("a.webp", b"RIFF")]
        {
            let path = folder.path().join(name);
            write_picture(&path, &two_colors()).unwrap();
            assert!(fs::read(&path).unwrap().starts_with(start), "{name}");
        }
    }

    #[test]
    fn a_written_picture_replaces_the_old_one_and_others_may_read_it() {
        let (_folder, path) = folder_with("picture.png", b"old");
        write_picture(&path, &two_colors()).unwrap();
        assert_eq!(read_photo(&path).unwrap(), two_colors());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let plain = tempfile::tempdir().unwrap();
            fs::write(plain.path().join("plain"), b"").unwrap();
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode(&path), mode(&plain.path().join("plain")));
        }
    }
}
