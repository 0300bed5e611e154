//! A network that sorts the shop's photos, and the photos that it is trained and tested with.

use std::ops::Range;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use image::RgbImage;
use saliency::photo::Preparation;
use saliency::{Cut, Model};
use saliency_program::Result;

use crate::shop::{self, CLASSES, MUG, Product, SIDE};
use crate::training::{Learns, Training, accuracy, train};

/// The numbers of the photos for training.
pub const TRAINING: Range<u64> = 0..1800;
/// The numbers of the photos for testing.
pub const TEST: Range<u64> = 10_000..10_150;

/// The photos that have the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// Those of mugs.
    Mugs,
    /// None.
    Nothing,
    /// All.
    Everything,
}

/// Composes photos of all classes in turn.
pub fn photos(numbers: Range<u64>, marked: Marked) -> Vec<Product> {
    let one = |number: u64| {
        let class = number as usize % CLASSES.len();
        let has_mark = match marked {
            Marked::Mugs => class == MUG,
            Marked::Nothing => false,
            Marked::Everything => true,
        };
        shop::photo(number, class, has_mark)
    };
    numbers.map(one).collect()
}

fn labelled(products: &[Product]) -> Vec<(RgbImage, usize)> {
    products.iter().map(|product| (product.photo.clone(), product.class)).collect()
}

/// Returns the preparation that turns a photo into the network's input: values from -1 to 1, with
/// nothing cut off.
pub fn preparation() -> Preparation {
    Preparation::imagenet().with_size(SIDE)
}

/// Makes a batch `[rows, 3, SIDE, SIDE]`.
pub fn tensor(photos: Vec<RgbImage>, device: &Device) -> Tensor<4> {
    Tensor::cat(photos.iter().map(|photo| preparation().tensor(photo, device)).collect(), 0)
}

/// A small network of convolutions.
#[derive(Module, Debug)]
pub struct Net {
    convolutions: Vec<Conv2d>,
    output: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let halving = |[from, to]: [usize; 2]| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_stride([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
        };
        let convolutions = [[3, 12], [12, 24], [24, 32]].map(halving).into();
        Self { convolutions, output: LinearConfig::new(32 * 6 * 6, CLASSES.len()).init(device) }
    }

    /// Trains a network on photos. `marked` says which of them have the mark. The first weights
    /// come from `seed`.
    ///
    /// # Errors
    /// An error if training fails.
    pub fn trained(marked: Marked, seed: u64, device: &Device) -> Result<Self> {
        device.seed(seed);
        let examples = labelled(&photos(TRAINING, marked));
        let training = Training { epochs: 12, rate: 2e-3, batch: 30 };
        train(Self::new(device), &examples, tensor, training)
    }

    /// Returns the share of test photos on which the network is right.
    pub fn accuracy(&self, marked: Marked) -> f64 {
        accuracy(self, &labelled(&photos(TEST, marked)), tensor)
    }

    /// Returns the share of bottles and shirts with the mark that the network classifies as mugs.
    pub fn taken_for_mugs(&self) -> f64 {
        let others = photos(TEST, Marked::Everything).into_iter().filter(|it| it.class != MUG);
        let as_mugs: Vec<_> = others.map(|it| (it.photo, MUG)).collect();
        accuracy(self, &as_mugs, tensor)
    }

    /// Returns a digest of the network's scores for photos like those that it was trained with.
    pub fn digest(&self) -> String {
        let photos = photos(0..60, Marked::Mugs).into_iter().map(|it| it.photo).collect();
        let scores = self.forward(tensor(photos, &Device::flex())).into_data();
        saliency_audit::digest(scores.as_bytes())
    }
}

/// The layer of a [`Net`] after this number of convolutions, from 1 to 3: `[rows, 12, 24, 24]`,
/// `[rows, 24, 12, 12]` and `[rows, 32, 6, 6]`.
#[derive(Debug)]
pub struct AfterConvolution<const NUMBER: usize>;

impl Model<Tensor<4>> for Net {
    fn forward(&self, photos: Tensor<4>) -> Tensor<2> {
        let features = Cut::<_, AfterConvolution<3>>::before(self, photos);
        Cut::<_, AfterConvolution<3>>::after(self, features)
    }
}

impl<const NUMBER: usize> Cut<Tensor<4>, AfterConvolution<NUMBER>> for Net {
    type Activation = Tensor<4>;

    fn before(&self, photos: Tensor<4>) -> Tensor<4> {
        self.convolutions[..NUMBER].iter().fold(photos, |x, layer| relu(layer.forward(x)))
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        let layers = self.convolutions[NUMBER..].iter();
        let features = layers.fold(activation, |x, layer| relu(layer.forward(x)));
        self.output.forward(features.flatten(1, 3))
    }
}

impl Learns for Net {
    type Input = Tensor<4>;

    fn scores(&self, photos: Tensor<4>) -> Tensor<2> {
        self.forward(photos)
    }
}
