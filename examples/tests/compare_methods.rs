//! Runs the program `compare_methods` as its users do.

mod common;

use common::{example, text};
use saliency::photo::read_photo;

#[test]
fn methods_of_every_kind_are_on_the_panel_with_its_cost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let output = example("compare_methods", &["--out", &out]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let rows: Vec<_> = said.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), 11, "{said}");
    assert!(rows[6].starts_with("| Integrated Gradients |") && rows[6].contains("gap"), "{said}");
    let picture = read_photo(folder.path().join("compare_methods.png")).unwrap();
    assert!(picture.width() > 1500 && picture.height() > 600);
}
