//! Checks whether a JPEG is complete. A decoder fills missing pixels with one colour, which would
//! then be explained as if it were part of the photo.

use std::error::Error as StdError;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The decoder's message about extra bytes between headers, which do no harm.
const EXTRA_BYTES: &str = "Extra bytes between headers";
/// The decoder's messages about a file that ends too early.
const CUT_OFF: [&str; 2] = ["Exhausted data", "Premature end of buffer"];
/// The number of bytes that are appended to a file, because the decoder reads a few bytes ahead.
const PADDING: usize = 32;

/// Checks that all pixels of a JPEG are present. A missing end marker alone is not an error.
pub(crate) fn check(jpeg: &[u8]) -> Result<(), Box<dyn StdError + Send + Sync>> {
    let Scans { progressive, end } = Scans::of(jpeg);
    // The decoder takes an end marker in the middle of the pixels for the end of the file. So the
    // bytes before the end marker must hold all pixels. A progressive JPEG has all pixels from its
    // first scan on.
    let bytes = match end {
        Some(end) if !progressive => &jpeg[..end],
        _ => jpeg,
    };
    let cut_off = "a JPEG that is cut off before its end; copy it again from where it comes";
    let pixels = match decoded(bytes, 0x00) {
        Ok(pixels) => pixels,
        Err(error) => {
            let reason = format!("{error:?}");
            let says = |text: &str| reason.contains(text);
            return if says(EXTRA_BYTES) && end.is_some() {
                Ok(())
            } else if says(EXTRA_BYTES) || CUT_OFF.into_iter().any(says) {
                Err(cut_off.into())
            } else {
                Err(format!("a damaged JPEG ({reason}); copy it again from where it comes").into())
            };
        }
    };
    // Without an end marker, the last rows may have been decoded from the appended bytes.
    if end.is_none() && decoded(bytes, 0x55).ok() != Some(pixels) {
        return Err(cut_off.into());
    }
    Ok(())
}

/// Decodes a JPEG strictly, after appending a few bytes with the value `more`.
fn decoded(jpeg: &[u8], more: u8) -> Result<Vec<u8>, DecodeErrors> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let padded = [jpeg, &[more; PADDING]].concat();
    JpegDecoder::new_with_options(ZCursor::new(padded), options).decode()
}

/// The facts that the markers of a JPEG state.
struct Scans {
    progressive: bool,
    /// Where the end marker is.
    end: Option<usize>,
}

impl Scans {
    /// Reads the markers. Segments are skipped by their lengths, because embedded thumbnails have
    /// end markers too.
    fn of(jpeg: &[u8]) -> Self {
        const END: u8 = 0xd9;
        // Restart markers, the start of the image and one reserved marker have no length.
        let stands_alone = |marker| matches!(marker, 0x01 | 0xd0..=0xd8);
        let is_progressive = |marker| matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
        let (mut progressive, mut at) = (false, 0);
        while let Some(&byte) = jpeg.get(at) {
            let marker = jpeg.get(at + 1).copied();
            at += match (byte, marker) {
                (0xff, Some(END)) => return Self { progressive, end: Some(at) },
                // Fill bytes, and the escape of a data byte 0xff.
                (0xff, Some(0xff)) => 1,
                (0xff, Some(0x00)) => 2,
                (0xff, Some(marker)) if stands_alone(marker) => 2,
                (0xff, Some(marker)) => {
                    progressive |= is_progressive(marker);
                    let length = jpeg.get(at + 2..at + 4).map_or([0; 2], |it| [it[0], it[1]]);
                    2 + usize::from(u16::from_be_bytes(length))
                }
                // Compressed data, which follows the header of a scan.
                _ => 1,
            };
        }
        Self { progressive, end: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};

    /// Makes a textured JPEG, so that most of the file is compressed pixels and not headers.
    fn jpeg() -> Vec<u8> {
        let texture = |x: u32, y: u32| ((x * 37) ^ (y * 101) ^ (x * y)) as u8;
        let photo = RgbImage::from_fn(200, 150, |x, y| Rgb([texture(x, y), texture(y, x), 9]));
        let mut bytes = Vec::new();
        photo.write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    /// Inserts bytes in the middle of the pixels.
    fn with(inserted: &[u8]) -> Vec<u8> {
        let jpeg = jpeg();
        // Do not separate a byte 0xff from its escape.
        let middle = (jpeg.len() / 2..).find(|at| jpeg[at - 1] != 0xff).unwrap();
        [&jpeg[..middle], inserted, &jpeg[middle..]].concat()
    }

    #[test]
    fn whole_files_pass_with_or_without_an_end_marker_and_with_more_after_it() {
        let whole = jpeg();
        let without_end = &whole[..whole.len() - 2];
        for bytes in [
            whole.clone(),
            without_end.to_vec(),
            [without_end, &[0; 9]].concat(),
            [&whole[..], &[0; 99]].concat(),
            [&whole[..], &whole[..]].concat(),
        ] {
            check(&bytes).unwrap();
        }
        // One pixel, and one block of pixels.
        for side in [1, 8, 10, 16, 17, 99] {
            let mut bytes = Vec::new();
            let photo = RgbImage::from_pixel(side, side, Rgb([99, 5, 7]));
            photo.write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
            check(&bytes).unwrap();
        }
    }

    #[test]
    fn damaged_files_are_refused() {
        for inserted in [&[0xff, 0xf0][..], &[0xff, 0x01], &[0xff, 0xe0], &[0xff, 0xd9]] {
            let error = check(&with(inserted)).unwrap_err().to_string();
            println!("{inserted:02x?}: {error}");
            assert!(error.contains("copy it again"), "{error}");
        }
    }

    #[test]
    fn files_that_are_cut_off_are_refused() {
        let whole = jpeg();
        let half = &whole[..whole.len() / 2];
        for bytes in [
            half,
            &[half, b"\xff\xd9"].concat(),
            &whole[..whole.len() - 40],
            &whole[..whole.len() - 9],
        ] {
            let error = check(bytes).unwrap_err().to_string();
            assert!(error.starts_with("a JPEG that is cut off before its end"), "{error}");
        }
    }
}
