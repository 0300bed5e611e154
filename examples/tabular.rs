//! Which measurements made a wine be taken for its cultivar? The rows of a table, explained by named
//! features.
//!
//! ```text
//! cargo run --example tabular
//! ```
//!
//! A small network learns to tell three cultivars by 13 measurements. A wine that it has not seen is
//! explained twice: by Integrated Gradients, which compares it with the mean wine, and by Expected
//! Gradients, which compares it with every wine of the training set. Then all wines that it has not
//! seen, and whether the network needs what the maps say that it uses.

use std::array::from_fn;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{relu, softmax};
use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use saliency::viz::{Chart, write_picture};
use saliency::{
    Attribution, Baseline, ExpectedGradients, Explainer as _, IntegratedGradients, Model,
};
use saliency_examples::ended;
use saliency_examples::training::{Learns, Training, accuracy, train};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where it comes from stands in data/NOTICE.md.
const TABLE: &str = include_str!("data/wine.csv");
const FEATURES: [&str; 13] = [
    "alcohol",
    "malic acid",
    "ash",
    "alcalinity of ash",
    "magnesium",
    "total phenols",
    "flavanoids",
    "nonflavanoid phenols",
    "proanthocyanins",
    "color intensity",
    "hue",
    "OD280/OD315 of diluted wines",
    "proline",
];
type Wine = [f32; FEATURES.len()];

/// Explains by which measurements a network tells wines apart
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

#[derive(Module, Debug)]
struct Net {
    hidden: Linear,
    output: Linear,
}

impl Model<Tensor<2>> for Net {
    fn forward(&self, wines: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(wines)))
    }
}

impl Learns for Net {
    type Input = Tensor<2>;

    fn scores(&self, wines: Tensor<2>) -> Tensor<2> {
        self.forward(wines)
    }
}

fn tensor(wines: Vec<Wine>, device: &Device) -> Tensor<2> {
    let shape = [wines.len(), FEATURES.len()];
    Tensor::from_data(TensorData::new(wines.concat(), shape), device)
}

/// Wines with their cultivars, in an order drawn by a seed.
fn shuffled_wines() -> Result<Vec<(Wine, usize)>> {
    // The first line names no features but counts rows: it is shorter than the others.
    let reader = csv::ReaderBuilder::new().flexible(true).from_reader(TABLE.as_bytes());
    let mut wines = reader.into_deserialize().collect::<csv::Result<Vec<_>>>()?;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    wines.sort_by_cached_key(|_| random.next_u64());
    Ok(wines)
}

/// Mean and standard deviation of each feature.
struct Scale {
    mean: Wine,
    deviation: Wine,
}

impl Scale {
    fn of(wines: &[(Wine, usize)]) -> Self {
        let mean_of = |value: &dyn Fn(&Wine) -> f32| {
            wines.iter().map(|(wine, _)| value(wine)).sum::<f32>() / wines.len() as f32
        };
        let mean: Wine = from_fn(|at| mean_of(&|wine| wine[at]));
        let variance: Wine = from_fn(|at| mean_of(&|wine| (wine[at] - mean[at]).powi(2)));
        Self { mean, deviation: variance.map(f32::sqrt) }
    }

    fn standardised(&self, wines: &[(Wine, usize)]) -> Vec<(Wine, usize)> {
        let one = |wine: &Wine| from_fn(|at| (wine[at] - self.mean[at]) / self.deviation[at]);
        wines.iter().map(|(wine, cultivar)| (one(wine), *cultivar)).collect()
    }
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    device.seed(0);
    let wines = shuffled_wines()?;
    let (test, training) = wines.split_at(wines.len() / 4);
    // What the network will meet later must not leak into how its inputs are scaled.
    let scale = Scale::of(training);
    let (seen, unseen) = (scale.standardised(training), scale.standardised(test));
    let net = Net {
        hidden: LinearConfig::new(FEATURES.len(), 16).init(&device),
        output: LinearConfig::new(16, 3).init(&device),
    };
    let net = train(net, &seen, tensor, Training { epochs: 30, rate: 1e-2, batch: 16 })?;
    let (right, count) = (100.0 * accuracy(&net, &unseen, tensor), unseen.len());
    println!("The network is right on {right:.1} % of {count} wines that it has not seen.");

    one_wine(&net, &test[0].0, &scale, &seen, &args.out)?;
    all_wines(&net, &unseen, &args.out)
}

