//! What can go wrong with another program.

use std::sync::Arc;
use std::time::Duration;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an external model gave no scores. Every message names the program.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A list of arguments without a program.
    #[error("expected the name of a program and its arguments, found an empty list")]
    NoProgram,

    /// A program that cannot be started.
    #[error("cannot start `{program}`: {cause}. Give its path, or a name that the system finds")]
    #[non_exhaustive]
    NotStarted {
        /// The program and its arguments.
        program: String,
        /// The error of the system.
        #[source]
        cause: Arc<std::io::Error>,
    },

    /// The program ended, or closed its output, before it had answered.
    #[error("`{program}` ended without an answer ({status}){}", said(stderr))]
    #[non_exhaustive]
    Ended {
        /// The program and its arguments.
        program: String,
        /// How it ended, in words.
        status: String,
        /// The last that it wrote to its standard error.
        stderr: String,
    },

    /// The program took too long, and was ended.
    #[error(
        "`{program}` gave no answer within {} seconds, and was ended: check that it flushes its \
         output, or allow more with `with_time_limit`{}",
        limit.as_secs_f64(), said(stderr)
    )]
    #[non_exhaustive]
    TimeLimit {
        /// The program and its arguments.
        program: String,
        /// The time that was allowed.
        limit: Duration,
        /// The last that it wrote to its standard error.
        stderr: String,
    },

    /// The program wrote something else than an answer.
    #[error(
        "`{program}` wrote {found:?} in place of an answer, {reason}: write nothing but answers to \
         the standard output, and messages for people to the standard error{}",
        said(stderr)
    )]
    #[non_exhaustive]
    NoAnswer {
        /// The program and its arguments.
        program: String,
        /// The start of what it wrote.
        found: String,
        /// What is wrong with it.
        reason: String,
        /// The last that it wrote to its standard error.
        stderr: String,
    },

    /// The program answered with scores of another shape than `[rows, scores]`.
    #[error(
        "`{program}` answered with a shape of {found:?}: expected [{rows}, scores], with one to \
         {most} scores for each row"
    )]
    #[non_exhaustive]
    Shape {
        /// The program and its arguments.
        program: String,
        /// The rows that it was given.
        rows: usize,
        /// The shape that it answered with.
        found: Vec<usize>,
        /// The most scores of a row.
        most: usize,
    },

    /// The program says that it failed.
    #[error("`{program}` reports: {message}")]
    #[non_exhaustive]
    Reported {
        /// The program and its arguments.
        program: String,
        /// Its message.
        message: String,
    },

    /// An input that cannot be read from its device.
    #[error("cannot read the input for `{program}`: {cause}")]
    #[non_exhaustive]
    Input {
        /// The program and its arguments.
        program: String,
        /// The error of the core.
        #[source]
        cause: saliency_core::Error,
    },
}

/// Quotes what the program wrote to its standard error, if anything.
fn said(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(". It wrote: {text}"),
    }
}
