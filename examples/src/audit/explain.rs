//! From photos to maps, and from these to what is measured of them.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use image::RgbImage;
use image::imageops::{crop_imm, replace, thumbnail};
use saliency::backends::{ComputeDevice, DevicePool};
use saliency::photo::{Frame, Map, MarkedArea, Preparation, Reduce, Region, View};
use saliency::viz::Picture;
use saliency::{
    Explainer, Gradient, InputTimesGradient, IntegratedGradients, Model, Rows, Schedule,
    SmoothGrad, Target, Warning,
};
use serde::Serialize;

use super::Result;
use super::args::{Args, Method};
use super::boxes::{self, Marked};
use super::row::{BORDER, Inside, Measured};

/// What is audited. To audit a network of your own, fill in these five.
pub struct Subject<N> {
    /// Which network it is, in a few words.
    pub description: String,
    /// Changes with the weights, as a digest does: photos are explained anew then.
    pub weights: String,
    /// The network on a device.
    pub net: Box<dyn Fn(&Device) -> N>,
    /// How a photo becomes its input.
    pub preparation: Preparation,
    /// What a class is called.
    pub class_name: fn(usize) -> &'static str,
}

/// How every photo is explained.
#[derive(Clone, Copy, Serialize)]
pub struct Plan {
    pub method: Method,
    pub effort: Effort,
}

/// How many gradients each photo is worth.
#[derive(Clone, Copy, Serialize)]
pub enum Effort {
    Steps(usize),
    Tolerance { tolerance: f64, limit: usize },
}

const TOLERANCE: f64 = 0.1;
const STEPS: usize = 25;

impl Plan {
    pub fn new(args: &Args) -> Result<Self> {
        let method = args.method;
        let single = matches!(method, Method::Gradient | Method::InputXGradient);
        if single && (args.steps.is_some() || args.tolerance.is_some()) {
            return Err(format!(
                "expected --steps or --tolerance with integrated-gradients or smooth-grad, found {}",
                method.name()
            )
            .into());
        }
        let steps = match method {
            Method::SmoothGrad => Some(STEPS),
            Method::IntegratedGradients => None,
            _ => Some(1),
        };
        let steps = args.steps.or(steps.filter(|_| args.tolerance.is_none()));
        let tolerance = args.tolerance.unwrap_or(TOLERANCE);
        let effort = match steps {
            Some(steps) => Effort::Steps(steps),
            None => Effort::Tolerance { tolerance, limit: args.limit },
        };
        Ok(Self { method, effort })
    }

    /// Photos that each device explains together: enough to keep its workers busy, and few enough to
    /// lose only seconds when the program is ended.
    pub fn photos_at_once(self) -> usize {
        match self.effort {
            Effort::Steps(1) => 8,
            _ => 2,
        }
    }
}

/// A photo as the model is shown it, and what is needed of it afterwards.
#[derive(Clone)]
pub struct Shown {
    input: Tensor<4>,
    small: RgbImage,
    frame: Frame,
    boxes: Vec<Marked>,
    marked: MarkedArea,
}

/// The side of the small pictures.
const SMALL: u32 = 200;
/// What one photo takes with all activations of the network, as measured.
const BYTES_PER_PHOTO: u64 = 120 << 20;

type BoxedExplainer<N> = Box<dyn Explainer<N, Tensor<4>>>;

pub struct Auditor<'a, N> {
    subject: &'a Subject<N>,
    net: N,
    /// Where inputs lie; a pool copies them to its devices.
    home: Device,
    explainer: BoxedExplainer<N>,
    plan: Plan,
}

