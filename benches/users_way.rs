//! How fast is a network of Burn's own layers, with one `use` line changed, and with one call more?
//!
//! ```text
//! cargo bench --profile dev --bench users_way
//! ```
//!
//! The networks are those of `saliency_testkit::drop_in`: the same source twice. They are compared
//! with the networks of `saliency_models`, whose BatchNorm is folded before they are built. All four
//! take turns in each round. Times are medians.

use std::time::Instant;

use burn::module::Module as _;
use burn::tensor::{Device, Distribution, Tensor};
use saliency::{Explainer, Gradient, IntegratedGradients, Model};
use saliency_flex::fold_batch_norms;
use saliency_models::{EfficientNetLite0, ResNet};
use saliency_testkit::drop_in::{burn_layers, flex_layers};

/// How often each is measured.
const GRADIENTS: usize = 31;
const PATHS: usize = 5;

fn main() {
    let device = Device::flex();
    device.seed(0);
    let x = Tensor::<4>::random([1, 3, 224, 224], Distribution::Normal(0.0, 1.0), &device);
    println!("| | Burn's layers | one `use` line | and folded | our network |");
    println!("|---|---|---|---|---|");

    let burn = burn_layers::EfficientNetLite0::new(&device);
    let changed = flex_layers::EfficientNetLite0::new(&device);
    let changed = changed.load_record(burn.clone().into_record());
    let own = EfficientNetLite0::embedded(&device);
    compare("EfficientNet-Lite0", &burn, &changed, &own, &x);

    let burn = burn_layers::ResNet18::new(&device);
    let changed = flex_layers::ResNet18::new(&device);
    let changed = changed.load_record(burn.clone().into_record());
    let own = ResNet::new_18(&device).folded();
    compare("ResNet-18", &burn, &changed, &own, &x);
}

fn compare<B, C, O>(name: &str, burn: &B, changed: &C, own: &O, x: &Tensor<4>)
where
    B: Model<Tensor<4>>,
    C: Model<Tensor<4>>,
    O: Model<Tensor<4>>,
{
    let folded = fold_batch_norms(changed, |net| net.forward(x.clone())).expect("it has BatchNorm");
    let gradient = Gradient::new();
    let path = IntegratedGradients::new();
    measure(
        &format!("One gradient, {name}"),
        GRADIENTS,
        [
            &|| drop(gradient.attribute(burn, x.clone()).expect("a map")),
            &|| drop(gradient.attribute(changed, x.clone()).expect("a map")),
            &|| drop(gradient.attribute(&folded, x.clone()).expect("a map")),
            &|| drop(gradient.attribute(own, x.clone()).expect("a map")),
        ],
    );
    measure(
        &format!("IG, 50 points, {name}"),
        PATHS,
        [
            &|| drop(path.attribute(burn, x.clone()).expect("a map")),
            &|| drop(path.attribute(changed, x.clone()).expect("a map")),
            &|| drop(path.attribute(&folded, x.clone()).expect("a map")),
            &|| drop(path.attribute(own, x.clone()).expect("a map")),
        ],
    );
}

/// Prints the medians, and their ratios to the last one.
fn measure(name: &str, rounds: usize, runs: [&dyn Fn(); 4]) {
    runs.iter().for_each(|run| run());
    let mut times = [const { Vec::new() }; 4];
    for round in 0..rounds {
        // Each is the first one in turn.
        for at in 0..runs.len() {
            let at = (at + round) % runs.len();
            let start = Instant::now();
            runs[at]();
            times[at].push(start.elapsed().as_secs_f64());
        }
    }
    let medians = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let cell = |at: usize| format!("{:.3} s ({:.2})", medians[at], medians[at] / medians[3]);
    println!("| {name} | {} | {} | {} | {} |", cell(0), cell(1), cell(2), cell(3));
}
