//! The program `evaluate` compares all methods, and finds what is known to be true.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{example, text};
use saliency::Method;
use saliency_program::method::PhotoMethod;

#[test]
fn methods_are_compared_with_controls_and_the_mark_is_found() {
    // All methods and both photos, with a quarter of the pixels.
    let arguments = ["--crops", "1", "--side", "112", "--marked", "24"];
    let output = example("evaluate", &arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    print!("{said}");
    let table = |name: &str| -> Vec<Vec<String>> {
        let rows =
            said.lines().skip_while(|line| !line.starts_with(&format!("| {name} ("))).skip(2);
        let rows = rows.take_while(|line| line.starts_with("| "));
        let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect();
        rows.map(cells).collect()
    };
    // Regions, the methods of the library, and two controls.
    assert_eq!(said.matches("| method | gradients or forward passes for a photo |").count(), 2);
    let saco = table("SaCo");
    assert_eq!(saco.len(), PhotoMethod::all().count() + 2, "{said}");
    assert!(said.contains("With 2 rows nothing can be told apart"), "{said}");

    let mark = table("share of the map in the mark");
    assert_eq!(mark.len(), Method::fitting(&[1, 3, 32, 32]).count() + 2, "{said}");
    let place = |name: &str| mark.iter().position(|row| row[1] == name).unwrap();
    let group = |name: &str| mark[place(name)][5].clone();
    for method in ["Integrated Gradients", "SmoothGrad"] {
        let controls = ["control: random", "control: edges"];
        for control in controls {
            assert!(place(method) < place(control), "{said}");
            let shared = group(method).chars().any(|letter| group(control).contains(letter));
            assert!(!shared, "{method}, {control}: {said}");
        }
    }
}
