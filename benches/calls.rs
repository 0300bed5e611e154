//! What do small calls, tables and wrapped explainers cost?
//!
//! ```text
//! cargo bench --profile dev --bench calls                    # everything
//! CALLS=small,pool,tables,million,nested cargo bench --profile dev --bench calls     # parts
//! ```
//!
//! - `small`: one row of a table by a small network, in units of the time of the same gradients
//!   written by hand in Burn
//! - `pool`: a gradient by hand inside rayon's pool, in units of one outside of it, by networks of
//!   several sizes
//! - `tables`: 100,000 rows in one call, with peak memory; each figure is from a process of its own
//! - `million`: the same with more rows, to a tolerance
//! - `nested`: how many calls of a slow model run at once if one explainer wraps another, with eight
//!   threads in rayon's pool
//!
//! Memory is read from Linux's `/proc`.

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use saliency::{
    ExpectedGradients, Explainer, Gradient, IntegratedGradients, Model, NoiseScale, Schedule,
    SmoothGrad, Target, pure_function,
};
use saliency_models::CifarCnn;

/// A multilayer perceptron with one hidden layer.
#[derive(Module, Debug)]
struct Dense {
    hidden: Linear,
    output: Linear,
}

impl Dense {
    fn new(inputs: usize, hidden: usize, device: &Device) -> Self {
        device.seed(0);
        Self {
            hidden: LinearConfig::new(inputs, hidden).init(device),
            output: LinearConfig::new(hidden, 3).init(device),
        }
    }
}

impl Model<Tensor<2>> for Dense {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(input)))
    }
}

/// Returns rows that are all different.
fn table(rows: usize, width: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * width).map(|at| (at as f32 * 0.7).sin() * 2.0).collect();
    Tensor::<1>::from_data(&values[..], device).reshape([rows, width])
}

/// Computes forward and backward as one would write it by hand, with frozen weights.
fn by_hand<M: Model<Tensor<D>>, const D: usize>(net: &M, input: &Tensor<D>) -> Tensor<D> {
    let leaf = input.clone().autodiff().require_grad();
    let scores: Tensor<2> = net.forward(leaf.clone());
    let class = scores.clone().inner().argmax(1);
    let score = scores.gather(1, Tensor::from_inner(class)).sum();
    leaf.grad(&score.backward()).expect("a gradient")
}

/// Returns the median time of a call in microseconds: by each of two functions, in turn.
fn times(this: impl Fn(), other: impl Fn()) -> [f64; 2] {
    let (this, other): (&dyn Fn(), &dyn Fn()) = (&this, &other);
    let calls = |run: &dyn Fn(), count: usize| {
        let start = Instant::now();
        (0..count).for_each(|_| run());
        1e6 * start.elapsed().as_secs_f64() / count as f64
    };
    // As many calls as fit into a hundredth of a second.
    let count = |run: &dyn Fn()| ((1e4 / calls(run, 3)) as usize).clamp(1, 1000);
    let counts = [count(this), count(other)];
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        all[0].push(calls(this, counts[0]));
        all[1].push(calls(other, counts[1]));
    }
    all.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

type Explains = Box<dyn Explainer<Dense, Tensor<2>>>;

fn small(device: &Device) {
    let net = Dense::new(4, 16, device);
    let frozen = net.valid();
    let [row, rows] = [table(1, 4, device), table(50, 4, device)];
    let schedule = Schedule::new;
    let explainers: [(&str, f64, &Tensor<2>, Explains); 5] = [
        ("gradient", 2.0, &row, Box::new(Gradient::new())),
        ("IG, 50 points", 3.0, &rows, Box::new(IntegratedGradients::new())),
        ("SmoothGrad, 50 samples", 5.0, &rows, Box::new(SmoothGrad::default())),
        (
            "ExpectedGradients, 50 samples",
            5.0,
            &rows,
            Box::new(ExpectedGradients::new(rows.clone()).with_schedule(schedule())),
        ),
        ("IG to 5 %", 3.0, &row, Box::new(IntegratedGradients::new().with_tolerance(0.05))),
    ];
    println!("one row of 4 values, network 4-16-3; the gradients by hand at once");
    for (name, most, at_once, explainer) in explainers {
        let [ours, hand] = times(
            || drop(black_box(explainer.attribute(&net, row.clone()).expect("a map"))),
            || drop(black_box(by_hand(&frozen, at_once))),
        );
        println!("{:6.2} (at most {most}) {name}: {ours:.1} us to {hand:.1} us", ours / hand);
    }
}

/// Prints how long a gradient by hand takes inside rayon's pool and outside.
fn in_pool<M: Model<Tensor<D>>, const D: usize>(name: &str, net: &M, input: &Tensor<D>) {
    let frozen = net.valid();
    let [inside, outside] = times(
        || rayon::scope(|_| drop(black_box(by_hand(&frozen, input)))),
        || drop(black_box(by_hand(&frozen, input))),
    );
    let params = net.num_params();
    let ratio = inside / outside;
    println!("{ratio:6.2} {name}, {params} parameters: {inside:.1} us to {outside:.1} us");
}

