//! Runs programs that `cargo test` has built beside the tests. Other packages of examples include
//! this file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Returns a command that runs a program.
pub fn example(name: &str, args: &[&str]) -> Command {
    let here = std::env::current_exe().expect("a test has a path");
    let built = here.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let program = built.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    // `cargo test` builds the examples, `cargo test --test NAME` does not.
    let newest = sources(name).iter().map(|source| changed(source).unwrap()).max().unwrap();
    let fresh = changed(&program).is_ok_and(|built| built >= newest);
    assert!(fresh, "{} is missing or old: run `cargo build --examples`", program.display());
    let mut command = Command::new(&program);
    command.args(args);
    command
}

fn changed(path: &Path) -> std::io::Result<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified())
}

/// Returns the files of a program: its own files, and those of the libraries that contain most of
/// its code.
fn sources(name: &str) -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = [package.join(name), package.join(format!("{name}.rs")), package.join("main.rs")];
    let own = own.into_iter().find(|path| path.exists()).expect("the program has a source");
    let crates = package.ancestors().map(|folder| folder.join("crates")).find(|it| it.is_dir());
    let crates = crates.expect("the folder of crates");
    // Use only the libraries that the package depends on.
    let manifest = fs::read_to_string(package.join("Cargo.toml")).expect("a package");
    let libraries = ["saliency-audit", "saliency-program", "saliency-program-audit"].into_iter();
    let libraries = libraries.filter(|name| manifest.contains(name));
    let libraries = libraries.map(|name| crates.join(name).join("src"));
    let all = [own, package.join("src")].into_iter().chain(libraries);
    all.flat_map(|path| files(&path)).collect()
}

/// Returns the files of a folder, or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    match fs::read_dir(path) {
        Ok(folder) => folder.map(|file| file.unwrap().path()).collect(),
        Err(_) if path.is_file() => vec![path.to_owned()],
        Err(_) => Vec::new(),
    }
}

/// Returns the output of a program as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