fn one_wine(
    net: &Net,
    wine: &Wine,
    scale: &Scale,
    seen: &[(Wine, usize)],
    out: &Path,
) -> Result<()> {
    let input = inputs(&scale.standardised(&[(*wine, 0)]));
    // Standardised, the mean wine is zero. Of a network this small, points on the path cost little.
    let explainer = IntegratedGradients::new().with_steps(1000).with_baseline(Baseline::zeros());
    let from_mean = explainer.attribute(net, input.clone())?;
    let from_each = ExpectedGradients::new(inputs(seen)).with_samples(5000);
    let from_each = from_each.attribute(net, input.clone())?;

    let cultivar = from_mean.targets[0].map_or(0, |class| class + 1);
    let probability = 100.0 * softmax(net.forward(input), 1).max().into_scalar::<f32>();
    println!("\nWhy is the first of them taken for cultivar {cultivar} ({probability:.1} %)?\n");
    let (integrated, expected) = (host(&from_mean.values), host(&from_each.values));
    let errors = from_each.standard_error.as_ref().map(host).unwrap_or_default();
    println!("| Measurement | Value | Mean | Integrated Gradients | Expected Gradients |");
    println!("|---|---|---|---|---|");
    let order = strongest_first(&integrated);
    for &at in &order {
        let (name, value, mean) = (FEATURES[at], wine[at], scale.mean[at]);
        let (by_mean, by_each, error) = (integrated[at], expected[at], errors[at]);
        println!(
            "| {name} | {value:.2} | {mean:.2} | {by_mean:+.3} | {by_each:+.3} ± {error:.3} |"
        );
    }
    println!("\nIntegrated Gradients, from the mean wine: {}", completeness(&from_mean));
    println!("Expected Gradients, from each wine seen: {}", completeness(&from_each));
    for (sign, side) in [(1.0, "for"), (-1.0, "against")] {
        if let Some(&at) = order.iter().find(|at| sign * integrated[**at] > 0.0) {
            let (name, value, mean) = (FEATURES[at], wine[at], scale.mean[at]);
            let than = if value < mean { "less" } else { "more" };
            println!("Most {side} it: {name}, with {value:.2} {than} than the mean of {mean:.2}.");
        }
    }
    let differ = |at: &usize| (integrated[*at] - expected[*at]).abs() > 2.0 * errors[*at];
    let (count, all) = (order.iter().filter(|at| differ(at)).count(), FEATURES.len());
    println!(
        "The two compare with different wines: by more than two standard errors they differ on"
    );
    println!("{count} of {all} measurements.");
    let title = format!("Why cultivar {cultivar}? Integrated Gradients");
    draw(&out.join("tabular.png"), &title, &integrated)
}

/// What the network goes by on the whole, and whether it needs that.
fn all_wines(net: &Net, unseen: &[(Wine, usize)], out: &Path) -> Result<()> {
    let maps = IntegratedGradients::new().attribute(net, inputs(unseen))?;
    let mean = host(&maps.values.abs().mean_dim(0));
    let order = strongest_first(&mean);
    let (strongest, weakest) = (&order[..3], &order[order.len() - 3..]);
    let share = strongest.iter().map(|&at| mean[at]).sum::<f64>() / mean.iter().sum::<f64>();
    let names = |some: &[usize]| some.iter().map(|&at| FEATURES[at]).collect::<Vec<_>>().join(", ");
    let right_without = |some: &[usize]| {
        let mut wines = unseen.to_vec();
        wines.iter_mut().for_each(|(wine, _)| some.iter().for_each(|&at| wine[at] = 0.0));
        100.0 * accuracy(net, &wines, tensor)
    };
    println!("\nOver all of them, the strongest are {}:", names(strongest));
    println!("they hold {:.0} % of the attribution.", 100.0 * share);
    println!("Without these, set to the mean, it is right on {:.1} %;", right_without(strongest));
    println!("without the weakest, {}, on {:.1} %.", names(weakest), right_without(weakest));
    let title = "What decides over all wines? Mean of absolute attributions";
    draw(&out.join("tabular-all.png"), title, &mean)
}

fn draw(path: &Path, title: &str, values: &[f64]) -> Result<()> {
    let features: Vec<_> = FEATURES.into_iter().zip(values.iter().copied()).collect();
    write_picture(path, &Chart::bars(title, &features)?.to_picture())?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Says whether the values sum to the change of score that they share out.
fn completeness(map: &Attribution<Tensor<2>>) -> String {
    let sum: f64 = host(&map.values).iter().sum();
    let change = map.scores[0] - map.baseline_scores.as_ref().map_or(0.0, |scores| scores[0]);
    let gap = 100.0 * ((sum - change) / change).abs();
    format!("the score changes by {change:+.3}, the values sum to {sum:+.3} (gap {gap:.2} %).")
}

fn strongest_first(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()));
    order
}

fn inputs(wines: &[(Wine, usize)]) -> Tensor<2> {
    tensor(wines.iter().map(|(wine, _)| *wine).collect(), &Device::flex())
}

fn host(values: &Tensor<2>) -> Vec<f64> {
    values.to_data().iter().collect()
}
