//! One photo, every method, on one panel: what each shows, what it cost and how sure it is.
//!
//! ```text
//! cargo run --example compare_methods                    # the cat that ships
//! cargo run --example compare_methods -- photo.jpg --out maps
//! ```
//!
//! Under each map: its time and gradients, and what the method says of its own error. Every map has a
//! scale of its own, because the methods' units differ.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use clap::Parser;
use saliency::photo::{Map, Preparation, Reduce, read_photo};
use saliency::viz::{Figure, Picture, Tile, write_picture};
use saliency::{Attribution, Baseline, ExpectedGradients, Explainer, Model, Target};
use saliency_examples::{ended, every_method};
use saliency_models::{EfficientNetLite0, imagenet, photos};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Explains one photo by every method
#[derive(Parser)]
struct Args {
    /// A JPEG, PNG or WebP photo [default: the cat that ships with the library]
    photo: Option<PathBuf>,
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    let net = EfficientNetLite0::embedded(&device);
    let preparation = Preparation::imagenet();
    let photo = match &args.photo {
        Some(path) => read_photo(path)?,
        None => photos::chelsea(),
    };
    let input = preparation.tensor(&photo, &device);
    let probabilities = softmax(net.forward(input.clone()), 1);
    let class = probabilities.clone().argmax(1).into_scalar::<i64>() as usize;
    let probability = 100.0 * probabilities.max().into_scalar::<f32>();
    let name = imagenet::name(class).unwrap_or("a class without a name");
    println!("{name} ({probability:.1} %)");

    let noise = |seed| Baseline::uniform(-1.0, 1.0, seed);
    println!("| Method | Seconds | Gradients | What it says of its error |\n|---|---|---|---|");
    let mut tiles = vec![Tile::new("photo", photo.clone())];
    for (method, explainer) in every_method(ExpectedGradients::from_sampler(noise)) {
        let start = Instant::now();
        let map = explainer.attribute_to(&net, input.clone(), Target::Class(class))?;
        let seconds = start.elapsed().as_secs_f64();
        let (gradients, certainty) = (map.gradients[0], certainty(&map)?);
        println!("| {method} | {seconds:.2} | {gradients} | {} |", certainty.join(", "));

        let reduced = Map::of_row(&map.values, 0, Reduce::default())?.clip(99.0)?;
        let picture = Picture::new(preparation.view(&photo), &reduced)?;
        let cost = format!("{seconds:.2} s, gradients: {gradients}");
        let tile =
            Tile::new(method, picture.overlay()).with_legend(picture.legend()).with_note(cost);
        tiles.push(certainty.into_iter().fold(tile, Tile::with_note));
    }
    let mut figure = Figure::new(format!("Why \"{name}\" ({probability:.1} %)?"));
    while !tiles.is_empty() {
        figure = figure.with_row(tiles.drain(..tiles.len().min(4)));
    }
    let path = args.out.join("compare_methods.png");
    write_picture(&path, &figure.to_picture()?)?;
    println!("wrote {}", path.display());
    Ok(())
}

/// What a method says of its own error, a line each.
fn certainty(map: &Attribution<Tensor<4>>) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    if let Some(error) = &map.error_estimate {
        lines.push(format!("estimated error {:.1} %", 100.0 * error[0]));
    }
    if let Some(error) = map.median_relative_error()? {
        lines.push(format!("standard error of the median pixel {:.0} %", 100.0 * error[0]));
    }
    if let (Some(gap), Some(baseline)) = (&map.completeness_gap, &map.baseline_scores) {
        lines.push(format!(
            "completeness gap {:+.2} of {:.2}",
            gap[0],
            map.scores[0] - baseline[0]
        ));
    }
    Ok(lines)
}
