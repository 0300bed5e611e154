//! The options of `explain`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Parser, ValueEnum};
use saliency::Method;
use saliency::photo::Reduce;
use saliency::viz::ColorMap;

use crate::boxes::NamedBox;
use crate::method::PhotoMethod;
use crate::output::Words;
use crate::program::EXIT_CODES;

/// Returns a parser for the names of all methods that explain a photo.
pub fn photo_method_parser() -> impl clap::builder::TypedValueParser<Value = PhotoMethod> {
    PossibleValuesParser::new(PhotoMethod::all().map(PhotoMethod::name)).map(|name| {
        PhotoMethod::all().find(|method| method.name() == name).expect("one of the names")
    })
}

/// Shows where an ImageNet classifier looked in a photograph.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct ExplainArgs {
    /// JPEG, PNG or WebP photos; without any, the cat that ships with the library
    pub photos: Vec<PathBuf>,
    /// How to explain [default: regions; with --baseline or --steps: integrated-gradients]
    #[arg(long, value_parser = photo_method_parser())]
    pub method: Option<PhotoMethod>,
    /// Several methods instead, beside each other
    #[arg(long, value_parser = photo_method_parser(), value_delimiter = ',', conflicts_with = "method")]
    pub compare: Vec<PhotoMethod>,
    /// The class to explain, by name or index; may be given several times [default: the one that
    /// the model predicts]
    #[arg(long)]
    pub target: Vec<String>,
    /// Explain why the class rather than this other one, by name or index
    #[arg(long)]
    pub instead_of: Option<String>,
    /// Which number of the class is explained
    #[arg(long, value_enum, default_value_t = ScoreKind::Logit)]
    pub score: ScoreKind,
    /// Where the path of integrated-gradients starts [default: grey]
    #[arg(long, value_enum)]
    pub baseline: Option<BaselineKind>,
    /// Points on the path of integrated-gradients [default: 50]
    #[arg(long)]
    pub steps: Option<usize>,
    /// Samples for the methods that draw them
    #[arg(long, default_value_t = 50)]
    pub samples: usize,
    /// Instead of a fixed number, go on until the estimated relative error of the map is at most
    /// this. The two methods that take a single gradient have no such error
    #[arg(long)]
    pub tolerance: Option<f64>,
    /// The most gradients to take for a tolerance
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
    /// The device that computes: flex, ndarray, wgpu, vulkan:0, cuda:0, remote:ws://HOST:PORT and
    /// others [default: the one that SALIENCY_DEVICE names, or the best of the machine]
    #[arg(long)]
    pub device: Option<String>,
    /// List the devices of the machine, and end
    #[arg(long)]
    pub list_devices: bool,
    /// The pictures to write
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Mode::HeatMap, Mode::Overlay, Mode::Panel])]
    pub mode: Vec<Mode>,
    /// Do not test the map. The test covers the brightest parts of the photo, and as much
    /// elsewhere, and says whether the model changes its mind
    #[arg(long)]
    pub no_cover: bool,
    /// How the channels of a pixel become one value [default: absolute-sum; for regions: positive]
    #[arg(long, value_enum)]
    pub reduce: Option<ReduceKind>,
    /// The colours of the maps [default: inferno, or red-blue if values have signs]
    #[arg(long, value_enum)]
    pub colormap: Option<Colors>,
    /// A part of the photo to measure, such as "the product=40,20,300,200": left, top, width and
    /// height in whole pixels of the upright photo; may be given several times, and boxes of one
    /// name belong together
    #[arg(long, value_name = "NAME=X,Y,WIDTH,HEIGHT")]
    pub boxes: Vec<NamedBox>,
    /// Write a page for the browser too, with everything that was explained of a photo
    #[arg(long)]
    pub page: bool,
    /// Write figures with lines and letters as SVG too
    #[arg(long)]
    pub svg: bool,
    /// Write the values too: .npy, .safetensors, a 16-bit PNG, and a JSON that says how they were
    /// made
    #[arg(long)]
    pub export: bool,
    /// Print the answers as JSON instead of words: one line for each photo, on stdout
    #[arg(long)]
    pub json: bool,
    /// The folder to write to
    #[arg(short, long, default_value = "maps")]
    pub out: PathBuf,
}

impl ExplainArgs {
    /// Returns the method, if one is asked for rather than several.
    pub fn method(&self) -> PhotoMethod {
        let has_a_path = self.baseline.is_some() || self.steps.is_some();
        self.method.unwrap_or(if has_a_path {
            PhotoMethod::Pixels(Method::IntegratedGradients)
        } else {
            PhotoMethod::Regions
        })
    }

    /// Returns the start of the path of Integrated Gradients.
    pub fn baseline(&self) -> BaselineKind {
        self.baseline.unwrap_or(BaselineKind::Grey)
    }

    /// Returns the number of points on the path of Integrated Gradients.
    pub fn steps(&self) -> usize {
        self.steps.unwrap_or(50)
    }

    /// Returns where words for people are printed.
    pub fn words(&self) -> Words {
        Words::beside(self.json)
    }
}

/// A kind of picture.
#[expect(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    HeatMap,
    Overlay,
    Masked,
    Contours,
    Panel,
    /// Methods beside each other, classes below each other
    Grid,
}

/// How the colour channels of a pixel become one value.
#[expect(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReduceKind {
    AbsoluteSum,
    Sum,
    Max,
    L2Norm,
    Positive,
    Negative,
}

/// The colours of maps.
#[expect(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colors {
    Inferno,
    Magma,
    Viridis,
    Cividis,
    Turbo,
    RedBlue,
}

/// Which number of a class is explained.
#[expect(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScoreKind {
    Logit,
    LogProbability,
    Probability,
}

/// The start of the path of Integrated Gradients.
#[expect(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BaselineKind {
    Grey,
    Black,
    White,
    Blurred,
    Noise,
}

/// Returns the name of an option's value, as it is given on the command line.
pub fn option_name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value().expect("no value is hidden");
    value.get_name().to_owned()
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
