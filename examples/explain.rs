//! Where did the classifier look? A heat map for a photograph, from EfficientNet-Lite0.
//!
//! ```text
//! cargo run --example explain                                   # the cat that ships
//! cargo run --example explain -- PHOTO... --method smooth-grad --target "tabby" --out maps
//! cargo run --example explain -- --tolerance 0.05 --instead-of "tabby" --baseline blurred
//! cargo run --example explain -- --page --boxes "the face=135,85,210,180"
//! cargo run --example explain -- --compare gradient,integrated-gradients --target "tabby" --target "Egyptian cat"
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
use saliency::viz::{
    ColorMap, Figure, Layer, Map, Page, Picture, Place, Record, Reduce, Region, Scaled, Tile,
    blurred, export, read_photo, write_file, write_picture,
};
use saliency::{
    Attribution, Baseline, ExpectedGradients, Explainer, Gradient, InputTimesGradient,
    IntegratedGradients, Model as _, Schedule, Score, SmoothGrad, SmoothGradSquared, Target,
    VarGrad,
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
    /// Several methods instead, beside each other
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "method")]
    compare: Vec<Method>,
    /// The class to explain, by name or index; may be given several times [default: the one that the
    /// model predicts]
    #[arg(long)]
    target: Vec<String>,
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
    /// The pictures to write
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Mode::HeatMap, Mode::Overlay, Mode::Panel])]
    mode: Vec<Mode>,
    /// What becomes of the three colour channels of a pixel
    #[arg(long, value_enum, default_value_t = ReduceKind::AbsoluteSum)]
    reduce: ReduceKind,
    /// The colours of the maps [default: inferno, or red-blue where values have signs]
    #[arg(long, value_enum)]
    colormap: Option<Colors>,
    /// A place in the photo to be measured, such as "the product=40,20,300,200": left, top, width and
    /// height in pixels; may be given several times, and boxes of one name belong together
    #[arg(long, value_name = "NAME=X,Y,WIDTH,HEIGHT", value_parser = named_box)]
    boxes: Vec<(String, Region)>,
    /// Writes a page for the browser too, with everything that was explained of a photo
    #[arg(long)]
    page: bool,
    /// Writes figures with lines and letters as SVG too
    #[arg(long)]
    svg: bool,
    /// Writes the values too: .npy, .safetensors, a 16-bit PNG, and a JSON that says how they came about
    #[arg(long)]
    export: bool,
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Mode {
    HeatMap,
    Overlay,
    Masked,
    Contours,
    Panel,
    /// Methods beside each other, classes below each other
    Grid,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReduceKind {
    AbsoluteSum,
    Sum,
    Max,
    L2Norm,
    Positive,
    Negative,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colors {
    Inferno,
    Magma,
    Viridis,
    Cividis,
    Turbo,
    RedBlue,
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
    let targets = args.target.iter().map(|name| imagenet::find(name));
    let targets = targets.collect::<std::result::Result<Vec<_>, _>>()?;
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
        return explain(args, (&compute, &net), "chelsea", &photos::chelsea(), (&targets, other));
    }
    let mut names = HashSet::new();
    let mut failed = 0;
    for path in &args.photos {
        let name = unused_name(path, &mut names);
        let explained = read_photo(path)
            .map_err(Into::into)
            .and_then(|photo| explain(args, (&compute, &net), &name, &photo, (&targets, other)));
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
    (targets, other): (&[usize], Option<usize>),
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
    let predicted = classes[0] as usize;
    let targets = if targets.is_empty() { &[predicted][..] } else { targets };
    let methods = if args.compare.is_empty() { &[args.method][..] } else { &args.compare };
    let probability = |class: usize| {
        let probability = probabilities.clone().slice([0..1, class..class + 1]);
        f64::from(probability.into_scalar::<f32>())
    };
    let mut explained = Vec::new();
    for &class in targets {
        for &method in methods {
            let map = attribute(args, (compute, net), method, &input, (class, other))?;
            println!("explained: {} ({:.1} %)", class_name(class), 100.0 * probability(class));
            if let Some(other) = other {
                let probability = 100.0 * probability(other);
                println!("instead of: {} ({probability:.1} %)", class_name(other));
            }
            let certainty = certainty(args, &map)?;
            for line in &certainty {
                println!("{line}");
            }
            let reduced = Map::of_row(&map.values, 0, args.reduce.into())?;
            let (probability, predicted) = (probability(class), class == predicted);
            let it = Explained { method, class, map, reduced, certainty, probability, predicted };
            explained.push(it);
        }
    }
    let drawn = Drawn { args, name, photo, seen: preparation.region(photo), explained };
    drawn.write()
}

/// One method's answer about one class.
struct Explained {
    method: Method,
    class: usize,
    map: Attribution<Tensor<4>>,
    reduced: Map,
    certainty: Vec<String>,
    probability: f64,
    predicted: bool,
}

/// Everything that was explained of a photo.
struct Drawn<'a> {
    args: &'a Args,
    name: &'a str,
    photo: &'a RgbImage,
    seen: Region,
    explained: Vec<Explained>,
}

impl Drawn<'_> {
    fn write(&self) -> Result<()> {
        let Self { args, photo, seen, .. } = *self;
        let places = places(&args.boxes);
        let mut grid: Vec<Vec<Tile>> = Vec::new();
        let mut page = Page::new(photo, seen).with_title(self.name);
        if let Some(colors) = args.colormap {
            page = page.with_colors(colors.into());
        }
        let mut class = None;
        for it in &self.explained {
            let scaled = self.scaled(it)?;
            let mut picture = Picture::new(photo, seen, &scaled)?;
            if let Some(colors) = args.colormap {
                picture = picture.with_colors(colors.into());
            }
            for place in &places {
                let found = place.found(&it.reduced, seen, photo.dimensions())?;
                println!(
                    "{}: {:.0} % of the attribution on {:.0} % of the area, the peak is {}",
                    place.name(),
                    100.0 * found.share,
                    100.0 * found.area,
                    if found.peak { "inside" } else { "outside" },
                );
            }
            let title = format!("{} ({:.0} %)", class_name(it.class), 100.0 * it.probability);
            self.write_pictures(it, &picture, &title)?;
            if class != Some(it.class) {
                class = Some(it.class);
                grid.push(vec![Tile::new(title, photo.clone())]);
            }
            let tile = Tile::new(name_of(it.method), picture.overlay()).with_bar(&picture);
            grid.last_mut().expect("a class was just begun").push(tile);
            if args.export {
                let stem = self.stem(it);
                let record = self.record(it);
                let paths = export(&args.out, &stem, &it.map.values, 0, &scaled, record)?;
                for path in paths {
                    println!("wrote {}", path.display());
                }
            }
            let mut layer = Layer::new(name_of(it.method), class_name(it.class), scaled);
            for note in &it.certainty {
                layer = layer.with_note(note);
            }
            page = page.with_layer(match it.predicted {
                true => layer.predicted_with(it.probability),
                false => layer.with_probability(it.probability),
            });
        }
        if args.mode.contains(&Mode::Grid) || self.explained.len() > 1 {
            let figure = grid.into_iter().fold(Figure::new(self.name), Figure::with_row);
            self.write_figure(&figure, "grid")?;
        }
        if args.page {
            let page = places.into_iter().fold(page, Page::with_place);
            self.write_file("page.html", page.to_html()?.as_bytes())?;
        }
        Ok(())
    }

    fn write_pictures(&self, it: &Explained, picture: &Picture, title: &str) -> Result<()> {
        let stem = self.stem(it);
        for mode in &self.args.mode {
            let pixels = match mode {
                Mode::HeatMap => picture.heat_map(),
                Mode::Overlay => picture.overlay(),
                Mode::Masked => picture.masked(),
                Mode::Contours => {
                    if self.args.svg {
                        let tile = picture.contour_tile(title, &CONTOURS)?;
                        let svg = Figure::new("").with_row([tile]).to_svg()?;
                        self.write_file_at(&format!("{stem}-contours.svg"), svg.as_bytes())?;
                    }
                    picture.contours(&CONTOURS)?
                }
                Mode::Panel => {
                    let panel = picture.panel(format!("{title}: {}", name_of(it.method)));
                    if self.args.svg {
                        let svg = panel.to_svg()?;
                        self.write_file_at(&format!("{stem}-panel.svg"), svg.as_bytes())?;
                    }
                    panel.to_picture()?
                }
                Mode::Grid => continue,
            };
            let path = self.args.out.join(format!("{stem}-{}.png", option_name(mode)));
            write_picture(&path, &pixels)?;
            println!("wrote {}", path.display());
        }
        Ok(())
    }

    fn write_figure(&self, figure: &Figure, kind: &str) -> Result<()> {
        if self.args.svg {
            self.write_file(&format!("{kind}.svg"), figure.to_svg()?.as_bytes())?;
        }
        let path = self.args.out.join(format!("{}-{kind}.png", self.name));
        write_picture(&path, &figure.to_picture()?)?;
        println!("wrote {}", path.display());
        Ok(())
    }

    fn write_file(&self, ending: &str, bytes: &[u8]) -> Result<()> {
        self.write_file_at(&format!("{}-{ending}", self.name), bytes)
    }

    fn write_file_at(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.args.out.join(name);
        write_file(&path, bytes)?;
        println!("wrote {}", path.display());
        Ok(())
    }

    /// Maps of one method are in one unit, so that its classes share a scale.
    fn scaled(&self, it: &Explained) -> Result<Scaled> {
        let same = |other: &&Explained| option_name(&other.method) == option_name(&it.method);
        let maps: Vec<_> = self.explained.iter().filter(same).map(|it| &it.reduced).collect();
        Ok(it.reduced.with_scale(Map::shared_scale(&maps, PERCENTILE)?)?)
    }

    /// The beginning of the names of files about one map; with the class where there are several.
    fn stem(&self, it: &Explained) -> String {
        let method = option_name(&it.method);
        let several = self.explained.iter().any(|other| other.class != it.class);
        let class = if several { format!("-{}", it.class) } else { String::new() };
        format!("{}-{method}{class}", self.name)
    }

    /// Enough to make the same picture again.
    fn record(&self, it: &Explained) -> Record {
        let args = self.args;
        Record::of(&it.map, 0)
            .with("photo", self.name)
            .with("photo_size", vec![self.photo.width(), self.photo.height()])
            .with("model", "EfficientNet-Lite0, embedded weights")
            .with("method", option_name(&it.method))
            .with("score_kind", option_name(&args.score))
            .with("baseline", option_name(&args.baseline))
            .with("steps", args.steps)
            .with("samples", args.samples)
            .with("tolerance", args.tolerance)
            .with("limit", args.limit)
            .with("seed", 0)
            .with("device", args.device.clone())
            .with("target_name", class_name(it.class))
            .with("instead_of", args.instead_of.clone())
            .with("probability", it.probability)
            .with("reduce", option_name(&args.reduce))
            .with("percentile", PERCENTILE)
            .with("colormap", args.colormap.as_ref().map(option_name))
    }
}

