//! The table of a comparison: for people, and as CSV.

use std::fmt;

use super::groups::{groups, letters};
use super::paired::{LEVEL, PairedDifference, SignTest, correct, rows_needed};
use crate::bootstrap::Interval;
use crate::estimate::RowValues;

/// The direction in which a metric is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Better {
    /// Large values are good.
    Higher,
    /// Small values are good.
    Lower,
}

/// Explainers, or maps that know nothing of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An explainer.
    Explainer,
    /// A control.
    Control,
}

/// An explainer or a control, measured by one metric.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is an explainer.
    pub kind: Kind,
    /// Its value for each row.
    pub values: RowValues,
    /// The groups that it belongs to, numbered from the best: entries that share one can not be told
    /// apart.
    pub groups: Vec<usize>,
}

/// All explainers and controls, measured by one metric.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricTable {
    /// The name of the metric.
    pub name: String,
    /// The direction in which it is good.
    pub better: Better,
    /// Explainers and controls, sorted by their means from the best. The order within a group means
    /// nothing.
    pub entries: Vec<Entry>,
    /// The differences of all pairs of entries.
    pub pairs: Vec<PairedDifference>,
}

/// What a [`Comparison`](crate::Comparison) found.
///
/// Its `Display` is a table for each metric, in Markdown.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ComparisonTable {
    /// A table for each metric.
    pub metrics: Vec<MetricTable>,
    /// The number of rows that were explained.
    pub rows: usize,
    /// The number of tests that were corrected for.
    pub tests: usize,
}

impl Entry {
    pub(super) fn new(name: &str, kind: Kind, values: RowValues) -> Self {
        Self { name: name.to_owned(), kind, values, groups: Vec::new() }
    }
}

impl MetricTable {
    /// Sorts the entries from the best; those without a mean come last.
    pub(super) fn new(name: &str, better: Better, mut entries: Vec<Entry>) -> Self {
        let worth = |entry: &Entry| match (entry.values.mean(), better) {
            (Some(mean), Better::Higher) => mean,
            (Some(mean), Better::Lower) => -mean,
            (None, _) => f64::NEG_INFINITY,
        };
        entries.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        Self { name: name.to_owned(), better, entries, pairs: Vec::new() }
    }

    /// Returns the difference of two entries, the first minus the second; `None` if there is no such
    /// name, or if both are the same.
    pub fn pair(&self, first: &str, second: &str) -> Option<PairedDifference> {
        let place = |name: &str| self.entries.iter().position(|entry| entry.name == name);
        let places = [place(first)?, place(second)?];
        self.pairs.iter().find_map(|pair| {
            if [pair.first, pair.second] == places {
                Some(pair.clone())
            } else {
                ([pair.second, pair.first] == places).then(|| pair.turned())
            }
        })
    }

    /// Tests all pairs; not corrected yet.
    fn compare(&mut self, test: SignTest) {
        let count = self.entries.len();
        let places = (0..count).flat_map(|first| (first + 1..count).map(move |it| [first, it]));
        let compared = places.map(|places| {
            let values = places.map(|place| &self.entries[place].values);
            PairedDifference::new(places, values, test)
        });
        self.pairs = compared.collect();
    }

    /// Finds the groups of all entries, once the tests are corrected.
    fn group(&mut self) {
        let differ = |first: usize, second: usize| {
            let places = [first, second];
            let pair = self.pairs.iter().find(|pair| [pair.first, pair.second] == places);
            pair.is_some_and(PairedDifference::is_different)
        };
        let found = groups(self.entries.len(), differ);
        self.entries.iter_mut().zip(found).for_each(|(entry, groups)| entry.groups = groups);
    }
}

impl ComparisonTable {
    pub(super) fn new(mut metrics: Vec<MetricTable>, rows: usize, seed: u64) -> Self {
        let pairs = |entries: usize| entries * entries.saturating_sub(1) / 2;
        let most = metrics.iter().map(|metric| pairs(metric.entries.len())).sum();
        let test = SignTest { tests: most, seed };
        metrics.iter_mut().for_each(|metric| metric.compare(test));
        correct(metrics.iter_mut().flat_map(|metric| &mut metric.pairs));
        metrics.iter_mut().for_each(MetricTable::group);
        let tested = metrics.iter().flat_map(|metric| &metric.pairs).filter(|pair| pair.rows > 0);
        let tests = tested.count();
        Self { metrics, rows, tests }
    }

    /// Returns the fewest rows with which a difference of this table can be sure, if one explainer
    /// is better in all of them.
    pub fn rows_needed(&self) -> usize {
        rows_needed(self.tests.max(1))
    }

    /// Returns the entries of all metrics as comma-separated values, with a line of names first.
    /// Missing numbers are empty; groups are letters.
    pub fn to_csv(&self) -> String {
        let mut csv = "metric,name,kind,rows,mean,standard_error,low,high,groups\n".to_owned();
        for metric in &self.metrics {
            for entry in &metric.entries {
                let kind = match entry.kind {
                    Kind::Explainer => "explainer",
                    Kind::Control => "control",
                };
                let values = &entry.values;
                let numbers = [values.mean(), values.standard_error()].map(number);
                let ends = interval_ends(values.interval());
                let rows = values.defined().len().to_string();
                let names = [quoted(&metric.name), quoted(&entry.name), kind.to_owned(), rows];
                let groups = letters(&entry.groups);
                csv += &line(names.into_iter().chain(numbers).chain(ends).chain([groups]));
            }
        }
        csv
    }

