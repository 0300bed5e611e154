//! Does memory grow with the number of points, or from image to image?
//!
//! ```text
//! cargo bench --profile dev --bench memory
//! ```
//!
//! Reads the process's own memory from Linux's `/proc`; elsewhere it says so and stops.

use std::process::Command;

use burn::tensor::Device;
use saliency::photo::Preparation;
use saliency::{Explainer, Gradient, IntegratedGradients};
use saliency_benches::process_memory;
use saliency_models::{EfficientNetLite0, photos};

/// Explains once in a process of its own, and prints the peak.
fn one(task: &str) {
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let input = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    let explainer = match task {
        "tolerance" => IntegratedGradients::new().with_tolerance(0.01),
        points => IntegratedGradients::new().with_steps(points.parse().expect("a number")),
    };
    let map = explainer.attribute(&net, input).expect("a map");
    println!("{} {}", map.evaluations[0], process_memory("VmHWM").expect("a peak"));
}

/// Returns the number of gradients and the peak of [`one`].
fn peak(task: &str) -> (usize, f64) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).env("TASK", task).output().expect("a run");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut numbers = text.split_whitespace();
    let gradients = numbers.next().and_then(|n| n.parse().ok()).expect("gradients");
    (gradients, numbers.next().and_then(|n| n.parse().ok()).expect("a peak"))
}

fn main() {
    if let Ok(task) = std::env::var("TASK") {
        return one(&task);
    }
    if process_memory("VmRSS").is_none() {
        println!("skipped: this system does not tell a process's memory in /proc");
        return;
    }
    println!("EfficientNet-Lite0, one photo; peak resident memory");
    let (_, few) = peak("50");
    println!("{few:6.0} MiB with 50 points");
    let (_, many) = peak("1000");
    println!("{many:6.0} MiB with 1,000 points: {:.3} of that (at most 1.05)", many / few);
    let (gradients, tolerance) = peak("tolerance");
    println!("{tolerance:6.0} MiB to a tolerance of 1 %, which took {gradients} gradients");

    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let photo = Preparation::imagenet().tensor(&photos::coffee(), &device);
    let mut resident = Vec::new();
    for image in 0..1500 {
        let input = photo.clone() * (1.0 - image as f64 * 5e-4);
        let explainers: [Box<dyn Explainer<_, _>>; 2] =
            [Box::new(Gradient::new()), Box::new(IntegratedGradients::new().with_steps(3))];
        for explainer in explainers {
            explainer.attribute(&net, input.clone()).expect("a map");
        }
        resident.push(process_memory("VmRSS").expect("resident memory"));
    }
    let mean = |hundred: usize| resident[100 * hundred..][..100].iter().sum::<f64>() / 100.0;
    println!("{:6.0} MiB on average over the second 100 of 1,500 images in a loop", mean(1));
    println!(
        "{:6.0} MiB over the fifth 100: {:.3} of that (at most 1.02)",
        mean(4),
        mean(4) / mean(1)
    );
    println!("{:6.0} MiB over the eighth 100", mean(7));
    println!(
        "{:6.0} MiB over the last 100: {:.3} of that (at most 1.02)",
        mean(14),
        mean(14) / mean(7)
    );
}
