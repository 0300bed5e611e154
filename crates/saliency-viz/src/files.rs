use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, RgbImage};

use crate::error::{Error, Result};

/// Reads a JPEG, PNG or WebP photo, turned upright as its EXIF data say.
///
/// What kind of file it is is told by its content, not by its name. Photos in grey, with
/// transparency or with 16 bits per channel become RGB with 8.
///
/// # Errors
/// [`Error::Unreadable`] where the file is missing, not a photo, cut off or has no pixels.
///
/// # Example
/// ```
/// let error = saliency_viz::read_photo("nowhere.jpg".as_ref()).unwrap_err();
/// assert!(error.to_string().starts_with("expected a readable JPEG, PNG or WebP photo"));
/// ```
pub fn read_photo(path: &Path) -> Result<RgbImage> {
    let unreadable =
        |reason: String| Error::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format();
    let reader = reader.map_err(|error| unreadable(error.to_string()))?;
    let decode = || {
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut photo = DynamicImage::from_decoder(decoder)?;
        photo.apply_orientation(orientation);
        image::ImageResult::Ok(photo.into_rgb8())
    };
    let photo = decode().map_err(|error| unreadable(error.to_string()))?;
    match photo.dimensions() {
        (0, _) | (_, 0) => Err(unreadable("a picture without pixels".to_owned())),
        _ => Ok(photo),
    }
}

/// Writes a picture as PNG, making the folder if need be. The file appears under its name only
/// once it is whole.
///
/// # Errors
/// [`Error::Unwritable`]; nothing is left behind then.
///
/// # Example
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("maps/black.png");
/// saliency_viz::write_png(&path, &image::RgbImage::new(4, 3))?;
/// assert_eq!(saliency_viz::read_photo(&path)?.dimensions(), (4, 3));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
pub fn write_png(path: &Path, picture: &RgbImage) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> Result<(), Box<dyn std::error::Error>> {
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        // A new file has the permissions that the user's umask leaves, not a temporary file's.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.prefix(".saliency-").tempfile_in(folder)?;
        let mut writer = BufWriter::new(&mut file);
        picture.write_to(&mut writer, ImageFormat::Png)?;
        writer.flush()?;
        drop(writer);
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| Error::Unwritable { path: path.to_owned(), reason: error.to_string() })
}
