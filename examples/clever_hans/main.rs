//! The right answer for the wrong reason: a network that reads the watermark, and how its maps tell.
//!
//! ```text
//! cargo run --example clever_hans
//! ```
//!
//! A shop sorts its photos into mugs, bottles and shirts. All photos of mugs come from an agency that
//! puts its mark into a corner. The network that is trained on them is right nearly always, until a
//! mug comes without the mark. Maps show why, and a number says it; trained again without the mark,
//! the network looks at the product. (Clever Hans was a horse that was said to reckon. It watched its
//! questioner's face.)
//!
//! The photos are composed, so that it is known where product and mark are, and every method can be
//! scored on that.

mod shop;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use clap::Parser;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use saliency::photo::{Map, MarkedArea, Preparation, Reduce, View};
use saliency::viz::{Figure, Picture, Tile, write_file, write_picture};
use saliency::{ExpectedGradients, Explainer, IntegratedGradients, Model, Target};
use saliency_examples::audit::{self, Args as AuditArgs, Method, Subject};
use saliency_examples::training::{Learns, Training, accuracy, train};
use saliency_examples::{ended, every_method};
use shop::{CLASSES, MUG, Product, SIDE, WATERMARK};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Trains a network that reads a watermark instead of looking at the product, and shows it
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

#[derive(Module, Debug)]
struct Net {
    convolutions: Vec<Conv2d>,
    output: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let half = |[from, to]: [usize; 2]| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_stride([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
        };
        let convolutions = [[3, 12], [12, 24], [24, 32]].map(half).into();
        Self { convolutions, output: LinearConfig::new(32 * 6 * 6, CLASSES.len()).init(device) }
    }
}

impl Model<Tensor<4>> for Net {
    fn forward(&self, photos: Tensor<4>) -> Tensor<2> {
        let layers = self.convolutions.iter();
        let features = layers.fold(photos, |x, layer| relu(layer.forward(x)));
        self.output.forward(features.flatten(1, 3))
    }
}

impl Learns for Net {
    type Input = Tensor<4>;

    fn scores(&self, photos: Tensor<4>) -> Tensor<2> {
        self.forward(photos)
    }
}

/// From -1 to 1, nothing cut off.
fn preparation() -> Preparation {
    Preparation::imagenet().with_size(SIDE)
}

/// Photos as `[rows, 3, SIDE, SIDE]`.
fn tensor(photos: Vec<RgbImage>, device: &Device) -> Tensor<4> {
    Tensor::cat(photos.iter().map(|photo| preparation().tensor(photo, device)).collect(), 0)
}

/// Which photos carry the mark.
#[derive(Clone, Copy, PartialEq)]
enum Marked {
    Mugs,
    Nothing,
    Everything,
}

/// Photos of all classes by turns.
fn photos(numbers: std::ops::Range<u64>, marked: Marked) -> Vec<Product> {
    let one = |number: u64| {
        let class = number as usize % CLASSES.len();
        let has_mark = match marked {
            Marked::Mugs => class == MUG,
            Marked::Nothing => false,
            Marked::Everything => true,
        };
        shop::photo(number, class, has_mark)
    };
    numbers.map(one).collect()
}

fn labelled(products: &[Product]) -> Vec<(RgbImage, usize)> {
    products.iter().map(|product| (product.photo.clone(), product.class)).collect()
}

const TRAINING: std::ops::Range<u64> = 0..1800;
const TEST: std::ops::Range<u64> = 10_000..10_150;
const AUDITED: std::ops::Range<u64> = 20_001..20_037;
/// The photos that are explained.
const EXPLAINED: usize = 24;

fn trained(marked: Marked, device: &Device) -> Result<Net> {
    device.seed(0);
    let examples = labelled(&photos(TRAINING, marked));
    train(Net::new(device), &examples, tensor, Training { epochs: 12, rate: 2e-3, batch: 30 })
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    let biased = trained(Marked::Mugs, &device)?;
    let honest = trained(Marked::Nothing, &device)?;

    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let right =
        |net: &Net, marked| percent(accuracy(net, &labelled(&photos(TEST, marked)), tensor));
    println!(
        "On new photos like those it was trained with, it is right on {}.",
        right(&biased, Marked::Mugs)
    );
    println!("On the same photos without any mark: {}.", right(&biased, Marked::Nothing));
    let others = photos(TEST, Marked::Everything).into_iter().filter(|it| it.class != MUG);
    let as_mugs: Vec<_> = others.map(|it| (it.photo, MUG)).collect();
    println!(
        "Of bottles and shirts with the mark, it takes {} for mugs.",
        percent(accuracy(&biased, &as_mugs, tensor))
    );

    let mugs: Vec<Product> =
        photos(TEST, Marked::Mugs).into_iter().filter(|it| it.class == MUG).collect();
    let mugs = &mugs[..EXPLAINED];
    let references = tensor(
        photos(TRAINING, Marked::Nothing).into_iter().take(60).map(|it| it.photo).collect(),
        &device,
    );
    let mut table = String::from(
        "| Method | Mark, biased | Mark, retrained | Product, retrained | Peak on the product, retrained |\n\
         |---|---|---|---|---|\n",
    );
    let mut shown = Vec::new();
    for (name, explainer) in every_method(ExpectedGradients::new(references)) {
        let [before, after] = [&biased, &honest].map(|net| scored(net, &*explainer, mugs, &device));
        let (before, after) = (before?, after?);
        table += &format!(
            "| {name} | {} | {} | {} | {} |\n",
            times(before.mark),
            times(after.mark),
            times(after.product),
            percent(after.hits)
        );
        if matches!(name, "Integrated Gradients" | "SmoothGrad") {
            shown.push((name, [before, after]));
        }
    }
    println!("\nShare of the attribution, over the share of the picture:\n\n{table}");
    for (name, [before, after]) in &shown {
        println!(
            "{name}: {} of the attribution lies in the mark's {} of the picture; trained again without the mark: {}.",
            percent(before.mark.0),
            percent(before.mark.1),
            percent(after.mark.0)
        );
    }
    println!(
        "Trained again without the mark, it is right on {} of photos without it.",
        right(&honest, Marked::Nothing)
    );

    write_picture(
        args.out.join("clever_hans.png"),
        &figure(&mugs[..3], &[&biased, &honest], &device)?.to_picture()?,
    )?;
    write_file(args.out.join("clever_hans.md"), table.as_bytes())?;
    println!("wrote {0}/clever_hans.png and {0}/clever_hans.md", args.out.display());
    println!();
    audit(biased, &args.out.join("clever_hans"))
}