    /// Returns the differences of all pairs as comma-separated values, with a line of names first.
    pub fn pairs_to_csv(&self) -> String {
        let mut csv =
            "metric,first,second,rows,left_out,difference,low,high,p,corrected\n".to_owned();
        for metric in &self.metrics {
            for pair in &metric.pairs {
                let name = |place: usize| quoted(&metric.entries[place].name);
                let names = [quoted(&metric.name), name(pair.first), name(pair.second)];
                let counts = [pair.rows, pair.left_out].map(|count| count.to_string());
                let [low, high] = interval_ends(pair.interval);
                let ps = [pair.p, pair.corrected].map(|p| p.to_string());
                let numbers = [number(pair.mean), low, high];
                csv += &line(names.into_iter().chain(counts).chain(numbers).chain(ps));
            }
        }
        csv
    }
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",") + "\n"
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn interval_ends(interval: Option<Interval>) -> [String; 2] {
    [interval.map(|it| it.low), interval.map(|it| it.high)].map(number)
}

/// Puts a name between quotation marks if it holds what separates fields or lines.
fn quoted(name: &str) -> String {
    if name.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

/// Returns a number with three digits that count.
fn rounded(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 8) as usize;
    format!("{value:.digits$}")
}

impl fmt::Display for ComparisonTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for metric in &self.metrics {
            writeln!(f, "{metric}")?;
        }
        let percent = 100.0 * LEVEL;
        writeln!(
            f,
            "Those that share a letter can not be told apart by this metric: paired tests over rows, \
             corrected for {} tests, at {percent:.0} %.",
            self.tests
        )?;
        let (rows, needed) = (self.rows, self.rows_needed());
        if rows < needed {
            let s = if rows == 1 { "" } else { "s" };
            writeln!(
                f,
                "With {rows} row{s} nothing can be told apart: {needed} are needed at least."
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for MetricTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let better = match self.better {
            Better::Higher => "high",
            Better::Lower => "low",
        };
        writeln!(f, "| {} ({better} is good) | mean | 95 % interval | rows | group |", self.name)?;
        writeln!(f, "|---|---|---|---|---|")?;
        for entry in &self.entries {
            let name = match entry.kind {
                Kind::Explainer => entry.name.clone(),
                Kind::Control => format!("control: {}", entry.name),
            };
            let mean = entry.values.mean().map_or_else(|| "-".to_owned(), rounded);
            let interval = entry.values.interval().map_or_else(
                || "-".to_owned(),
                |it| format!("{} to {}", rounded(it.low), rounded(it.high)),
            );
            let (rows, groups) = (entry.values.defined().len(), letters(&entry.groups));
            writeln!(f, "| {name} | {mean} | {interval} | {rows} | {groups} |")?;
        }
        let left_out = self.pairs.iter().map(|pair| pair.left_out).max().unwrap_or(0);
        if left_out > 0 {
            writeln!(f, "\nUp to {left_out} rows without a value were left out of a pair.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> ComparisonTable {
        let entry = |name: &str, kind, add: f64| {
            let values = (0..rows).map(|row| Ok(add + (row * 7 % 5) as f64 / 64.0));
            Entry::new(name, kind, RowValues::new(values))
        };
        let entries =
            vec![entry("ours, new", Kind::Explainer, 1.0), entry("random", Kind::Control, 0.0)];
        ComparisonTable::new(vec![MetricTable::new("m", Better::Lower, entries)], rows, 0)
    }

    #[test]
    fn the_table_is_sorted_and_says_what_can_be_told_apart() {
        let text = table(10).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| m (low is good) | mean | 95 % interval | rows | group |");
        assert!(lines[2].starts_with("| control: random | 0.0312 | "), "{text}");
        assert!(lines[2].ends_with(" | 10 | a |"), "{text}");
        assert!(lines[3].starts_with("| ours, new | 1.03 | 1.0"), "{text}");
        assert!(text.contains("corrected for 1 tests, at 5 %."), "{text}");
        assert!(lines[3].ends_with(" | 10 | b |"), "{text}");
        assert!(!text.contains("nothing can be told apart"), "{text}");
    }

    #[test]
    fn few_rows_tell_nothing_apart() {
        let found = table(5);
        assert_eq!(found.rows_needed(), 6);
        let text = found.to_string();
        assert!(text.ends_with("With 5 rows nothing can be told apart: 6 are needed at least.\n"));
        assert!(found.metrics[0].entries.iter().all(|entry| entry.groups == [0]));
        let empty = ComparisonTable::new(Vec::new(), 3, 0);
        assert_eq!((empty.tests, empty.rows_needed()), (0, 6));
    }

    #[test]
    fn it_can_be_written_as_csv() {
        let found = table(10);
        let csv = found.to_csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[2].starts_with("m,\"ours, new\",explainer,10,1.03125,"), "{csv}");
        assert!(lines[2].ends_with(",b"), "{csv}");
        let pairs = found.pairs_to_csv();
        let lines: Vec<&str> = pairs.lines().collect();
        // All differences are equal, so that there is no interval.
        assert!(lines[1].starts_with("m,random,\"ours, new\",10,0,-1,,,0.00"), "{pairs}");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(rounded(0.0) + &rounded(-1234.5) + &rounded(0.001_234), "0-12340.00123");
    }
}
