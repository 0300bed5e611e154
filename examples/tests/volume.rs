//! Runs the program `volume` as its users do.

mod common;

use common::{example, text};

#[test]
fn the_page_begins_at_the_slice_of_the_large_lesion() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let output = example("volume", &["--out", &out]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let html = std::fs::read_to_string(folder.path().join("volume.html")).unwrap();
    // The middle of the large lesion is in slice 15, counted from 0.
    assert!(html.contains("The model says lesion (") && html.contains("most of all in 16."));
    assert!(html.contains("max=\"24\" value=\"16\"") && html.contains("The map is wrong by about"));
    assert!(html.len() < 8_000_000, "{}", html.len());
}
