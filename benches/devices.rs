//! Which device for which work? The same explanations on every device of this build and machine.
//!
//! ```text
//! cargo bench --profile dev --bench devices                                   # the CPU
//! SALIENCY_TEST_DEVICES=vulkan,cuda:0 SALIENCY_BENCH_CHUNKS=1,8,32,64 \
//!     cargo bench --profile dev --features vulkan,cuda --bench devices        # GPUs
//! ```
//!
//! Times are medians, after a first call that compiles and tunes kernels. The first call is not
//! counted; its time is printed as well. `devices_captum.py` beside this file prints the same table
//! for Captum. A GPU in software, and NdArray, explain the small network only.

use burn::tensor::Tensor;
use saliency::backends::{Backend, ComputeDevice, Hardware};
use saliency::photo::Preparation;
use saliency::{Explainer, Gradient, IntegratedGradients, Model, Schedule, SmoothGrad};
use saliency_benches::{median, seconds};
use saliency_models::{CifarCnn, EfficientNetLite0, ResNet, photos};
use saliency_testkit::devices;

/// Returns the seconds of the first call, and the median of those that follow.
fn first_and_later(run: impl Fn()) -> (f64, f64) {
    let first = seconds(&run);
    let mut times = vec![seconds(&run)];
    // As many calls as fit into a few seconds, and at least three if one takes a while.
    while times.len() < 3 || times.len() < 30 && times.iter().sum::<f64>() < 2.0 {
        times.push(seconds(&run));
    }
    (first, median(times))
}

/// Explains once and reads the values back: only then is a GPU done.
fn explain<M: Model<Tensor<4>>>(explainer: &dyn Explainer<M, Tensor<4>>, net: &M, x: &Tensor<4>) {
    let map = explainer.attribute(net, x.clone()).expect("a map");
    let sum = map.values.abs().sum().try_into_scalar::<f32>();
    assert!(sum.expect("values that can be read").is_finite());
}

fn table<M: Model<Tensor<4>>>(
    name: &str,
    compute: &ComputeDevice,
    net: &M,
    x: &Tensor<4>,
    chunks: &[usize],
) {
    for &chunk in chunks {
        let schedule = || Schedule::new().with_chunk(chunk);
        let batch = x.clone().repeat_dim(0, chunk);
        let gradient = Gradient::new().with_schedule(schedule());
        let ig = IntegratedGradients::new().with_schedule(schedule());
        let smooth = SmoothGrad::new(Gradient::new().with_schedule(schedule()));
        let smooth = smooth.with_schedule(schedule());
        let of_one = |(first, time): (f64, f64)| (first, 1e3 * time / chunk as f64);
        for (method, (first, time)) in [
            ("vanilla, each row", of_one(first_and_later(|| explain(&gradient, net, &batch)))),
            ("IG, 50 points", {
                let (f, t) = first_and_later(|| explain(&ig, net, x));
                (f, 1e3 * t)
            }),
            ("SmoothGrad, 50 samples", {
                let (f, t) = first_and_later(|| explain(&smooth, net, x));
                (f, 1e3 * t)
            }),
        ] {
            let device = compute.backend();
            println!("| {device} | {name} | {method} | {chunk} | {time:.2} | {first:.1} |");
        }
    }
}

fn main() {
    let chunks = std::env::var("SALIENCY_BENCH_CHUNKS").unwrap_or_else(|_| "1,8".to_owned());
    let chunks: Vec<usize> =
        chunks.split(',').map(|chunk| chunk.parse().expect("chunks such as 1,8,32")).collect();
    for compute in devices() {
        println!("{}: {}, {}", compute.backend(), compute.hardware(), compute.name());
    }
    println!("\n| device | network | method | chunk | ms | first call, s |");
    println!("|---|---|---|---|---|---|");
    for compute in devices() {
        let device = compute.device();
        let wave: Vec<f32> = (0..3 * 32 * 32).map(|at| (at as f32 * 0.05).sin()).collect();
        let small = Tensor::<1>::from_data(&wave[..], device).reshape([1, 3, 32, 32]);
        table("CIFAR CNN", compute, &CifarCnn::embedded(device), &small, &[21]);
        if compute.hardware() == Hardware::SoftwareGpu || *compute.backend() == Backend::NdArray {
            continue;
        }
        let cat = Preparation::imagenet().tensor(&photos::chelsea(), device);
        let lite0 = EfficientNetLite0::embedded(device);
        table("EfficientNet-Lite0", compute, &lite0, &cat, &chunks);
        device.seed(0);
        table("ResNet-50", compute, &ResNet::new_50(device), &cat, &chunks);
    }
}
