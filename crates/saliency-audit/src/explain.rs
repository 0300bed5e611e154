//! From photos to maps, and from maps to measurements.

use std::cell::OnceCell;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use image::{GenericImageView as _, RgbImage};
use saliency_backends::{ComputeDevice, DevicePool};
use saliency_core::{Attribution, Model, Rows, Schedule, Target, Warning};
use saliency_photo::{Map, Region, Size, View};

use crate::border::Border;
use crate::boxes::{self, Drawing, Placed};
use crate::cover::Coverer;
use crate::error::Result;
use crate::grid::Grid;
use crate::recipe::{PhotoExplainer, Recipe};
use crate::row::Measured;
use crate::shares::{MapForm, ShareErrors};
use crate::shown::Shown;
use crate::subject::Subject;
use crate::thumbnail;

/// A photo to be shown to the model.
pub(crate) struct Photo<'a> {
    pub pixels: &'a RgbImage,
    pub boxes: Option<&'a Drawing>,
}

/// The measurements of a photo, and a small picture of where the model looked.
pub(crate) struct Explained {
    pub measured: Measured,
    pub thumbnail: RgbImage,
}

/// The model on its devices, ready to explain photos.
pub(crate) struct Auditor<'a, M> {
    subject: &'a Subject<M>,
    recipe: &'a Recipe<M>,
    model: M,
    /// The device of the inputs. A pool copies them to its own devices.
    home: Device,
    /// The schedule of that device.
    schedule: Schedule,
    explainer: PhotoExplainer<M>,
    /// The shape of the first input. All other inputs must have the same shape.
    shape: OnceCell<[usize; 4]>,
}

