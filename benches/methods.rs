//! What does each method cost, and how good is its map?
//!
//! ```text
//! cargo bench --profile dev --bench methods
//! ```
//!
//! The quality is printed before the times: the relative L1 error of Integrated Gradients against a
//! map from many points, and the median relative standard error of SmoothGrad.

use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use saliency::{
    Baseline, ExpectedGradients, Explainer, Gradient, InputTimesGradient, IntegratedGradients,
    Model, Rule, SmoothGrad, SmoothGradSquared, VarGrad,
};
use saliency_models::{CifarCnn, EfficientNetLite0, Preparation, photos};

/// Points of the map that others are compared with.
const REFERENCE: usize = 500;

type Methods<M> = Vec<(&'static str, Box<dyn Explainer<M, Tensor<4>>>)>;

fn methods<M: Model<Tensor<4>>>() -> Methods<M> {
    let ig = |rule| IntegratedGradients::new().with_rule(rule);
    vec![
        ("gradient", Box::new(Gradient::new())),
        ("input-x-gradient", Box::new(InputTimesGradient::new())),
        ("integrated-gradients-gauss-legendre", Box::new(ig(Rule::GaussLegendre))),
        ("integrated-gradients-midpoint", Box::new(ig(Rule::Midpoint))),
        ("integrated-gradients-placed", Box::new(ig(Rule::Placed))),
        (
            "integrated-gradients-to-5-percent",
            Box::new(IntegratedGradients::new().to_tolerance(0.05)),
        ),
        (
            "expected-gradients",
            Box::new(ExpectedGradients::from_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed))),
        ),
        ("smooth-grad", Box::new(SmoothGrad::default())),
        ("smooth-grad-squared", Box::new(SmoothGradSquared::default())),
        ("var-grad", Box::new(VarGrad::default())),
    ]
}

fn values(tensor: Tensor<4>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

fn bench<M: Model<Tensor<4>>>(criterion: &mut Criterion, name: &str, net: &M, input: &Tensor<4>) {
    let reference = IntegratedGradients::new().with_steps(REFERENCE).with_rule(Rule::Midpoint);
    let reference = values(reference.attribute(net, input.clone()).expect("a map").values);
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (method, explainer) in methods::<M>() {
        let map = explainer.attribute(net, input.clone()).expect("a map");
        if let Some(gap) = &map.completeness_gap {
            let found = values(map.values.clone());
            let difference = found.iter().zip(&reference).map(|(a, b)| (a - b).abs()).sum::<f64>();
            let error = difference / reference.iter().map(|value| value.abs()).sum::<f64>();
            println!("{name} {method}: error {error:.4}, completeness gap {:.4}", gap[0]);
        }
        if let Some(standard_error) = map.standard_error {
            let ratios = values(standard_error).into_iter().zip(values(map.values));
            let mut ratios: Vec<f64> = ratios.map(|(error, value)| error / value.abs()).collect();
            ratios.sort_by(f64::total_cmp);
            println!(
                "{name} {method}: median relative standard error {:.3}",
                ratios[ratios.len() / 2]
            );
        }
        group.bench_function(method, |bencher| {
            bencher.iter(|| explainer.attribute(net, input.clone()).expect("a map"));
        });
    }
    group.finish();
}

fn cifar(criterion: &mut Criterion) {
    let device = Device::flex();
    let wave: Vec<f32> = (0..3 * 32 * 32).map(|at| (at as f32 * 0.05).sin()).collect();
    let input = Tensor::<1>::from_data(&wave[..], &device).reshape([1, 3, 32, 32]);
    bench(criterion, "cifar-cnn", &CifarCnn::embedded(&device), &input);
}

fn lite0(criterion: &mut Criterion) {
    let device = Device::flex();
    let input = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    bench(criterion, "efficientnet-lite0", &EfficientNetLite0::embedded(&device), &input);
}

criterion_group!(benches, cifar, lite0);
criterion_main!(benches);
