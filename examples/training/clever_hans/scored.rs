//! Measures how much of a method's maps is in the mark and in the product.

use burn::tensor::{Device, Tensor};
use saliency::photo::{Map, MarkedArea, Reduce, View};
use saliency::{Explainer, Target};
use saliency_examples_training::shop::{MUG, Product, WATERMARK};
use saliency_examples_training::shop_network::{Net, tensor};
use saliency_program::Result;

/// The mean shares of a part of the pictures.
#[derive(Clone, Copy, Default)]
pub struct Part {
    /// The share of the attribution in this part.
    pub share: f64,
    /// The share of the picture that this part covers.
    pub area: f64,
}

impl Part {
    /// Returns the share of the attribution in words, and this share divided by the share of the
    /// picture.
    pub fn times(self) -> String {
        format!("{:.1} % ({:.1} times)", 100.0 * self.share, self.share / self.area)
    }
}

/// The shares of a method's maps that are in the mark and in the product.
#[derive(Clone, Copy, Default)]
pub struct Scored {
    pub mark: Part,
    pub product: Part,
    /// The share of photos whose strongest point is in the mark.
    pub mark_hits: f64,
    /// The share of photos whose strongest point is on the product.
    pub hits: f64,
}

impl Scored {
    /// Explains photos of mugs, and measures the maps.
    pub fn of(
        net: &Net,
        explainer: &dyn Explainer<Net, Tensor<4>>,
        mugs: &[Product],
    ) -> Result<Self> {
        let input = tensor(mugs.iter().map(|it| it.photo.clone()).collect(), &Device::flex());
        let maps = explainer.attribute_to(net, input, Target::Class(MUG))?;
        Self::of_maps(&maps.values, Reduce::AbsoluteSum, mugs)
    }

    /// Measures maps of photos of mugs.
    pub fn of_maps(maps: &Tensor<4>, reduction: Reduce, mugs: &[Product]) -> Result<Self> {
        let mut mean = Self::default();
        let each = 1.0 / mugs.len() as f64;
        for (row, mug) in mugs.iter().enumerate() {
            let map = Map::of_row(maps, row, reduction)?;
            let view = View::whole(&mug.photo);
            let mark = MarkedArea::boxes("the mark", [WATERMARK]).coverage_of(&map, view)?;
            let product = MarkedArea::mask("the product", mug.object.clone());
            let product = product.coverage_of(&map, view)?;
            mean.mark.share += each * mark.share;
            mean.mark.area += each * mark.area;
            mean.product.share += each * product.share;
            mean.product.area += each * product.area;
            mean.mark_hits += if mark.peak { each } else { 0.0 };
            mean.hits += if product.peak { each } else { 0.0 };
        }
        Ok(mean)
    }
}
