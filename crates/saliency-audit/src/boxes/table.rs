//! Splits CSV into lines and fields, as office programs write it: with any separator, and with
//! decimal commas.

/// A text that is split into lines and fields.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The fields of the first line, in small letters.
    pub titles: Vec<String>,
    pub first: Line,
    /// The lines after the first.
    pub lines: Vec<Line>,
}

/// A line of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Its number in the file.
    pub number: u64,
    pub fields: Vec<String>,
}

impl Line {
    /// Returns a field that is not empty.
    pub fn field(&self, at: usize) -> Option<&str> {
        self.fields.get(at).map(|it| &it[..]).filter(|it| !it.is_empty())
    }

    /// Returns a number, which may have a decimal comma.
    pub fn number(&self, at: usize) -> Option<f64> {
        let text = self.field(at)?;
        let number = text.parse().or_else(|_| text.replacen(',', ".", 1).parse()).ok();
        number.filter(|number: &f64| number.is_finite())
    }
}

/// Splits a text at the separator that is the most frequent in its first line.
pub(super) fn split(text: &str) -> Table {
    // VIA 3 has its titles in a comment, and Excel may name its separator on a line of its own.
    let header = text.lines().find_map(|line| line.strip_prefix("# CSV_HEADER = "));
    let (named, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        Some((separator, rest)) => (separator.bytes().next(), rest),
        None => (None, text),
    };
    let is_text = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let first = text.lines().find(is_text).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(named.unwrap_or_else(|| separator(first)));
    reader.comment(Some(b'#')).has_headers(false).flexible(true).trim(csv::Trim::All);
    let mut lines = Vec::new();
    for record in reader.from_reader(text.as_bytes()).records().filter_map(Result::ok) {
        let number = record.position().map_or(0, csv::Position::line);
        let fields: Vec<String> = record.iter().map(str::to_owned).collect();
        if fields.iter().any(|it| !it.is_empty()) {
            lines.push(Line { number, fields });
        }
    }
    let titled = |fields: &[String]| fields.iter().map(|it| it.to_lowercase()).collect();
    if let Some(header) = header {
        let titles: Vec<String> = header.split(',').map(|it| it.trim().to_owned()).collect();
        return Table { first: Line { number: 0, fields: titles.clone() }, titles, lines };
    }
    if lines.is_empty() {
        return Table::default();
    }
    let first = lines.remove(0);
    Table { titles: titled(&first.fields), first, lines }
}

/// Returns the separator of a line: the one that is the most frequent outside quotation marks.
fn separator(line: &str) -> u8 {
    let outside: String = line.split('"').step_by(2).collect();
    let count = |separator: u8| outside.bytes().filter(|it| *it == separator).count();
    let most = b",;\t|".iter().copied().max_by_key(|it| (count(*it), *it == b';'));
    most.unwrap_or(b',')
}
