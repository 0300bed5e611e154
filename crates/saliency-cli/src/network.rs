//! The network that the options name.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as Options;
use saliency_program::args::ExplainArgs;
use saliency_program::lite0::Lite0;
use saliency_program::network::PhotoNetwork;
use saliency_program::{Result, explain};
use saliency_program_audit::args::AuditArgs;
use saliency_program_audit::audit;

use crate::onnx::OnnxNetwork;

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

/// A task for any network.
pub trait ForNetwork {
    /// Does the task.
    fn run_for<N: PhotoNetwork>(&self, network: &Arc<N>) -> Result<()>;
}

impl NetworkArgs {
    /// Does a task for the network that the options name.
    ///
    /// # Errors
    /// An error if there is no such network, and those of the task.
    pub fn run(&self, task: &impl ForNetwork) -> Result<()> {
        match &self.model {
            None => task.run_for(&Arc::new(Lite0::new())),
            Some(path) => task.run_for(&Arc::new(OnnxNetwork::open(path, self)?)),
        }
    }
}

impl ForNetwork for ExplainArgs {
    fn run_for<N: PhotoNetwork>(&self, network: &Arc<N>) -> Result<()> {
        explain::run_for(&**network, self)
    }
}

impl ForNetwork for AuditArgs {
    fn run_for<N: PhotoNetwork>(&self, network: &Arc<N>) -> Result<()> {
        audit::run_for(network, self)
    }
}