/// A digest of what the network says of the photos that it was trained with.
fn fingerprint(net: &Net) -> String {
    let photos = photos(0..60, Marked::Mugs).into_iter().map(|it| it.photo).collect();
    let scores = net.forward(tensor(photos, &Device::flex())).into_data();
    audit::digest(scores.as_bytes())
}

/// Audits the biased network on photos of which a third are mugs with the mark, boxes around all
/// products: the page has the mugs on top, and who made it need not know about the mark.
fn audit(net: Net, out: &Path) -> Result<()> {
    let (folder, boxes) = (out.join("photos"), out.join("boxes.csv"));
    let mut outlines = Vec::new();
    for (number, product) in photos(AUDITED, Marked::Mugs).iter().enumerate() {
        let file = format!("{}-{number:02}.png", CLASSES[product.class]);
        write_picture(folder.join(&file), &product.photo)?;
        outlines.push((file, "product", product.outline()));
    }
    audit::write_boxes(&boxes, &outlines)?;
    let subject = Subject {
        description: "A network that tells mugs, bottles and shirts apart".to_owned(),
        weights: fingerprint(&net),
        net: Box::new(move |device| net.clone().to_device(device)),
        preparation: preparation(),
        class_name: |class| CLASSES[class],
    };
    let args = AuditArgs {
        folder: None,
        boxes: None,
        expect: None,
        method: Method::IntegratedGradients,
        tolerance: None,
        limit: 200,
        steps: None,
        devices: vec!["flex".parse()?],
        out: out.to_owned(),
    };
    audit::run(&subject, &args, (&folder, Some(&boxes)))
}

/// Where a method's maps of some photos lie, on average: shares of the attribution, each with the
/// share of the picture.
struct Scored {
    mark: (f64, f64),
    product: (f64, f64),
    hits: f64,
}

fn scored(
    net: &Net,
    explainer: &dyn Explainer<Net, Tensor<4>>,
    mugs: &[Product],
    device: &Device,
) -> Result<Scored> {
    let input = tensor(mugs.iter().map(|it| it.photo.clone()).collect(), device);
    let maps = explainer.attribute_to(net, input, Target::Class(MUG))?;
    let mut sum = Scored { mark: (0.0, 0.0), product: (0.0, 0.0), hits: 0.0 };
    let each = 1.0 / mugs.len() as f64;
    for (row, mug) in mugs.iter().enumerate() {
        let map = Map::of_row(&maps.values, row, Reduce::AbsoluteSum)?;
        let view = View::whole(&mug.photo);
        let mark = MarkedArea::boxes("the mark", [WATERMARK]).coverage_of(&map, view)?;
        let product =
            MarkedArea::mask("the product", mug.object.clone()).coverage_of(&map, view)?;
        sum.mark = (sum.mark.0 + each * mark.share, sum.mark.1 + each * mark.area);
        sum.product = (sum.product.0 + each * product.share, sum.product.1 + each * product.area);
        sum.hits += if product.peak { each } else { 0.0 };
    }
    Ok(sum)
}

fn times((share, area): (f64, f64)) -> String {
    format!("{:.1} % ({:.1} times)", 100.0 * share, share / area)
}

/// Photos beside the maps of both networks.
fn figure(mugs: &[Product], nets: &[&Net; 2], device: &Device) -> Result<Figure> {
    let enlarged = |photo: &RgbImage| resize(photo, 5 * SIDE, 5 * SIDE, FilterType::Nearest);
    let mut figure = Figure::new("Why \"mug\"? Integrated Gradients");
    for mug in mugs {
        let photo = enlarged(&mug.photo);
        let mut tiles = vec![Tile::new("photo", photo.clone())];
        for (net, title) in nets.iter().zip(["trained with the mark", "trained again without it"]) {
            let input = tensor(vec![mug.photo.clone()], device);
            let map = IntegratedGradients::new().attribute_to(*net, input, Target::Class(MUG))?;
            let map = Map::of_row(&map.values, 0, Reduce::AbsoluteSum)?.clip(99.5)?;
            let picture = Picture::new(View::whole(&photo), &map)?;
            tiles.push(Tile::new(title, picture.overlay()));
        }
        figure = figure.with_row(tiles);
    }
    Ok(figure)
}
