//! Which explainer is true of the model? Compares methods by numbers with intervals, beside maps
//! that know nothing: random ones, and the edges of the photo.
//!
//! ```text
//! cargo run --example evaluate
//! ```
//!
//! First with a photo network. Only two photos ship, so that crops of them are compared: the tests
//! say nothing of other photos. Then with a network that is known to read a watermark
//! (`clever_hans`), so that the share of a map in the mark can be measured.

use std::fmt;
use std::process::ExitCode;

use burn::tensor::{Device, Tensor};
use clap::Parser;
use image::RgbImage;
use image::imageops::crop_imm;
use saliency::metrics::{
    Better, Comparison, ComparisonTable, Deletion, Experiment, MassAccuracy, SaCo, Units,
};
use saliency::photo::{Preparation, blurred};
use saliency::{Baseline, Explainer, Groups, Method, MethodOptions, Schedule, Target};
use saliency_examples_training::shop::{MUG, SIDE, WATERMARK};
use saliency_examples_training::shop_network::{Marked, Net, TEST, TRAINING, photos, tensor};
use saliency_models::photos as shipped;
use saliency_program::Result;
use saliency_program::lite0::Lite0;
use saliency_program::method::{PhotoMethod, PhotoQuestion};
use saliency_program::network::PhotoNetwork as _;
use saliency_program::output::say;
use saliency_program::program::ended;

/// Compares methods, with intervals
#[derive(Parser)]
struct Args {
    /// The crops of each photo that are explained
    #[arg(long, default_value_t = 6)]
    crops: u32,
    /// The side of the square that is cut out of each photo, in pixels of the network's input: a multiple
    /// of 16. A smaller one takes less time, and the network sees less
    #[arg(long, default_value_t = 224, value_parser = clap::value_parser!(u32).range(32..=1024))]
    side: u32,
    /// The photos with a mark that are explained
    #[arg(long, default_value_t = 24)]
    marked: usize,
}

/// The side of a cell, in pixels: as far as the places of the layer at which methods explain are apart.
const CELL: u32 = 16;

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    say(format_args!("{} crops of each of two photos:\n", args.crops));
    say(of_photos(args.crops, args.side)?);
    say("As crops of one photo are alike, this says nothing of other photos.\n");
    say(format_args!("{} mugs with a mark, which decides:\n", args.marked));
    say(of_marks(args.marked)?);
    Ok(())
}

/// Methods that were compared, and what they cost.
struct Compared {
    table: ComparisonTable,
    costs: Vec<Cost>,
}

/// How often a method calls the network for a photo; at most, if photos differ.
struct Cost {
    method: &'static str,
    calls: usize,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table)?;
        writeln!(f, "| method | gradients or forward passes for a photo |\n|---|---|")?;
        self.costs.iter().try_for_each(|it| writeln!(f, "| {} | {} |", it.method, it.calls))
    }
}

/// Compares the methods of `explain` on crops of the photos that ship.
fn of_photos(crops: u32, side: u32) -> Result<Compared> {
    let device = Device::flex();
    let network = Lite0::new();
    let model = network.model(&device);
    let both = [shipped::chelsea(), shipped::coffee()];
    let all = both.iter().flat_map(|photo| (0..crops).map(move |at| crop(photo, at, crops)));
    let tensors = all.map(|crop| Preparation::imagenet().with_size(side).tensor(&crop, &device));
    let input = Tensor::cat(tensors.collect(), 0);
    let [_, channels, height, width] = input.dims();
    let across = (side / CELL) as usize;
    let units = Units::cells([channels, height, width], [across; 2])?;
    let (target, schedule) = (Target::Predicted, Schedule::new());
    let experiment = Experiment::new(&model, input.clone(), target, units, schedule.clone())?;

    // Few steps and samples: differences between methods are larger than their errors.
    let options = MethodOptions::new().with_steps(8).with_samples(8);
    let options = options.with_baseline_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    let (mut comparison, mut costs) = (Comparison::new(&experiment), Vec::new());
    for method in PhotoMethod::all() {
        let question = PhotoQuestion {
            network: &network,
            model: &model,
            input: &input,
            target: experiment.scored().target.clone().into(),
            options: &options,
            tolerance: None,
            schedule: &schedule,
        };
        let found = method.attribute(question)?;
        let calls = found.evaluations.into_iter().max().unwrap_or_default();
        costs.push(Cost { method: method.title(), calls });
        comparison = comparison.with_maps(method.title(), cells(&found.values, across)?)?;
    }
    let blur = experiment.fill(blurred(&input, 9.0)?)?;
    let grey = experiment.fill(input.zeros_like())?;
    let deletion = Deletion::new().with_block(across.pow(2).div_ceil(7));
    let comparison = comparison
        .with_metric("deletion, least - most relevant first", Better::Higher, |maps| {
            deletion.area_between(&experiment, &blur, maps)
        })?
        .with_metric("SaCo", Better::Higher, |maps| {
            SaCo::new().with_groups(7).values(&experiment, &grey, maps)
        })?;
    Ok(Compared { table: comparison.table()?, costs })
}

