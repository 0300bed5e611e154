//! Lines that a program prints.
//!
//! `println!` panics if nobody reads the output any more, as behind `| head`. These functions do
//! not: the program goes on quietly and writes its files.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::time::Instant;

use crate::Result;

/// Prints a line for people. If it cannot be printed, nothing happens: the files of the program
/// hold the answer.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line to stderr: a warning, an error, or how far the program is. If it cannot be
/// printed, nothing happens.
pub fn say_aside(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Where a program prints its words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// To stdout.
    Out,
    /// To stderr, because another program reads stdout.
    Aside,
}

impl Words {
    /// Leaves stdout to JSON, if that is printed.
    pub fn beside(json: bool) -> Self {
        if json { Self::Aside } else { Self::Out }
    }

    /// Prints a line. If it cannot be printed, nothing happens.
    pub fn say(self, line: impl Display) {
        match self {
            Self::Out => say(line),
            Self::Aside => say_aside(line),
        }
    }
}

/// Prints a line for other programs, which need all of it.
///
/// # Errors
/// An error if the line cannot be written, as on a full disk. It is no error if nobody reads the
/// output any more.
pub fn answer(line: impl Display) -> Result<()> {
    let written = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to stdout: {error}").into())
        }
        _ => Ok(()),
    }
}

/// Says on a terminal how long the rest will take, for the end of a line of progress: ", 3 min
/// left". Returns nothing elsewhere, and before anything is done.
pub fn time_left(start: Instant, done: usize, all: usize) -> String {
    if done == 0 || !io::stderr().is_terminal() {
        return String::new();
    }
    let left = start.elapsed().as_secs_f64() / done as f64 * all.saturating_sub(done) as f64;
    format!(", {} left", duration(left))
}

/// Writes a time in one unit: "40 s", "3 min", "2.5 h".
fn duration(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{seconds:.0} s"),
        ..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_people_would_choose() {
        let times = [4.4, 89.0, 180.0, 9000.0].map(duration);
        assert_eq!(times, ["4 s", "89 s", "3 min", "2.5 h"]);
    }
}
