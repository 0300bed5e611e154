//! How long Guided IG and Blur IG of a photo take, beside PAIR's library on the same network in
//! PyTorch.
//!
//! ```text
//! cargo bench --profile dev -p saliency-benches --bench paths -- python3 [rounds] [steps]
//! ```
//!
//! The argument is a Python with torch and saliency 0.2.1: see `paths_pair.py`. Both are measured in
//! turn with the same number of threads, and the medians compared. The maps are compared too: the
//! network is the same, but single precision moves a few values.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use saliency::methods::{BlurKernel, BlurSpacing, Border};
use saliency::{BlurIg, Explainer, GuidedIg, IntegratedGradients, Rule, Target};
use saliency_models::{EfficientNetLite0, photos};
use saliency_testkit::{relative_l1, values};
use serde_json::{Value, json};

type Method = Box<dyn Explainer<EfficientNetLite0, Tensor<4>>>;

/// The class of the photo: Egyptian cat.
const TARGET: usize = 285;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let python = arguments.next().unwrap_or_else(|| "python3".to_owned());
    let mut number =
        |default: usize| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (rounds, steps) = (number(3), number(50));
    let folder = tempfile::tempdir().expect("a folder");
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let photo = saliency::photo::Preparation::imagenet().tensor(&photos::chelsea(), &device);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut pair = Pair::start(&python, folder.path(), &photo, threads);
    let explain = |explainer: &Method| {
        let start = Instant::now();
        let map =
            explainer.attribute_to(&net, photo.clone(), Target::Class(TARGET)).expect("a map");
        (start.elapsed().as_secs_f64(), map)
    };

    println!("{steps} steps, {threads} threads, medians of {rounds}");
    // One gradient after the other, the least that a path of as many moves can take.
    let one = IntegratedGradients::new().with_steps(steps);
    let times = (0..rounds).map(|_| explain(&(Box::new(one.clone()) as Method)).0);
    println!("Integrated Gradients, {steps} points: {:.2} s", median(times.collect()));
    for (name, explainer) in methods(steps) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let saved = folder.path().join(name);
        for _ in 0..rounds {
            theirs.push(pair.explain(name, steps, &saved));
            ours.push(explain(&explainer).0);
        }
        let found: Vec<f32> = values(&explain(&explainer).1.values);
        let expected = std::fs::read(&saved).expect("a map");
        let expected = expected.as_chunks().0.iter().copied().map(f32::from_le_bytes);
        let off = relative_l1(&found, &expected.collect::<Vec<f32>>());
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "{name}: {ours:.2} s, PAIR {theirs:.2} s, ratio {:.2}; the maps differ by {:.1} %",
            ours / theirs,
            100.0 * off
        );
    }
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

/// A process that explains the photo by PAIR's library.
struct Pair {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pair {
    fn start(python: &str, folder: &Path, photo: &Tensor<4>, threads: usize) -> Self {
        let input: PathBuf = folder.join("photo");
        let bytes: Vec<u8> = values(photo).into_iter().flat_map(f32::to_le_bytes).collect();
        std::fs::write(&input, bytes).expect("a file");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("paths_pair.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(input)
            .args([TARGET.to_string(), threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, requests, answers }
    }

    /// Explains the photo, saves the map, and returns the seconds.
    fn explain(&mut self, method: &str, steps: usize, saved: &Path) -> f64 {
        let request = json!({ "method": method, "steps": steps, "save": saved });
        writeln!(self.requests, "{request}").expect("a request");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).expect("JSON; see the error above");
        answer["seconds"].as_f64().expect("seconds")
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // It ends by itself when its input does; nothing is lost if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
