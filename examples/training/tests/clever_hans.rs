//! The output of the program `clever_hans` is true.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{example, text};
use saliency::Method;
use saliency::photo::read_photo;

/// Returns the numbers of a line, without the text around them.
fn numbers(line: &str) -> Vec<f64> {
    let words = line.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.filter_map(|word| word.trim_matches('.').parse().ok()).collect()
}

#[test]
fn the_maps_tell_that_the_network_reads_the_watermark() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let output = example("clever_hans", &["--out", &out]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let line = |start: &str| {
        let line = said.lines().find(|line| line.starts_with(start));
        numbers(&line.unwrap_or_else(|| panic!("{start} in {said}"))[start.len()..])
    };
    assert!(line("On new photos like those it was trained with")[0] >= 90.0, "{said}");
    assert!(line("On the same photos without any mark")[0] <= 75.0, "{said}");
    assert!(line("Trained again without the mark, it is right on")[0] >= 90.0, "{said}");
    // The shares and their multiples of the area, of the biased and the retrained network.
    for method in ["| Integrated Gradients |", "| SmoothGrad |"] {
        let row = line(method);
        assert!(row[1] >= 5.0 && row[3] <= 1.5, "{method} {row:?}");
        assert!(row[5] >= 2.0, "the product, retrained: {method} {row:?}");
    }
    // The cover test finds that the mark decides, and that it does not after training again.
    let decided = |network: &str| {
        let after = said.split(&format!("- {network}:\n")).nth(1).unwrap();
        let sentences: Vec<&str> = after.lines().take(3).map(str::trim).collect();
        println!("{network}: {sentences:?}");
        (sentences[1].ends_with(": the answer is decided by the mark."), numbers(sentences[2]))
    };
    let (biased, maps) = decided("the first network");
    assert!(biased && maps[1] >= 12.0, "without boxes: {maps:?}");
    let (honest, maps) = decided("the network trained again");
    assert!(!honest && maps[1] <= 1.0, "without boxes: {maps:?}");
    let picture = read_photo(folder.path().join("clever_hans.png")).unwrap();
    assert!(picture.width() > 500);
    // The audit finds the mugs without knowing about the mark: it groups them, covers the place in
    // which their maps agree, and says that it decides.
    let found = "the lower right corner decides in 12 photos, of which 12 are mugs.";
    assert!(said.trim_end().ends_with(found), "{said}");
    let page = std::fs::read_to_string(folder.path().join("clever_hans/audit.html")).unwrap();
    assert!(page.contains("In 12 of 36 photos the model goes by one place: lower right corner."));
    let cards: Vec<&str> = page.split("<li class=\"photo").skip(1).collect();
    let (is_mug, is_grouped) = (
        |card: &&&str| card.contains("mug-"),
        |card: &&&str| card.contains("group-1\" data-inside"),
    );
    assert_eq!((cards.len(), cards.iter().filter(is_mug).count()), (36, 12));
    assert!(cards.iter().all(|card| is_mug(&card) == is_grouped(&card)));
    let table = std::fs::read_to_string(folder.path().join("clever_hans.md")).unwrap();
    assert_eq!(table.lines().count(), 2 + Method::fitting(&[1, 3, 32, 32]).count(), "{table}");
}
