//! Photos, and what they are covered with.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use saliency::kit::{Key, Stream};
use saliency::photo::{Preparation, blurred, read_photo};

use crate::random::hash;

/// The side of what the network is shown, in pixels.
pub const SIDE: usize = 224;
/// The blur of the fill, in pixels: as wide as a box of 31 pixels.
const BLUR: f64 = 9.0;

/// A photo, prepared, with what it is covered with.
pub struct Photo {
    pub name: String,
    pub input: Tensor<4>,
    pub fills: Fills,
}

pub struct Fills {
    pub blur: Tensor<4>,
    pub grey: Tensor<4>,
    pub mean: Tensor<4>,
    pub noise: Tensor<4>,
    pub shifted: Tensor<4>,
}

impl Photo {
    pub fn read(path: &Path, device: &Device) -> Self {
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        let photo = read_photo(path).unwrap_or_else(|error| panic!("{error}"));
        let input = Preparation::imagenet().tensor(&photo, device);
        let mean = input.clone().mean_dim(3).mean_dim(2);
        let centred = input.clone() - mean.clone();
        let deviation = centred.powi_scalar(2).mean_dim(3).mean_dim(2).sqrt();
        let noise = normal(input.dims(), hash(&name), device) * deviation + mean.clone();
        let half = SIDE / 2;
        let halves = |x: &Tensor<4>, dim| {
            let [first, second] = [0, half].map(|from| x.clone().narrow(dim, from, half));
            Tensor::cat(vec![second, first], dim)
        };
        let fills = Fills {
            blur: blurred(&input, BLUR).expect("a blurred photo"),
            grey: input.zeros_like(),
            mean: input.zeros_like() + mean,
            noise,
            shifted: halves(&halves(&input, 2), 3),
        };
        Self { name, input, fills }
    }

    pub fn is_kept_back(&self) -> bool {
        hash(&self.name) >> 40 & 1 == 1
    }
}

/// Normal numbers that depend on the seed alone.
fn normal(shape: [usize; 4], seed: u64, device: &Device) -> Tensor<4> {
    let key = Key { seed, row: 0, sample: 0 };
    let values = key.normal(Stream::Own(1), shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device)
}
