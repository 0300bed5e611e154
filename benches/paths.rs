//! How long Guided IG and Blur IG of photos take, beside PAIR's library on the same network in
//! PyTorch.
//!
//! ```text
//! cargo bench --profile dev -p saliency-benches --bench paths -- python3 [rounds] [steps]
//! ```
//!
//! The argument is a Python with torch and saliency 0.2.1: see `paths_pair.py`. Both are measured in
//! turn with the same number of threads, and the medians compared. The maps are compared too: the
//! network is the same, but single precision moves a few values.
//!
//! The moves of Guided IG follow each other, so that workers have something to do only if one call
//! explains several photos. PAIR's library takes one photo at a time.

use std::path::Path;
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use image::RgbImage;
use image::imageops::{flip_horizontal, flip_vertical, rotate180};
use saliency::methods::{BlurKernel, BlurSpacing, Border};
use saliency::photo::Preparation;
use saliency::{BlurIg, Explainer, GuidedIg, IntegratedGradients, Rule, Target};
use saliency_benches::{Peer, median, read_floats, write_floats};
use saliency_models::{EfficientNetLite0, photos};
use saliency_testkit::{relative_l1, values};
use serde_json::json;

type Method = Box<dyn Explainer<EfficientNetLite0, Tensor<4>>>;

/// The class of the first photo: Egyptian cat.
const TARGET: usize = 285;

/// The numbers of photos that one call explains.
const TOGETHER: [usize; 3] = [2, 4, 8];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let python = arguments.next().unwrap_or_else(|| "python3".to_owned());
    let mut number =
        |default: usize| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (rounds, steps) = (number(3), number(50));
    let folder = tempfile::tempdir().expect("a folder");
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let all = eight_photos(&device);
    let photo = all.clone().narrow(0, 0, 1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let input = folder.path().join("photo");
    write_floats(&input, &values(&photo));
    let arguments = [input.into_os_string(), TARGET.to_string().into(), threads.to_string().into()];
    let mut pair = Peer::start(Path::new(&python), "paths_pair.py", &arguments);
    let explain = |explainer: &Method, photos: &Tensor<4>| {
        let start = Instant::now();
        let map = explainer.attribute_to(&net, photos.clone(), Target::Class(TARGET));
        (start.elapsed().as_secs_f64(), map.expect("a map").values)
    };

    println!("{steps} steps, {threads} threads, medians of {rounds}");
    // With as many gradients, which do not wait for each other.
    let one: Method = Box::new(IntegratedGradients::new().with_steps(steps));
    explain(&one, &photo);
    let times = (0..rounds).map(|_| explain(&one, &photo).0);
    println!("Integrated Gradients, {steps} points: {:.2} s", median(times.collect()));
    for (name, explainer) in methods(steps) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut several = TOGETHER.map(|_| Vec::new());
        let saved = folder.path().join(name);
        let alone = explain(&explainer, &photo).1;
        for _ in 0..rounds {
            let request = json!({ "method": name, "steps": steps, "save": saved });
            theirs.push(pair.ask(&request)["seconds"].as_f64().expect("seconds"));
            ours.push(explain(&explainer, &photo).0);
            for (photos, times) in TOGETHER.into_iter().zip(&mut several) {
                let (seconds, maps) = explain(&explainer, &all.clone().narrow(0, 0, photos));
                times.push(seconds / photos as f64);
                let first = values(&maps.narrow(0, 0, 1));
                assert_eq!(first, values(&alone), "a photo alone and among others");
            }
        }
        let off = relative_l1(&values(&alone), &read_floats(&saved));
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "{name}: {ours:.2} s, PAIR {theirs:.2} s, ratio {:.2}; the maps differ by {:.1} %",
            ours / theirs,
            100.0 * off
        );
        for (photos, times) in TOGETHER.into_iter().zip(several) {
            let each = median(times);
            println!("  {photos} photos in a call: {each:.2} s each, ratio {:.2}", each / theirs);
        }
    }
}

/// Returns the photos that ship, each also turned over in three ways.
fn eight_photos(device: &Device) -> Tensor<4> {
    let both = [photos::chelsea(), photos::coffee()];
    let turned: [fn(&RgbImage) -> RgbImage; 4] =
        [RgbImage::clone, flip_horizontal, flip_vertical, rotate180];
    let all = turned.iter().flat_map(|turn| both.iter().map(turn));
    let all = all.map(|photo| Preparation::imagenet().tensor(&photo, device));
    Tensor::cat(all.collect(), 0)
}

/// Returns the methods with the options that PAIR's library has by default.
fn methods(steps: usize) -> [(&'static str, Method); 2] {
    let blur = BlurIg::new()
        .with_max_sigma(50.0)
        .with_border(Border::Zeros)
        .with_spacing(BlurSpacing::Linear)
        .with_kernel(BlurKernel::Truncated { difference: 0.01 })
        .with_rule(Rule::Right)
        .with_steps(steps);
    let guided = GuidedIg::new().with_moves(steps);
    [("guided", Box::new(guided)), ("blur", Box::new(blur))]
}
