//! The options of `audit`.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Tensor;
use clap::Parser;
use saliency::backends::Backend;
use saliency::{Method, MethodOptions, Model, Schedule};
use saliency_audit::{CoverSample, Effort, PhotoExplainer, Recipe};
use saliency_program::Result;
use saliency_program::args::photo_method_parser;
use saliency_program::layer::LayerOf;
use saliency_program::method::PhotoMethod;
use saliency_program::network::PhotoNetwork;
use saliency_program::program::EXIT_CODES;
use saliency_program::regions::{Regions, RegionsOf, Tolerance};

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
    /// The method. On two cores a photo takes about 0.1 s with gradient, 0.2 s with regions, and 1 to
    /// 2 s with integrated-gradients at the default tolerance. Gradient is coarse, but good enough
    /// for a first look
    #[arg(long, value_parser = photo_method_parser(), default_value_t = PhotoMethod::Regions)]
    pub method: PhotoMethod,
    /// Cover the brightest places of so many photos, or of this share of them (20%), and ask the
    /// model again: 0 for none, all for all. They are drawn by their names. On two cores a photo
    /// takes about 1 s [default: 50 photos]
    #[arg(long, value_name = "N|SHARE", default_value = "50", hide_default_value = true)]
    pub cover: CoverSample,
    /// Go on until the estimated relative error of the map is at most this [default: 0.15 for
    /// regions, 0.1 for others]. With half the tolerance, integrated-gradients takes about twice the
    /// time. Methods that draw samples are slow, and take about four times the time
    #[arg(long, conflicts_with = "steps")]
    pub tolerance: Option<f64>,
    /// Go on until the shares that the audit states are known to this many points of a percent:
    /// that of the border, and that of the boxes. It takes fewer gradients than a tolerance for the
    /// whole map. For methods whose maps are sums: regions, and those of pixels with many gradients
    #[arg(long, value_name = "POINTS", conflicts_with_all = ["steps", "tolerance"])]
    pub share_points: Option<f64>,
    /// The largest number of gradients that a photo may take to reach the tolerance, 0.03 s each.
    /// If it is too small, the page says so [default: 200; for guided-ig: 600; for regions without
    /// --tolerance: 12]
    #[arg(long, value_name = "GRADIENTS", conflicts_with = "steps")]
    pub limit: Option<usize>,
    /// Take the same number of gradients for every photo, instead of a tolerance: points on the
    /// path of regions and integrated-gradients, or samples of methods that draw samples [default:
    /// 25]
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

/// The default tolerance of methods of pixels.
const ENOUGH: Tolerance = Tolerance { error: 0.1, limit: 200 };
/// That of Guided IG: it takes 201 gradients to find its path.
const ENOUGH_GUIDED: Tolerance = Tolerance { error: 0.1, limit: 600 };
const SAMPLES: usize = 25;

impl AuditArgs {
    /// Returns the recipe: how every photo is explained for a network.
    ///
    /// # Errors
    /// An error if the method has no such option, or if the network cannot be asked for its regions.
    pub fn recipe<N: PhotoNetwork>(&self, network: &Arc<N>) -> Result<Recipe<N::Model>> {
        let (method, of) = (self.method, Arc::clone(network));
        let recipe = move |effort: Effort, schedule| match method {
            PhotoMethod::Regions => regions(&of, effort, schedule),
            PhotoMethod::Layer(method) => {
                let options = MethodOptions::new().with_schedule(schedule);
                Box::new(LayerOf::new(Arc::clone(&of), method, options))
            }
            PhotoMethod::Pixels(method) => pixels(method, effort, schedule),
        };
        let recipe = Recipe::new(method.name(), method.title(), self.effort()?, recipe);
        let recipe = recipe.with_reduction(method.reduction());
        if method.maps_regions() {
            return Ok(recipe.with_map_size(network.region_grid()?));
        }
        Ok(recipe)
    }

