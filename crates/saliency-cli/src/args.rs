//! The sub-commands and their options.

use std::path::PathBuf;

use clap::{Args as Options, Parser, Subcommand};
use clap_complete::Shell;
use saliency_program::args::ExplainArgs;
use saliency_program::program::EXIT_CODES;
use saliency_program_audit::args::AuditArgs;

use crate::compare::CompareArgs;
use crate::evaluate::EvaluateArgs;
use crate::model::ModelArgs;
use crate::network_args::NetworkArgs;
use crate::serve::ServeArgs;
use crate::table::TableArgs;
use crate::text::TextArgs;

/// Shows where a model looked, and tests whether that is true.
#[derive(Debug, Parser)]
#[command(name = "saliency", version, after_help = EXIT_CODES)]
pub struct Args {
    /// Read options from this TOML file. Its names are those of the options; what is given on the
    /// command line wins [default: saliency.toml in the working folder, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show where the model looked in photos: pictures, and with --page a page for the browser
    #[command(after_help = EXIT_CODES)]
    Explain(Box<ExplainCommand>),
    /// Find out where the model looks in a whole folder of photos: one page, and tables
    #[command(after_help = EXIT_CODES)]
    Audit(Box<AuditCommand>),
    /// Explain photos by several methods, beside each other: each map, its cost and its test
    #[command(after_help = EXIT_CODES)]
    Compare(Box<CompareArgs>),
    /// Measure which methods are true of the model, with intervals, beside maps that know nothing
    #[command(after_help = EXIT_CODES)]
    Evaluate(Box<EvaluateArgs>),
    /// Say what an ONNX file is: inputs, outputs, operators, layers, and how its photos are prepared
    #[command(after_help = EXIT_CODES)]
    Model(ModelArgs),
    /// Explain an ONNX model of tables: which columns decide
    #[command(after_help = EXIT_CODES)]
    Table(TableArgs),
    /// Explain an ONNX model of texts: which words decide
    #[command(after_help = EXIT_CODES)]
    Text(TextArgs),
    /// List the devices of the machine
    Devices {
        /// Print the devices as JSON
        #[arg(long)]
        json: bool,
    },
    /// Lend devices of this machine to other programs and machines
    #[command(after_help = EXIT_CODES)]
    Serve(ServeArgs),
    /// Print a script that completes options in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The options of `explain`.
#[derive(Debug, Options)]
pub struct ExplainCommand {
    #[command(flatten)]
    pub explain: ExplainArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// The options of `audit`.
#[derive(Debug, Options)]
pub struct AuditCommand {
    #[command(flatten)]
    pub audit: AuditArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
}

impl Command {
    /// Returns the names of the devices that the command asks for.
    #[cfg(feature = "remote")]
    pub fn devices(&self) -> Vec<String> {
        let one = |name: &Option<String>| name.iter().cloned().collect();
        match self {
            Self::Explain(it) => one(&it.explain.device),
            Self::Audit(it) => it.audit.devices.iter().map(ToString::to_string).collect(),
            Self::Compare(it) => one(&it.result.device),
            Self::Evaluate(it) => one(&it.device),
            Self::Table(it) => one(&it.result.device),
            Self::Text(it) => one(&it.result.device),
            Self::Model(_) | Self::Devices { .. } | Self::Serve(_) | Self::Completions { .. } => {
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_options_fit_together() {
        Args::command().debug_assert();
    }
}
