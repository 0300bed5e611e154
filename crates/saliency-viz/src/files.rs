use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use crate::error::{Error, Result};

/// Reads a JPEG, PNG or WebP photo, turned upright as its EXIF data say.
///
/// The kind of file is told by its content, not by its name. Photos in grey or with 16 bits per
/// channel become RGB with 8; transparent ones are laid on white.
///
/// # Errors
/// [`Error::Unreadable`] where the file is missing, not a photo, cut off, has no pixels, or would
/// take more than 512 MiB of memory.
///
/// # Example
/// ```
/// let error = saliency_viz::read_photo("nowhere.jpg".as_ref()).unwrap_err();
/// assert!(error.to_string().starts_with("expected a readable JPEG, PNG or WebP photo"));
/// ```
pub fn read_photo(path: &Path) -> Result<RgbImage> {
    let unreadable = |reason: String| Error::Unreadable { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = ImageReader::new(Cursor::new(&bytes[..])).with_guessed_format();
    let reader = reader.map_err(|error| unreadable(error.to_string()))?;
    // The decoder would paint what is missing grey, and the grey would be explained.
    if reader.format() == Some(ImageFormat::Jpeg) && !has_end_of_image(&bytes) {
        return Err(unreadable("a JPEG that is cut off before its end".to_owned()));
    }
    let decode = || {
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        // A small file can claim to be a huge picture.
        Limits::default().reserve(decoder.total_bytes())?;
        let mut photo = DynamicImage::from_decoder(decoder)?;
        photo.apply_orientation(orientation);
        image::ImageResult::Ok(opaque(photo))
    };
    let photo = decode().map_err(|error| unreadable(error.to_string()))?;
    match photo.dimensions() {
        (0, _) | (_, 0) => Err(unreadable("a picture without pixels".to_owned())),
        _ => Ok(photo),
    }
}

/// Whether a JPEG reaches its end-of-image marker.
///
/// Segments are skipped by their lengths, because embedded thumbnails have end markers too.
fn has_end_of_image(jpeg: &[u8]) -> bool {
    const END: u8 = 0xd9;
    // Restart markers, the start of the image and one reserved marker have no length.
    let stands_alone = |marker| matches!(marker, 0x01 | 0xd0..=0xd8);
    let mut at = 0;
    while let Some(&byte) = jpeg.get(at) {
        let marker = jpeg.get(at + 1).copied();
        at += match (byte, marker) {
            (0xff, Some(END)) => return true,
            // Fill bytes, and the escape of a data byte 0xff.
            (0xff, Some(0xff)) => 1,
            (0xff, Some(0x00)) => 2,
            (0xff, Some(marker)) if stands_alone(marker) => 2,
            (0xff, Some(_)) => {
                let length = jpeg.get(at + 2..at + 4);
                let length = length.map_or(0, |l| usize::from(u16::from_be_bytes([l[0], l[1]])));
                2 + length
            }
            // Compressed data, which follows the header of a scan.
            _ => 1,
        };
    }
    false
}

/// The photo without transparency: laid on white, as most programs show it.
fn opaque(photo: DynamicImage) -> RgbImage {
    if !photo.color().has_alpha() {
        return photo.into_rgb8();
    }
    let photo = photo.into_rgba8();
    RgbImage::from_fn(photo.width(), photo.height(), |x, y| {
        let [red, green, blue, alpha] = photo.get_pixel(x, y).0.map(u32::from);
        let on_white = |channel| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        Rgb([red, green, blue].map(on_white))
    })
}

/// Writes a picture as PNG, JPEG or WebP, as the name ends.
///
/// # Errors
/// Those of [`write_file`], and where the ending is another.
///
/// # Example
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("maps/black.png");
/// saliency_viz::write_picture(&path, &image::RgbImage::new(4, 3))?;
/// assert_eq!(saliency_viz::read_photo(&path)?.dimensions(), (4, 3));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
pub fn write_picture(path: &Path, picture: &RgbImage) -> Result<()> {
    let unwritable = |reason: String| Error::Unwritable { path: path.to_owned(), reason };
    let format = ImageFormat::from_path(path).ok().filter(|format| {
        matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)
    });
    let format =
        format.ok_or_else(|| unwritable("a name without .png, .jpg or .webp".to_owned()))?;
    let mut bytes = Cursor::new(Vec::new());
    let encoded = picture.write_to(&mut bytes, format);
    encoded.map_err(|error| unwritable(error.to_string()))?;
    write_file(path, &bytes.into_inner())
}

/// The beginning of a file's name while it is being written.
const UNFINISHED: &str = ".saliency-";

/// Writes a file, making the folder if need be. It appears under its name only once it is whole.
///
/// If the program is killed on the way, a hidden file stays behind: see [`remove_unfinished`].
///
/// # Errors
/// [`Error::Unwritable`]; no part of a file is left behind then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        // A new file has the permissions that the user's umask leaves, not a temporary file's.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| Error::Unwritable { path: path.to_owned(), reason: error.to_string() })
}

