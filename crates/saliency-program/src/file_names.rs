//! Names of files that every system accepts.

use std::collections::HashSet;
use std::path::Path;

/// Names of devices of Windows. No file can have such a name there, with any ending.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
/// The same with a digit behind them.
const NUMBERED: [&str; 2] = ["com", "lpt"];

/// The names that were given to photos so far.
#[derive(Clone, Debug, Default)]
pub struct FileNames {
    /// In lower case, because Windows and macOS take `A.png` and `a.png` for one file.
    given: HashSet<String>,
}

impl FileNames {
    /// Returns a photo's name without its ending, as it can be the beginning of a file's name on
    /// every system, and with a number if an earlier photo has the same.
    pub fn unused(&mut self, photo: &Path) -> String {
        let stem = photo.file_stem().unwrap_or(photo.as_os_str()).to_string_lossy();
        let name = legal(&stem);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let all = std::iter::once(name.clone()).chain(numbered);
        let mut unused = all.filter(|name| !self.given.contains(&name.to_lowercase()));
        let unused = unused.next().expect("numbers do not run out");
        self.given.insert(unused.to_lowercase());
        unused
    }
}

/// Replaces everything that a file's name must not have on Windows.
pub fn legal(name: &str) -> String {
    let is_legal = |letter: char| !letter.is_control() && !r#"<>:"/\|?*"#.contains(letter);
    let name: String = name.chars().map(|it| if is_legal(it) { it } else { '_' }).collect();
    // Windows cuts spaces and points off the end.
    let name = name.trim_end_matches([' ', '.']);
    let first = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_numbered = |device: &&str| {
        let number = first.strip_prefix(*device).unwrap_or_default();
        number.len() == 1 && number.chars().all(|digit| digit.is_ascii_digit())
    };
    if name.is_empty() || RESERVED.contains(&&first[..]) || NUMBERED.iter().any(is_numbered) {
        return format!("_{name}");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_refuses_are_changed() {
        let changed = [
            ("cat", "cat"),
            ("12:30 \"a?\"", "12_30 _a__"),
            ("a\\b\n", "a_b_"),
            ("end. .", "end"),
            ("", "_"),
            ("...", "_"),
            ("CON", "_CON"),
            ("con.tar", "_con.tar"),
            ("com1", "_com1"),
            ("com10", "com10"),
            ("console", "console"),
            ("Grüße 猫", "Grüße 猫"),
        ];
        for (name, expected) in changed {
            assert_eq!(legal(name), expected);
        }
    }

    #[test]
    fn no_two_photos_have_one_name() {
        let mut names = FileNames::default();
        let photos = ["a/cat.jpg", "b/Cat.png", "cat-2.jpg", "cat.webp"];
        let names = photos.map(|photo| names.unused(Path::new(photo)));
        assert_eq!(names, ["cat", "Cat-2", "cat-2-2", "cat-3"]);
    }
}
