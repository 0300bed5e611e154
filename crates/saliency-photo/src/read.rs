use std::error::Error as StdError;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgb, RgbImage};

use crate::error::{Error, Result};
use crate::{foreign, jpeg, profile};

/// Larger files are not read, because they may not be photos at all.
const MOST_FILE_BYTES: u64 = 256 << 20;
/// Larger pictures are not decoded. A small file can claim to be a huge picture.
const MOST_BYTES: u64 = 512 << 20;

/// Reads a JPEG, PNG or WebP photo, and turns it upright according to its EXIF data.
///
/// The kind of file is found from its content, not from its name. Photos in grey or with 16 bits
/// per channel become RGB with 8 bits; transparent photos are laid on white.
///
/// A photo with a colour profile, such as Adobe RGB or Display P3, is converted to sRGB. So people
/// see it as in other programs, and the network is given the same colours. Tools that ignore
/// profiles, such as torchvision, give a network other numbers for such a photo. A profile that
/// cannot be read is ignored.
///
/// # Errors
/// [`Error::Unreadable`] if the file is missing, is not a photo, is cut off or damaged, has no
/// pixels, is larger than 256 MiB, or would take more than 512 MiB when it is decoded. While a
/// photo is turned or made opaque, it is in memory twice.
///
/// # Example
/// ```
/// let error = saliency_photo::read_photo("nowhere.jpg").unwrap_err();
/// assert!(error.to_string().starts_with("cannot read nowhere.jpg as a JPEG, PNG or WebP photo"));
/// ```
pub fn read_photo(path: impl AsRef<Path>) -> Result<RgbImage> {
    let path = path.as_ref();
    let photo = content(path).and_then(|bytes| decode(&bytes));
    photo.map_err(|cause| Error::Unreadable { path: path.to_owned(), cause: cause.into() })
}

type Cause = Box<dyn StdError + Send + Sync>;

/// Reads a file. Pipes and devices are refused, because reading them may never end.
fn content(path: &Path) -> Result<Vec<u8>, Cause> {
    let file = fs::metadata(path)?;
    if file.is_dir() {
        return Err("a folder; name the photos in it".into());
    }
    if !file.is_file() {
        return Err("a pipe or a device".into());
    }
    if file.len() > MOST_FILE_BYTES {
        let [found, most] = [file.len(), MOST_FILE_BYTES].map(|bytes| bytes >> 20);
        return Err(format!("a file of {found} MiB; at most {most} MiB are read").into());
    }
    Ok(fs::read(path)?)
}

/// Decodes a photo, turns it upright and removes transparency.
fn decode(bytes: &[u8]) -> Result<RgbImage, Cause> {
    if let Some(kind) = foreign::kind(bytes) {
        return Err(kind.into());
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let format = reader.format();
    let mut decoder = reader.into_decoder()?;
    let orientation = orientation(&mut decoder)?;
    check_size(&decoder)?;
    if format == Some(ImageFormat::Jpeg) {
        jpeg::check(bytes)?;
    }
    let profile = decoder.icc_profile().unwrap_or_default();
    let mut photo = DynamicImage::from_decoder(decoder)?;
    photo.apply_orientation(orientation);
    let mut photo = opaque(photo);
    if let Some(profile) = profile {
        profile::to_srgb(&mut photo, &profile);
    }
    Ok(photo)
}

/// Checks that a picture has pixels and is not too large, both in the file's pixel format and in
/// RGB.
fn check_size(decoder: &impl ImageDecoder) -> Result<(), Cause> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err("a picture without pixels".into());
    }
    let bytes = decoder.total_bytes().max(3 * u64::from(width) * u64::from(height));
    if bytes > MOST_BYTES {
        let [found, most] = [bytes, MOST_BYTES].map(|bytes| bytes >> 20);
        return Err(format!(
            "a picture of {width} x {height} pixels, which take {found} MiB when decoded; at most \
             {most} MiB are read, so make it smaller"
        )
        .into());
    }
    Ok(())
}

/// Returns how a photo must be turned. In a WebP, some programs begin the EXIF data with the prefix
/// that belongs in a JPEG.
fn orientation(decoder: &mut impl ImageDecoder) -> Result<Orientation, Cause> {
    let exif = decoder.exif_metadata()?.unwrap_or_default();
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
    Ok(Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms))
}

/// Removes transparency: lays the photo on white, as most programs do.
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

    /// Makes a new folder for a test, with one file in it.
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

    /// Makes a wide picture that is red on the left and blue on the right.
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
            // The left side is now at the top.
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
        // A textured picture, so that most of each file is compressed pixels and not headers.
        let texture = |x: u32, y: u32| ((x * 37) ^ (y * 101) ^ (x * y)) as u8;
        let photo = RgbImage::from_fn(200, 150, |x, y| Rgb([texture(x, y), texture(y, x), 9]));
        let [png, jpeg, webp] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP]
            .map(|format| encoded(photo.clone(), format));
        // A header that declares no pixels, and one that declares 10 GB of them.
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
            ("JPEG cut near its end", cut(&jpeg, 95)),
            ("JPEG cut in half, with an end marker", [&cut(&jpeg, 50)[..], b"\xff\xd9"].concat()),
            ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()),
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
        let error = read_photo(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(": a folder; name the photos in it"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_refused() {
        let error = read_photo("/dev/zero").unwrap_err().to_string();
        assert!(error.ends_with(": a pipe or a device"), "{error}");
    }

    #[test]
    fn what_is_too_large_is_refused_with_its_size() {
        let (_folder, path) = folder_with("large.jpg", b"");
        fs::File::options().write(true).open(&path).unwrap().set_len(257 << 20).unwrap();
        let error = read_photo(&path).unwrap_err().to_string();
        assert!(error.ends_with(": a file of 257 MiB; at most 256 MiB are read"), "{error}");
        // A grey picture takes three times as much memory in RGB.
        let grey = image::GrayImage::new(16_000, 12_000);
        let (_folder, path) = folder_with("grey.png", &encoded(grey, ImageFormat::Png));
        let error = read_photo(&path).unwrap_err().to_string();
        let found =
            "a picture of 16000 x 12000 pixels, which take 549 MiB when decoded; at most 512 MiB";
        assert!(error.contains(found) && error.ends_with("make it smaller"), "{error}");
    }

    #[test]
    fn a_webp_is_turned_whichever_way_its_exif_data_begin() {
        let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        for exif in [tiff.to_vec(), [b"Exif\0\0", &tiff[..]].concat()] {
            let mut webp = Vec::new();
            let mut encoder = codecs::webp::WebPEncoder::new_lossless(&mut webp);
            encoder.set_exif_metadata(exif).unwrap();
            encoder.write_image(&two_colors(), 32, 16, ExtendedColorType::Rgb8).unwrap();
            let (_folder, path) = folder_with("photo", &webp);
            let photo = read_photo(&path).unwrap();
            assert_eq!(photo.dimensions(), (16, 32));
            assert!(photo.get_pixel(8, 2).0[0] > 240);
        }
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
