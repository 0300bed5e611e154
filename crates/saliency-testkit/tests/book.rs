//! The book, and every other Markdown file: links lead somewhere, and the book's code is run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The parts of a Markdown file that are checked.
#[derive(Default)]
struct Page {
    /// The targets of links and images.
    links: Vec<String>,
    /// The anchor of each heading.
    anchors: Vec<String>,
    /// The language of each block of code.
    languages: Vec<String>,
}

impl Page {
    fn new(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = page.anchor(&heading.take().unwrap_or_default());
                    page.anchors.push(anchor);
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Start(Tag::CodeBlock(kind)) => page.languages.push(match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                }),
                _ => {}
            }
        }
        page
    }

    /// Returns a heading's anchor as code hosts and mdBook name it: small letters, digits, `-` and
    /// `_`, spaces as `-`, and a number if an earlier heading has the same name.
    fn anchor(&self, heading: &str) -> String {
        let kept = |c: char| match c {
            c if c.is_whitespace() => Some('-'),
            '-' | '_' => Some(c),
            c => c.is_alphanumeric().then_some(c),
        };
        let name: String = heading.trim().to_lowercase().chars().filter_map(kept).collect();
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| !self.anchors.contains(name)).unwrap_or(name)
    }

    fn rust(&self) -> bool {
        self.languages.iter().any(|language| language.starts_with("rust"))
    }
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

/// Reads every Markdown file of the repository.
fn pages() -> BTreeMap<PathBuf, Page> {
    let (mut folders, mut pages) = (vec![root()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with(".git") && !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "md") {
                let text = fs::read_to_string(&path).expect("text");
                pages.insert(path, Page::new(&text));
            }
        }
    }
    pages
}

/// Returns the file that a link on a page leads to, and the heading there; `None` for other sites.
fn destination<'a>(page: &Path, link: &'a str) -> Option<(PathBuf, Option<&'a str>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (link, None),
    };
    let path = match file {
        "" => page.to_owned(),
        file => page.parent().expect("a folder").join(file),
    };
    Some((path.canonicalize().unwrap_or(path), anchor))
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let pages = pages();
    let mut broken = Vec::new();
    let mut checked = 0;
    for (path, page) in &pages {
        for link in &page.links {
            let Some((file, anchor)) = destination(path, link) else { continue };
            checked += 1;
            let heading = match (anchor, pages.get(&file)) {
                (Some(anchor), Some(page)) => page.anchors.iter().any(|known| known == anchor),
                _ => true,
            };
            if !file.exists() || !heading {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    println!("{checked} links in {} files", pages.len());
    assert!(checked > 0);
    assert_none("links that lead nowhere", &broken);
}

/// Checks links and contents. mdBook copies nothing from elsewhere, so a link out of its folder
/// would be broken in the book.
#[test]
fn the_books_links_stay_in_the_book_and_its_contents_list_every_page() {
    let pages = pages();
    let docs = root().join("docs");
    let contents = docs.join("SUMMARY.md");
    let book = || pages.iter().filter(|(path, _)| path.starts_with(&docs));
    let files_of = |path: &Path, page: &Page| -> Vec<PathBuf> {
        let files = page.links.iter().filter_map(|link| destination(path, link));
        files.map(|(file, _)| file).collect()
    };
    let out = book().flat_map(|(path, page)| {
        let files = files_of(path, page).into_iter().filter(|file| !file.starts_with(&docs));
        files.map(|file| format!("{}: {}", path.display(), file.display()))
    });
    assert_none("links out of the book", &out.collect::<Vec<_>>());

    let listed = files_of(&contents, &pages[&contents]);
    let missing = book().filter(|(path, _)| **path != contents && !listed.contains(path));
    let missing: Vec<String> = missing.map(|(path, _)| path.display().to_string()).collect();
    assert_none("pages that docs/SUMMARY.md does not list", &missing);
}

/// Checks that code names its language: without one it is Rust to rustdoc, and no code to a reader.
#[test]
fn the_books_rust_code_is_run_and_its_other_code_says_what_it_is() {
    let docs = root().join("docs");
    let run_by = [
        "examples/src/book.rs",
        "crates/saliency-onnx/src/lib.rs",
        "crates/saliency-process/src/lib.rs",
        "crates/saliency-text/src/lib.rs",
    ];
    let runs = run_by.map(|file| fs::read_to_string(root().join(file)).expect("text")).concat();
    let mut wrong = Vec::new();
    for (path, page) in pages().iter().filter(|(path, _)| path.starts_with(&docs)) {
        let name = path.strip_prefix(&docs).expect("inside").display().to_string();
        if page.rust() && !runs.contains(&format!("docs/{name}\"")) {
            wrong.push(format!("{name}: its Rust code is not run by {run_by:?}"));
        }
        if page.languages.iter().any(String::is_empty) {
            wrong.push(format!("{name}: a block of code without a language"));
        }
    }
    assert_none("code of the book", &wrong);
}

#[test]
fn headings_are_named_as_on_code_hosts() {
    let page = Page::new("# What a *model's* author can do\n## `Fixed`, `cut`\n## Cost\n## Cost\n");
    assert_eq!(page.anchors, ["what-a-models-author-can-do", "fixed-cut", "cost", "cost-1"]);
}
