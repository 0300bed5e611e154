//! Runs the program `own_path` as its users do.

mod common;

use common::{example, text};

#[test]
fn a_path_of_your_own_has_an_error_estimate_and_a_gap() {
    let output = example("own_path", &[]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let [straight, in_order] = lines[..] else { panic!("{said}") };
    assert!(straight.starts_with("straight: [") && in_order.starts_with("in order: ["), "{said}");
    for line in [straight, in_order] {
        let error = line.split("error ").nth(1).and_then(|rest| rest.split(" %").next()).unwrap();
        assert!(error.parse::<f64>().unwrap() <= 1.0, "{said}");
        let gap = line.split("gap ").nth(1).unwrap();
        assert!(gap.trim().parse::<f64>().unwrap().abs() < 0.05, "{said}");
    }
    // The values differ: the path decides how a score is shared out.
    assert_ne!(
        straight.split("error").next(),
        in_order.replace("in order", "straight").split("error").next()
    );
}
