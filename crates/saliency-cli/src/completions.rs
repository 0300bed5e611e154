//! Scripts that complete options in a shell.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use saliency_program::Result;
use saliency_program::output::answer;

use crate::args::Args;

/// Prints the script for a shell.
pub fn print(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "saliency", &mut script);
    answer(String::from_utf8(script)?.trim_end())
}
