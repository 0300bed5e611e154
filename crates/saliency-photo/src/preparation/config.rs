//! Preparations from the files that models are published with.

use std::fs;
use std::path::Path;

use serde_json::Value;

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