impl<'a, M: Model<Tensor<4>> + 'static> Auditor<'a, M> {
    /// Puts the model on its devices. There must be at least one device.
    pub fn new(
        subject: &'a Subject<M>,
        recipe: &'a Recipe<M>,
        mut devices: Vec<ComputeDevice>,
    ) -> Self {
        let home = devices[0].device().clone();
        let model = (subject.model)(&home);
        let home_schedule = schedule(&devices[0], subject.bytes_per_photo);
        let explainer = |device: &ComputeDevice| {
            recipe.explainer(schedule(device, subject.bytes_per_photo).with_chunk(1))
        };
        let explainer = if devices.len() == 1 {
            explainer(&devices.remove(0))
        } else {
            Box::new(DevicePool::new(devices, explainer))
        };
        let (schedule, shape) = (home_schedule, OnceCell::new());
        Self { subject, recipe, model, home, schedule, explainer, shape }
    }

    /// Returns the model, ready to be asked about covered photos. They are shown to the first device
    /// only.
    pub fn coverer(&self) -> Coverer<'_, M> {
        let (input, device, schedule) = (&*self.subject.input, &self.home, &self.schedule);
        Coverer { model: &self.model, input, device, schedule }
    }

    /// Prepares a photo, or returns the reason why it cannot be shown to the model.
    pub fn show(&self, photo: &Photo) -> Result<Shown, String> {
        let seen = self.subject.input.region(photo.pixels);
        let placed = photo.boxes.map(|it| it.placed(Size::of(photo.pixels)));
        let placing = placed.as_ref().map(|it| it.placing.clone());
        let Placed { boxes, .. } = placed.unwrap_or_default();
        let input = self.subject.input.tensor(photo.pixels, &self.home);
        // Inputs that are explained together must fit together.
        let expected = *self.shape.get_or_init(|| input.dims());
        if input.dims() != expected || expected[0] != 1 {
            return Err(format!(
                "expected an input of shape {:?}, found {:?}",
                [1, expected[1], expected[2], expected[3]],
                input.dims()
            ));
        }
        Ok(Shown {
            input,
            small: thumbnail::of_region(photo.pixels, seen),
            frame: View::new(photo.pixels, seen).frame(),
            marked: boxes::area(&boxes),
            boxes,
            placing,
            plain: is_plain(photo.pixels, seen),
        })
    }

    /// Explains photos together. Every photo gets a chunk of its own.
    ///
    /// The values of a photo do not depend on the other photos: the model is given one photo at a
    /// time, and the noise is the same for each photo.
    pub fn explain(&self, photos: Vec<Shown>) -> Result<Vec<Explained>> {
        if photos.is_empty() {
            return Ok(Vec::new());
        }
        let inputs: Vec<_> = photos.iter().map(|photo| photo.input.clone()).collect();
        let rows = self.rows(&photos)?;
        let input = Tensor::cat(inputs, 0);
        let answer = self.explainer.attribute_rows(&self.model, input, Target::Predicted, &rows)?;
        let explain_row = |(row, photo): (usize, Shown)| -> Result<Explained> {
            let reduction = self.recipe.reduction;
            let input = &self.subject.input;
            let map = input.map(photo.frame.photo, &answer.values, row, reduction)?;
            let thumbnail = thumbnail::beside_map(&photo.small, &map)?;
            let answer = RowAnswer { answer: &answer, row };
            Ok(Explained { measured: self.measured(photo, &map, &answer)?, thumbnail })
        };
        photos.into_iter().enumerate().map(explain_row).collect()
    }

    /// Asks for the shares of each photo's map that the audit states.
    fn rows(&self, photos: &[Shown]) -> Result<Rows> {
        let rows = Rows::all(1).select(&vec![0; photos.len()]);
        let [_, channels, height, width] = photos[0].input.dims();
        let form = match self.recipe.map_size {
            Some(size) => MapForm { size, channels: 1, reduction: self.recipe.reduction },
            None => {
                let size = Size { width: width as u32, height: height as u32 };
                MapForm { size, channels, reduction: self.recipe.reduction }
            }
        };
        let shares = photos.iter().map(|photo| form.shares(photo)).collect::<Result<Vec<_>>>()?;
        let some = shares.iter().any(|shares| !shares.is_empty());
        Ok(if some { rows.with_shares(shares) } else { rows })
    }

    /// Measures a photo, given its map and its row of the explainer's answer.
    fn measured(&self, photo: Shown, map: &Map, of: &RowAnswer) -> Result<Measured> {
        let RowAnswer { answer, row } = *of;
        let class = answer.targets[row].expect("the predicted class is a class");
        // An explainer that does not know the outputs leaves a forward pass to do.
        let probability = answer.probability(row).unwrap_or_else(|| {
            let probabilities = softmax(self.model.forward(photo.input.clone()), 1);
            f64::from(probabilities.slice([0..1, class..class + 1]).into_scalar::<f32>())
        });

        // Measure how much of the map is in the boxes, at the border, and in either of them.
        let errors = answer.shares.as_ref().map(|shares| ShareErrors::of(&shares[row]));
        let errors = errors.unwrap_or_default();
        let inside =
            if photo.boxes.is_empty() { None } else { Some(photo.inside(map, errors.inside)?) };
        let border = Border::of(map, photo.frame, &photo.boxes)?;

        let is_like_baseline = |warning: &Warning| {
            let about_baseline = matches!(
                warning,
                Warning::BaselineIsInput { .. } | Warning::BaselineScoresLikeInput { .. }
            );
            warning.row() == row && about_baseline
        };
        let Region { x, y, width, height } = photo.frame.region;
        Ok(Measured {
            seen: [x, y, width, height],
            class,
            class_name: self.subject.classes.name(class),
            probability,
            method: self.recipe.name.clone(),
            gradients: answer.evaluations[row],
            error_estimate: answer.error_estimate.as_ref().map(|errors| errors[row]),
            completeness_gap: answer.completeness_gap.as_ref().map(|gaps| gaps[row]),
            converged: answer.converged.as_ref().map(|converged| converged[row]),
            inside,
            border: border.share,
            border_error: errors.border,
            border_unmarked: border.unmarked,
            half_area: map.area_holding(0.5).map(|area| area.share),
            like_baseline: answer.warnings.iter().any(is_like_baseline),
            grid: Grid::of(map)?,
            tested: None,
            boxes: photo.boxes,
            placing: photo.placing,
            plain: photo.plain,
        })
    }
}

/// One row of an explainer's answer.
#[derive(Clone, Copy)]
struct RowAnswer<'a> {
    answer: &'a Attribution<Tensor<4>>,
    row: usize,
}

/// Returns the schedule of a device.
fn schedule(device: &ComputeDevice, bytes_per_photo: Option<u64>) -> Schedule {
    let schedule = device.schedule();
    match bytes_per_photo.and_then(|bytes| device.memory_budget(bytes)) {
        Some(budget) => schedule.with_memory(budget),
        None => schedule,
    }
}

/// Returns whether a part of a photo has one colour.
fn is_plain(photo: &RgbImage, part: Region) -> bool {
    let Region { x, y, width, height } = part;
    let pixels = *image::imageops::crop_imm(photo, x, y, width, height);
    let mut colours = pixels.pixels().map(|(.., colour)| colour);
    let first = colours.next();
    colours.all(|colour| Some(colour) == first)
}
