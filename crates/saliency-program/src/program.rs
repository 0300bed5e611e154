//! The start and the end of a program, the same for all of them.
//!
//! | Exit code | Meaning |
//! |---|---|
//! | 0 | everything that was asked for is done |
//! | 1 | some photos could not be explained, or a file or a folder cannot be used |
//! | 2 | an option is wrong, and nothing was done |
//! | 130 | a person ended the program with Ctrl-C; everything that was finished is kept |

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use clap::Parser;

use crate::Result;
use crate::output::say_aside;

/// The exit codes, as the `--help` of a program lists them: for `#[command(after_help = ...)]`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  everything is done
  1  some photos could not be explained, or a file or a folder cannot be used
  2  an option is wrong; nothing was done
  130  ended by Ctrl-C; everything that was finished is kept";

/// The exit code of a program whose arguments cannot be used. It is that of clap, too.
const UNUSABLE: u8 = 2;

/// Arguments that cannot be used. A program that returns this error ends with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnusableArguments(#[source] Box<dyn Error>);

/// Says that an error is the fault of the arguments. For [`Result::map_err`](std::result::Result).
pub fn unusable(error: impl Into<Box<dyn Error>>) -> Box<dyn Error> {
    Box::new(UnusableArguments(error.into()))
}

/// The exit code of a program that a person has ended: 128 and the number of the signal.
pub const STOPPED: u8 = 130;

/// Whether a person has asked the program to end.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Returns the switch that asks the program to end after the photo that it is working on.
pub fn stop_switch() -> Arc<AtomicBool> {
    Arc::clone(&STOP)
}

/// Returns whether a person has asked the program to end.
pub fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// The end of a program because a person asked for it. The program ends with exit code 130.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped after {done} of {all} {what}{advice}")]
pub struct Stopped {
    done: usize,
    all: usize,
    what: &'static str,
    advice: &'static str,
}

impl Stopped {
    /// Says how much was done: `what` are the things that are counted, such as "photos".
    pub fn new(done: usize, all: usize, what: &'static str) -> Self {
        Self { done, all, what, advice: "" }
    }

    /// Adds that the same command goes on where it was stopped.
    #[must_use]
    pub fn with_way_on(self) -> Self {
        Self { advice: "; the same command goes on there", ..self }
    }
}

/// Marks an error as the fault of the arguments if an option is wrong, because it is as wrong for
/// every other photo.
pub fn blamed(error: Box<dyn Error>) -> Box<dyn Error> {
    match error.downcast_ref() {
        Some(saliency::Error::InvalidOption { .. }) => unusable(error),
        _ => error,
    }
}

/// Ends a program, after printing the error if there is one.
pub fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if error.is::<Stopped>() {
                say_aside(error);
                return STOPPED.into();
            }
            say_aside(format_args!("error: {error}"));
            if error.is::<UnusableArguments>() { UNUSABLE.into() } else { ExitCode::FAILURE }
        }
    }
}

/// Reads the arguments of a program and runs it. If an argument is wrong, prints the mistake and
/// what to do, in the words of clap.
pub fn run<A: Parser>(program: impl FnOnce(&A) -> Result<()>) -> ExitCode {
    run_with(std::env::args_os().collect(), None, program)
}

/// The same for arguments that do not all come from the command line. If one of them is wrong, a note
/// says where they come from.
pub fn run_with<A: Parser>(
    arguments: Vec<OsString>,
    note: Option<&str>,
    program: impl FnOnce(&A) -> Result<()>,
) -> ExitCode {
    saliency::hide_caught_panics();
    match A::try_parse_from(arguments) {
        Ok(args) => ended(program(&args)),
        // Help and the version are "errors" without a fault. Nobody may be reading them any more.
        Err(error) => {
            let _ = error.print();
            if !error.use_stderr() {
                return ExitCode::SUCCESS;
            }
            note.into_iter().for_each(|note| say_aside(format_args!("note: {note}")));
            UNUSABLE.into()
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
