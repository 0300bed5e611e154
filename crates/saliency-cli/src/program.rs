//! The start and the end of a program.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::Result;

/// Ends a program, after printing the error if there is one.
pub fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the arguments of a program and runs it. If an argument is wrong, prints the mistake and
/// the possible values on one line, without the usage.
pub fn run<A: Parser>(program: impl FnOnce(&A) -> Result<()>) -> ExitCode {
    match A::try_parse() {
        Ok(args) => ended(program(&args)),
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.starts_with("Usage"));
            let lines = lines.map(str::trim).take_while(|line| !line.starts_with("For more"));
            let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            eprintln!("{}", lines.join(" "));
            ExitCode::FAILURE
        }
        Err(help) => {
            print!("{help}");
            ExitCode::SUCCESS
        }
    }
}

/// Makes a folder if it is missing, and checks that files can be written to it, before any work is
/// done.
///
/// # Errors
/// An error if the folder cannot be made or written to.
pub fn check_writable(folder: &Path) -> Result<()> {
    // A file that vanishes at once.
    let written = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    written.map_err(|error| {
        format!("expected a folder to write to at {}, found: {error}", folder.display())
    })?;
    Ok(())
}
