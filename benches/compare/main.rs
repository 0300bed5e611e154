//! Why leave Captum? The same network, photo and error by both, one after the other in one sitting.
//!
//! ```text
//! bash benches/compare/run.sh                     # everything, with the peer's installation
//! SALIENCY_COMPARE=ig,memory bash benches/compare/run.sh   # parts: vanilla, ig, error, smooth, memory, start, limit
//! SALIENCY_COMPARE=ig-resnet18,limit-resnet18 bash benches/compare/run.sh   # of one network
//! ```
//!
//! Every line is a median over rounds in which both sides take turns, and the ratio of ours to
//! Captum's; Captum gets the internal batch and the memory format that are fastest here. Each side
//! rests before its turn, as a service does between two requests. The true error is that against one
//! map from 2,000 points, made by Captum, and both sides get the fewest points that reach it. Times are
//! seconds, memory is a process's peak.

mod captum;
mod limit;

use std::process::Command;
use std::time::{Duration, Instant};

use burn::module::Module as _;
use burn::tensor::{Device, Tensor};
use captum::{Captum, Request};
use saliency::photo::Preparation;
use saliency::{
    Explainer, Gradient, IntegratedGradients, Model, Rule, Schedule, SmoothGrad, Target,
};
use saliency_benches::{median, process_memory, read_floats, write_floats};
use saliency_flex::fold_batch_norms;
use saliency_models::{EfficientNetLite0, ResNet, photos};
use saliency_testkit::drop_in::flex_layers::MobileNet;
use saliency_testkit::values;

const ROUNDS: usize = 7;
/// Internal batches and memory formats that Captum is tried with.
const BATCHES: [usize; 5] = [1, 2, 5, 10, 25];
const FORMATS: [&str; 2] = ["contiguous", "channels_last"];
const REFERENCE: usize = 2000;
/// The pause before each side's turn.
const REST: Duration = Duration::from_millis(200);