/// Removes the files of a folder that [`write_file`] was writing when a program was killed. No other
/// program may be writing to the folder.
///
/// # Errors
/// If the folder cannot be read, or a file cannot be removed.
pub fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, codecs};
    use std::path::PathBuf;

    /// A folder of its own for a test, with one file in it.
    fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Wide, red on the left and blue on the right.
    fn two_colors() -> RgbImage {
        let half = |x| if x < 16 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        RgbImage::from_fn(32, 16, |x, _| half(x))
    }

    #[test]
    fn every_kind_of_photo_is_read_whatever_its_name_says() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let (_folder, path) = folder_with("photo.txt", &encoded(two_colors(), format));
            let photo = read_photo(&path).unwrap();
            assert_eq!(photo.dimensions(), (32, 16));
            assert!(photo.get_pixel(2, 8).0[0] > 240, "{format:?}");
        }
    }

    #[test]
    fn a_photo_taken_sideways_is_turned_upright() {
        // Little-endian EXIF with one entry: orientation 6, to be turned by 90 degrees clockwise.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let (mut jpeg, mut png) = (Vec::new(), Vec::new());
        let photo = two_colors();
        let mut encoder = codecs::jpeg::JpegEncoder::new(&mut jpeg);
        encoder.set_exif_metadata(exif.clone()).unwrap();
        encoder.write_image(&photo, 32, 16, ExtendedColorType::Rgb8).unwrap();
        let mut encoder = codecs::png::PngEncoder::new(&mut png);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.write_image(&photo, 32, 16, ExtendedColorType::Rgb8).unwrap();
        for bytes in [jpeg, png] {
            let (_folder, path) = folder_with("photo", &bytes);
            let photo = read_photo(&path).unwrap();
            assert_eq!(photo.dimensions(), (16, 32));
            // What was on the left is now at the top.
            assert!(photo.get_pixel(8, 2).0[0] > 240 && photo.get_pixel(8, 30).0[2] > 240);
        }
    }

    #[test]
    fn grey_deep_and_transparent_photos_become_plain_ones() {
        let grey = image::GrayImage::from_pixel(2, 2, image::Luma([77]));
        let (_folder, path) = folder_with("grey", &encoded(grey, ImageFormat::Png));
        assert_eq!(*read_photo(&path).unwrap().get_pixel(1, 1), Rgb([77; 3]));

        let deep = image::ImageBuffer::from_pixel(2, 2, Rgb([u16::MAX, 257 * 128, 0]));
        let (_folder, path) = folder_with("deep", &encoded(deep, ImageFormat::Png));
        assert_eq!(*read_photo(&path).unwrap().get_pixel(1, 1), Rgb([255, 128, 0]));

        let half = image::RgbaImage::from_pixel(2, 2, image::Rgba([0, 0, 255, 51]));
        let (_folder, path) = folder_with("half", &encoded(half, ImageFormat::Png));
        assert_eq!(*read_photo(&path).unwrap().get_pixel(1, 1), Rgb([204, 204, 255]));
    }

    #[test]
    fn what_is_not_a_photo_is_an_error() {
        // Textured, so that most of each file is compressed pixels and not headers.
        let texture = |x: u32, y: u32| ((x * 37) ^ (y * 101) ^ (x * y)) as u8;
        let photo = RgbImage::from_fn(200, 150, |x, y| Rgb([texture(x, y), texture(y, x), 9]));
        let [png, jpeg, webp] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP]
            .map(|format| encoded(photo.clone(), format));
        // A header that promises no pixels, and one that promises 10 GB of them.
        let sized = |side: u32| {
            let mut header = b"IHDR".to_vec();
            header.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
            header.extend([8, 2, 0, 0, 0]);
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
            bytes.extend(&header);
            bytes.extend(crc(&header).to_be_bytes());
            bytes.extend(&png[33..]);
            bytes
        };
        let cut = |bytes: &[u8], percent| bytes[..bytes.len() * percent / 100].to_vec();
        for (name, bytes) in [
            ("empty", Vec::new()),
            ("text", b"not a photo at all".to_vec()),
            ("PNG cut in half", cut(&png, 50)),
            ("PNG cut near its end", cut(&png, 95)),
            ("JPEG cut in its headers", jpeg[..300].to_vec()),
            ("JPEG cut in half", cut(&jpeg, 50)),
            ("JPEG cut near its end", jpeg[..jpeg.len() - 2].to_vec()),
            ("WebP cut in half", cut(&webp, 50)),
            ("WebP cut near its end", cut(&webp, 95)),
            ("no pixels", sized(0)),
            ("too large", sized(60_000)),
        ] {
            let (_folder, path) = folder_with(name, &bytes);
            let error = read_photo(&path).unwrap_err();
            println!("{error}");
            let text = error.to_string();
            assert!(text.starts_with("expected a readable JPEG, PNG or WebP photo at "), "{text}");
            assert!(text.contains(name) && text.contains(", found: "), "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_photo(folder.path()), Err(Error::Unreadable { .. })));
    }

    /// The checksum of a PNG chunk.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
                0 => crc >> 1,
                _ => (crc >> 1) ^ 0xedb8_8320,
            })
        })
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_nothing_behind() {
        let (folder, file) = folder_with("file", b"");
        let error = write_picture(&file.join("below/a/file.png"), &two_colors()).unwrap_err();
        assert!(error.to_string().starts_with("expected to write "), "{error}");
        // A folder of that name is in the way: the finished file cannot take its place.
        let taken = folder.path().join("taken.png");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("inside"), b"").unwrap();
        assert!(matches!(write_picture(&taken, &two_colors()), Err(Error::Unwritable { .. })));
        // A name that does not say what kind of picture it is, or one that cannot be written.
        for name in ["plain", "picture.gif"] {
            let error = write_picture(&folder.path().join(name), &two_colors()).unwrap_err();
            assert!(error.to_string().ends_with("without .png, .jpg or .webp"), "{error}");
        }
        // A picture without pixels cannot be encoded.
        let none = write_picture(&folder.path().join("none.png"), &RgbImage::new(0, 0));
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
