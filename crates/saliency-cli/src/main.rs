//! The program `saliency`: where does a model look?
//!
//! ```text
//! cargo install --path crates/saliency-cli
//! saliency                       # what to try
//! saliency explain photo.jpg --page
//! ```

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use saliency_program::args::ExplainArgs;
use saliency_program::program::EXIT_CODES;
use saliency_program::{Result, devices, explain, program};
use saliency_program_audit::args::AuditArgs;
use saliency_program_audit::audit;

/// Shows where an image classifier looked, and tests whether that is true.
#[derive(Debug, Parser)]
#[command(name = "saliency", version, after_help = EXIT_CODES)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(Box<ExplainArgs>),
    Audit(Box<AuditArgs>),
    /// Lists the devices of the machine
    Devices,
}

fn main() -> ExitCode {
    program::run::<Args>(run)
}

fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Explain(args) => explain::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Devices => {
            devices::list();
            Ok(())
        }
    }
}
