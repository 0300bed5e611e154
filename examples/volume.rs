//! Why did a network say that? A volume explained slice by slice, on a page with a slider.
//!
//! ```text
//! cargo run --example volume
//! ```
//!
//! The volume is made by a formula: tissue with a grain, and two bright lesions, a large one and a
//! small one. The network is small and has no training: its convolution averages a neighbourhood,
//! and what is brighter than tissue speaks for a lesion. So it is known where the map must be strong.

use std::path::PathBuf;
use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::nn::PaddingConfig3d;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use saliency::photo::{Map, Reduce, percent, slice_pictures};
use saliency::viz::{SlicePage, write_file};
use saliency::{Explainer, IntegratedGradients, Model};
use saliency_program::Result;
use saliency_program::program::ended;

/// Explains a volume slice by slice, on a page with a slider
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

/// Slices, height and width.
const SHAPE: [usize; 3] = [24, 48, 48];

/// A place that is brighter than what is around it.
struct Lesion {
    /// Slice, row and column of the middle.
    middle: [f32; 3],
    radius: f32,
    brightness: f32,
}

const LESIONS: [Lesion; 2] = [
    Lesion { middle: [15.0, 18.0, 30.0], radius: 4.0, brightness: 0.55 },
    Lesion { middle: [5.0, 33.0, 14.0], radius: 2.5, brightness: 0.5 },
];

/// Makes the volume, `[1, 1, slices, height, width]`, with values from 0 to about 1.
fn volume(device: &Device) -> Tensor<5> {
    let [slices, height, width] = SHAPE;
    let voxel = |at: usize| {
        let place = [at / (height * width), at / width % height, at % width].map(|at| at as f32);
        let [slice, row, column] = place;
        let distance = |middle: [f32; 3], size: [f32; 3]| {
            let off = (0..3).map(|axis| ((place[axis] - middle[axis]) / size[axis]).powi(2));
            off.sum::<f32>().sqrt()
        };
        // A body in the middle, with a grain that repeats nowhere.
        let body = distance([11.5, 23.5, 23.5], [14.0, 21.0, 19.0]);
        let grain = (row * 1.7 + slice * 0.9).sin() * (column * 1.3 - slice * 0.7).cos();
        let tissue = if body < 1.0 { 0.3 + 0.06 * grain } else { 0.02 };
        let bright = LESIONS.iter().map(|it| {
            let inside = 1.0 - distance(it.middle, [it.radius; 3]);
            it.brightness * inside.clamp(0.0, 0.4) / 0.4
        });
        tissue + bright.sum::<f32>()
    };
    let values: Vec<f32> = (0..slices * height * width).map(voxel).collect();
    Tensor::from_data(TensorData::new(values, [1, 1, slices, height, width]), device)
}

/// Averages neighbourhoods, and compares what is brighter than tissue with a threshold.
#[derive(Module, Debug)]
struct Net {
    average: Conv3d,
}

const CLASSES: [&str; 2] = ["lesion", "no lesion"];

impl Net {
    fn new(device: &Device) -> Self {
        let padding = PaddingConfig3d::Explicit(1, 1, 1);
        let config = Conv3dConfig::new([1, 1], [3, 3, 3]).with_bias(false).with_padding(padding);
        let mut average = config.init(device);
        average.weight = Param::from_tensor(Tensor::full([1, 1, 3, 3, 3], 1.0 / 27.0, device));
        Self { average }
    }
}

impl Model<Tensor<5>> for Net {
    fn forward(&self, input: Tensor<5>) -> Tensor<2> {
        let bright = relu(self.average.forward(input) - 0.45);
        let lesion = bright.flatten::<2>(1, 4).sum_dim(1) * 0.05;
        let none = lesion.zeros_like() + 1.0;
        Tensor::cat(vec![lesion, none], 1)
    }
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let device = Device::flex();
    let (volume, net) = (volume(&device), Net::new(&device));
    let map = IntegratedGradients::new().with_tolerance(0.05).attribute(&net, volume.clone())?;
    let class = map.targets[0].map_or("?", |class| CLASSES[class]);

    let maps = Map::of_slices(&map.values, 0, Reduce::Sum)?;
    let mut page = SlicePage::volume(class, slice_pictures(&volume, 0)?, maps)
        .with_title("A volume made by a formula")
        .with_method("Integrated Gradients");
    if let Some(probability) = map.probability(0) {
        page = page.with_prediction(probability);
    }
    if let Some(error) = map.error_estimate.as_ref().map(|errors| errors[0]) {
        page =
            page.with_note(format!("The map is wrong by about {}, by estimate.", percent(error)));
    }
    let path = args.out.join("volume.html");
    write_file(&path, page.to_html()?.as_bytes())?;
    println!("wrote {}", path.display());
    Ok(())
}
