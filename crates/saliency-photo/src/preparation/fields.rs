//! The fields of a configuration.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

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