/// Values above this percentile are drawn like it.
const PERCENTILE: f64 = 99.0;
/// Lines are drawn around what holds these shares.
const CONTOURS: [f64; 2] = [0.25, 0.5];

fn attribute(
    args: &Args,
    (compute, net): (&ComputeDevice, &EfficientNetLite0),
    method: Method,
    input: &Tensor<4>,
    (class, other): (usize, Option<usize>),
) -> Result<Attribution<Tensor<4>>> {
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
    let explainer = explainer(args, method, schedule, input)?;
    let map = explainer.attribute_to(net, input.clone(), target)?;
    bar.finish_and_clear();
    println!("time: {:.1} s, gradients: {}", start.elapsed().as_secs_f64(), map.gradients[0]);
    Ok(map)
}

/// What is known of how sure a map is, a line each.
fn certainty(args: &Args, map: &Attribution<Tensor<4>>) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    if let (Some(gap), Some(baseline)) = (&map.completeness_gap, &map.baseline_scores) {
        let change = map.scores[0] - baseline[0];
        lines.push(format!("completeness gap: {:+.3} of a score change of {change:.3}", gap[0]));
    }
    if let Some(error) = &map.error_estimate {
        lines.push(format!("estimated error of the map: {:.1} %", 100.0 * error[0]));
    }
    if let Some(error) = map.median_relative_error()? {
        let percent = 100.0 * error[0];
        lines.push(format!("standard error of the median pixel: {percent:.0} % of its value"));
    }
    if map.converged.as_ref().is_some_and(|converged| !converged[0]) {
        let limit = args.limit;
        lines.push(format!("warning: the tolerance was not reached within {limit} gradients"));
    }
    lines.extend(map.warnings.iter().map(|warning| format!("warning: {warning}")));
    Ok(lines)
}

