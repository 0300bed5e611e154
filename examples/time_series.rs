//! Which moments decided? A classifier of heartbeats, explained along time.
//!
//! ```text
//! cargo run --example time_series
//! ```
//!
//! The series are made: noise, regular beats, and somewhere one beat that deviates. A network of
//! one-dimensional convolutions learns to tell how it does. As it is known where that beat is, every
//! method can be scored: how much of its attribution lies inside, and does the strongest moment?

use std::f32::consts::PI;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Normal, Uniform};
use saliency::viz::{Chart, Figure, Tile, write_picture};
use saliency::{ExpectedGradients, Explainer, IntegratedGradients, Model};
use saliency_examples::training::{Learns, Training, accuracy, train};
use saliency_examples::{ended, every_method};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Values of a series.
const LENGTH: usize = 200;
/// Values from one beat to the next.
const BEAT: usize = 25;
/// How a beat can deviate.
const CLASSES: [&str; 3] = ["wave turned down", "wide spike", "two spikes"];

#[derive(Clone, Debug)]
struct Series {
    values: Vec<f32>,
    class: usize,
    /// Where the beat that deviates is.
    telling: Range<usize>,
}

impl Series {
    /// The series of a number.
    fn new(number: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(number);
        let mut below = |end: usize| Uniform::new(0, end).expect("a range").sample(&mut random);
        let (class, phase) = (below(CLASSES.len()), below(BEAT));
        let start = phase + BEAT * below(LENGTH / BEAT - 1);
        let telling = start..start + BEAT;
        let noise = Normal::new(0.0f32, 0.15).expect("a deviation");
        let value = |at: usize| {
            let kind = telling.contains(&at).then_some(CLASSES[class]);
            // Slow breathing moves the whole line.
            let breath = 0.2 * (2.0 * PI * (at + 7 * phase) as f32 / 130.0).sin();
            beat(kind, (at + BEAT - phase) % BEAT) + breath + noise.sample(&mut random)
        };
        Self { values: (0..LENGTH).map(value).collect(), class, telling }
    }
}

/// One value of a beat: a spike, and a wave after it.
fn beat(kind: Option<&str>, at: usize) -> f32 {
    let bump = |height: f32, middle: f32, width: f32| {
        height * (-((at as f32 - middle) / width).powi(2) / 2.0).exp()
    };
    let wave = bump(0.35, 17.0, 2.5);
    match kind {
        Some("wave turned down") => bump(1.0, 8.0, 1.2) - wave,
        Some("wide spike") => bump(1.0, 8.0, 3.0) + wave,
        Some("two spikes") => bump(1.0, 6.0, 1.2) + bump(1.0, 11.0, 1.2) + wave,
        _ => bump(1.0, 8.0, 1.2) + wave,
    }
}

/// Series as `[rows, 1, LENGTH]`.
fn tensor(series: Vec<Series>, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = series.iter().flat_map(|it| it.values.clone()).collect();
    Tensor::from_data(TensorData::new(values, [series.len(), 1, LENGTH]), device)
}

#[derive(Module, Debug)]
struct Net {
    convolutions: Vec<Conv1d>,
    output: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let convolution = |[from, to]: [usize; 2]| {
            Conv1dConfig::new(from, to, 9).with_padding(PaddingConfig1d::Same).init(device)
        };
        let convolutions = [[1, 12], [12, 24]].map(convolution).into();
        Self { convolutions, output: LinearConfig::new(24, CLASSES.len()).init(device) }
    }
}

impl Model<Tensor<3>> for Net {
    /// What a stretch of the series says, wherever it is.
    fn forward(&self, series: Tensor<3>) -> Tensor<2> {
        let layers = self.convolutions.iter();
        let features = layers.fold(series, |x, layer| relu(layer.forward(x)));
        self.output.forward(features.max_dim(2).squeeze_dim(2))
    }
}

impl Learns for Net {
    type Input = Tensor<3>;