fn main() {
    if let Ok(task) = std::env::var("TASK") {
        return memory_of(&task);
    }
    let Some(peers) = std::env::var_os("SALIENCY_PEERS") else {
        println!("skipped: SALIENCY_PEERS names no Python environment; see benches/compare/run.sh");
        return;
    };
    let peers = std::path::PathBuf::from(peers);
    let parts = std::env::var("SALIENCY_COMPARE")
        .unwrap_or_else(|_| "vanilla,ig,smooth,error,memory,start".to_owned());
    let has = |part: &str| parts.split(',').any(|it| it == part);
    let has_net = |part: &str, net: &str| has(part) || has(&format!("{part}-{net}"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut captum = Captum::start(&peers, cores);

    let device = Device::flex();
    let lite0 = captum.lite0(&device);
    let cat = Photo::new("cat", &photos::chelsea(), &device, &lite0);
    let coffee = Photo::new("coffee", &photos::coffee(), &device, &lite0);
    println!("{cores} cores\n");
    println!("| what | ours | Captum | its batch and format | ratio | at most |");
    println!("|---|---|---|---|---|---|");

    let rule = "gausslegendre";
    if has_net("vanilla", "lite0") {
        let (what, request) = ("vanilla, EfficientNet-Lite0", cat.request("gradient", 1));
        row(what, "1.0", &mut captum, &[1], &request, || seconds(&Gradient::new(), &lite0, &cat));
    }
    if has_net("ig", "lite0") {
        for (name, ours, theirs) in [
            ("Gauss-Legendre", Rule::GaussLegendre, rule),
            ("midpoints", Rule::Midpoint, "riemann_middle"),
        ] {
            let explainer = IntegratedGradients::new().with_rule(ours);
            let request = Request { rule: theirs, ..cat.request("ig", 50) };
            let what = format!("IG, 50 {name}, EfficientNet-Lite0");
            row(&what, "0.55", &mut captum, &BATCHES, &request, || {
                seconds(&explainer, &lite0, &cat)
            });
        }
    }
    device.seed(0);
    let resnet18 = Network {
        name: "ResNet-18",
        id: "resnet18",
        net: ResNet::new_18(&device).valid().folded(),
        multiply_adds: 1.82e9,
        most: ["0.7", "0.9"],
    };
    let resnet50 = Network {
        name: "ResNet-50",
        id: "resnet50",
        net: ResNet::new_50(&device).valid().folded(),
        multiply_adds: 4.09e9,
        most: ["1.0", "1.0"],
    };
    // As a user writes it: Burn's layers, one `use` line changed, and BatchNorm folded.
    let mobilenet = MobileNet::v2(&device);
    let folded = fold_batch_norms(&mobilenet, |net| net.forward(cat.input.clone()));
    let mobilenet = Network {
        name: "MobileNetV2",
        id: "mobilenet_v2",
        net: folded.expect("it has BatchNorm"),
        multiply_adds: 0.3e9,
        most: ["1.0", "1.0"],
    };
    resnet18.compare(&mut captum, &cat, has_net);
    resnet50.compare(&mut captum, &cat, has_net);
    mobilenet.compare(&mut captum, &cat, has_net);
    if has("smooth") {
        let request = cat.request("smooth", 50);
        row(
            "SmoothGrad, 50 samples, EfficientNet-Lite0",
            "1.0",
            &mut captum,
            &BATCHES,
            &request,
            || seconds(&SmoothGrad::default(), &lite0, &cat),
        );
    }
    if has("error") {
        for photo in [&cat, &coffee] {
            to_error(&mut captum, &lite0, photo);
        }
    }
    drop(captum);
    if has("memory") {
        memory(&peers, &cat, cores);
    }
    if has("start") {
        start(&peers);
    }
    if has_net("limit", "lite0") {
        limit::print("EfficientNet-Lite0", 0.385e9, &lite0, &cat.input, cores);
    }
    resnet18.limit(&cat, cores, has_net);
    resnet50.limit(&cat, cores, has_net);
    mobilenet.limit(&cat, cores, has_net);
}

/// A network of torchvision, with random weights, and with BatchNorm folded into its convolutions.
struct Network<M> {
    name: &'static str,
    /// Its name in torchvision.
    id: &'static str,
    net: M,
    /// Those of a forward pass.
    multiply_adds: f64,
    /// The largest ratios to Captum's time: of a gradient, and of Integrated Gradients.
    most: [&'static str; 2],
}

impl<M: Model<Tensor<4>>> Network<M> {
    fn compare(&self, captum: &mut Captum, photo: &Photo, has: impl Fn(&str, &str) -> bool) {
        let Self { name, id, net, most, .. } = self;
        if has("vanilla", id) {
            let request = Request { net: id, ..photo.request("gradient", 1) };
            let what = format!("vanilla, {name}");
            row(&what, most[0], captum, &[1], &request, || seconds(&Gradient::new(), net, photo));
        }
        if has("ig", id) {
            let request = Request { net: id, ..photo.request("ig", 50) };
            let what = format!("IG, 50 Gauss-Legendre, {name}");
            let explainer = IntegratedGradients::new();
            row(&what, most[1], captum, &BATCHES, &request, || seconds(&explainer, net, photo));
        }
    }

    fn limit(&self, photo: &Photo, cores: usize, has: impl Fn(&str, &str) -> bool) {
        if has("limit", self.id) {
            limit::print(self.name, self.multiply_adds, &self.net, &photo.input, cores);
        }
    }
}

/// A photo in the form that both sides get.
struct Photo {
    name: &'static str,
    input: Tensor<4>,
    target: usize,
    file: tempfile::NamedTempFile,
}

impl Photo {
    fn new(
        name: &'static str,
        photo: &image::RgbImage,
        device: &Device,
        net: &EfficientNetLite0,
    ) -> Self {
        let input = Preparation::imagenet().tensor(photo, device);
        let target = net.forward(input.clone()).argmax(1).into_scalar::<i64>() as usize;
        let file = tempfile::NamedTempFile::new().expect("a file");
        write_floats(file.path(), &values(&input));
        Self { name, input, target, file }
    }

    fn request(&self, method: &'static str, points: usize) -> Request<'_> {
        let (input, target) = (self.file.path(), self.target);
        let (net, rule, batch, format) = ("lite0", "gausslegendre", 1, FORMATS[0]);
        Request { net, input, target, method, points, rule, batch, format, save: None }
    }
}

/// Explains once with this library, and reads the values back.
fn seconds<M: Model<Tensor<4>>>(
    explainer: &dyn Explainer<M, Tensor<4>>,
    net: &M,
    photo: &Photo,
) -> f64 {
    let start = Instant::now();
    let map = explainer.attribute_to(net, photo.input.clone(), Target::Class(photo.target));
    std::hint::black_box(values(&map.expect("a map").values));
    start.elapsed().as_secs_f64()
}

/// Measures both sides in turn, and prints a line of the table.
fn row(
    what: &str,
    most: &str,
    captum: &mut Captum,
    batches: &[usize],
    request: &Request,
    mut ours: impl FnMut() -> f64,
) {
    ours();
    let settings = batches.iter().flat_map(|batch| FORMATS.map(|format| (*batch, format)));
    let tried = settings.map(|(batch, format)| {
        let request = Request { batch, format, ..*request };
        captum.ask(&request);
        (captum.ask(&request).min(captum.ask(&request)), request)
    });
    let (_, request) = tried.min_by(|a, b| a.0.total_cmp(&b.0)).expect("batches");
    captum.ask(&request);
    // A short explanation needs more rounds.
    let rounds = if ours() < 0.5 { 5 * ROUNDS } else { ROUNDS };
    // The threads of each side keep looking for work for a while, and would take a core from the other.
    let rest = || std::thread::sleep(REST);
    let turn = |_| {
        rest();
        let own = ours();
        rest();
        (own, captum.ask(&request))
    };
    let times: Vec<(f64, f64)> = (0..rounds).map(turn).collect();
    let ours = median(times.iter().map(|time| time.0).collect());
    let theirs = median(times.iter().map(|time| time.1).collect());
    let (ratio, Request { batch, format, .. }) = (ours / theirs, request);
    println!("| {what} | {ours:.3} | {theirs:.3} | {batch}, {format} | {ratio:.2} | {most} |");
}

/// Times to a true error of 5 and of 2 %, with the fewest points that reach it.
fn to_error(captum: &mut Captum, net: &EfficientNetLite0, photo: &Photo) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let reference = Request {
        rule: "riemann_middle",
        batch: 10,
        save: Some(file.path()),
        ..photo.request("ig", REFERENCE)
    };
    captum.ask(&reference);
    let right = read_floats(file.path());
    let explain = |explainer: IntegratedGradients| {
        let target = Target::Class(photo.target);
        let map = explainer.attribute_to(net, photo.input.clone(), target).expect("a map");
        let found = values(&map.values);
        let pairs = || found.iter().zip(&right).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let difference: f64 = pairs().map(|(a, b)| (a - b).abs()).sum();
        (difference / pairs().map(|(_, b)| b.abs()).sum::<f64>(), map.evaluations[0])
    };
    for (percent, most) in [(5.0, "0.6"), (2.0, "")] {
        let wanted = percent / 100.0;
        // The maps of both sides from the same points are the same, so that ours show how many
        // points Captum needs. Its error falls like 1/n with ripples: from well below upwards.
        let with_points = |steps: usize| explain(IntegratedGradients::new().with_steps(steps)).0;
        let about = (50.0 * with_points(50) / wanted) as usize;
        let step = (about / 60).max(1);
        let points = (about * 3 / 4..).step_by(step).find(|steps| with_points(*steps) <= wanted);
        let points = points.expect("enough points");
        // The estimate is an upper bound: the loosest tolerance that is met.
        let tolerances = (0..40).map(|k| wanted * (1.5 - 0.0125 * f64::from(k)));
        let reached = tolerances.map(|tolerance| {
            (tolerance, explain(IntegratedGradients::new().with_tolerance(tolerance)))
        });
        let (tolerance, (error, gradients)) =
            reached.into_iter().find(|(_, (error, _))| *error <= wanted).expect("enough points");
        let what = |gradients: usize, error: f64| {
            format!(
                "IG to a true {percent} %, {}: {gradients} gradients ({:.1} %), Captum {points}",
                photo.name,
                100.0 * error
            )
        };
        let explainer = IntegratedGradients::new().with_tolerance(tolerance);
        let request = photo.request("ig", points);
        row(&what(gradients, error), most, captum, &BATCHES, &request, || {
            seconds(&explainer, net, photo)
        });
        let (error, gradients) = explain(IntegratedGradients::new().with_tolerance(wanted));
        let explainer = IntegratedGradients::new().with_tolerance(wanted);
        let what = format!("{}, as asked for", what(gradients, error));
        row(&what, "", captum, &BATCHES, &request, || seconds(&explainer, net, photo));
    }
}

/// Returns the peak of a process that explains once, in MiB.
fn memory_of(task: &str) {
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let input = Preparation::imagenet().tensor(&photos::chelsea(), &device);
    let (steps, chunk) = task.split_once(',').expect("steps and chunk");
    let [steps, chunk] = [steps, chunk].map(|number| number.parse().expect("a number"));
    let explainer = IntegratedGradients::new().with_steps(steps);
    let explainer = explainer.with_schedule(Schedule::new().with_chunk(chunk));
    explainer.attribute(&net, input).expect("a map");
    println!("{}", process_memory("VmHWM").expect("Linux"));
}

fn memory(peers: &std::path::Path, photo: &Photo, cores: usize) {
    let ours = |steps: usize, chunk: usize| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).env("TASK", format!("{steps},{chunk}")).output();
        let text = String::from_utf8(output.expect("a run").stdout).expect("text");
        text.trim().parse::<f64>().expect("a peak")
    };
    for (steps, chunk) in [(50, 1), (50, 10), (1000, 1)] {
        let mut captum = Captum::start(peers, cores);
        let request = Request { batch: chunk, ..photo.request("ig", steps) };
        captum.ask(&request);
        let (ours, theirs) = (ours(steps, chunk), captum.peak());
        let (what, ratio) = (format!("peak memory, IG, {steps} points, MiB"), ours / theirs);
        println!("| {what} | {ours:.0} | {theirs:.0} | {chunk} | {ratio:.2} | 0.25 |");
    }
}

/// Measures the time from the start of a process to a heat map on disk.
fn start(peers: &std::path::Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("cat.png");
    photos::chelsea().save(&photo).expect("a photo");
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = std::env::current_exe().expect("this program");
    let explain = built.parent().and_then(|deps| deps.parent()).expect("a folder");
    let explain = explain.join("examples/explain");
    for (method, theirs, most) in
        [("gradient", "gradient", "0.15"), ("integrated-gradients", "ig", "0.6")]
    {
        let run = |command: &mut Command| {
            let start = Instant::now();
            let output = command.output().expect("a run");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            start.elapsed().as_secs_f64()
        };
        let ours = || {
            let mut command = Command::new(&explain);
            command.arg(&photo).args([
                "--device",
                "flex",
                "--mode",
                "heat-map",
                "--no-cover",
                "--method",
                method,
            ]);
            run(command.arg("--out").arg(folder.path()))
        };
        let captum = || {
            let mut command = Command::new(peers.join("bin/python"));
            command.arg(here.join("compare/captum_first_map.py")).arg(&photo).arg(theirs);
            run(command.arg(folder.path().join("captum.png")))
        };
        ours();
        captum();
        let times: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ours(), captum())).collect();
        let ours = median(times.iter().map(|time| time.0).collect());
        let theirs = median(times.iter().map(|time| time.1).collect());
        let ratio = ours / theirs;
        println!(
            "| process to heat map, {method} | {ours:.2} | {theirs:.2} | 1 | {ratio:.2} | {most} |"
        );
    }
}
