//! Which moments decided? A classifier of heartbeats, explained along time.
//!
//! ```text
//! cargo run --example time_series
//! ```
//!
//! The series are made by the program (`src/heartbeats.rs`): noise, regular beats, and somewhere
//! one beat that deviates. A network of one-dimensional convolutions learns to classify the
//! deviation. The position of the beat that deviates is known, so that every method can be scored:
//! how much of the attribution is inside this beat, and is the strongest moment inside?

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::{Device, Tensor};
use clap::Parser;
use saliency::viz::{Chart, Figure, Tile, write_picture};
use saliency::{Explainer, IntegratedGradients, Method, MethodOptions};
use saliency_examples_training::heartbeats::{
    BEAT, CLASSES, LENGTH, Net, Series, labelled, tensor,
};
use saliency_examples_training::training::accuracy;
use saliency_program::Result;
use saliency_program::program::ended;

/// Explains by which moments a network distinguishes heartbeats
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
    let (seen, unseen) = (labelled(0..1200), labelled(10_000..10_300));
    let net = Net::trained(&seen, &device)?;
    let right = 100.0 * accuracy(&net, &unseen, tensor);
    println!(
        "The network is right on {right:.1} % of {} series that it has not seen.",
        unseen.len()
    );

    let explained: Vec<Series> = unseen.into_iter().take(100).map(|(it, _)| it).collect();
    let references = tensor(seen.into_iter().take(100).map(|(it, _)| it).collect(), &device);
    let area = BEAT as f64 / LENGTH as f64;
    println!(
        "The beat that deviates is {:.1} % of a series. Of {}:\n",
        100.0 * area,
        explained.len()
    );
    println!("| Method | Attribution inside | Times its length | Strongest moment inside |");
    println!("|---|---|---|---|");
    let mut found = Vec::new();
    let options = MethodOptions::new().with_baselines(references);
    for method in Method::fitting(&[1, 1, LENGTH]) {
        let (title, explainer) = (method.title(), method.explainer(&options));
        let Inside { share, hits } = inside(&net, &*explainer, &explained)?;
        let (percent, times) = (100.0 * share, share / area);
        println!("| {title} | {percent:.1} % | {times:.1} | {:.0} % |", 100.0 * hits);
        found.push((title, times));
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    if let [(best, most), .., (worst, least)] = found[..] {
        println!(
            "\n{best} puts most of its attribution into the beat that deviates, {most:.1} times its \
             share of the length; {worst} puts least, {least:.1} times."
        );
    }
    draw(&net, &explained, &args.out.join("time_series.png"))
}

/// The shares of a method's maps that are inside the beats that deviate.
struct Inside {
    /// The mean share of the attribution.
    share: f64,
    /// The share of series whose strongest moment is inside.
    hits: f64,
}

fn inside(
    net: &Net,
    explainer: &dyn Explainer<Net, Tensor<3>>,
    explained: &[Series],
) -> Result<Inside> {
    let maps = explainer.attribute(net, tensor(explained.to_vec(), &Device::flex()))?;
    let values: Vec<f64> = maps.values.into_data().iter().collect();
    let mut found = Inside { share: 0.0, hits: 0.0 };
    for (series, map) in explained.iter().zip(values.chunks(LENGTH)) {
        let sizes: Vec<f64> = map.iter().map(|value| value.abs()).collect();
        let all = sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        found.share += sizes[series.deviation.clone()].iter().sum::<f64>() / all;
        let strongest = (0..LENGTH).max_by(|a, b| sizes[*a].total_cmp(&sizes[*b]));
        found.hits += f64::from(strongest.is_some_and(|at| series.deviation.contains(&at)));
    }
    let count = explained.len() as f64;
    Ok(Inside { share: found.share / count, hits: found.hits / count })
}

/// Draws one series of each class, over the ribbon of its Integrated Gradients.
fn draw(net: &Net, explained: &[Series], path: &Path) -> Result<()> {
    let mut figure = Figure::new("Which moments decided?");
    for (class, name) in CLASSES.iter().enumerate() {
        let Some(series) = explained.iter().find(|it| it.class == class) else { continue };
        let input = tensor(vec![series.clone()], &Device::flex());
        let map = IntegratedGradients::new().attribute(net, input)?;
        let map: Vec<f64> = map.values.into_data().iter().collect();
        let values: Vec<f64> = series.values.iter().copied().map(f64::from).collect();
        let Range { start, end } = series.deviation;
        let title = format!("{name}, in the beat from {start} to {end}");
        figure =
            figure.with_row([Tile::new("", Chart::series(&title, &values, &map)?.to_picture())]);
    }
    figure = figure.with_note("Integrated Gradients: red speaks for the class, blue against it.");
    write_picture(path, &figure.to_picture()?)?;
    println!("wrote {}", path.display());
    Ok(())
}
