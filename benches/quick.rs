//! Quick times, for development.
use burn::module::Module as _;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2dConfig;
use burn::tensor::{Device, Distribution, Tensor};
use saliency::{Explainer, Gradient, IntegratedGradients, Model, Schedule};
use saliency_flex::Conv;
use saliency_models::{EfficientNetLite0, ResNet};
use std::time::Instant;

fn best(rounds: usize, mut run: impl FnMut()) -> f64 {
    run();
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn layer(
    device: &Device,
    pool: &rayon::ThreadPool,
    io: [usize; 2],
    k: usize,
    stride: usize,
    side: usize,
    rows: usize,
    groups: usize,
) {
    let padding = PaddingConfig2d::Explicit(k / 2, k / 2, k / 2, k / 2);
    let conv = Conv2dConfig::new(io, [k, k])
        .with_stride([stride, stride])
        .with_padding(padding)
        .with_groups(groups)
        .init(device);
    let conv = Conv::frozen(conv.valid());
    let x = Tensor::<4>::random([rows, io[0], side, side], Distribution::Default, device);
    let (forward, both) = pool.install(|| {
        let forward = best(20, || drop(std::hint::black_box(conv.forward(x.clone()).into_data())));
        let leaf = x.clone().autodiff().require_grad();
        let out = conv.forward(leaf.clone());
        let up = Tensor::<4>::random(out.dims(), Distribution::Default, device);
        let both = best(20, || {
            let leaf = x.clone().autodiff().require_grad();
            let out = conv.forward(leaf.clone());
            let gradients = (out * up.clone().autodiff()).sum().backward();
            drop(std::hint::black_box(leaf.grad(&gradients).unwrap().into_data()));
        });
        (forward, both)
    });
    let out = side.div_ceil(stride);
    let flop = 2.0 * (rows * io[0] / groups * io[1] * k * k * out * out) as f64;
    println!(
        "{io:?} {k}x{k}/{stride} side {side} rows {rows} groups {groups}: forward {:.3} ms ({:.0} GF/s), back {:.3} ms ({:.0} GF/s)",
        forward * 1e3,
        flop / forward / 1e9,
        (both - forward) * 1e3,
        flop / (both - forward) / 1e9
    );
}

fn net<M: Model<Tensor<4>>>(name: &str, net: &M, input: &Tensor<4>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let frozen = net.valid();
    let by_hand = || {
        let leaf = input.clone().autodiff().require_grad();
        let score = frozen.forward(leaf.clone()).max();
        let gradient = leaf.grad(&score.backward()).expect("a gradient");
        std::hint::black_box(gradient.into_data());
    };
    let alone = pool.install(|| best(10, by_hand));
    let forward = pool.install(|| best(10, || drop(frozen.forward(input.clone()).into_data())));
    let two = best(15, || drop(Gradient::new().attribute(net, input.clone()).unwrap()));
    println!(
        "{name}: one core {:.1} ms (forward {:.1}), vanilla {:.1} ms",
        alone * 1e3,
        forward * 1e3,
        two * 1e3
    );
    for chunk in std::env::var("CHUNKS").unwrap_or("1".into()).split(',') {
        let schedule = Schedule::new().with_chunk(chunk.parse::<usize>().unwrap());
        let explainer = IntegratedGradients::new().with_steps(50).with_schedule(schedule);
        let ig = best(3, || drop(explainer.attribute(net, input.clone()).unwrap()));
        println!("  50 points, {chunk} a chunk: {ig:.3} s");
    }
}

fn main() {
    let device = Device::flex();
    let parts = std::env::var("PARTS").unwrap_or("layers,resnet18,lite0".into());
    if parts.contains("layers") {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let l = |io, k, s, side, rows| layer(&device, &pool, io, k, s, side, rows, 1);
        l([3, 64], 7, 2, 224, 1);
        for rows in [1, 4] {
            l([64, 64], 3, 1, 56, rows);
            l([128, 128], 3, 1, 28, rows);
            l([256, 256], 3, 1, 14, rows);
            l([512, 512], 3, 1, 7, rows);
        }
        l([64, 128], 3, 2, 56, 1);
        l([128, 256], 3, 2, 28, 1);
        l([256, 512], 3, 2, 14, 1);
        l([64, 128], 1, 2, 56, 1);
        l([3, 32], 3, 2, 224, 1);
        l([16, 96], 1, 1, 112, 1);
        l([96, 24], 1, 1, 56, 1);
        l([240, 40], 1, 1, 28, 1);
        l([80, 480], 1, 1, 14, 1);
        l([672, 112], 1, 1, 14, 1);
        l([192, 1152], 1, 1, 7, 1);
        l([320, 1280], 1, 1, 7, 1);
        layer(&device, &pool, [96, 96], 3, 2, 112, 1, 96);
        layer(&device, &pool, [480, 480], 5, 1, 14, 1, 480);
    }
    let input = Tensor::<4>::random([1, 3, 224, 224], Distribution::Default, &device);
    if parts.contains("resnet18") {
        net("ResNet-18", &ResNet::new_18(&device).valid().folded(), &input);
    }
    if parts.contains("resnet50") {
        net("ResNet-50", &ResNet::new_50(&device).valid().folded(), &input);
    }
    if parts.contains("lite0") {
        net("EfficientNet-Lite0", &EfficientNetLite0::embedded(&device), &input);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
}
