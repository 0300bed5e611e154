//! Runs the examples that train a network in seconds, as their users do. Their output must be true.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;

use common::{example, text};
use saliency::Method;
use saliency::photo::read_photo;

/// Runs an example and returns what it printed.
fn run(name: &str, folder: &tempfile::TempDir) -> String {
    let out = folder.path().join("out");
    let output = example(name, &["--out", out.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    print!("{said}");
    said
}

fn size(folder: &tempfile::TempDir, name: &str) -> (u32, u32) {
    read_photo(folder.path().join("out").join(name)).unwrap().dimensions()
}

/// Returns the numbers in a text, signs included.
fn numbers(text: &str) -> Vec<f64> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || "+-.".contains(c)));
    words.filter_map(|word| word.trim_end_matches('.').parse().ok()).collect()
}

/// Returns the numbers in the only line that contains a text.
fn numbers_in(said: &str, part: &str) -> Vec<f64> {
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(part)).collect();
    assert_eq!(lines.len(), 1, "{part}: {said}");
    numbers(lines[0])
}

/// Returns the rows of the only table: the name of each row, and the numbers in each of its other
/// cells.
fn table(said: &str) -> Vec<(String, Vec<Vec<f64>>)> {
    let rows = said.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        let mut cells = row.trim_matches('|').split('|');
        let name = cells.next().unwrap().trim().to_owned();
        (name, cells.map(numbers).collect())
    };
    rows.map(cells).collect()
}

#[test]
fn a_wine_is_explained_by_named_measurements_that_the_network_needs() {
    let folder = tempfile::tempdir().unwrap();
    let said = run("tabular", &folder);
    assert!(numbers_in(&said, "The network is right on ")[0] >= 90.0);

    let rows = table(&said);
    assert_eq!(rows.len(), 13);
    for (method, column, most) in [("Integrated", 2, 0.5), ("Expected", 3, 5.0)] {
        let sum: f64 = rows.iter().map(|(_, cells)| cells[column][0]).sum();
        let found = numbers_in(&said, &format!("{method} Gradients, from "));
        let [change, total, gap] = found[..] else { panic!("{found:?}") };
        // Each of the thirteen printed values is rounded by up to half a thousandth.
        assert!((sum - total).abs() < 0.008, "{sum} {total}");
        assert!((100.0 * (total - change) / change).abs() < gap + 0.1, "{found:?}");
        assert!(gap < most, "{method}: {gap}");
    }
    assert!(rows.iter().all(|(_, cells)| cells[3][1] < 0.1), "standard errors: {rows:?}");
    let strongest = |row: &(String, Vec<Vec<f64>>)| row.1[2][0].abs();
    assert!(rows.windows(2).all(|pair| strongest(&pair[0]) >= strongest(&pair[1])));
    // The network uses the measurements that the maps say it uses.
    let without_strongest = numbers_in(&said, "Without these, set to the mean, ")[0];
    let without_weakest = *numbers_in(&said, "without the weakest, ").last().unwrap();
    assert!(without_strongest + 10.0 < without_weakest, "{without_strongest} {without_weakest}");

    assert_eq!(size(&folder, "tabular.png").0, 800);
    assert_eq!(size(&folder, "tabular-all.png").0, 800);
}

#[test]
fn the_strongest_token_is_one_that_decides() {
    let folder = tempfile::tempdir().unwrap();
    let said = run("text", &folder);
    assert!(numbers_in(&said, "The network is right on ")[0] >= 95.0);
    let rows = table(&said);
    let found = |name: &str| {
        let (_, cells) = rows.iter().find(|row| row.0 == name).unwrap();
        [cells[0][0], cells[1][0]]
    };
    let [chance, _] = found("by chance");
    assert!(chance < 30.0, "{chance}");
    for method in ["Integrated Gradients", "Input x Gradient"] {
        let [hits, share] = found(method);
        assert!(hits >= 90.0 && share > 2.0 * chance, "{method}: {hits} {share}");
    }
    let best = rows.iter().map(|(_, cells)| cells[0][0]).fold(0.0, f64::max);
    assert_eq!(numbers_in(&said, " the strongest token is one that decides in "), [best]);
    // Coloured in the terminal.
    assert!(said.contains("\x1b[30;48;2;") && said.contains("the \x1b[0m"), "{said}");
    let page = fs::read_to_string(folder.path().join("out/text.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("<h1>Good rather than bad?</h1>") && page.contains(">the </span>"));

    assert_eq!(run("text", &folder), said, "two runs print the same");
}

#[test]
fn the_beat_that_deviates_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let said = run("time_series", &folder);
    assert!(numbers_in(&said, "The network is right on ")[0] >= 95.0);
    let area = numbers_in(&said, "The beat that deviates is ")[0] / 100.0;
    let rows = table(&said);
    assert_eq!(rows.len(), Method::fitting(&[1, 1, 100]).count());
    for (method, cells) in &rows {
        let [share, times, hits] = [0, 1, 2].map(|column| cells[column][0]);
        assert!((share / 100.0 / area - times).abs() < 0.06, "{method}: {cells:?}");
        // Slopes, and measures of how they vary, are less exact. Windows are wider than a beat's parts;
        // a map of RISE has a mean score everywhere; a linear fit to the scores of 1,000 coalitions of 49
        // stretches is rough.
        let (least, hit) = match method.as_str() {
            "Gradient" | "VarGrad" => (2.5, 40.0),
            "Occlusion" => (3.0, 70.0),
            "RISE" => (1.2, 80.0),
            "KernelSHAP" | "LIME" => (1.5, 60.0),
            _ => (3.0, 80.0),
        };
        assert!(times >= least && hits >= hit, "{method}: {cells:?}");
    }
    let (width, height) = size(&folder, "time_series.png");
    assert!(width >= 800 && height >= 3 * 320, "{width} x {height}");
}
