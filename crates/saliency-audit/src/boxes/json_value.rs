//! Reads values in JSON as tools write them: numbers as texts, and ids of any form.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::BoxesError;

/// Parses JSON.
pub(super) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, BoxesError> {
    serde_json::from_str(text).map_err(|error| BoxesError::Json { source: error.into() })
}

/// Returns a number, which may be written as a text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}

/// Returns a list of numbers, or `None` if one of its values is not a number.
pub(super) fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(number).collect()
}

/// Returns an id in the same form, no matter whether it is written as 1, 1.0 or "1".
pub(super) fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    Some(text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned))
}

/// Returns a text or a number as a text, if it is not empty.
pub(super) fn text(value: &Value) -> Option<String> {
    id(value).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        for (json, expected) in [
            ("1", Some("1")),
            ("1.0", Some("1")),
            ("\" 1\"", Some("1")),
            ("-1", Some("-1")),
            ("\"a/b\"", Some("a/b")),
            ("null", None),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(id(&value).as_deref(), expected, "{json}");
        }
    }
}
