//! How fast is a network of Burn's own layers, with one `use` line changed, and with one call more?
//!
//! ```text
//! cargo bench --profile dev --bench users_way
//! cargo bench --profile dev --bench users_way -- layers   # the second table alone
//! ```
//!
//! The networks are those of `saliency_testkit::drop_in`: the same source twice. They are compared
//! with the networks of `saliency_models`, whose BatchNorm is folded before they are built. All four
//! take turns in each round. Times are medians. The second table has single layers, forward and
//! backward.

use std::time::Instant;

use burn::module::Module as _;
use burn::nn;
use burn::tensor::{Device, Distribution, Tensor};
use saliency::{Explainer, Gradient, IntegratedGradients, Model};
use saliency_flex::{fold_batch_norms, nn as flex};
use saliency_models::{EfficientNetLite0, ResNet};
use saliency_testkit::drop_in::{burn_layers, flex_layers};

/// How often each is measured.
const GRADIENTS: usize = 31;
const PATHS: usize = 5;

fn main() {
    let device = Device::flex();
    device.seed(0);
    if !std::env::args().any(|it| it == "layers") {
        networks(&device);
    }
    println!("\n| | Burn's layer | ours, relative to it |");
    println!("|---|---|---|");
    layers(&device);
}

fn networks(device: &Device) {
    let x = Tensor::<4>::random([1, 3, 224, 224], Distribution::Normal(0.0, 1.0), device);
    println!("| | Burn's layers | one `use` line | and folded | our network |");
    println!("|---|---|---|---|---|");

    let burn = burn_layers::MobileNet::efficientnet_lite0(device);
    let changed = flex_layers::MobileNet::efficientnet_lite0(device);
    let changed = changed.load_record(burn.clone().into_record());
    let own = EfficientNetLite0::embedded(device);
    compare("EfficientNet-Lite0", &burn, &changed, &own, &x);

    let burn = burn_layers::ResNet18::new(device);
    let changed = flex_layers::ResNet18::new(device);
    let changed = changed.load_record(burn.clone().into_record());
    let own = ResNet::new_18(device).folded();
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

/// Measures single layers at the sizes of ResNet-18. Those that this crate does not have are
/// measured too, to see whether it should.
fn layers(device: &Device) {
    let norm = nn::BatchNormConfig::new(64).init(device).valid();
    let ours = flex::BatchNorm::from(norm.clone());
    layer("BatchNorm, 64 x 112 x 112", [64, 112], &|x| norm.forward(x), Some(&|x| ours.forward(x)));
    let norm = nn::BatchNormConfig::new(512).init(device).valid();
    let ours = flex::BatchNorm::from(norm.clone());
    layer("BatchNorm, 512 x 7 x 7", [512, 7], &|x| norm.forward(x), Some(&|x| ours.forward(x)));
    let padding = nn::PaddingConfig2d::Explicit(1, 1, 1, 1);
    let pool = nn::pool::MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).with_padding(padding);
    let pool = pool.init();
    let ours = flex::pool::MaxPool2d::from(pool.clone());
    layer("MaxPool2d, 64 x 112 x 112", [64, 112], &|x| pool.forward(x), Some(&|x| ours.forward(x)));
    let (relu, ours) = (nn::Relu::new(), flex::Relu::new());
    layer("Relu, 64 x 112 x 112", [64, 112], &|x| relu.forward(x), Some(&|x| ours.forward(x)));
    let (relu, ours) = (nn::activation::Relu6::new(), flex::activation::Relu6::new());
    layer("Relu6, 64 x 112 x 112", [64, 112], &|x| relu.forward(x), Some(&|x| ours.forward(x)));
    let average = nn::pool::AdaptiveAvgPool2dConfig::new([1, 1]).init();
    layer("AdaptiveAvgPool2d, 512 x 7 x 7", [512, 7], &|x| average.forward(x), None);
    let average = nn::pool::AvgPool2dConfig::new([2, 2]).init();
    layer("AvgPool2d of 2 x 2, 128 x 56 x 56", [128, 56], &|x| average.forward(x), None);
    let linear = nn::LinearConfig::new(512, 1000).init(device);
    let linear = |x: Tensor<4>| linear.forward(x.flatten::<2>(1, 3)).reshape([1, 1000, 1, 1]);
    layer("Linear, 512 to 1000", [512, 1], &linear, None);
}

type Layer<'a> = &'a dyn Fn(Tensor<4>) -> Tensor<4>;

/// Prints the time of a layer of Burn, and that of ours relative to it.
fn layer(name: &str, [channels, side]: [usize; 2], burn: Layer<'_>, ours: Option<Layer<'_>>) {
    let device = Device::flex();
    let x = Tensor::<4>::random([1, channels, side, side], Distribution::Default, &device);
    let run = |layer: Layer<'_>| {
        // As in a network, the layer reads a result that nothing else reads.
        let leaf = x.clone().autodiff().require_grad();
        let input = leaf.clone() * 1.0;
        let start = Instant::now();
        let output = layer(input);
        let forward = start.elapsed();
        let sum = output.sum();
        let start = Instant::now();
        let gradients = sum.backward();
        let both = forward + start.elapsed();
        assert!(leaf.grad(&gradients).is_some());
        both.as_secs_f64()
    };
    let (mut of_burn, mut of_ours) = (Vec::new(), Vec::new());
    for _ in 0..101 {
        of_burn.push(run(burn));
        ours.iter().for_each(|ours| of_ours.push(run(*ours)));
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let of_burn = median(of_burn);
    let ratio = ours.map_or("none".to_owned(), |_| format!("{:.2}", median(of_ours) / of_burn));
    println!("| {name} | {:.2} ms | {ratio} |", of_burn * 1e3);
}
