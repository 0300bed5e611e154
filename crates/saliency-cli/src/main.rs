//! The program `saliency`: where does a model look?
//!
//! ```text
//! cargo install --path crates/saliency-cli
//! saliency                              # what to try
//! saliency explain photo.jpg --page
//! ```
//!
//! The data flow: [`config`] (options from a file), [`args`] (all options), [`network`] (the network
//! that they name), and a file for each task. The work is done by `saliency-program` and
//! `saliency-program-audit`, which the examples share.

mod args;
mod compare;
mod completions;
mod config;
mod evaluate;
mod interrupt;
mod model;
mod network;
mod network_args;
mod onnx;
mod result_args;
mod serve;
mod start;
mod table;
mod text;
#[cfg(feature = "remote")]
mod version;

use std::process::ExitCode;

use args::{Args, Command};
use saliency_program::program::{self, ended};
use saliency_program::{Result, devices};

fn main() -> ExitCode {
    match config::arguments(std::env::args_os().collect()) {
        Ok(arguments) => program::run_with(arguments.line, arguments.note.as_deref(), run),
        Err(error) => ended(Err(error)),
    }
}

fn run(args: &Args) -> Result<()> {
    let Some(command) = &args.command else {
        start::say_what_to_try();
        return Ok(());
    };
    interrupt::watch(match command {
        Command::Serve(_) => "",
        _ => "stopping after the photo in work; press Ctrl-C again to end at once",
    });
    #[cfg(feature = "remote")]
    version::warn_of_others(&command.devices());
    match command {
        Command::Explain(it) => it.network.run(&it.explain),
        Command::Audit(it) => it.network.run(&it.audit),
        Command::Compare(it) => it.network.run(&**it),
        Command::Evaluate(it) => it.network.run(&**it),
        Command::Devices { json: true } => devices::list_as_json(),
        Command::Devices { json: false } => {
            devices::list();
            Ok(())
        }
        Command::Model(args) => model::run(args),
        Command::Table(args) => table::run(args),
        Command::Text(args) => text::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Completions { shell } => completions::print(*shell),
    }
}
