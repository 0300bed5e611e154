//! Which measurements decided about the cultivar of a wine? Explains the rows of a table by named
//! features.
//!
//! ```text
//! cargo run --example tabular
//! ```
//!
//! A small network (`src/wines.rs`) learns to distinguish three cultivars by 13 measurements. A new
//! wine is explained twice. Integrated Gradients compares it with the mean wine. Expected Gradients
//! compares it with every wine of the training set. Then all new wines are explained.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::{Device, Tensor};
use clap::Parser;
use saliency::viz::{Chart, write_picture};
use saliency::{Attribution, Baseline, ExpectedGradients, Explainer as _, IntegratedGradients};
use saliency_examples_training::training::accuracy;
use saliency_examples_training::wines::{FEATURES, Labelled, Net, Wines, batch, host, tensor};
use saliency_program::Result;
use saliency_program::program::ended;

/// Explains by which measurements a network distinguishes wines
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
    let wines = Wines::read()?;
    let net = Net::trained(&wines.seen, &device)?;
    let (right, count) = (100.0 * accuracy(&net, &wines.unseen, tensor), wines.unseen.len());
    println!("The network is right on {right:.1} % of {count} wines that it has not seen.");

    one_wine(&net, &wines, &args.out)?;
    all_wines(&net, &wines.unseen, &args.out)
}

/// Explains the first wine that the network has not seen.
fn one_wine(net: &Net, wines: &Wines, out: &Path) -> Result<()> {
    let input = batch(&wines.unseen[..1]);
    // Wines are standardised, so the mean wine is zero. The network is small, so that many points
    // on the path cost little.
    let explainer = IntegratedGradients::new().with_steps(1000).with_baseline(Baseline::zeros());
    let from_mean = explainer.attribute(net, input.clone())?;
    let from_each = ExpectedGradients::new(batch(&wines.seen)).with_samples(5000);
    let from_each = from_each.attribute(net, input)?;

    let cultivar = from_mean.targets[0].map_or(0, |class| class + 1);
    let probability = 100.0 * from_mean.probability(0).expect("three cultivars");
    println!("\nWhy is the first of them taken for cultivar {cultivar} ({probability:.1} %)?\n");
    let integrated = host(&from_mean.values);
    print_measurements(wines, &integrated, &from_each);
    println!("\nIntegrated Gradients, from the mean wine: {}", completeness(&from_mean));
    println!("Expected Gradients, from each wine seen: {}", completeness(&from_each));

    print_strongest(wines, &integrated);
    let (expected, errors) = (host(&from_each.values), standard_errors(&from_each));
    let differ = |at: &usize| (integrated[*at] - expected[*at]).abs() > 2.0 * errors[*at];
    let (count, all) = ((0..FEATURES.len()).filter(differ).count(), FEATURES.len());
    println!(
        "The two compare with different wines: by more than two standard errors they differ on"
    );
    println!("{count} of {all} measurements.");
    let title = format!("Why cultivar {cultivar}? Integrated Gradients");
    draw(&out.join("tabular.png"), &title, &integrated)
}

/// Prints the contribution of each measurement, the strongest first.
fn print_measurements(wines: &Wines, integrated: &[f64], from_each: &Attribution<Tensor<2>>) {
    let (expected, errors) = (host(&from_each.values), standard_errors(from_each));
    println!("| Measurement | Value | Mean | Integrated Gradients | Expected Gradients |");
    println!("|---|---|---|---|---|");
    for at in strongest_first(integrated) {
        let (name, value, mean) = (FEATURES[at], wines.first_unseen[at], wines.mean[at]);
        let (by_mean, by_each, error) = (integrated[at], expected[at], errors[at]);
        println!(
            "| {name} | {value:.2} | {mean:.2} | {by_mean:+.3} | {by_each:+.3} ± {error:.3} |"
        );
    }
}

/// Prints the measurement that speaks most for the cultivar, and the one that speaks most against
/// it.
fn print_strongest(wines: &Wines, integrated: &[f64]) {
    let order = strongest_first(integrated);
    for (sign, side) in [(1.0, "for"), (-1.0, "against")] {
        if let Some(&at) = order.iter().find(|at| sign * integrated[**at] > 0.0) {
            let (name, value, mean) = (FEATURES[at], wines.first_unseen[at], wines.mean[at]);
            let than = if value < mean { "less" } else { "more" };
            println!("Most {side} it: {name}, with {value:.2} {than} than the mean of {mean:.2}.");
        }
    }
}

/// Explains all wines that the network has not seen. Checks whether the network needs the
/// measurements that the maps name.
fn all_wines(net: &Net, unseen: &[Labelled], out: &Path) -> Result<()> {
    let maps = IntegratedGradients::new().attribute(net, batch(unseen))?;
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

/// Returns in words whether the values sum to the change of score.
fn completeness(map: &Attribution<Tensor<2>>) -> String {
    let sum: f64 = host(&map.values).iter().sum();
    let change = map.scores[0] - map.baseline_scores.as_ref().map_or(0.0, |scores| scores[0]);
    let gap = 100.0 * ((sum - change) / change).abs();
    format!("the score changes by {change:+.3}, the values sum to {sum:+.3} (gap {gap:.2} %).")
}

fn standard_errors(map: &Attribution<Tensor<2>>) -> Vec<f64> {
    map.standard_error.as_ref().map(host).unwrap_or_default()
}

fn strongest_first(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()));
    order
}