impl<'a, N: Model<Tensor<4>> + 'static> Auditor<'a, N> {
    /// The model on its devices, of which there is at least one.
    pub fn new(subject: &'a Subject<N>, mut devices: Vec<ComputeDevice>, plan: Plan) -> Self {
        let home = devices[0].device().clone();
        let net = (subject.net)(&home);
        let explainer: BoxedExplainer<N> = match devices.len() {
            1 => explainer(plan, schedule(&devices.remove(0))),
            _ => Box::new(DevicePool::new(devices, |device| explainer(plan, schedule(device)))),
        };
        Self { subject, net, home, explainer, plan }
    }

    /// Makes a photo ready; or says which box does not lie in it.
    pub fn show(
        &self,
        file: &str,
        photo: &RgbImage,
        boxes: &[Marked],
    ) -> std::result::Result<Shown, String> {
        let preparation = self.subject.preparation;
        let view = preparation.view(photo);
        let marked = boxes::place(boxes, file, photo.dimensions())?;
        Ok(Shown {
            input: preparation.tensor(photo, &self.home),
            small: small(view),
            frame: view.frame(),
            boxes: boxes.to_vec(),
            marked,
        })
    }

    /// Explains photos together: what is measured of each, and a small picture of where the model looked.
    ///
    /// A photo's values do not depend on the others: the model is given one at a time, and each has
    /// the same noise.
    pub fn explain(&self, photos: Vec<Shown>) -> Result<Vec<(Measured, RgbImage)>> {
        if photos.is_empty() {
            return Ok(Vec::new());
        }
        let inputs: Vec<_> = photos.iter().map(|photo| photo.input.clone()).collect();
        let rows = Rows::all(1).select(&vec![0; inputs.len()]);
        let input = Tensor::cat(inputs, 0);
        let map = self.explainer.attribute_rows(&self.net, input, Target::Predicted, &rows)?;
        let sampled = map.median_relative_error()?;
        let mut explained = Vec::new();
        for (row, photo) in photos.into_iter().enumerate() {
            let reduced = Map::of_row(&map.values, row, Reduce::default())?;
            let class = map.targets[row].expect("the predicted class is a class");
            let probabilities = softmax(self.net.forward(photo.input), 1);
            let probability = probabilities.slice([0..1, class..class + 1]).into_scalar::<f32>();
            let found = |area: &MarkedArea| area.coverage_of(&reduced, photo.frame);
            let seen = photo.frame.region;
            let inside = match photo.boxes.is_empty() {
                true => None,
                false => Some(found(&photo.marked)?),
            };
            let border = border(seen);
            let marked = photo.boxes.iter().map(Marked::region);
            let border_or_marked = MarkedArea::boxes("both", border.into_iter().chain(marked));
            let estimate = map.error_estimate.as_ref().or(sampled.as_ref());
            let measured = Measured {
                seen: [seen.x, seen.y, seen.width, seen.height],
                class,
                class_name: (self.subject.class_name)(class).to_owned(),
                probability: probability.into(),
                method: self.plan.method.name(),
                gradients: map.gradients[row],
                error_estimate: estimate.map(|errors| errors[row]),
                completeness_gap: map.completeness_gap.as_ref().map(|gaps| gaps[row]),
                converged: map.converged.as_ref().map(|converged| converged[row]),
                inside: inside.map(|found| Inside {
                    share: found.share,
                    area: found.area,
                    peak: found.peak,
                }),
                border: found(&MarkedArea::boxes("border", border))?.share,
                border_unmarked: found(&border_or_marked)?.share
                    - inside.map_or(0.0, |found| found.share),
                half_area: reduced.area_holding(0.5).map(|area| area.share),
                like_baseline: map.warnings.iter().any(|warning| {
                    warning.row() == row && !matches!(warning, Warning::DeviceLost { .. })
                }),
                boxes: photo.boxes,
            };
            explained.push((measured, beside(&photo.small, &reduced)?));
        }
        Ok(explained)
    }
}

fn schedule(device: &ComputeDevice) -> Schedule {
    let schedule = device.schedule().with_chunk(1);
    match device.memory_budget(BYTES_PER_PHOTO) {
        Some(budget) => schedule.with_memory(budget),
        None => schedule,
    }
}

fn explainer<N: Model<Tensor<4>>>(plan: Plan, schedule: Schedule) -> BoxedExplainer<N> {
    match plan.method {
        Method::Gradient => Box::new(Gradient::new().with_schedule(schedule)),
        Method::InputXGradient => Box::new(InputTimesGradient::new().with_schedule(schedule)),
        Method::IntegratedGradients => {
            let explainer = IntegratedGradients::new().with_schedule(schedule);
            Box::new(match plan.effort {
                Effort::Steps(steps) => explainer.with_steps(steps),
                Effort::Tolerance { tolerance, limit } => {
                    explainer.to_tolerance(tolerance).with_limit(limit)
                }
            })
        }
        Method::SmoothGrad => {
            let explainer = SmoothGrad::default().with_schedule(schedule);
            Box::new(match plan.effort {
                Effort::Steps(samples) => explainer.with_samples(samples),
                Effort::Tolerance { tolerance, limit } => {
                    explainer.to_tolerance(tolerance).with_limit(limit)
                }
            })
        }
    }
}

/// What the model is shown of the photo, as small as it is on the page.
fn small(View { photo, region }: View) -> RgbImage {
    let square = crop_imm(photo, region.x, region.y, region.width, region.height).to_image();
    thumbnail(&square, SMALL, SMALL)
}

/// A square of a photo, and beside it the same with a map over it.
fn beside(square: &RgbImage, map: &Map) -> Result<RgbImage> {
    let map = map.clip(99.0)?;
    let overlay = Picture::new(View::whole(square), &map)?.overlay();
    let mut both = RgbImage::new(2 * SMALL, SMALL);
    replace(&mut both, square, 0, 0);
    replace(&mut both, &overlay, SMALL.into(), 0);
    Ok(both)
}

/// What lies at the edges of what the model was shown.
fn border(seen: Region) -> [Region; 4] {
    let Region { x, y, width, height } = seen;
    let wide = |length: u32| ((f64::from(length) * BORDER).round() as u32).max(1);
    let (across, down) = (wide(width), wide(height));
    [
        Region { height: down, ..seen },
        Region { y: y + height - down, height: down, ..seen },
        Region { width: across, ..seen },
        Region { x: x + width - across, width: across, ..seen },
    ]
}
