//! How much does each method cost on each kind of network, and how good is its map?
//!
//! ```text
//! cargo bench --profile dev --bench methods                     # everything: an hour on two cores
//! cargo bench --profile dev --bench methods -- cifar-cnn        # one network
//! cargo bench --profile dev --bench methods -- --test           # each once, with two points: a smoke test
//! ```
//!
//! The quality is printed before the times: the relative L1 error against a map from many points
//! and the completeness gap of Integrated Gradients, the estimated error of sampled
//! maps.

use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use saliency::kit::Batch;
use saliency::photo::Preparation;
use saliency::{Explainer, Inputs, IntegratedGradients, Method, MethodOptions, Model, Rule};
use saliency_models::{CifarCnn, EfficientNetLite0, Mlp, ResNet, VisionTransformer, photos};

/// Points of the map that others are compared with; points and samples of a map; rows.
struct Effort {
    reference: usize,
    points: usize,
    rows: [usize; 2],
}

/// Returns small numbers for a smoke test, which only asks whether everything runs.
fn effort() -> Effort {
    match std::env::args().any(|arg| arg == "--test") {
        true => Effort { reference: 3, points: 2, rows: [1, 2] },
        false => Effort { reference: 500, points: 50, rows: [1, 8] },
    }
}

type Methods<M, I> = Vec<(String, Box<dyn Explainer<M, I>>)>;

/// Returns every method with its defaults, and Integrated Gradients by every rule and to a
/// tolerance.
fn methods<M: Model<I>, I: Inputs>(points: usize, shape: &[usize]) -> Methods<M, I> {
    let options = MethodOptions::new().with_steps(points).with_samples(points);
    let mut all: Methods<M, I> = Vec::new();
    for method in Method::fitting(shape) {
        all.push((method.name().to_owned(), method.explainer(&options)));
    }
    let ig = || IntegratedGradients::new().with_steps(points);
    for (name, rule) in [("midpoint", Rule::Midpoint), ("placed", Rule::Placed)] {
        all.push((format!("integrated-gradients-{name}"), Box::new(ig().with_rule(rule))));
    }
    let to_tolerance = ig().with_tolerance(0.05).with_max_gradients(20 * points);
    all.push(("integrated-gradients-to-5-percent".to_owned(), Box::new(to_tolerance)));
    all
}

/// Returns the shape of the first tensor.
fn shape_of<I: Inputs>(input: &I) -> Vec<usize> {
    Batch::new(input.clone()).expect("a batch").shapes().swap_remove(0)
}

fn values<I: Inputs>(tensors: &I) -> Vec<f64> {
    let rows = tensors.clone().into_rows();
    rows.into_iter().flat_map(|rows| rows.into_data().iter().collect::<Vec<_>>()).collect()
}

fn bench<M: Model<I>, I: Inputs>(
    criterion: &mut Criterion,
    name: &str,
    net: &M,
    input: impl Fn(usize) -> I,
) {
    // The quality is not measured for a network that is filtered out.
    let asked = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect::<Vec<_>>();
    if !asked.is_empty() && !asked.iter().any(|arg| arg.starts_with(name)) {
        return;
    }
    let Effort { reference, points, rows } = effort();
    let one = input(1);
    let right = IntegratedGradients::new().with_steps(reference).with_rule(Rule::Midpoint);
    let right = values(&right.attribute(net, one.clone()).expect("a map").values);
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (method, explainer) in methods::<M, I>(points, &shape_of(&one)) {
        let map = explainer.attribute(net, one.clone()).expect("a map");
        if let Some(gap) = &map.completeness_gap {
            let found = values(&map.values);
            let difference = found.iter().zip(&right).map(|(a, b)| (a - b).abs()).sum::<f64>();
            let error = difference / right.iter().map(|value| value.abs()).sum::<f64>();
            println!("{name} {method}: error {error:.4}, completeness gap {:.4}", gap[0]);
        }
        if let (Some(_), Some(error)) = (&map.standard_error, &map.error_estimate) {
            println!("{name} {method}: estimated error {:.3}", error[0]);
        }
        for rows in rows {
            let input = input(rows);
            group.bench_function(BenchmarkId::new(&method, rows), |bencher| {
                bencher.iter(|| explainer.attribute(net, input.clone()).expect("a map"));
            });
        }
    }
    group.finish();
}

/// Returns numbers that differ from row to row.
fn wave<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count).map(|at| (at as f32 * 0.05).sin()).collect();
    Tensor::<1>::from_data(&values[..], device).reshape(shape)
}

fn networks(criterion: &mut Criterion) {
    let device = Device::flex();
    device.seed(0);
    let cat = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    let cats = |rows| cat.clone().repeat_dim(0, rows);
    bench(criterion, "mlp", &Mlp::new(&device), |rows| wave([rows, 64], &device));
    bench(criterion, "cifar-cnn", &CifarCnn::embedded(&device), |rows| {
        wave([rows, 3, 32, 32], &device)
    });
    bench(criterion, "vision-transformer", &VisionTransformer::new(&device), cats);
    bench(criterion, "efficientnet-lite0", &EfficientNetLite0::embedded(&device), cats);
    bench(criterion, "resnet-18", &ResNet::new_18(&device), cats);
    bench(criterion, "resnet-50", &ResNet::new_50(&device), cats);
}

criterion_group!(benches, networks);
criterion_main!(benches);
