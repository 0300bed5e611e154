//! The programs `clever_hans` and `compare_methods`: what they say is true.

mod common;

use common::{example, text};
use saliency::photo::read_photo;

/// The numbers of a line, without what stands around them.
fn numbers(line: &str) -> Vec<f64> {
    let words = line.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.filter_map(|word| word.trim_matches('.').parse().ok()).collect()
}

fn said(name: &str, folder: &tempfile::TempDir) -> String {
    let out = folder.path().display().to_string();
    let output = example(name, &["--out", &out]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_maps_tell_that_the_network_reads_the_watermark() {
    let folder = tempfile::tempdir().unwrap();
    let said = said("clever_hans", &folder);
    let line = |start: &str| {
        let line = said.lines().find(|line| line.starts_with(start));
        numbers(&line.unwrap_or_else(|| panic!("{start} in {said}"))[start.len()..])
    };
    assert!(line("On new photos like those it was trained with")[0] >= 90.0, "{said}");
    assert!(line("On the same photos without any mark")[0] <= 75.0, "{said}");
    assert!(line("Trained again without the mark, it is right on")[0] >= 90.0, "{said}");
    // Shares and their multiples of the area: biased, retrained.
    for method in ["| Integrated Gradients |", "| SmoothGrad |"] {
        let row = line(method);
        assert!(row[1] >= 5.0 && row[3] <= 1.5, "{method} {row:?}");
        assert!(row[5] >= 2.0, "the product, retrained: {method} {row:?}");
    }
    let picture = read_photo(folder.path().join("clever_hans.png")).unwrap();
    assert!(picture.width() > 500);
    // Who made the audit's page need not know about the mark: the mugs are on top.
    let page = std::fs::read_to_string(folder.path().join("clever_hans/audit.html")).unwrap();
    let cards: Vec<&str> = page.split("<li class=\"photo").skip(1).collect();
    let is_mug = |card: &&str| card.contains("mug-");
    assert_eq!((cards.len(), cards.iter().take_while(|card| is_mug(card)).count()), (36, 12));
    assert!(!cards[12..].iter().any(is_mug));
    let table = std::fs::read_to_string(folder.path().join("clever_hans.md")).unwrap();
    assert_eq!(table.lines().count(), 2 + 7, "{table}");
}

#[test]
fn every_method_is_on_the_panel_with_its_cost() {
    let folder = tempfile::tempdir().unwrap();
    let said = said("compare_methods", &folder);
    let rows: Vec<_> = said.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), 7, "{said}");
    assert!(rows[2].starts_with("| Integrated Gradients |") && rows[2].contains("gap"), "{said}");
    let picture = read_photo(folder.path().join("compare_methods.png")).unwrap();
    assert!(picture.width() > 1500 && picture.height() > 600);
}
