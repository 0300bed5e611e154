//! Names in the forms in which models are published.

use serde_json::Value;

/// The largest index that names are kept for. It bounds the memory that a file can ask for.
const LARGEST: usize = 1_000_000;

/// The keys under which names are found in a larger file, the surest first.
const KEYS: [&str; 4] = ["id2label", "label_names", "label2id", "names"];

/// Reads names, or says what is wrong.
pub(super) fn names(text: &str) -> Result<Vec<String>, String> {
    // Some editors write an invisible mark at the beginning.
    let text = text.trim_start_matches('\u{feff}');
    let names = if text.trim_start().starts_with(['{', '[']) {
        match serde_json::from_str(text) {
            Ok(json) => of_json(&json)?,
            // Python's dictionaries and lists are not JSON.
            Err(no_json) => of_json(&python(text).ok_or_else(|| {
                format!("it begins like JSON or a Python dictionary, and is neither: {no_json}")
            })?)?,
        }
    } else {
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    if names.iter().all(String::is_empty) {
        return Err("it has no names; write one per line".to_owned());
    }
    Ok(names)
}

fn of_json(json: &Value) -> Result<Vec<String>, String> {
    match json {
        Value::Array(items) => items.iter().map(name).collect(),
        Value::Object(fields) => {
            if let Some(inner) = KEYS.iter().find_map(|key| fields.get(*key)) {
                return of_json(inner);
            }
            let by_index = fields.keys().all(|key| index(key).is_some());
            let by_name = fields.values().all(Value::is_u64);
            let class = |(key, value): (&String, &Value)| {
                if by_index {
                    Ok((index(key).unwrap_or(usize::MAX), name(value)?))
                } else if by_name {
                    let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
                    Ok((index.unwrap_or(usize::MAX), key.clone()))
                } else {
                    let keys = KEYS.map(|key| format!("`{key}`")).join(", ");
                    Err(format!("it has the key {key:?}, which is no index, and none of {keys}"))
                }
            };
            let classes = fields.iter().map(class);
            in_order(classes.collect::<Result<_, _>>()?)
        }
        _ => Err("it is neither a list of names nor a map from index to name".to_owned()),
    }
}

fn index(key: &str) -> Option<usize> {
    key.trim().parse().ok()
}

/// Returns a name. Keras writes an identifier before it: `["n02123045", "tabby"]`.
fn name(value: &Value) -> Result<String, String> {
    match value {
        Value::String(name) => Ok(name.trim().to_owned()),
        Value::Array(parts) if parts.len() == 2 => name(&parts[1]),
        Value::Null => Ok(String::new()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(format!("it has {value} in the place of a name")),
    }
}

/// Puts names at their indices.
fn in_order(classes: Vec<(usize, String)>) -> Result<Vec<String>, String> {
    let last = classes.iter().map(|(index, _)| *index).max().unwrap_or(0);
    if last > LARGEST {
        return Err(format!("it has the index {last}; at most {LARGEST} is read"));
    }
    let mut names: Vec<Option<String>> = vec![None; last + 1];
    for (index, name) in classes {
        if let Some(first) = names[index].replace(name) {
            let second = names[index].as_deref().unwrap_or_default();
            return Err(format!("it has two names for class {index}: {first:?} and {second:?}"));
        }
    }
    Ok(names.into_iter().map(Option::unwrap_or_default).collect())
}

/// Reads a Python list of texts, or a dictionary from whole numbers to texts, as `repr` writes them.
fn python(text: &str) -> Option<Value> {
    let mut rest = Reader(text.trim());
    let value = rest.collection()?;
    rest.0.trim().is_empty().then_some(value)
}

/// The part of a text that was not read yet.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    /// Reads a sign, after spaces.
    fn sign(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(sign)?;
        Some(())
    }

    fn collection(&mut self) -> Option<Value> {
        let is_map = self.sign('{').is_some();
        if !is_map {
            self.sign('[')?;
        }
        let end = if is_map { '}' } else { ']' };
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        while self.sign(end).is_none() {
            if is_map {
                keys.push(self.key()?);
                self.sign(':')?;
            }
            names.push(self.quoted()?);
            // A comma may follow the last one.
            if self.sign(',').is_none() {
                self.sign(end)?;
                break;
            }
        }
        let names = names.into_iter().map(Value::String);
        Some(if is_map {
            Value::Array(indexed(keys.into_iter().zip(names).collect())?)
        } else {
            Value::Array(names.collect())
        })
    }

    /// Reads a whole number, with or without quotes.
    fn key(&mut self) -> Option<usize> {
        self.0 = self.0.trim_start();
        if self.0.starts_with(['\'', '"']) {
            return self.quoted()?.parse().ok();
        }
        let end = self.0.find(|sign: char| !sign.is_ascii_digit())?;
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        number.parse().ok()
    }

    /// Reads a text in single or double quotes.
    fn quoted(&mut self) -> Option<String> {
        self.0 = self.0.trim_start();
        let mut signs = self.0.char_indices();
        let (_, quote @ ('\'' | '"')) = signs.next()? else { return None };
        let mut text = String::new();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '\\' => text.push(escaped(&mut signs)?),
                _ if sign == quote => {
                    self.0 = &self.0[at + quote.len_utf8()..];
                    return Some(text);
                }
                _ => text.push(sign),
            }
        }
        None
    }
}

/// Reads the rest of an escape of Python.
fn escaped(signs: &mut std::str::CharIndices) -> Option<char> {
    let (_, kind) = signs.next()?;
    let digits = match kind {
        '\\' | '\'' | '"' => return Some(kind),
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + signs.next()?.1.to_digit(16)?;
    }
    char::from_u32(code)
}

/// Puts values at their indices. The gaps are null.
fn indexed(values: Vec<(usize, Value)>) -> Option<Vec<Value>> {
    let last = values.iter().map(|(index, _)| *index).max()?;
    if last > LARGEST {
        return None;
    }
    let mut all = vec![Value::Null; last + 1];
    for (index, value) in values {
        if !all[index].is_null() {
            return None;
        }
        all[index] = value;
    }
    Some(all)
}
