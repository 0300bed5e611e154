//! Recognises files that are named like photos but are something else.

/// Returns the kind of a file that cannot be read as a photo, and advice on what to do. Returns
/// `None` if the kind is not known.
pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes[..bytes.len().min(512)].trim_ascii_start();
    let begins = |text: &str| {
        start.get(..text.len()).is_some_and(|it| it.eq_ignore_ascii_case(text.as_bytes()))
    };
    // The kind of a file in the container of HEIF, MP4 and QuickTime.
    let brand = (bytes.get(4..8) == Some(b"ftyp")).then(|| bytes.get(8..12)).flatten();
    match brand {
        Some(b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1") => {
            return Some("a HEIC photo, as iPhones take them; save it as JPEG");
        }
        Some(b"avif" | b"avis") => return Some("an AVIF photo; save it as JPEG or PNG"),
        Some(_) => return Some("a video"),
        None => {}
    }
    if bytes.is_empty() {
        Some("an empty file")
    } else if begins("<!doctype html") || begins("<html") {
        Some("a web page, such as the answer to a download that failed; download the photo again")
    } else if begins("version https://git-lfs") {
        Some("a pointer of Git LFS in place of the photo; run `git lfs pull`")
    } else if begins("%PDF") {
        Some("a PDF; save the photo in it as JPEG or PNG")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_named() {
        for (bytes, expected) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], Some("a HEIC photo")),
            (b"\0\0\0\x18ftypmif1\0\0\0\0", Some("a HEIC photo")),
            (b"\0\0\0\x1cftypavif\0\0\0\0", Some("an AVIF photo")),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", Some("a video")),
            (b"", Some("an empty file")),
            (b"\n <!DOCTYPE HTML><title>404</title>", Some("a web page")),
            (b"version https://git-lfs.github.com/spec/v1\noid", Some("a pointer of Git LFS")),
            (b"%PDF-1.7", Some("a PDF")),
            (b"\x89PNG\r\n", None),
            (b"ftyp", None),
        ] {
            let found = kind(bytes);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().starts_with(expected.unwrap_or_default()));
        }
    }
}
