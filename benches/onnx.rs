//! How long a network takes from an ONNX file, beside the same network in Burn.
//!
//! ```text
//! cargo bench -p saliency-benches --bench onnx -- efficientnet_lite0.onnx
//! ```
//!
//! The file is EfficientNet-Lite0, written by `crates/saliency-onnx/tests/files/build.py`. Both are
//! measured in turn, and the medians compared.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use saliency::{Explainer, IntegratedGradients};
use saliency_benches::median;
use saliency_models::EfficientNetLite0;
use saliency_onnx::OnnxModel;

/// How often each is measured.
const ROUNDS: usize = 7;

fn main() {
    let file = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let Some(file) = file else {
        eprintln!("the path of efficientnet_lite0.onnx is missing");
        std::process::exit(2);
    };
    let device = Device::flex();
    let mut openings = Vec::new();
    let mut open = || {
        let start = Instant::now();
        let model = OnnxModel::open(&file, &device).expect("the file");
        openings.push(start.elapsed().as_secs_f64());
        model
    };
    let (from_file, native) = (open(), EfficientNetLite0::embedded(&device));
    (1..ROUNDS).for_each(|_| drop(open()));
    println!("opening: {:.0} ms", 1e3 * median(openings));

    let photo = Tensor::<4>::random(
        [1, 3, 224, 224],
        burn::tensor::Distribution::Normal(0.0, 1.0),
        &device,
    );
    let explainer = IntegratedGradients::new().with_steps(50);
    let (mut of_file, mut of_native) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let map = explainer.attribute(&from_file, photo.clone()).expect("a map");
        of_file.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let expected = explainer.attribute(&native, photo.clone()).expect("a map");
        of_native.push(start.elapsed().as_secs_f64());
        let difference = (map.values - expected.values.clone()).abs().max().into_scalar::<f32>();
        let largest = expected.values.abs().max().into_scalar::<f32>();
        assert!(difference <= 1e-4 * largest, "the maps differ by {difference} of {largest}");
    }
    let (of_file, of_native) = (median(of_file), median(of_native));
    println!(
        "Integrated Gradients, 50 points: file {of_file:.2} s, native {of_native:.2} s, ratio {:.2}",
        of_file / of_native
    );
}
