//! Pages are usable without a mouse, without colours and with a screen reader, as far as axe-core can
//! tell.
//!
//! axe-core is not part of this repository: `npm install axe-core`, and set `SALIENCY_AXE` to its
//! file `axe.min.js`. It is injected by the browser's own protocol for developers, so the policy of
//! the pages stays as it is. `SALIENCY_AXE_PAGES` may list further pages, such as those of `explain`
//! and of an audit, separated as in `PATH`.

use std::path::PathBuf;

use crate::browser::{Opened, open, open_address};
use crate::first_screen::{photo, sample};

/// Lists what axe-core finds, a line each.
fn violations(page: &Opened, axe: &str) -> Vec<String> {
    page.tab.evaluate(axe, false).unwrap();
    let run = "axe.run(document).then(({ violations, passes }) => \
               [passes.length + ' rules hold', ...violations.flatMap(({ id, help, nodes }) => \
               nodes.map((node) => id + ': ' + help + ': ' + node.target))].join('\\n'))";
    let found = page.tab.evaluate(run, true).unwrap().value.unwrap();
    let mut lines = found.as_str().unwrap().lines().map(str::to_owned);
    // A page of which nothing can be checked has no violation either.
    let hold = lines.next().unwrap();
    println!("{hold}");
    assert!(hold.split(' ').next().unwrap().parse::<usize>().unwrap() > 20, "{hold}");
    lines.collect()
}

/// Reads axe-core. Returns `None` if nobody says where it is.
pub(crate) fn axe() -> Option<String> {
    let Some(axe) = std::env::var_os("SALIENCY_AXE") else {
        println!("left out: SALIENCY_AXE does not name axe-core's axe.min.js");
        return None;
    };
    Some(std::fs::read_to_string(&axe).expect("SALIENCY_AXE names a file"))
}

/// Lists what axe-core finds at both widths, light and dark.
pub(crate) fn all_violations(page: &Opened, axe: &str) -> Vec<String> {
    let mut found = Vec::new();
    for size in [[1200, 800], [360, 740]] {
        for dark in [false, true] {
            page.set_size(size, dark);
            for line in violations(page, axe) {
                found.push(format!("{} {}: {line}", size[0], if dark { "dark" } else { "light" }));
            }
        }
    }
    found
}

#[test]
fn axe_finds_no_violation() {
    let Some(axe) = axe() else { return };
    let Some(page) = open(&sample(&photo()).to_html().unwrap()) else { return };
    // A check that finds nothing must be able to find something.
    page.ask("document.getElementById('photo').removeAttribute('alt')");
    assert!(violations(&page, &axe).iter().any(|line| line.starts_with("image-alt")));
    page.ask("document.getElementById('photo').alt = 'The photo'");
    assert_eq!(all_violations(&page, &axe), [""; 0]);
    // With the map over the photo too.
    page.ask("document.getElementById('over').click()");
    assert_eq!(all_violations(&page, &axe), [""; 0]);

    let listed = std::env::var_os("SALIENCY_AXE_PAGES").unwrap_or_default();
    let mut found = Vec::new();
    for file in std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()) {
        let file: PathBuf = file.canonicalize().expect("SALIENCY_AXE_PAGES lists files");
        let page = open_address(&format!("file://{}", file.display())).expect("a browser");
        for line in all_violations(&page, &axe) {
            found.push(format!("{}: {line}", file.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
