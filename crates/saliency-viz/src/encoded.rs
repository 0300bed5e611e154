//! Pictures as text, for files that hold everything themselves.

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, RgbImage};

use crate::error::{Error, Result};

/// Encodes a picture as PNG in Base64, for a `data:` address.
pub(crate) fn png_base64(picture: &RgbImage) -> Result<String> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(Error::encode)?;
    Ok(BASE64_STANDARD.encode(bytes.into_inner()))
}

/// Encodes a picture as JPEG of a quality from 1 to 100, in Base64.
#[cfg(feature = "pages")]
pub(crate) fn jpeg_base64(picture: &RgbImage, quality: u8) -> Result<String> {
    use image::codecs::jpeg::JpegEncoder;

    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    picture.write_with_encoder(encoder).map_err(Error::encode)?;
    Ok(BASE64_STANDARD.encode(bytes))
}

/// Returns the hash by which a page's content security policy allows a script or a style: SHA-256 in
/// Base64.
#[cfg(feature = "pages")]
pub(crate) fn policy_hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};

    BASE64_STANDARD.encode(Sha256::digest(text))
}