    fn scores(&self, series: Tensor<3>) -> Tensor<2> {
        self.forward(series)
    }
}

/// Explains by which moments a network tells heartbeats apart
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    device.seed(0);
    let labelled = |numbers: Range<u64>| -> Vec<(Series, usize)> {
        numbers.map(Series::new).map(|it| (it.clone(), it.class)).collect()
    };
    let (seen, unseen) = (labelled(0..1200), labelled(10_000..10_300));
    let training = Training { epochs: 10, rate: 5e-3, batch: 20 };
    let net = train(Net::new(&device), &seen, tensor, training)?;
    let right = 100.0 * accuracy(&net, &unseen, tensor);
    println!(
        "The network is right on {right:.1} % of {} series that it has not seen.",
        unseen.len()
    );

    let explained: Vec<Series> = unseen.into_iter().take(100).map(|(it, _)| it).collect();
    let input = tensor(explained.clone(), &device);
    let references = tensor(seen.into_iter().take(100).map(|(it, _)| it).collect(), &device);
    let area = BEAT as f64 / LENGTH as f64;
    println!(
        "The beat that deviates is {:.1} % of a series. Of {}:\n",
        100.0 * area,
        explained.len()
    );
    println!("| Method | Attribution inside | Times its length | Strongest moment inside |");
    println!("|---|---|---|---|");
    let mut shares = Vec::new();
    for (name, explainer) in every_method(ExpectedGradients::new(references)) {
        let maps = explainer.attribute(&net, input.clone())?;
        let values: Vec<f64> = maps.values.into_data().iter().collect();
        let found = explained.iter().zip(values.chunks(LENGTH)).map(|(it, map)| inside(it, map));
        let (sum, hits) = found.fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        let [share, hits] = [sum, hits].map(|sum| sum / explained.len() as f64);
        let (percent, times) = (100.0 * share, share / area);
        println!("| {name} | {percent:.1} % | {times:.1} | {:.0} % |", 100.0 * hits);
        shares.push((name, share));
    }
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    if let [(best, most), .., (worst, least)] = shares[..] {
        println!(
            "\n{best} puts most of its attribution into the beat that deviates, {:.1} times its \
             share of the length; {worst} puts least, {:.1} times.",
            most / area,
            least / area
        );
    }
    draw(&net, &explained, &args.out.join("time_series.png"))
}

/// The share of a map inside the beat that deviates, and 1 where its strongest moment is.
fn inside(series: &Series, map: &[f64]) -> (f64, f64) {
    let sizes: Vec<f64> = map.iter().map(|value| value.abs()).collect();
    let share = sizes[series.telling.clone()].iter().sum::<f64>()
        / sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let strongest = (0..LENGTH).max_by(|a, b| sizes[*a].total_cmp(&sizes[*b])).unwrap_or_default();
    (share, f64::from(series.telling.contains(&strongest)))
}

/// One series of each class, over the ribbon of its Integrated Gradients.
fn draw(net: &Net, explained: &[Series], path: &Path) -> Result<()> {
    let mut figure = Figure::new("Which moments decided?");
    for (class, name) in CLASSES.iter().enumerate() {
        let Some(series) = explained.iter().find(|it| it.class == class) else { continue };
        let input = tensor(vec![series.clone()], &Device::flex());
        let map = IntegratedGradients::new().attribute(net, input)?;
        let map: Vec<f64> = map.values.into_data().iter().collect();
        let values: Vec<f64> = series.values.iter().copied().map(f64::from).collect();
        let Range { start, end } = series.telling;
        let title = format!("{name}, in the beat from {start} to {end}");
        figure =
            figure.with_row([Tile::new("", Chart::series(&title, &values, &map)?.to_picture())]);
    }
    figure = figure.with_note("Integrated Gradients: red speaks for the class, blue against it.");
    write_picture(path, &figure.to_picture()?)?;
    println!("wrote {}", path.display());
    Ok(())
}
