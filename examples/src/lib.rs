//! What the examples have in common.

pub mod audit;
#[cfg(doctest)]
mod book;
pub mod training;

use std::error::Error;
use std::process::ExitCode;

/// How a program ends: an error is told in its own words.
pub fn ended(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
