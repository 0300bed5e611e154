//! What can be asked for.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use saliency::photo::{MarkedArea, Reduce, Region};
use saliency::viz::ColorMap;

/// Shows where an ImageNet classifier looked in a photograph.
#[derive(Parser)]
pub struct Args {
    /// JPEG, PNG or WebP photos; without any, the cat that ships with the library
    pub photos: Vec<PathBuf>,
    /// How to explain
    #[arg(long, value_enum, default_value_t = Method::IntegratedGradients)]
    pub method: Method,
    /// Several methods instead, beside each other
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "method")]
    pub compare: Vec<Method>,
    /// The class to explain, by name or index; may be given several times [default: the one that the
    /// model predicts]
    #[arg(long)]
    pub target: Vec<String>,
    /// What speaks for the class rather than for this other one, by name or index
    #[arg(long)]
    pub instead_of: Option<String>,
    /// What is explained of the class
    #[arg(long, value_enum, default_value_t = ScoreKind::Logit)]
    pub score: ScoreKind,
    /// Where the path of integrated-gradients starts
    #[arg(long, value_enum, default_value_t = BaselineKind::Grey)]
    pub baseline: BaselineKind,
    /// Points on the path of integrated-gradients
    #[arg(long, default_value_t = 50)]
    pub steps: usize,
    /// Samples for the methods that draw them
    #[arg(long, default_value_t = 50)]
    pub samples: usize,
    /// Instead of a fixed number: go on until the relative error is at most this (of the whole map
    /// for integrated-gradients, of the median pixel for the methods that draw samples; the two that
    /// take a single gradient have none)
    #[arg(long)]
    pub tolerance: Option<f64>,
    /// The most gradients that are taken to reach a tolerance
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
    /// What computes: flex, ndarray, wgpu, vulkan:0, cuda:0, remote:ws://HOST:PORT and others
    /// [default: what SALIENCY_DEVICE names, or the best there is]
    #[arg(long)]
    pub device: Option<String>,
    /// Lists the devices that there are, and ends
    #[arg(long)]
    pub list_devices: bool,
    /// The pictures to write
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Mode::HeatMap, Mode::Overlay, Mode::Panel])]
    pub mode: Vec<Mode>,
    /// What becomes of the three colour channels of a pixel
    #[arg(long, value_enum, default_value_t = ReduceKind::AbsoluteSum)]
    pub reduce: ReduceKind,
    /// The colours of the maps [default: inferno, or red-blue where values have signs]
    #[arg(long, value_enum)]
    pub colormap: Option<Colors>,
    /// A place in the photo to be measured, such as "the product=40,20,300,200": left, top, width and
    /// height in pixels; may be given several times, and boxes of one name belong together
    #[arg(long, value_name = "NAME=X,Y,WIDTH,HEIGHT", value_parser = named_box)]
    pub boxes: Vec<(String, Region)>,
    /// Writes a page for the browser too, with everything that was explained of a photo
    #[arg(long)]
    pub page: bool,
    /// Writes figures with lines and letters as SVG too
    #[arg(long)]
    pub svg: bool,
    /// Writes the values too: .npy, .safetensors, a 16-bit PNG, and a JSON that says how they came about
    #[arg(long)]
    pub export: bool,
    /// The folder to write to
    #[arg(long, default_value = "maps")]
    pub out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Mode {
    HeatMap,
    Overlay,
    Masked,
    Contours,
    Panel,
    /// Methods beside each other, classes below each other
    Grid,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ReduceKind {
    AbsoluteSum,
    Sum,
    Max,
    L2Norm,
    Positive,
    Negative,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Colors {
    Inferno,
    Magma,
    Viridis,
    Cividis,
    Turbo,
    RedBlue,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Method {
    Gradient,
    InputXGradient,
    IntegratedGradients,
    ExpectedGradients,
    SmoothGrad,
    SmoothGradSquared,
    VarGrad,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ScoreKind {
    Logit,
    LogProbability,
    Probability,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum BaselineKind {
    Grey,
    Black,
    White,
    Blurred,
    Noise,
}

/// The name of an option's value as it is given on the command line.
pub fn option_name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value().expect("no value is hidden");
    value.get_name().to_owned()
}

pub fn name_of(method: Method) -> &'static str {
    match method {
        Method::Gradient => "Gradient",
        Method::InputXGradient => "Input x Gradient",
        Method::IntegratedGradients => "Integrated Gradients",
        Method::ExpectedGradients => "Expected Gradients",
        Method::SmoothGrad => "SmoothGrad",
        Method::SmoothGradSquared => "SmoothGrad Squared",
        Method::VarGrad => "VarGrad",
    }
}

impl From<ReduceKind> for Reduce {
    fn from(kind: ReduceKind) -> Self {
        match kind {
            ReduceKind::AbsoluteSum => Self::AbsoluteSum,
            ReduceKind::Sum => Self::Sum,
            ReduceKind::Max => Self::Max,
            ReduceKind::L2Norm => Self::L2Norm,
            ReduceKind::Positive => Self::Positive,
            ReduceKind::Negative => Self::Negative,
        }
    }
}

impl From<Colors> for ColorMap {
    fn from(colors: Colors) -> Self {
        match colors {
            Colors::Inferno => Self::Inferno,
            Colors::Magma => Self::Magma,
            Colors::Viridis => Self::Viridis,
            Colors::Cividis => Self::Cividis,
            Colors::Turbo => Self::Turbo,
            Colors::RedBlue => Self::RedBlue,
        }
    }
}

/// Reads `NAME=X,Y,WIDTH,HEIGHT`.
fn named_box(text: &str) -> std::result::Result<(String, Region), String> {
    let wrong = || format!("expected NAME=X,Y,WIDTH,HEIGHT in whole pixels, found {text}");
    let (name, numbers) = text.rsplit_once('=').ok_or_else(wrong)?;
    let numbers: std::result::Result<Vec<u32>, _> =
        numbers.split(',').map(|it| it.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, width, height]) if !name.is_empty() => {
            Ok((name.to_owned(), Region { x, y, width, height }))
        }
        _ => Err(wrong()),
    }
}

/// Boxes of one name are one place.
pub fn places(boxes: &[(String, Region)]) -> Vec<MarkedArea> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in boxes {
        if !names.contains(&&name[..]) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let own = boxes.iter().filter(|(it, _)| it == name).map(|(_, region)| *region);
            MarkedArea::boxes(name, own.collect::<Vec<_>>())
        })
        .collect()
}