/// The name of an option's value as it is given on the command line.
fn option_name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value().expect("no value is hidden");
    value.get_name().to_owned()
}

fn name_of(method: Method) -> &'static str {
    match method {
        Method::Gradient => "Gradient",
        Method::InputXGradient => "Input x Gradient",
        Method::IntegratedGradients => "Integrated Gradients",
        Method::ExpectedGradients => "Expected Gradients",
        Method::SmoothGrad => "SmoothGrad",
        Method::SmoothGradSquared => "SmoothGrad Squared",
        Method::VarGrad => "VarGrad",
    }
}

impl From<ReduceKind> for Reduce {
    fn from(kind: ReduceKind) -> Self {
        match kind {
            ReduceKind::AbsoluteSum => Self::AbsoluteSum,
            ReduceKind::Sum => Self::Sum,
            ReduceKind::Max => Self::Max,
            ReduceKind::L2Norm => Self::L2Norm,
            ReduceKind::Positive => Self::Positive,
            ReduceKind::Negative => Self::Negative,
        }
    }
}

impl From<Colors> for ColorMap {
    fn from(colors: Colors) -> Self {
        match colors {
            Colors::Inferno => Self::Inferno,
            Colors::Magma => Self::Magma,
            Colors::Viridis => Self::Viridis,
            Colors::Cividis => Self::Cividis,
            Colors::Turbo => Self::Turbo,
            Colors::RedBlue => Self::RedBlue,
        }
    }
}

/// Reads `NAME=X,Y,WIDTH,HEIGHT`.
fn named_box(text: &str) -> std::result::Result<(String, Region), String> {
    let wrong = || format!("expected NAME=X,Y,WIDTH,HEIGHT in whole pixels, found {text}");
    let (name, numbers) = text.rsplit_once('=').ok_or_else(wrong)?;
    let numbers: std::result::Result<Vec<u32>, _> =
        numbers.split(',').map(|it| it.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, width, height]) if !name.is_empty() => {
            Ok((name.to_owned(), Region { x, y, width, height }))
        }
        _ => Err(wrong()),
    }
}

/// Boxes of one name are one place.
fn places(boxes: &[(String, Region)]) -> Vec<Place> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in boxes {
        if !names.contains(&&name[..]) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let own = boxes.iter().filter(|(it, _)| it == name).map(|(_, region)| *region);
            Place::boxes(name, own.collect::<Vec<_>>())
        })
        .collect()
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

fn explainer(
    args: &Args,
    method: Method,
    schedule: Schedule,
    input: &Tensor<4>,
) -> Result<BoxedExplainer> {
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
    Ok(match method {
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
