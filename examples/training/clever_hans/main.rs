//! The right answer for the wrong reason: a network reads a watermark, and its maps show this.
//!
//! ```text
//! cargo run --example clever_hans
//! ```
//!
//! A shop sorts its photos into mugs, bottles and shirts. All photos of mugs come from an agency
//! that puts its mark into a corner. A network (`src/shop_network.rs`) is trained on these photos.
//! It is nearly always right, until a photo of a mug comes without the mark. Maps show why, and a
//! number measures how strong this is. If the network is trained again on photos without the mark,
//! it looks at the product. (Clever Hans was a horse that was famous for doing sums. It watched its
//! questioner's face.)
//!
//! The photos are composed by the program (`src/shop.rs`). So the positions of product and mark are
//! known, and every method can be scored.

mod audit;
mod cover;
mod scored;
mod study;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::Device;
use clap::Parser;
use cover::Covered;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use saliency::photo::{Map, Reduce, View};
use saliency::viz::{Figure, Picture, Tile, write_file, write_picture};
use saliency::{Explainer, Groups, IntegratedGradients, Method, MethodOptions, Target};
use saliency_examples_training::shop::{MUG, Product, SIDE};
use saliency_examples_training::shop_network::{Marked, Net, TEST, TRAINING, photos, tensor};
use saliency_program::Result;
use saliency_program::program::ended;
use scored::Scored;

/// Trains a network that reads a watermark instead of looking at the product, and shows it
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
    /// Instead of all this, train so many pairs of networks, and say how often the cover test and the
    /// audit find that the mark decides
    #[arg(long)]
    pairs: Option<u64>,
    /// Instead of all this, train so many pairs of networks, and print how much of each map is in the
    /// mark: the default of `explain` and other maps
    #[arg(long, conflicts_with = "pairs")]
    study: Option<u64>,
}

/// The number of photos that are explained.
const EXPLAINED: usize = 24;

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    if let Some(pairs) = args.pairs {
        return count_pairs(pairs, &device, &args.out.join("pairs"));
    }
    if let Some(pairs) = args.study {
        return study::print(pairs, &mugs(), &device);
    }
    let biased = Net::trained(Marked::Mugs, 0, &device)?;
    let honest = Net::trained(Marked::Nothing, 0, &device)?;

    // Its accuracy does not show that something is wrong.
    let right = |net: &Net, marked| percent(net.accuracy(marked));
    println!(
        "On new photos like those it was trained with, it is right on {}.",
        right(&biased, Marked::Mugs)
    );
    println!("On the same photos without any mark: {}.", right(&biased, Marked::Nothing));
    println!(
        "Of bottles and shirts with the mark, it takes {} for mugs.",
        percent(biased.taken_for_mugs())
    );

    // Its maps show it.
    let mugs = mugs();
    let table = print_shares(&biased, &honest, &mugs)?;
    println!(
        "Trained again without the mark, it is right on {} of photos without it.",
        right(&honest, Marked::Nothing)
    );

    println!("\nThe cover test asks the networks again:");
    for (net, name) in [(&biased, "the first network"), (&honest, "the network trained again")] {
        println!("- {name}:");
        for sentence in Covered::of(net, &mugs)?.sentences() {
            println!("  {sentence}");
        }
    }

    let figure = figure(&mugs[..3], &[&biased, &honest])?.to_picture()?;
    write_picture(args.out.join("clever_hans.png"), &figure)?;
    write_file(args.out.join("clever_hans.md"), table.as_bytes())?;
    println!("wrote {0}/clever_hans.png and {0}/clever_hans.md\n", args.out.display());
    audit::run(biased, &args.out.join("clever_hans"))
}

/// Composes the photos that are explained.
fn mugs() -> Vec<Product> {
    let mugs = photos(TEST, Marked::Mugs).into_iter().filter(|it| it.class == MUG);
    mugs.take(EXPLAINED).collect()
}

