//! The options of where to compute, and where the results go.

use std::path::PathBuf;

use clap::Args as Options;

/// The options of where to compute, and where the results go.
#[derive(Clone, Debug, Options)]
pub struct ResultArgs {
    /// The device that computes [default: the one that SALIENCY_DEVICE names, or the best of the
    /// machine]
    #[arg(long)]
    pub device: Option<String>,
    /// The folder to write to
    #[arg(short, long, default_value = "maps")]
    pub out: PathBuf,
    /// Print the answers as JSON instead of words, on stdout
    #[arg(long)]
    pub json: bool,
}
