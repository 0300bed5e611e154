//! Reads JSON of any format. Python's NaN and long ids are first turned into valid JSON, then the
//! format is recognised.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::coco;
use super::drawing::Contents;
use super::error::BoxesError;
use super::json_value::parsed;
use super::{labelme, via, via3};

/// Reads a file in JSON, given its name. Formats with one file for each photo need the name.
pub(super) fn read(text: &str, file: &str) -> Result<Contents, BoxesError> {
    let text = &lenient(text)[..];
    if text.starts_with('[') {
        return Err(list(text)?);
    }
    let keys: BTreeMap<String, IgnoredAny> = parsed(text)?;
    let has = |key: &str| keys.contains_key(key);
    if has("images") && has("annotations") {
        coco::read(text)
    } else if has("shapes") {
        labelme::read(text, file)
    } else if has("_via_img_metadata") {
        via::read_project(text)
    } else if has("metadata") && has("file") {
        via3::read_project(text)
    } else if let Some(contents) = via::read_annotations(text)? {
        Ok(contents)
    } else {
        Err(unread(has))
    }
}

/// Recognises formats that are objects and are not read.
fn unread(has: impl Fn(&str) -> bool) -> BoxesError {
    if has("asset") || has("assets") {
        BoxesError::unread("a file of VoTT", "export it as Pascal VOC or CSV")
    } else if has("objects") {
        BoxesError::unread("a file of Supervisely", "export it as COCO")
    } else if has("items") {
        BoxesError::unread("a file of Datumaro", "convert it to COCO")
    } else if has("annotations") {
        BoxesError::Coco { missing: "images" }
    } else if has("images") {
        BoxesError::Coco { missing: "annotations" }
    } else {
        BoxesError::UnknownKind { found: "JSON of a kind that is not known here" }
    }
}

/// Recognises formats that are lists. None of them is read.
fn list(text: &str) -> Result<BoxesError, BoxesError> {
    let entries: Vec<Value> = parsed(text)?;
    let has = |key: &str| entries.first().is_some_and(|entry| entry.get(key).is_some());
    Ok(if has("image_id") {
        BoxesError::unread(
            "a list of COCO results, which has no names of photos",
            "give the COCO file with images, annotations and categories",
        )
    } else if has("data") || has("image") && has("label") {
        BoxesError::unread("a file of Label Studio", "export it as COCO")
    } else if has("image") || has("imagefilename") {
        BoxesError::unread("a file of CreateML", "export it as COCO or Pascal VOC")
    } else if has("Data Row ID") || has("Labeled Data") {
        BoxesError::unread("a file of Labelbox", "export it as COCO")
    } else if has("labels") {
        BoxesError::unread("a file of BDD100K or Scalabel", "convert it to COCO")
    } else {
        BoxesError::UnknownKind { found: "a list in JSON" }
    })
}

/// Turns JSON that Python or JavaScript wrote into JSON that can be parsed without loss. NaN and
/// Infinity become null. Whole numbers of 19 digits or more become texts, so that no digit of an id
/// is lost.
fn lenient(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut changed, mut copied, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = after_string(bytes, at),
            b'N' | b'I' | b'-' | b'0'..=b'9' => {
                let in_token = |it: &&u8| it.is_ascii_alphanumeric() || b"+-.".contains(it);
                let end = at + bytes[at..].iter().take_while(in_token).count();
                if let Some(token) = in_json(&text[at..end]) {
                    changed.push_str(&text[copied..at]);
                    changed.push_str(&token);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    changed.push_str(&text[copied..]);
    Cow::Owned(changed)
}

/// Returns the place after the string that starts at a quotation mark.
fn after_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Returns the JSON to write in place of a number, or `None` if the number is written unchanged.
fn in_json(token: &str) -> Option<String> {
    if matches!(token, "NaN" | "-NaN" | "Infinity" | "-Infinity") {
        return Some("null".to_owned());
    }
    let digits = token.strip_prefix('-').unwrap_or(token);
    let is_long = digits.len() >= 19 && digits.bytes().all(|it| it.is_ascii_digit());
    is_long.then(|| format!("\"{token}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_json_are_read() {
        let text = r#"{"a\"NaN": [NaN, -Infinity, 1.5], "b": 20240717064454000001, "c": -1e3}"#;
        let expected = r#"{"a\"NaN": [null, null, 1.5], "b": "20240717064454000001", "c": -1e3}"#;
        assert_eq!(lenient(text), expected);
        assert!(matches!(lenient(r#"{"a": "NaN é"}"#), Cow::Borrowed(_)));
        // Broken JSON is left unchanged, for the parser to report.
        assert_eq!(lenient(r#"{"a\"#), r#"{"a\"#);
    }

    #[test]
    fn formats_that_are_not_read_are_named() {
        for (json, name) in [
            (r#"[{"image_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}]"#, "a list of COCO results"),
            (r#"[{"data": {"image": "x"}, "annotations": []}]"#, "Label Studio"),
            (r#"[{"image": "x", "annotations": []}]"#, "CreateML"),
            (r#"{"asset": {}, "regions": []}"#, "VoTT"),
            (r#"{"size": {}, "objects": []}"#, "Supervisely"),
            (r#"{"annotations": []}"#, "without \"images\""),
            (r#"{"images": []}"#, "without \"annotations\""),
            (r#"{"a": 1}"#, "not known here"),
            ("[]", "a list in JSON"),
            (r#"{"a": "#, "broken JSON"),
        ] {
            let error = read(json, "x.json").unwrap_err().to_string();
            assert!(error.contains(name), "{json}: {error}");
        }
    }
}
