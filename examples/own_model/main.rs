//! Explains networks from other libraries: weights from PyTorch, and an ONNX file.
//!
//! ```text
//! cargo run --example own_model
//! cargo run --example own_model -- --out FOLDER
//! ```
//!
//! A small network that distinguishes shapes is loaded in three ways. Weights in PyTorch's own
//! format, and in safetensors, are loaded into a network that is written with Burn (`network.rs`).
//! From an ONNX file, burn-onnx makes a network when this program is built (`build.rs`). This
//! network has no BatchNorm, because PyTorch's exporter folds it into the convolution. Each network
//! is explained, and compared with Captum's values for the original in PyTorch. `make_network.py`
//! made all files.

mod generated;
mod golden;
mod network;
mod panel;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::{Device, Tensor};
use clap::Parser;
use golden::Golden;
use network::Network;
use saliency::viz::write_picture;
use saliency::{Explainer as _, Gradient, IntegratedGradients, Model, ModelFn};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Explains a network that was loaded from PyTorch's files, and one that was made from an ONNX
/// file.
#[derive(Parser)]
struct Args {
    /// The folder to write the picture to
    #[arg(long, default_value = "maps")]
    out: PathBuf,
}

/// The only code that your own network needs.
impl Model<Tensor<4>> for Network {
    fn forward(&self, picture: Tensor<4>) -> Tensor<2> {
        Network::forward(self, picture)
    }
}

fn main() -> ExitCode {
    match run(&Args::parse().out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(out: &Path) -> Result<()> {
    let device = Device::flex();
    let golden = Golden::read(&device)?;
    let explained = explained(&golden, &device)?;

    println!("largest difference from Captum's values, relative to the largest of them:");
    println!("{:<20} {:>7} {:>9} {:>21}", "", "logits", "gradient", "integrated gradients");
    for Explained { file, differences: [logits, gradient, integrated], .. } in &explained {
        println!("{file:<20} {logits:7.0e} {gradient:9.0e} {integrated:21.0e}");
    }
    std::fs::create_dir_all(out).map_err(|error| {
        format!("expected a folder to write to at {}, found: {error}", out.display())
    })?;
    let path = out.join("own_model.png");
    write_picture(&path, &panel::panel(&golden, &explained)?.to_picture()?)?;
    println!("wrote {}", path.display());

    if explained.iter().flat_map(|it| it.differences).any(|it| it > ROUNDING || it.is_nan()) {
        let error = format!("expected differences of at most {ROUNDING:.0e}, found larger ones");
        return Err(error.into());
    }
    println!("all three agree with Captum: what differs is rounding");
    Ok(())
}

/// Loads the same network from each of its files.
fn explained(golden: &Golden, device: &Device) -> Result<[Explained; 3]> {
    let from_pytorch = Network::from_pytorch(&file("network.pt"), device)?;
    let from_safetensors = Network::from_safetensors(&file("network.safetensors"), device)?;
    // A network from another crate needs no `impl`: give the module, and a function that calls it.
    let from_onnx = generated::Model::from_embedded(device);
    let from_onnx = ModelFn::new(from_onnx, generated::Model::forward);
    Ok([
        Explained::new("network.pt", &from_pytorch, golden)?,
        Explained::new("network.safetensors", &from_safetensors, golden)?,
        Explained::new("network.onnx", &from_onnx, golden)?,
    ])
}

/// Returns the path of a file that `make_network.py` wrote.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// The largest allowed difference between single and double precision, as a share of the largest
/// value.
const ROUNDING: f32 = 1e-4;

/// The answers about one network, and their differences from Captum's.
struct Explained {
    file: &'static str,
    /// The differences of the logits, of the gradient and of Integrated Gradients.
    differences: [f32; 3],
    integrated: Tensor<4>,
}

impl Explained {
    fn new<M: Model<Tensor<4>>>(
        file: &'static str,
        network: &M,
        golden: &Golden,
    ) -> saliency::Result<Self> {
        let picture = || golden.picture.clone();
        let logits = network.forward(picture());
        let gradient = Gradient::new().attribute(network, picture())?;
        // Its defaults are Captum's: 50 Gauss-Legendre points, and a baseline of zeros.
        let integrated = IntegratedGradients::new().attribute(network, picture())?;
        let differences = [
            difference(&logits, &golden.logits),
            difference(&gradient.values, &golden.gradient),
            difference(&integrated.values, &golden.integrated_gradients),
        ];
        Ok(Self { file, differences, integrated: integrated.values })
    }
}

/// Returns the largest difference, relative to the largest absolute expected value.
fn difference<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>) -> f32 {
    let largest = |tensor: Tensor<D>| tensor.abs().max().into_scalar::<f32>();
    largest(found.clone() - expected.clone()) / largest(expected.clone())
}