    /// Returns the number of gradients that each photo may take.
    fn effort(&self) -> Result<Effort> {
        let method = self.method;
        if method.has_fixed_effort() {
            if self.steps.is_some()
                || self.tolerance.is_some()
                || self.share_points.is_some()
                || self.limit.is_some()
            {
                let name = method.name();
                return Err(format!(
                    "expected --steps, --tolerance, --share-points or --limit with a method of many gradients, found \
                     {name}"
                )
                .into());
            }
            return Ok(Effort::Steps(1));
        }
        let default = match method {
            PhotoMethod::Regions => Regions::ENOUGH,
            PhotoMethod::Pixels(Method::GuidedIg) => ENOUGH_GUIDED,
            PhotoMethod::Layer(_) | PhotoMethod::Pixels(_) => ENOUGH,
        };
        let asked = self.tolerance.or(self.share_points);
        let limit = self.limit.unwrap_or(match asked {
            // A smaller tolerance than the default may need more gradients.
            Some(_) => ENOUGH.limit.max(default.limit),
            None => default.limit,
        });
        if let Some(points) = self.share_points {
            return Ok(Effort::Shares { tolerance: points / 100.0, limit });
        }
        Ok(match (self.steps, self.tolerance) {
            (Some(steps), _) => Effort::Steps(steps),
            (None, Some(tolerance)) => Effort::Tolerance { tolerance, limit },
            // It takes long to reach a tolerance with samples.
            (None, None) if method.draws_samples() => Effort::Steps(SAMPLES),
            (None, None) => Effort::Tolerance { tolerance: default.error, limit },
        })
    }
}

/// Makes an explainer of regions. At the default tolerance, it is not reported whether the tolerance
/// was reached: nobody asked for it.
fn regions<N: PhotoNetwork>(
    network: &Arc<N>,
    effort: Effort,
    schedule: Schedule,
) -> PhotoExplainer<N::Model> {
    let regions = Regions::new().with_schedule(schedule);
    let Tolerance { error, limit: most } = Regions::ENOUGH;
    let regions = match effort {
        Effort::Steps(steps) => regions.with_steps(steps),
        Effort::Shares { tolerance: error, limit } => {
            regions.with_share_tolerance(Tolerance { error, limit })
        }
        Effort::Tolerance { tolerance, limit } if tolerance != error || limit != most => {
            regions.with_tolerance(Tolerance { error: tolerance, limit })
        }
        _ => regions,
    };
    Box::new(RegionsOf::new(Arc::clone(network), regions))
}

/// Makes an explainer of pixels.
fn pixels<M: Model<Tensor<4>> + 'static>(
    method: Method,
    effort: Effort,
    schedule: Schedule,
) -> PhotoExplainer<M> {
    let options = MethodOptions::new().with_schedule(schedule);
    let options = match effort {
        Effort::Steps(steps) => options.with_steps(steps).with_samples(steps),
        Effort::Tolerance { tolerance, limit } => {
            options.with_tolerance(tolerance).with_max_evaluations(limit)
        }
        Effort::Shares { tolerance, limit } => {
            options.with_share_tolerance(tolerance).with_max_evaluations(limit)
        }
        _ => options,
    };
    method.explainer(&options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use saliency::{Explainer as _, pure_function};

    /// Without other options, and with a tolerance, every method of pixels can do its work.
    #[test]
    fn every_method_accepts_its_default_effort() {
        let net = pure_function(|x: Tensor<4>| {
            let score = x.powi_scalar(2).flatten::<2>(1, 3).sum_dim(1);
            Tensor::cat(vec![score.clone(), -score], 1)
        });
        let x = Tensor::<4>::ones([1, 3, 4, 4], &Device::flex());
        let mut tried = 0;
        for method in PhotoMethod::all() {
            let PhotoMethod::Pixels(pixel_method) = method else { continue };
            for options in [&[][..], &["--tolerance", "0.5"]] {
                let all = [&["audit", "--method", method.name()], options].concat();
                let Ok(effort) = AuditArgs::parse_from(all).effort() else {
                    assert!(method.has_fixed_effort() && !options.is_empty());
                    continue;
                };
                let explainer = pixels(pixel_method, effort, Schedule::new());
                if let Err(error) = explainer.attribute(&net, x.clone()) {
                    panic!("{} {options:?}: {error}", method.name());
                }
                tried += 1;
            }
        }
        assert!(tried > 20, "{tried}");
    }
}
