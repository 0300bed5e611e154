//! Explains one photo by methods of every kind, and draws one panel: each method's map, its cost and
//! its precision. `saliency compare` takes all methods.
//!
//! ```text
//! cargo run --example compare_methods                    # the cat that ships
//! cargo run --example compare_methods -- photo.jpg --out maps
//! ```
//!
//! Under each map are its time, its number of gradients, and the method's own estimate of its
//! error. Every map has its own scale, because the units of the methods differ.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::Device;
use burn::tensor::activation::softmax;
use clap::Parser;
use saliency::photo::{Map, read_photo};
use saliency::viz::{Figure, Picture, Tile, write_picture};
use saliency::{Baseline, Method, MethodOptions, Model, Target};
use saliency_models::{imagenet, photos};
use saliency_program::Result;
use saliency_program::certainty::Certainty;
use saliency_program::lite0::Lite0;
use saliency_program::method::{PhotoMethod, PhotoQuestion};
use saliency_program::network::PhotoNetwork;
use saliency_program::output::say;
use saliency_program::program::ended;

/// Explains one photo by methods of every kind
#[derive(Parser)]
struct Args {
    /// A JPEG, PNG or WebP photo [default: the cat that ships with the library]
    photo: Option<PathBuf>,
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

/// The methods on the panel.
const SHOWN: [PhotoMethod; 11] = [
    PhotoMethod::Regions,
    PhotoMethod::Layer(Method::GradCam),
    PhotoMethod::Layer(Method::LayerCam),
    PhotoMethod::Pixels(Method::Occlusion),
    PhotoMethod::Pixels(Method::Gradient),
    PhotoMethod::Pixels(Method::SmoothGrad),
    PhotoMethod::Pixels(Method::IntegratedGradients),
    PhotoMethod::Pixels(Method::ExpectedGradients),
    PhotoMethod::Pixels(Method::BlurIg),
    PhotoMethod::Pixels(Method::GuidedIg),
    PhotoMethod::Pixels(Method::Idgi),
];

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    let network = Lite0::new();
    let net = network.model(&device);
    let preparation = network.preparation();
    let photo = match &args.photo {
        Some(path) => read_photo(path)?,
        None => photos::chelsea(),
    };
    let input = preparation.tensor(&photo, &device);

    // Every method explains the class that the network predicts.
    let probabilities = softmax(net.forward(input.clone()), 1);
    let class = probabilities.clone().argmax(1).into_scalar::<i64>() as usize;
    let probability = 100.0 * probabilities.max().into_scalar::<f32>();
    let name = imagenet::name(class).unwrap_or_default();
    say(format_args!("{name} ({probability:.1} %)"));

    // Each method has its defaults. Expected Gradients compares with noise.
    let options =
        MethodOptions::new().with_baseline_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    say(format_args!(
        "| Method | Seconds | Gradients or passes | What it says of its error |\n|---|---|---|---|"
    ));
    let mut tiles = vec![Tile::new("photo", photo.clone())];
    for method in SHOWN {
        let start = Instant::now();
        let map = method.attribute(PhotoQuestion {
            network: &network,
            model: &net,
            input: &input,
            target: Target::Class(class),
            options: &options,
            tolerance: None,
            schedule: options.schedule(),
        })?;
        let seconds = start.elapsed().as_secs_f64();
        let (gradients, certainty) = (map.evaluations[0], Certainty::of(&map).short_lines());
        let title = method.title();
        say(format_args!("| {title} | {seconds:.2} | {gradients} | {} |", certainty.join(", ")));

        let reduced = Map::of_row(&map.values, 0, method.reduction())?;
        let reduced = reduced.clip_beyond(method.clip_beyond())?;
        let picture = Picture::new(preparation.view(&photo), &reduced)?;
        let cost = format!("{seconds:.2} s, {}: {gradients}", method.counted_in());
        let tile =
            Tile::new(title, picture.overlay()).with_legend(picture.legend()).with_note(cost);
        tiles.push(certainty.into_iter().fold(tile, Tile::with_note));
    }

    // Four pictures in a row.
    let mut figure = Figure::new(format!("Why \"{name}\" ({probability:.1} %)?"));
    for row in tiles.chunks(4) {
        figure = figure.with_row(row.iter().cloned());
    }
    let path = args.out.join("compare_methods.png");
    write_picture(&path, &figure.to_picture()?)?;
    say(format_args!("wrote {}", path.display()));
    Ok(())
}