fn pool(device: &Device) {
    println!("one gradient by hand, inside rayon's pool to outside");
    for (inputs, hidden, rows) in
        [(4, 16, 1), (4, 16, 50), (13, 16, 1000), (64, 256, 1), (64, 256, 50), (256, 2048, 1)]
    {
        let name = format!("network {inputs}-{hidden}-3, {rows} rows");
        in_pool(&name, &Dense::new(inputs, hidden, device), &table(rows, inputs, device));
    }
    for rows in [1, 4, 16] {
        let input = table(rows, 3 * 32 * 32, device).reshape([rows, 3, 32, 32]);
        in_pool(&format!("CIFAR CNN, {rows} rows"), &CifarCnn::embedded(device), &input);
    }
    for (channels, side) in [(4, 16), (8, 32), (16, 32), (32, 32)] {
        let conv = burn::nn::conv::Conv2dConfig::new([3, channels], [3, 3]).init(device);
        let net = saliency::ModelFn::new(conv, |net: &burn::nn::conv::Conv2d, x: Tensor<4>| {
            relu(net.forward(x)).mean_dims(&[2, 3]).flatten(1, 3)
        });
        let input = table(1, 3 * side * side, device).reshape([1, 3, side, side]);
        in_pool(&format!("one convolution to {channels} channels, {side} x {side}"), &net, &input);
    }
}

fn explainer(name: &str) -> Explains {
    let ig = IntegratedGradients::new;
    match name {
        "gradient" => Box::new(Gradient::new()),
        "points" => Box::new(ig().with_steps(50)),
        "tolerance" => Box::new(ig().with_tolerance(0.05)),
        "fine" => Box::new(ig().with_tolerance(0.01)),
        "smooth" => Box::new(SmoothGrad::default()),
        name => panic!("no explainer {name}"),
    }
}

/// Explains a table in this process, and prints the seconds, the peak in MiB and the gradients.
fn one(task: &str) {
    let device = Device::flex();
    let (name, rows) = task.split_once(' ').expect("a method and rows");
    let input = table(rows.parse().expect("rows"), 13, &device);
    let net = Dense::new(13, 16, &device);
    let start = Instant::now();
    let gradients: usize = if name == "hand" {
        let frozen = net.valid();
        let rows = input.dims()[0];
        for start in (0..50 * rows).step_by(5000) {
            black_box(by_hand(&frozen, &input.clone().narrow(0, start % rows, 5000)));
        }
        50 * rows
    } else {
        let map = explainer(name).attribute(&net, input).expect("a map");
        map.evaluations.iter().sum()
    };
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
    let peak: f64 = peak.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("KiB");
    println!("{seconds} {} {gradients}", peak / 1024.0);
}

fn measured(task: &str) -> [f64; 3] {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).env("TASK", task).output().expect("a run");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    numbers.try_into().expect("seconds, a peak and gradients")
}

/// Prints the best of three runs of each method.
fn tables(rows: usize, names: &[&str], runs: usize) {
    println!("{rows} rows of 13 values, network 13-16-3, in one call");
    let mut of_points = None;
    for name in names {
        let runs: Vec<[f64; 3]> = (0..runs).map(|_| measured(&format!("{name} {rows}"))).collect();
        let least = |at: usize| runs.iter().map(|run| run[at]).fold(f64::INFINITY, f64::min);
        let [seconds, peak, gradients] = [0, 1, 2].map(least);
        if *name == "points" {
            of_points = Some([seconds, peak]);
        }
        let [time, memory] = of_points.map_or([f64::NAN; 2], |[s, p]| [seconds / s, peak / p]);
        println!(
            "{name}: {seconds:.2} s, peak {peak:.0} MiB, {:.1} gradients a row; to 50 points: time \
             {time:.2}, memory {memory:.2}",
            gradients / rows as f64
        );
    }
}

/// Prints how many calls of a slow model run at once.
fn nested(device: &Device) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (present, peak) = (now, most.clone());
    let model = pure_function(move |x: Tensor<2>| {
        peak.fetch_max(present.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        present.fetch_sub(1, Ordering::SeqCst);
        x.powi_scalar(2).sum_dim(1)
    });
    let path = |steps| IntegratedGradients::new().with_steps(steps);
    let around = |samples, steps| {
        let noise = NoiseScale::Absolute(0.1);
        SmoothGrad::new(path(steps)).with_samples(samples).with_noise(noise)
    };
    println!("one row of 3,072 values, a model that sleeps for 5 ms, eight cores");
    let row = table(1, 3072, device);
    let explain = |name: &str, explainer: &dyn Explainer<_, Tensor<2>>| {
        let start = Instant::now();
        let map = explainer.attribute_to(&model, row.clone(), Target::Class(0));
        drop(map.expect("a map"));
        let (seconds, most) = (start.elapsed().as_secs_f64(), most.swap(0, Ordering::SeqCst));
        println!("{most:3} at once, {seconds:.3} s: {name}");
    };
    explain("IG of 500 points", &path(500));
    explain("SmoothGrad of 10 samples of IG of 50 points", &around(10, 50));
    explain("SmoothGrad of 50 samples of IG of 50 points", &around(50, 50));
}

fn main() {
    if let Ok(task) = std::env::var("TASK") {
        return if task == "nested" { nested(&Device::flex()) } else { one(&task) };
    }
    let parts = std::env::var("CALLS").unwrap_or_else(|_| "small,pool,tables,nested".to_owned());
    let has = |part: &str| parts.split(',').any(|it| it == part);
    let device = Device::flex();
    if has("small") {
        small(&device);
    }
    if has("pool") {
        pool(&device);
    }
    if has("tables") {
        tables(100_000, &["gradient", "hand", "points", "tolerance", "fine", "smooth"], 3);
    }
    if has("million") {
        tables(1_000_000, &["points", "tolerance"], 1);
    }
    if has("nested") {
        // The number of cores is set before rayon's pool is made.
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program);
        process.env("TASK", "nested").env("RAYON_NUM_THREADS", "8").status().expect("a run");
    }
}
