//! The first code that a user sees is the same in the README, in the documentation and in the
//! example that runs.

use std::path::Path;

use saliency_core::Method;
use saliency_core::methods::ErrorBar;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the code between the first line that is `open` and the next that is three backticks.
fn code_block(text: &str, open: &str) -> String {
    let lines = text.lines().skip_while(|line| *line != open).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| *line != "```").collect();
    assert!(!lines.is_empty(), "no code after a line {open}");
    lines.join("\n")
}

#[test]
fn quickstart_readme_and_front_page_show_the_same_code() {
    let example = read("examples/quickstart.rs");
    assert!(example.lines().count() <= 40, "the quickstart is to stay short");
    let (_header, example) = example.split_once("\n\n").expect("a header");
    let example = example.trim_end();

    assert_eq!(code_block(&read("README.md"), "```rust"), example, "README.md");

    let front_page: Vec<String> = read("crates/saliency/src/lib.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
        .collect();
    assert_eq!(code_block(&front_page.join("\n"), "```"), example, "crates/saliency/src/lib.rs");
}

/// The table of methods in the book is that of the registry.
#[test]
fn the_book_lists_the_methods_of_the_registry() {
    let book = read("docs/methods.md");
    let mut table =
        "| Method | Name in programs | Question | Cost | Error bar |\n|---|---|---|---|---|\n"
            .to_owned();
    for method in Method::ALL {
        let error_bar = match method.error_bar() {
            ErrorBar::Map => "of the map",
            ErrorBar::Values => "of every value",
            _ => "none",
        };
        let (title, name, question) = (method.title(), method.name(), method.question());
        let cost = method.cost();
        table += &format!("| {title} | `{name}` | {question} | {cost} | {error_bar} |\n");
    }
    assert!(book.contains(&table), "docs/methods.md must hold this table:\n{table}");
}
