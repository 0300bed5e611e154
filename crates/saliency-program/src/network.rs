//! The seam between the programs and a network that they explain.

use std::fmt;

use burn::tensor::{Device, Tensor};
use image::{Rgb, RgbImage};
use saliency::photo::{ClassNames, Preparation, Size};
use saliency::{After, Cut, Model, Schedule, Split};

use crate::grid::grid_of_input;

/// The side of photos without content, in pixels.
const SIDE: u32 = 64;

/// A network that classifies photos, and everything that the programs must know of it.
///
/// The built-in network is [`Lite0`](crate::lite0::Lite0). Another kind of network is one more
/// implementation: the programs have no other word about a network.
pub trait PhotoNetwork: Send + Sync + 'static {
    /// The network on a device.
    type Model: Model<Tensor<4>> + 'static;

    /// The part of the network behind the layer at which regions are explained.
    type Behind: Model<Tensor<4>> + 'static;

    /// Names the network in a few words, for pages.
    fn description(&self) -> &str;

    /// Returns a text that changes whenever the weights change, such as a digest of their file.
    fn weights(&self) -> &str;

    /// Puts the network on a device.
    fn model(&self, device: &Device) -> Self::Model;

    /// Returns how a photo becomes the network's input.
    fn preparation(&self) -> &Preparation;

    /// Returns the names of the classes.
    fn classes(&self) -> &ClassNames;

    /// Returns the bytes that one photo takes with all activations of the network, if they are
    /// known. Only as many photos as fit into the memory are computed at the same time.
    fn bytes_per_photo(&self) -> Option<u64>;

    /// Cuts the network at the layer where regions are explained, or returns `None` if it has no
    /// such layer. Then regions of the input are explained.
    fn cut(&self, model: &Self::Model) -> Option<Halves<Self::Behind>>;

    /// Returns the input of a photo of one grey: 0 is black, and 255 is white.
    fn plain(&self, byte: u8, device: &Device) -> Tensor<4> {
        self.preparation().tensor(&RgbImage::from_pixel(SIDE, SIDE, Rgb([byte; 3])), device)
    }

    /// Returns the smallest and the largest value of inputs.
    fn value_range(&self, device: &Device) -> [f64; 2] {
        let both = [0, 255].map(|byte| self.plain(byte, device));
        let both = Tensor::cat(both.to_vec(), 0);
        [both.clone().min(), both.max()].map(|it| f64::from(it.into_scalar::<f32>()))
    }

    /// Returns how many regions a photo has, down and across. By default, asks the network about a
    /// photo without content.
    ///
    /// # Errors
    /// Those of the part before the cut.
    fn region_grid(&self) -> saliency::Result<Size> {
        let device = Device::flex();
        let input = self.plain(127, &device);
        let [.., height, width] = match self.cut(&self.model(&device)) {
            Some(halves) => halves.before(input, &Schedule::new())?.dims(),
            None => return Ok(grid_of_input(&input)),
        };
        Ok(Size { width: width as u32, height: height as u32 })
    }
}

/// Computes the activation at a cut from the network's input.
type Before = dyn Fn(Tensor<4>, &Schedule) -> saliency::Result<Tensor<4>> + Send + Sync;

/// A network, cut in two at a layer whose activation has a height and a width.
pub struct Halves<B> {
    before: Box<Before>,
    behind: B,
}

impl<B> Halves<B> {
    /// Takes the two halves: `before` computes the activation `[rows, channels, height, width]` from
    /// the input, and `behind` computes the scores from the activation.
    pub fn new(
        before: impl Fn(Tensor<4>, &Schedule) -> saliency::Result<Tensor<4>> + Send + Sync + 'static,
        behind: B,
    ) -> Self {
        Self { before: Box::new(before), behind }
    }

    /// Computes the activation of an input.
    ///
    /// # Errors
    /// Those of the first half.
    pub fn before(&self, input: Tensor<4>, schedule: &Schedule) -> saliency::Result<Tensor<4>> {
        (self.before)(input, schedule)
    }

    /// Returns the second half, a model of the activation.
    pub fn behind(&self) -> &B {
        &self.behind
    }
}

impl<M, P> Halves<After<M, Tensor<4>, P>>
where
    M: Cut<Tensor<4>, P, Activation = Tensor<4>> + 'static,
    P: 'static,
{
    /// Takes the halves of a network that is cut in the core.
    pub fn of(split: Split<M, Tensor<4>, P>) -> Self {
        let behind = split.after().clone();
        Self::new(move |input, schedule| split.activation(input, schedule), behind)
    }
}

impl<B: fmt::Debug> fmt::Debug for Halves<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halves").field("behind", &self.behind).finish_non_exhaustive()
    }
}
