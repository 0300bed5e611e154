//! A photo as the model is shown it.

use burn::tensor::Tensor;
use image::RgbImage;
use saliency_photo::{Frame, Map, MarkedArea};

use crate::boxes::{MarkedBox, Placing};
use crate::error::Result;
use crate::row::Inside;

/// The input of a photo, and the facts about the photo that are needed afterwards.
#[derive(Clone)]
pub(crate) struct Shown {
    pub input: Tensor<4>,
    /// The part of the photo that the model is shown, in the small size of the page.
    pub small: RgbImage,
    pub frame: Frame,
    pub boxes: Vec<MarkedBox>,
    pub placing: Option<Placing>,
    pub marked: MarkedArea,
    pub plain: bool,
}

impl Shown {
    /// Measures how much of the map is in the boxes.
    pub fn inside(&self, map: &Map, error: Option<f64>) -> Result<Inside> {
        let found = self.marked.coverage_of(map, self.frame)?;
        Ok(Inside { share: found.share, error, area: found.area, peak: found.peak })
    }
}
