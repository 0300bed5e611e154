//! The options of `audit`.

use std::path::PathBuf;

use burn::tensor::Tensor;
use clap::Parser;
use saliency::backends::Backend;
use saliency::methods::{ErrorBar, Family};
use saliency::{Method, MethodOptions, Model};
use saliency_audit::{Effort, Recipe};
use saliency_cli::Result;
use saliency_cli::args::method_parser;
use saliency_cli::program::EXIT_CODES;

/// Audits a classifier over a folder of photos: where did it look in each photo?
///
/// Writes audit.html, a page for people who do not program, and its figures as audit.csv and
/// audit.parquet. A photo that cannot be read becomes a line with the reason. If an audit was
/// stopped, by Ctrl-C or otherwise, start it again and it resumes. The results of each photo are
/// kept in OUT/parts. They are used as long as the photo, its boxes and the method stay the same.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct AuditArgs {
    /// The photos: files in this folder named .jpg, .jpeg, .jfif, .png or .webp. Folders inside it,
    /// hidden files and files with other names are left out, links are followed. Without a folder,
    /// 24 photos are made in OUT/photos for a demonstration
    pub folder: Option<PathBuf>,
    /// Boxes around the things that the model should look at, in pixels of the upright photo: a CSV
    /// with the columns file,name,x,y,width,height, or a file or a folder of files of COCO, Pascal
    /// VOC, YOLO, LabelMe or VIA. The format is found from the content. Photos without boxes are
    /// explained too
    #[arg(long, value_name = "FILE", requires = "folder")]
    pub boxes: Option<PathBuf>,
    /// Use only boxes of this category; may be given several times [default: all boxes of a photo
    /// count together]
    #[arg(long = "category", value_name = "NAME", requires = "boxes")]
    pub categories: Vec<String>,
    /// The share of the attribution, in percent, that the boxes of a photo should hold together. If
    /// they hold less, the audit reports that the model looks elsewhere [default: the share of the
    /// picture that the boxes cover, because an even map would have this share in the boxes]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub expect: Option<u8>,
    /// The method. On two cores a photo takes about 0.1 s with gradient, and 1 to 2 s with
    /// integrated-gradients at the default tolerance. Gradient is coarse, but good enough for a
    /// first look
    #[arg(long, value_parser = method_parser(), default_value_t = Method::IntegratedGradients)]
    pub method: Method,
    /// Go on until the estimated relative error of the map is at most this [default: 0.1]. With
    /// half the tolerance, integrated-gradients takes about twice the time. Methods that draw
    /// samples are slow, and take about four times the time
    #[arg(long, conflicts_with = "steps")]
    pub tolerance: Option<f64>,
    /// The largest number of gradients that a photo may take to reach the tolerance, 0.03 s each.
    /// If it is too small, the page says so [default: 200]
    #[arg(long, value_name = "GRADIENTS", conflicts_with = "steps")]
    pub limit: Option<usize>,
    /// Take the same number of gradients for every photo, instead of a tolerance: points on the
    /// path of integrated-gradients, or samples of methods that draw samples [default: 25]
    #[arg(long, value_name = "GRADIENTS")]
    pub steps: Option<usize>,
    /// The device that computes: flex, vulkan:0, cuda:0, remote:ws://HOST:PORT and others. If it is
    /// given several times, the devices share the photos [default: the device that SALIENCY_DEVICE
    /// names, or the best device of the machine]
    #[arg(long = "device", value_name = "NAME")]
    pub devices: Vec<Backend>,
    /// The folder to write to
    #[arg(short, long, default_value = "audit")]
    pub out: PathBuf,
    /// Print the findings as JSON instead of words: one object, on stdout
    #[arg(long)]
    pub json: bool,
}

const TOLERANCE: f64 = 0.1;
const LIMIT: usize = 200;
const SAMPLES: usize = 25;

impl AuditArgs {
    /// Returns the recipe: how every photo is explained.
    ///
    /// # Errors
    /// An error if the method has no such option.
    pub fn recipe<M: Model<Tensor<4>> + 'static>(&self) -> Result<Recipe<M>> {
        let method = self.method;
        let recipe = move |effort: Effort, schedule| {
            let options = MethodOptions::new().with_schedule(schedule);
            let options = match effort {
                Effort::Steps(steps) => options.with_steps(steps).with_samples(steps),
                Effort::Tolerance { tolerance, limit } => {
                    options.with_tolerance(tolerance).with_max_evaluations(limit)
                }
                _ => options,
            };
            method.explainer(&options)
        };
        Ok(Recipe::new(method.name(), method.title(), self.effort()?, recipe))
    }

    /// Returns the number of gradients that each photo may take.
    fn effort(&self) -> Result<Effort> {
        let (method, limit) = (self.method, self.limit.unwrap_or(LIMIT));
        if method.family() == Family::Gradient {
            if self.steps.is_some() || self.tolerance.is_some() || self.limit.is_some() {
                let name = method.name();
                return Err(format!(
                    "expected --steps, --tolerance or --limit with a method of many gradients, found \
                     {name}"
                )
                .into());
            }
            return Ok(Effort::Steps(1));
        }
        Ok(match (self.steps, self.tolerance) {
            (Some(steps), _) => Effort::Steps(steps),
            (None, Some(tolerance)) => Effort::Tolerance { tolerance, limit },
            // It takes long to reach a tolerance with samples.
            (None, None) if method.error_bar() == ErrorBar::Values => Effort::Steps(SAMPLES),
            (None, None) => Effort::Tolerance { tolerance: TOLERANCE, limit },
        })
    }
}
