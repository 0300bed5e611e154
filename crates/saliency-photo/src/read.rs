use std::error::Error as StdError;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use crate::error::{Error, Result};

/// Reads a JPEG, PNG or WebP photo and turns it upright as its EXIF data say.
///
/// The content of the file decides what kind it is, not its name. Photos in grey or with 16 bits
/// per channel become RGB with 8 bits; transparent photos are laid on white.
///
/// # Errors
/// [`Error::Unreadable`] if the file is missing, is not a photo, is cut off, has no pixels, or
/// would take more than 512 MiB of memory.
///
/// # Example
/// ```
/// let error = saliency_photo::read_photo("nowhere.jpg").unwrap_err();
/// assert!(error.to_string().starts_with("cannot read nowhere.jpg as a JPEG, PNG or WebP photo"));
/// ```
pub fn read_photo(path: impl AsRef<Path>) -> Result<RgbImage> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(Into::into);
    let photo = bytes.and_then(|bytes| decode(&bytes));
    photo.map_err(|cause| Error::Unreadable { path: path.to_owned(), cause: cause.into() })
}

/// Decodes a photo, upright and opaque.
fn decode(bytes: &[u8]) -> Result<RgbImage, Box<dyn StdError + Send + Sync>> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    // The decoder would paint what is missing grey, and the grey would be explained.
    if reader.format() == Some(ImageFormat::Jpeg) && !has_end_of_image(bytes) {
        return Err("a JPEG that is cut off before its end".into());
    }
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    // A small file can claim to be a huge picture.
    Limits::default().reserve(decoder.total_bytes())?;
    let mut photo = DynamicImage::from_decoder(decoder)?;
    photo.apply_orientation(orientation);
    if photo.width() == 0 || photo.height() == 0 {
        return Err("a picture without pixels".into());
    }
    Ok(opaque(photo))
}

/// Returns whether a JPEG reaches its end-of-image marker.
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

/// Removes transparency: lays the photo on white, as most programs show it.
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
            assert!(text.starts_with("cannot read "), "{text}");
            assert!(
                text.contains(name) && text.contains(" as a JPEG, PNG or WebP photo: "),
                "{text}"
            );
            assert!(error.source().is_some());
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
}
