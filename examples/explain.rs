//! Where did the classifier look? A heat map for a photograph, from EfficientNet-Lite0.
//!
//! ```text
//! cargo run --example explain                                   # the cat that ships
//! cargo run --example explain -- PHOTO... --method smooth-grad --target "tabby" --out maps
//! cargo run --example explain -- --tolerance 0.05 --instead-of "tabby" --baseline blurred
//! cargo run --example explain -- --list-devices
//! cargo run --features vulkan --example explain -- --device vulkan
//! ```

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use clap::{Parser, ValueEnum};
use image::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};
use saliency::backends::{Backend, ComputeDevice};
use saliency::viz::{Map, Picture, Reduce, blurred, read_photo, write_png};
use saliency::{
    Baseline, ExpectedGradients, Explainer, Gradient, InputTimesGradient, IntegratedGradients,
    Model as _, Schedule, Score, SmoothGrad, SmoothGradSquared, Target, VarGrad,
};
use saliency_models::{EfficientNetLite0, Preparation, imagenet, photos};

/// Shows where an ImageNet classifier looked in a photograph.
#[derive(Parser)]
struct Args {
    /// JPEG, PNG or WebP photos; without any, the cat that ships with the library
    photos: Vec<PathBuf>,
    /// How to explain
    #[arg(long, value_enum, default_value_t = Method::IntegratedGradients)]
    method: Method,
    /// The class to explain, by name or index [default: the one that the model predicts]
    #[arg(long)]
    target: Option<String>,
    /// What speaks for the class rather than for this other one, by name or index
    #[arg(long)]
    instead_of: Option<String>,
    /// What is explained of the class
    #[arg(long, value_enum, default_value_t = ScoreKind::Logit)]
    score: ScoreKind,
    /// Where the path of integrated-gradients starts
    #[arg(long, value_enum, default_value_t = BaselineKind::Grey)]
    baseline: BaselineKind,
    /// Points on the path of integrated-gradients
    #[arg(long, default_value_t = 50)]
    steps: usize,
    /// Samples for the methods that draw them
    #[arg(long, default_value_t = 50)]
    samples: usize,
    /// Instead of a fixed number: go on until the relative error is at most this (of the whole map
    /// for integrated-gradients, of the median pixel for the methods that draw samples; the two that
    /// take a single gradient have none)
    #[arg(long)]
    tolerance: Option<f64>,
    /// The most gradients that are taken to reach a tolerance
    #[arg(long, default_value_t = 1000)]
    limit: usize,
    /// What computes: flex, ndarray, wgpu, vulkan:0, cuda:0, remote:ws://HOST:PORT and others
    /// [default: what SALIENCY_DEVICE names, or the best there is]
    #[arg(long)]
    device: Option<String>,
    /// Lists the devices that there are, and ends
    #[arg(long)]
    list_devices: bool,
    /// The folder to write pictures to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    Gradient,
    InputXGradient,
    IntegratedGradients,
    ExpectedGradients,
    SmoothGrad,
    SmoothGradSquared,
    VarGrad,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScoreKind {
    Logit,
    LogProbability,
    Probability,
}

#[derive(Clone, Copy, ValueEnum)]
enum BaselineKind {
    Grey,
    Black,
    White,
    Blurred,
    Noise,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            // What is wrong and what is possible, on one line and without the usage.
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.starts_with("Usage"));
            let lines = lines.map(str::trim).take_while(|line| !line.starts_with("For more"));
            let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            eprintln!("{}", lines.join(" "));
            return ExitCode::FAILURE;
        }
        Err(help) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if args.list_devices {
        list_devices();
        return Ok(());
    }
    let target = args.target.as_deref().map(imagenet::find).transpose()?;
    let other = args.instead_of.as_deref().map(imagenet::find).transpose()?;
    // Rather now than after the work: a file that vanishes at once.
    let writable =
        std::fs::create_dir_all(&args.out).and_then(|()| tempfile::tempfile_in(&args.out));
    writable.map_err(|error| {
        format!("expected a folder to write to at {}, found: {error}", args.out.display())
    })?;

    let compute = match &args.device {
        Some(name) => name.parse::<Backend>()?.open()?,
        None => Backend::open_preferred()?,
    };
    let net = EfficientNetLite0::embedded(compute.device());
    if args.photos.is_empty() {
        return explain(args, (&compute, &net), "chelsea", &photos::chelsea(), (target, other));
    }
    let mut names = HashSet::new();
    let mut failed = 0;
    for path in &args.photos {
        let name = unused_name(path, &mut names);
        let explained = read_photo(path)
            .map_err(Into::into)
            .and_then(|photo| explain(args, (&compute, &net), &name, &photo, (target, other)));
        if let Err(error) = explained {
            // One bad photo must not keep the others from being explained; a bad option does.
            let option =
                matches!(error.downcast_ref(), Some(saliency::Error::InvalidOption { .. }));
            if option || args.photos.len() == 1 {
                return Err(error);
            }
            eprintln!("error: {name}: {error}");
            failed += 1;
        }
    }
    match failed {
        0 => Ok(()),
        _ => {
            let all = args.photos.len();
            Err(format!("expected to explain {all} photos, found {failed} that could not be")
                .into())
        }
    }
}

