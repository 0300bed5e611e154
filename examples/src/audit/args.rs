//! What can be asked for.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use saliency::backends::Backend;
use serde::Serialize;

/// Audits a classifier over a folder of photos: where did it look in each of them?
///
/// Writes audit.html, a page for people who do not program, and its figures as audit.csv and
/// audit.parquet. A photo that cannot be read becomes a line with the reason. An audit that was ended
/// on the way, by Ctrl-C or otherwise, goes on when it is started again: what is known of a photo is
/// kept in OUT/parts, and is used for as long as the photo, its boxes and the method stay the same.
#[derive(Parser)]
pub struct Args {
    /// The photos: files in this folder named .jpg, .jpeg, .png or .webp. Folders inside it, hidden
    /// files and files with other names are left out, links are followed. Without a folder, 24 photos
    /// are made in OUT/photos for a demonstration
    pub folder: Option<PathBuf>,
    /// What the model should look at, in pixels of the upright photo: a CSV with the columns
    /// file,name,x,y,width,height, or a COCO file (.json). Photos without boxes are explained too
    #[arg(long, value_name = "FILE", requires = "folder")]
    pub boxes: Option<PathBuf>,
    /// How much of the attribution, in percent, the boxes of a photo should hold together; where it is
    /// less, the model is said to look elsewhere [default: as much as the boxes cover of the picture, which
    /// is what they would hold if the model looked everywhere alike]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub expect: Option<u8>,
    /// How to explain. On two cores a photo takes about 0.1 s with gradient, which is coarse and does
    /// for a first look, and 1 to 2 s with integrated-gradients at the default tolerance
    #[arg(long, value_enum, default_value_t = Method::IntegratedGradients)]
    pub method: Method,
    /// Go on until the relative error is at most this: of the whole map for integrated-gradients
    /// [default: 0.1], of the median pixel for smooth-grad, which takes long. Half the tolerance costs
    /// about twice the time
    #[arg(long, conflicts_with = "steps")]
    pub tolerance: Option<f64>,
    /// The most gradients that a photo may take to reach the tolerance, 0.03 s each; where they do not
    /// suffice, the page says so
    #[arg(long, value_name = "GRADIENTS", default_value_t = 200, conflicts_with = "steps")]
    pub limit: usize,
    /// Instead of a tolerance, the same number of gradients for every photo: points on the path of
    /// integrated-gradients, or samples of smooth-grad [default: 25]
    #[arg(long, value_name = "GRADIENTS")]
    pub steps: Option<usize>,
    /// What computes: flex, vulkan:0, cuda:0, remote:ws://HOST:PORT and others. Given several times,
    /// the devices share the photos [default: what SALIENCY_DEVICE names, or the best there is]
    #[arg(long = "device", value_name = "NAME")]
    pub devices: Vec<Backend>,
    /// The folder to write to
    #[arg(long, default_value = "audit")]
    pub out: PathBuf,
}

/// How a photo is explained: the variants are methods of the library.
#[expect(missing_docs)]
#[derive(Clone, Copy, PartialEq, Serialize, ValueEnum)]
pub enum Method {
    Gradient,
    InputXGradient,
    IntegratedGradients,
    SmoothGrad,
}

impl Method {
    /// As it is given on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("no method is hidden");
        value.get_name().to_owned()
    }

    /// As it is called in titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gradient => "Gradient",
            Self::InputXGradient => "Input x Gradient",
            Self::IntegratedGradients => "Integrated Gradients",
            Self::SmoothGrad => "SmoothGrad",
        }
    }
}
