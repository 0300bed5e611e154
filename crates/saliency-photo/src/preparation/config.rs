//! Preparations from the files that models are published with.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Preparation, hugging_face, timm};
use crate::error::{Error, Result};

/// Files beyond this are no configurations.
const MOST_BYTES: u64 = 4 << 20;

impl Preparation {
    /// Reads the preparation of a model from its `preprocessor_config.json` (Hugging Face) or its
    /// `config.json` (timm: `pretrained_cfg`).
    ///
    /// A key that is not known and may change the input is an error, so that no part of a
    /// preparation is left out without a word.
    ///
    /// # Errors
    /// [`Error::PreparationFile`], which says what is wrong in the file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong =
            |reason: String| Error::PreparationFile { file: path.display().to_string(), reason };
        let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if length > MOST_BYTES {
            return Err(wrong(format!("it has {length} bytes; it is no configuration")));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        parse(&text).map_err(wrong)
    }

    /// Reads the preparation of a model from the text of such a file.
    ///
    /// # Errors
    /// [`Error::PreparationFile`].
    ///
    /// # Example
    /// ```
    /// use saliency_photo::{Preparation, Size};
    ///
    /// let preparation = Preparation::from_json(
    ///     r#"{"architecture": "resnet18", "pretrained_cfg": {
    ///         "input_size": [3, 224, 224], "crop_pct": 0.95, "interpolation": "bicubic",
    ///         "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}"#,
    /// )?;
    /// assert_eq!(preparation.size(), Size { width: 224, height: 224 });
    /// # Ok::<(), saliency_photo::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        parse(text).map_err(|reason| Error::PreparationFile { file: "the text".to_owned(), reason })
    }
}

/// Reads a preparation, or says what is wrong.
fn parse(text: &str) -> Result<Preparation, String> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("it is no JSON: {error}"))?;
    let Value::Object(fields) = &json else {
        return Err("it is no JSON object; give preprocessor_config.json or config.json".to_owned());
    };
    let has = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
    let preparation = if has(&["pretrained_cfg", "input_size"]) {
        timm::read(fields)?
    } else if has(&["do_resize", "do_normalize", "image_mean", "image_processor_type"]) {
        hugging_face::read(fields)?
    } else {
        return Err("it has neither the keys of Hugging Face's preprocessor_config.json \
             (such as `do_resize`) nor those of timm's config.json (`pretrained_cfg`)"
            .to_owned());
    };
    preparation.check().map_err(|error| error.to_string())?;
    Ok(preparation)
}

/// The fields of a file, with a record of those that were used.
pub(super) struct Fields<'a> {
    fields: &'a Map<String, Value>,
    used: BTreeSet<&'a str>,
}

impl<'a> Fields<'a> {
    pub fn new(fields: &'a Map<String, Value>) -> Self {
        Self { fields, used: BTreeSet::new() }
    }

    /// Returns a value, unless it is missing or null.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.used.insert(key);
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// Returns a truth value, or the default if it is missing.
    pub fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, String> {
        self.get(key).map_or(Ok(default), |value| match value {
            Value::Bool(flag) => Ok(*flag),
            Value::Number(number) if number.as_f64() == Some(0.0) => Ok(false),
            Value::Number(number) if number.as_f64() == Some(1.0) => Ok(true),
            _ => Err(format!("`{key}` is {value}; expected true or false")),
        })
    }

    /// Returns a number.
    pub fn number(&mut self, key: &'static str) -> Result<Option<f64>, String> {
        let number = |value: &Value| {
            value.as_f64().ok_or_else(|| format!("`{key}` is {value}; expected a number"))
        };
        self.get(key).map(number).transpose()
    }

    /// Returns a text.
    pub fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, String> {
        let text = |value: &'a Value| {
            value.as_str().ok_or_else(|| format!("`{key}` is {value}; expected a text"))
        };
        self.get(key).map(text).transpose()
    }

    /// Returns three numbers, or one for all three channels.
    pub fn per_channel(&mut self, key: &'static str) -> Result<Option<Vec<f32>>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let numbers = match value {
            Value::Array(values) => values.iter().map(Value::as_f64).collect(),
            value => value.as_f64().map(|value| vec![value]),
        };
        match numbers {
            Some(numbers) if numbers.len() == 1 || numbers.len() == 3 => {
                Ok(Some(numbers.into_iter().map(|number| number as f32).collect()))
            }
            _ => Err(format!("`{key}` is {value}; expected one number or three")),
        }
    }

    /// Marks keys that do not change the input.
    pub fn ignore(&mut self, keys: &[&'a str]) {
        self.used.extend(keys);
    }

    /// Refuses keys that nobody looked at. A key that is off (null, false) changes nothing.
    pub fn refuse_unknown(&self) -> Result<(), String> {
        let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
        let unknown = self
            .fields
            .iter()
            .filter(|(key, value)| !self.used.contains(key.as_str()) && !is_off(value));
        let unknown: Vec<String> =
            unknown.map(|(key, value)| format!("`{key}`: {}", short(value))).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(format!(
            "it has keys that are not known here and may change the input: {}; \
             remove them if they do not, or build the preparation with `Preparation::new`",
            unknown.join(", ")
        ))
    }
}

/// Returns a value as a text of bounded length.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// Returns a number of pixels.
pub(super) fn pixels(key: &str, value: &Value) -> Result<u32, String> {
    let pixels = value.as_f64().filter(|it| it.fract() == 0.0 && (1.0..=16_384.0).contains(it));
    pixels
        .map(|it| it as u32)
        .ok_or_else(|| format!("`{key}` is {}; expected 1 to 16384 pixels", short(value)))
}
