//! The options that name a network.

use std::path::PathBuf;

use clap::Args as Options;

/// The options that name a network.
#[derive(Clone, Debug, Options)]
#[command(next_help_heading = "The model")]
pub struct NetworkArgs {
    /// An ONNX file [default: EfficientNet-Lite0, which is part of the program]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// The names of its classes: a text file with a name on each line, or JSON [default: those in the
    /// ONNX file, or numbers]
    #[arg(long, value_name = "FILE", requires = "model")]
    pub labels: Option<PathBuf>,
    /// How a photo becomes its input: a file such as preprocessor_config.json, or the name of a
    /// preset [default: guessed from the ONNX file, and printed]
    #[arg(long, value_name = "FILE|PRESET", requires = "model")]
    pub preparation: Option<String>,
    /// The layer at which regions are explained, by its name in the file or in PyTorch, such as
    /// layer3 [default: the last one at most 16 times smaller than the photo]
    #[arg(long, value_name = "NAME", requires = "model")]
    pub layer: Option<String>,
}
