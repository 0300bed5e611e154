//! How much do explanations cost beside their gradients, and how much do workers save?
//!
//! ```text
//! cargo bench --profile dev --bench execution
//! ```
//!
//! Every line is a ratio of two times, measured in turn in this run: the median over the pairs.

use std::hint::black_box;

use burn::tensor::{Device, Tensor};
use saliency::photo::Preparation;
use saliency::{
    Explainer, Gradient, IntegratedGradients, Model, Parallelism, Schedule, SmoothGrad,
};
use saliency_benches::{median, seconds};
use saliency_models::{CifarCnn, EfficientNetLite0, ResNet, photos};

/// Prints the median ratio of the time of `this` to that of `other`, and the ratio that it should
/// be.
fn ratio(question: &str, most: f64, pairs: usize, this: impl Fn(), other: impl Fn()) {
    this();
    other();
    let mut times: Vec<(f64, f64)> = Vec::new();
    for pair in 0..pairs {
        // The order changes, so that neither is always the one that finds the caches warm.
        times.push(match pair % 2 {
            0 => (seconds(&this), seconds(&other)),
            _ => {
                let second = seconds(&other);
                (seconds(&this), second)
            }
        });
    }
    let ratio = median(times.iter().map(|(this, other)| this / other).collect());
    let this = 1e3 * median(times.iter().map(|(this, _)| *this).collect());
    let other = 1e3 * median(times.iter().map(|(_, other)| *other).collect());
    println!("{ratio:6.3} (at most {most}) {question}: {this:.2} ms to {other:.2} ms");
}

/// Computes forward and backward as one would write it by hand, with frozen weights.
fn by_hand<M: Model<Tensor<4>>>(net: &M, input: &Tensor<4>) -> Tensor<4> {
    let leaf = input.clone().autodiff().require_grad();
    let score = net.forward(leaf.clone()).max();
    let gradient = leaf.grad(&score.backward()).expect("a gradient");
    black_box(gradient.max().into_scalar::<f32>());
    leaf
}

fn vanilla<M: Model<Tensor<4>>>(name: &str, net: &M, input: &Tensor<4>) {
    let frozen = net.valid();
    let explainer = Gradient::new();
    ratio(
        &format!("{name}, vanilla gradient, by this library to by hand"),
        1.05,
        61,
        || drop(explainer.attribute(net, input.clone()).expect("a map")),
        || drop(by_hand(&frozen, input)),
    );
}

/// Compares one call with sixteen rows to sixteen calls.
fn rows<M: Model<I>, I: saliency::Inputs>(
    name: &str,
    net: &M,
    explainer: &dyn Explainer<M, I>,
    one: &I,
    sixteen: &I,
    pairs: usize,
) {
    ratio(
        &format!("{name}, sixteen rows in one call to sixteen calls"),
        1.0,
        pairs,
        || drop(explainer.attribute(net, sixteen.clone()).expect("a map")),
        || (0..16).for_each(|_| drop(explainer.attribute(net, one.clone()).expect("a map"))),
    );
}

fn main() {
    let device = Device::flex();
    let lite0 = EfficientNetLite0::embedded(&device);
    let cat = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    vanilla("EfficientNet-Lite0", &lite0, &cat);
    device.seed(0);
    vanilla("ResNet-18", &ResNet::new_18(&device), &cat);

    let within = Schedule::new().with_parallelism(Parallelism::WithinModel);
    let serial = |schedule: Schedule| IntegratedGradients::new().with_schedule(schedule);
    ratio(
        "EfficientNet-Lite0, 50 points, by workers to one after the other",
        0.55,
        9,
        || drop(IntegratedGradients::new().attribute(&lite0, cat.clone()).expect("a map")),
        || drop(serial(within.clone()).attribute(&lite0, cat.clone()).expect("a map")),
    );

    let cats = cat.clone().repeat_dim(0, 16);
    rows("EfficientNet-Lite0, gradient", &lite0, &Gradient::new(), &cat, &cats, 5);
    let cifar = CifarCnn::embedded(&device);
    let wave: Vec<f32> = (0..3 * 32 * 32).map(|at| (at as f32 * 0.05).sin()).collect();
    let one = Tensor::<1>::from_data(&wave[..], &device).reshape([1, 3, 32, 32]);
    let sixteen = one.clone().repeat_dim(0, 16);
    rows("CIFAR CNN, gradient", &cifar, &Gradient::new(), &one, &sixteen, 31);
    let ig = IntegratedGradients::new();
    rows("CIFAR CNN, 50 points", &cifar, &ig, &one, &sixteen, 15);
    let ig = IntegratedGradients::new().with_tolerance(0.05);
    rows("CIFAR CNN, to a tolerance of 5 %", &cifar, &ig, &one, &sixteen, 15);
    rows("CIFAR CNN, 50 noisy copies", &cifar, &SmoothGrad::default(), &one, &sixteen, 15);
    let table = saliency::pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
    let one = Tensor::<2>::ones([1, 8], &device);
    let sixteen = one.clone().repeat_dim(0, 16);
    let ig = IntegratedGradients::new();
    rows("row of a table, 50 points", &table, &ig, &one, &sixteen, 101);
}
