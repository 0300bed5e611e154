//! The network that the programs explain if no other is given.

use burn::tensor::{Device, Tensor};
use saliency::photo::{ClassNames, Preparation, Size};
use saliency::{After, Split};
use saliency_models::{AfterBlock, EfficientNetLite0, imagenet};

use crate::network::{Halves, PhotoNetwork};

/// The layer behind which regions are explained: `[rows, 112, 14, 14]`.
pub type Layer = AfterBlock<10>;

/// EfficientNet-Lite0, trained on ImageNet, with the weights that ship.
#[derive(Clone, Debug)]
pub struct Lite0 {
    preparation: Preparation,
    classes: ClassNames,
}

impl Lite0 {
    /// The measured memory of one photo with all activations of the network.
    pub const BYTES_PER_PHOTO: u64 = 120 << 20;

    /// The number of regions of a photo, down and across.
    pub const REGIONS: Size = Size { width: 14, height: 14 };

    /// Returns the network with its preparation and its classes.
    pub fn new() -> Self {
        let names = (0..).map_while(imagenet::name);
        Self { preparation: Preparation::imagenet(), classes: ClassNames::new(names) }
    }

    /// Cuts the network at [`Layer`].
    pub fn halves(model: &EfficientNetLite0) -> Halves<After<EfficientNetLite0, Tensor<4>, Layer>> {
        Halves::of(Split::at(model, AfterBlock::<10>))
    }
}

impl Default for Lite0 {
    fn default() -> Self {
        Self::new()
    }
}

impl PhotoNetwork for Lite0 {
    type Model = EfficientNetLite0;
    type Behind = After<EfficientNetLite0, Tensor<4>, Layer>;

    fn description(&self) -> &str {
        "EfficientNet-Lite0, a classifier for 1,000 kinds of things"
    }

    fn weights(&self) -> &str {
        "embedded"
    }

    fn model(&self, device: &Device) -> EfficientNetLite0 {
        EfficientNetLite0::embedded(device)
    }

    fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    fn classes(&self) -> &ClassNames {
        &self.classes
    }

    fn bytes_per_photo(&self) -> Option<u64> {
        Some(Self::BYTES_PER_PHOTO)
    }

    fn cut(&self, model: &EfficientNetLite0) -> Option<Halves<Self::Behind>> {
        Some(Self::halves(model))
    }

    fn region_grid(&self) -> saliency::Result<Size> {
        Ok(Self::REGIONS)
    }
}
