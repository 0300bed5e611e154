//! The network that the options name.

use std::sync::Arc;

use saliency_program::args::ExplainArgs;
use saliency_program::lite0::Lite0;
use saliency_program::network::PhotoNetwork;
use saliency_program::{Result, explain};
use saliency_program_audit::args::AuditArgs;
use saliency_program_audit::audit;

use crate::network_args::NetworkArgs;
use crate::onnx::OnnxNetwork;

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