/// Adds up the map of each photo in its cells. A map at a layer has fewer values than the photo.
fn cells(values: &Tensor<4>, across: usize) -> Result<Vec<Vec<f64>>> {
    let [_, channels, height, width] = values.dims();
    let units = Units::cells([channels, height, width], [across; 2])?;
    let values: Vec<f64> = values.to_data().iter().collect();
    Ok(values.chunks(channels * height * width).map(|map| units.sums(map)).collect())
}

/// Cuts a square of two thirds of a photo, each time at another place.
fn crop(photo: &RgbImage, at: u32, crops: u32) -> RgbImage {
    let side = photo.height() * 2 / 3;
    let x = (photo.width() - side) * at / (crops - 1).max(1);
    let y = (photo.height() - side) * (at % 3) / 2;
    crop_imm(photo, x, y, side, side).to_image()
}

/// Compares the methods on a network that is known to read the mark.
fn of_marks(marked: usize) -> Result<Compared> {
    let device = Device::flex();
    let net = Net::trained(Marked::Mugs, 0, &device)?;
    let mugs = photos(TEST, Marked::Mugs).into_iter().filter(|it| it.class == MUG);
    let input = tensor(mugs.take(marked).map(|it| it.photo).collect(), &device);
    let cells = SIDE as usize / 2;
    let units = Units::cells([3, SIDE as usize, SIDE as usize], [cells, cells])?;
    let (target, schedule) = (Target::Class(MUG), Schedule::new());
    let experiment = Experiment::new(&net, input.clone(), target, units, schedule)?;
    let references = photos(TRAINING, Marked::Nothing).into_iter().take(60).map(|it| it.photo);
    let options = MethodOptions::new().with_baselines(tensor(references.collect(), &device));
    // The photos are small: 16 cells are covered together rather than 49, and few samples are enough.
    let options = options.with_groups(Groups::about(16)).with_samples(50);
    let (mut comparison, mut costs) = (Comparison::new(&experiment), Vec::new());
    for method in Method::fitting(&input.dims()) {
        let explainer: Box<dyn Explainer<Net, Tensor<4>>> = method.explainer(&options);
        let found = explainer.attribute_to(&net, input.clone(), Target::Class(MUG))?;
        costs.push(Cost { method: method.title(), calls: found.evaluations[0] });
        comparison = comparison.with_maps(method.title(), experiment.unit_sums(found.values)?)?;
    }
    let masks = vec![mark(cells); input.dims()[0]];
    let blur = experiment.fill(blurred(&input, 4.0)?)?;
    let comparison = comparison
        .with_metric("share of the map in the mark", Better::Higher, |maps| {
            MassAccuracy::new().with_absolute_values().values(maps, &masks)
        })?
        .with_metric("deletion, least - most relevant first", Better::Higher, |maps| {
            Deletion::new().with_block(48).area_between(&experiment, &blur, maps)
        })?;
    Ok(Compared { table: comparison.table()?, costs })
}

/// Says of each cell of 2 x 2 pixels whether the mark is in it.
fn mark(cells: usize) -> Vec<bool> {
    let inside = |at: usize, from: u32, side: u32| (from..from + side).contains(&(2 * at as u32));
    let rows = |cell: usize| inside(cell / cells, WATERMARK.y, WATERMARK.height);
    let columns = |cell: usize| inside(cell % cells, WATERMARK.x, WATERMARK.width);
    (0..cells * cells).map(|cell| rows(cell) && columns(cell)).collect()
}
