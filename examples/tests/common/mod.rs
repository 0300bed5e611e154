//! Programs that `cargo test` has built beside the tests.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A program, ready to run.
pub fn example(name: &str, args: &[&str]) -> Command {
    let here = std::env::current_exe().expect("a test has a path");
    let built = here.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let program = built.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    // `cargo test` builds the examples, `cargo test --test NAME` does not.
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = match fs::read_dir(here.join(name)) {
        Ok(folder) => folder.map(|file| file.unwrap().path()).collect(),
        Err(_) => vec![here.join(format!("{name}.rs"))],
    };
    let newest = sources.iter().map(|source| changed(source).unwrap()).max().unwrap();
    let fresh = changed(&program).is_ok_and(|built| built >= newest);
    assert!(fresh, "{} is missing or old: run `cargo build --examples`", program.display());
    let mut command = Command::new(&program);
    command.args(args);
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
