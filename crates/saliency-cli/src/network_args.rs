//! The options that name a network.

use std::path::PathBuf;

use clap::{Args as Options, ValueEnum};
use saliency::rules::Rules;

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
    /// Rules of its backward pass: libra makes the gradients of transformers complete (LibraGrad)
    /// [default: plain]
    #[arg(long, value_enum, value_name = "RULES", requires = "model")]
    pub rules: Option<RulesArg>,
}

/// Rules of a network's backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesArg {
    /// The gradient as it is.
    Plain,
    /// LibraGrad.
    Libra,
}

impl RulesArg {
    /// Returns the rules.
    pub fn rules(self) -> Rules {
        match self {
            Self::Plain => Rules::Plain,
            Self::Libra => Rules::Libra,
        }
    }
}
