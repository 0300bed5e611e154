//! Decodes the text of a file from any program.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes a file. If it has a mark at its beginning, the mark names the encoding.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    marked.unwrap_or_else(|| guessed(bytes)).decode(bytes).0
}

/// Guesses the encoding of a text without a mark. In UTF-16, one of the two bytes of a Latin letter
/// is zero. Text of office programs that is not UTF-8 is most often Windows-1252.
fn guessed(bytes: &[u8]) -> &'static Encoding {
    let start = &bytes[..bytes.len().min(1024)];
    let zeros = |first: usize| start.iter().skip(first).step_by(2).filter(|it| **it == 0).count();
    let many = start.len() / 4 + 1;
    if zeros(1) >= many {
        UTF_16LE
    } else if zeros(0) >= many {
        UTF_16BE
    } else if std::str::from_utf8(bytes).is_ok() {
        UTF_8
    } else {
        WINDOWS_1252
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_offices_is_decoded() {
        let text = "Blüte;1\r\n";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        let (le, be) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            b"Bl\xfcte;1\r\n".to_vec(),
            [b"\xff\xfe", &le[..]].concat(),
            [b"\xfe\xff", &be[..]].concat(),
            le,
            be,
        ] {
            assert_eq!(decoded(&bytes), text, "{bytes:?}");
        }
        assert_eq!(decoded(b""), "");
    }
}
