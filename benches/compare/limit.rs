//! The distance to the limits of the machine: the same gradients by hand in Burn, on every core;
//! and the distance of those from the arithmetic that one core does in a large product of matrices.

use burn::tensor::{Distribution, Tensor};
use saliency::{Explainer, IntegratedGradients, Model};
use saliency_benches::seconds;

/// Prints our time for 50 points beside that of 50 gradients by hand, shared out over the cores.
///
/// `multiply_adds` are those of a forward pass; a gradient with respect to the input takes as many
/// again.
pub fn print<M: Model<Tensor<4>>>(
    name: &str,
    multiply_adds: f64,
    net: &M,
    input: &Tensor<4>,
    cores: usize,
) {
    const POINTS: usize = 50;
    const SIDE: usize = 1024;
    let frozen = net.valid();
    let by_hand = || {
        let leaf = input.clone().autodiff().require_grad();
        let score = frozen.forward(leaf.clone()).max();
        let gradient = leaf.grad(&score.backward()).expect("a gradient");
        std::hint::black_box(gradient.into_data());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let alone = || pool.install(|| seconds(by_hand));
    let ours = || {
        seconds(|| {
            let explainer = IntegratedGradients::new().with_steps(POINTS);
            drop(explainer.attribute(net, input.clone()).expect("a map"));
        })
    };
    let square = || Tensor::<2>::random([SIDE; 2], Distribution::Default, &input.device());
    let (a, b) = (square(), square());
    let product = || {
        pool.install(|| {
            seconds(|| drop(std::hint::black_box(a.clone().matmul(b.clone()).into_data())))
        })
    };
    alone();
    ours();
    product();
    let fastest = (0..10).map(|_| product()).fold(f64::INFINITY, f64::min);
    let peak = 2.0 * (SIDE as f64).powi(3) / fastest;
    let mut times: Vec<(f64, f64)> =
        (0..7).map(|_| ((0..5).map(|_| alone()).sum::<f64>() / 5.0, ours())).collect();
    let limit = |gradient: f64| gradient * POINTS as f64 / cores as f64;
    times.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    let (alone, ours) = times[times.len() / 2];
    let limit = limit(alone);
    println!(
        "{name}: one gradient by hand on one core {alone:.4} s, {:.0} % of the arithmetic of a product \
         of matrices ({:.0} GFLOP/s); {POINTS} of them on {cores} cores {limit:.3} s at best; ours \
         {ours:.3} s, {:.2} times that",
        100.0 * 4.0 * multiply_adds / alone / peak,
        peak / 1e9,
        ours / limit
    );
}