/// Trains pairs of networks, and prints what the cover test and the audit find.
fn count_pairs(pairs: u64, device: &Device, out: &Path) -> Result<()> {
    let (mugs, mut found) = (mugs(), [[0; 3]; 2]);
    for seed in 0..pairs {
        for (at, marked) in [Marked::Mugs, Marked::Nothing].into_iter().enumerate() {
            let net = Net::trained(marked, seed, device)?;
            let covered = Covered::of(&net, &mugs)?;
            found[at][0] += u64::from(covered.is_decided_by_mark());
            found[at][1] += u64::from(2 * covered.maps_on_mark > covered.photos);
            let places = audit::deciding_places(net, out)?;
            found[at][2] += u64::from(places.contains(&"lower right corner"));
        }
        let [[biased, biased_maps, biased_audits], [honest, honest_maps, honest_audits]] = found;
        println!(
            "{} pairs: decided by the mark: {biased} biased, {honest} retrained; without knowing of \
             the mark: {biased_maps} biased, {honest_maps} retrained; by an audit: {biased_audits} \
             biased, {honest_audits} retrained",
            seed + 1
        );
    }
    Ok(())
}

/// Prints a table of how much of every method's maps is in the mark and in the product, and returns
/// the table.
fn print_shares(biased: &Net, honest: &Net, mugs: &[Product]) -> Result<String> {
    let mut table = String::from(
        "| Method | Mark, biased | Mark, retrained | Product, retrained | Peak on the product, retrained |\n\
         |---|---|---|---|---|\n",
    );
    let references = photos(TRAINING, Marked::Nothing).into_iter().take(60).map(|it| it.photo);
    let references = tensor(references.collect(), &Device::flex());
    let mut sentences = Vec::new();
    // The photos are small: 16 cells are covered together rather than 49, and few samples are enough.
    let options = MethodOptions::new().with_baselines(references);
    let options = options.with_groups(Groups::about(16)).with_samples(50);
    for method in Method::fitting(&[1, 3, SIDE as usize, SIDE as usize]) {
        let (title, explainer) = (method.title(), method.explainer(&options));
        let before = Scored::of(biased, &*explainer, mugs)?;
        let after = Scored::of(honest, &*explainer, mugs)?;
        let [biased_mark, mark, product] =
            [before.mark, after.mark, after.product].map(scored::Part::times);
        let hits = percent(after.hits);
        table += &format!("| {title} | {biased_mark} | {mark} | {product} | {hits} |\n");
        if matches!(title, "Integrated Gradients" | "SmoothGrad") {
            sentences.push(format!(
                "{title}: {} of the attribution lies in the mark's {} of the picture; trained again without the mark: {}.",
                percent(before.mark.share),
                percent(before.mark.area),
                percent(after.mark.share)
            ));
        }
    }
    println!("\nShare of the attribution, over the share of the picture:\n\n{table}");
    for sentence in sentences {
        println!("{sentence}");
    }
    Ok(table)
}

/// Draws photos beside the maps of both networks.
fn figure(mugs: &[Product], nets: &[&Net; 2]) -> Result<Figure> {
    let enlarged = |photo: &RgbImage| resize(photo, 5 * SIDE, 5 * SIDE, FilterType::Nearest);
    let mut figure = Figure::new("Why \"mug\"? Integrated Gradients");
    for mug in mugs {
        let photo = enlarged(&mug.photo);
        let mut tiles = vec![Tile::new("photo", photo.clone())];
        for (net, title) in nets.iter().zip(["trained with the mark", "trained again without it"]) {
            let input = tensor(vec![mug.photo.clone()], &Device::flex());
            let map = IntegratedGradients::new().attribute_to(*net, input, Target::Class(MUG))?;
            let map = Map::of_row(&map.values, 0, Reduce::AbsoluteSum)?.clip_beyond(0.9)?;
            let picture = Picture::new(View::whole(&photo), &map)?;
            tiles.push(Tile::new(title, picture.overlay()));
        }
        figure = figure.with_row(tiles);
    }
    Ok(figure)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