fn explain(
    args: &Args,
    (compute, net): (&ComputeDevice, &EfficientNetLite0),
    name: &str,
    photo: &RgbImage,
    (target, other): (Option<usize>, Option<usize>),
) -> Result<()> {
    let preparation = Preparation::imagenet();
    let input = preparation.tensor(photo, compute.device());

    println!("{name}: the five likeliest classes");
    let probabilities = softmax(net.forward(input.clone()), 1);
    let (values, classes) = probabilities.clone().topk_with_indices(5, 1);
    let classes: Vec<i64> = classes.into_data().iter().collect();
    for (value, class) in values.into_data().iter::<f32>().zip(&classes) {
        println!("  {:5.1} %  {}", 100.0 * value, class_name(*class as usize));
    }
    let class = target.unwrap_or(classes[0] as usize);
    let target = match other {
        Some(other) => Target::Difference(class, other),
        None => Target::Class(class),
    };
    let target = target.with_score(match args.score {
        ScoreKind::Logit => Score::Output,
        ScoreKind::LogProbability => Score::LogProbability,
        ScoreKind::Probability => Score::Probability,
    });

    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left")?);
    let schedule = compute.schedule().with_progress({
        let bar = bar.clone();
        move |progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        }
    });
    let schedule = match compute.memory_budget(BYTES_PER_PHOTO) {
        Some(budget) => schedule.with_memory(budget),
        None => schedule,
    };
    let start = Instant::now();
    let map = explainer(args, schedule, &input)?.attribute_to(net, input, target)?;
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();

    let probability = |class: usize| {
        let probability = probabilities.clone().slice([0..1, class..class + 1]);
        100.0 * probability.into_scalar::<f32>()
    };
    println!("explained: {} ({:.1} %)", class_name(class), probability(class));
    if let Some(other) = other {
        println!("instead of: {} ({:.1} %)", class_name(other), probability(other));
    }
    if let (Some(gap), Some(baseline)) = (&map.completeness_gap, &map.baseline_scores) {
        let change = map.scores[0] - baseline[0];
        println!("completeness gap: {:+.3} of a score change of {change:.3}", gap[0]);
    }
    if let Some(error) = &map.error_estimate {
        println!("estimated error of the map: {:.1} %", 100.0 * error[0]);
    }
    if let Some(error) = map.median_relative_error()? {
        println!("standard error of the median pixel: {:.0} % of its value", 100.0 * error[0]);
    }
    if map.converged.as_ref().is_some_and(|converged| !converged[0]) {
        println!("warning: the tolerance was not reached within {} gradients", args.limit);
    }
    for warning in &map.warnings {
        println!("warning: {warning}");
    }
    println!("time: {seconds:.1} s, gradients: {}", map.gradients[0]);

    let map = Map::of_row(&map.values, 0, Reduce::default())?.clip(99.0)?;
    let picture = Picture::new(photo, preparation.region(photo), &map)?;
    let method = args.method.to_possible_value().expect("no method is hidden");
    for (kind, picture) in [
        ("heat-map", picture.heat_map()),
        ("overlay", picture.overlay()),
        ("panel", picture.panel(class_name(class)).to_picture()?),
    ] {
        let path = args.out.join(format!("{name}-{}-{kind}.png", method.get_name()));
        write_png(&path, &picture)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// What one photo takes with all activations of the network, as measured.
const BYTES_PER_PHOTO: u64 = 120 << 20;

fn list_devices() {
    let best = Backend::open_preferred();
    for device in Backend::available() {
        let is_best = best.as_ref().is_ok_and(|best| *best.backend() == device.backend);
        let note = if is_best { " (default)" } else { "" };
        let (backend, kind) = (device.backend.to_string(), device.kind.to_string());
        println!("{backend:<12} {kind:<15} {}{note}", device.name);
    }
    for missing in Backend::unavailable() {
        println!("{:<12} {:<15} {}", missing.backend, "-", missing.reason);
    }
    if let Err(error) = best {
        println!("{:<12} {:<15} {error}", "default", "-");
    }
    println!("{:<12} {:<15} a server's device, not looked for", "remote:URL", "-");
}

type BoxedExplainer = Box<dyn Explainer<EfficientNetLite0, Tensor<4>>>;

fn explainer(args: &Args, schedule: Schedule, input: &Tensor<4>) -> Result<BoxedExplainer> {
    // The methods that draw samples have their options in common.
    macro_rules! sampled {
        ($explainer:expr) => {{
            let explainer = $explainer.with_samples(args.samples).with_schedule(schedule);
            match args.tolerance {
                Some(tolerance) => {
                    Box::new(explainer.to_tolerance(tolerance).with_limit(args.limit))
                }
                None => Box::new(explainer),
            }
        }};
    }
    Ok(match args.method {
        Method::Gradient => Box::new(Gradient::new().with_schedule(schedule)),
        Method::InputXGradient => Box::new(InputTimesGradient::new().with_schedule(schedule)),
        Method::IntegratedGradients => {
            let explainer = IntegratedGradients::new()
                .with_baseline(baseline(args, input)?)
                .with_steps(args.steps)
                .with_schedule(schedule);
            match args.tolerance {
                Some(tolerance) => {
                    Box::new(explainer.to_tolerance(tolerance).with_limit(args.limit))
                }
                None => Box::new(explainer),
            }
        }
        Method::ExpectedGradients => {
            let noise = |seed| Baseline::uniform(-1.0, 1.0, seed);
            sampled!(ExpectedGradients::from_sampler(noise))
        }
        Method::SmoothGrad => sampled!(SmoothGrad::default()),
        Method::SmoothGradSquared => sampled!(SmoothGradSquared::default()),
        Method::VarGrad => sampled!(VarGrad::default()),
    })
}

fn baseline(args: &Args, input: &Tensor<4>) -> Result<Baseline> {
    let preparation = Preparation::imagenet();
    Ok(match args.baseline {
        BaselineKind::Grey => Baseline::zeros(),
        BaselineKind::Black => Baseline::constant(preparation.level(0)),
        BaselineKind::White => Baseline::constant(preparation.level(255)),
        BaselineKind::Blurred => Baseline::tensor(blurred(input, 20.0)?),
        BaselineKind::Noise => Baseline::uniform(preparation.level(0), preparation.level(255), 0),
    })
}

fn class_name(class: usize) -> &'static str {
    imagenet::name(class).unwrap_or("a class without a name")
}

/// The photo's name without its ending, and a number where several photos have the same.
fn unused_name(path: &Path, names: &mut HashSet<String>) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    let free = std::iter::once(stem.clone()).chain(numbered).find(|name| !names.contains(name));
    let free = free.expect("numbers do not run out");
    names.insert(free.clone());
    free
}
